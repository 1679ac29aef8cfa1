"""``/v1/embeddings``: vectors as numbers or as base64, whichever the engine answers with."""

import array
import base64
import binascii
import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from cocoon.client.api import RequestSummary
from cocoon.errors import UpstreamError
from cocoon.gateway.answers.shape import ERROR, PassedOn
from cocoon.gateway.reading import fields
from cocoon.gateway.reading.draft import open_draft
from cocoon.gateway.reading.fields import Check, first_byte
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.settings import GatewaySettings
from cocoon.wire import features

MAX_INPUTS: Final = 2048
"""Texts in one request, as OpenAI's."""
MAX_DIMENSIONS: Final = 2**16

_FIELDS: Final[Mapping[str, Check]] = {
    "dimensions": fields.integer(1, MAX_DIMENSIONS),
    "encoding_format": fields.one_of("float", "base64"),
}
_DIGITS = b"-0123456789"


class _Item(msgspec.Struct, omit_defaults=True):
    embedding: Raw
    index: int = 0
    object: str = "embedding"


class _Answer(msgspec.Struct):
    data: list[_Item]
    object: str = "list"
    model: Any = None
    usage: Any = None


_answer = msgspec.json.Decoder(_Answer)
_numbers = msgspec.json.Decoder(list[float])
_text = msgspec.json.Decoder(str)
_encoder = msgspec.json.Encoder()


def read_embeddings(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a request for embeddings.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    draft = open_draft(incoming, settings, _FIELDS, ("input",))
    check_input(draft.members["input"])
    form = draft.members.get("encoding_format")
    shape = EmbeddingsShape(
        as_base64=form is not None and bytes(form) == b'"base64"', debug=draft.native.debug
    )
    return draft.call("/v1/embeddings", shape, requires=(features.EMBEDDINGS,))


def check_input(raw: Raw, name: str = "input") -> None:
    """A text, an array of texts, an array of token numbers, or an array of such arrays.

    Raises:
        Refusal: it is something else, empty, or too long.
    """
    first = first_byte(raw)
    if first == 0x22:
        if len(memoryview(raw)) == 2:
            raise fields.invalid_value(name, "expected a string that is not empty.")
        return
    if first != 0x5B:
        raise fields.invalid_type(raw, name, "a string or an array")
    start = bytes(memoryview(raw)[1:64]).lstrip()[:1]
    if start and start in _DIGITS:
        return  # one text as token numbers; the worker knows their range
    for index, item in enumerate(fields.take_list(raw, name, MAX_INPUTS, least=1)):
        at = f"{name}[{index}]"
        if first_byte(item) not in b'"[':
            raise fields.invalid_type(item, at, "a string or an array of token numbers")
        if len(memoryview(item)) == 2:
            raise fields.invalid_value(at, "expected a text that is not empty.")


class EmbeddingsShape(PassedOn):
    """Vectors in the form that the caller asked for.

    OpenAI's package asks for base64 (little-endian float32) unless told otherwise, and not every
    engine has that; some have nothing else.

    Args:
        as_base64: the caller asked for base64.
        debug: the caller asked for the hops' debug records.
    """

    __slots__ = ("_as_base64",)

    def __init__(self, *, as_base64: bool, debug: bool = False) -> None:
        super().__init__(show_usage=True, debug=debug)
        self._as_base64 = as_base64

    def whole(self, status: int, body: bytes, summary: RequestSummary | None) -> bytes:
        """The answer with its vectors in the right form; see :class:`AnswerShape`."""
        if status < ERROR:
            body = self._converted(body)
        return super().whole(status, body, summary)

    def _converted(self, body: bytes) -> bytes:
        try:
            answer = _answer.decode(body)
            wrong = [item for item in answer.data if self._is_other(item.embedding)]
            if not wrong:
                return body
            for item in wrong:
                item.embedding = self._turned(item.embedding)
        except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
            raise UpstreamError("the engine's answer has no embeddings") from None
        return _encoder.encode(answer)

    def _is_other(self, raw: Raw) -> bool:
        return (first_byte(raw) == 0x22) != self._as_base64

    def _turned(self, raw: Raw) -> Raw:
        if self._as_base64:
            return Raw(b'"%b"' % pack_vector(_numbers.decode(raw)))
        return Raw(_encoder.encode(unpack_vector(_text.decode(raw))))


def pack_vector(numbers: list[float]) -> bytes:
    """Base64 of little-endian float32 values.

    Raises:
        OverflowError: a number does not fit.
    """
    values = array.array("f", numbers)
    if sys.byteorder == "big":
        values.byteswap()
    return base64.b64encode(values.tobytes())


def unpack_vector(text: str) -> list[float]:
    """The reverse of :func:`pack_vector`.

    Raises:
        ValueError: it is not base64 of whole values.
    """
    values = array.array("f")
    try:
        values.frombytes(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if sys.byteorder == "big":
        values.byteswap()
    return values.tolist()
