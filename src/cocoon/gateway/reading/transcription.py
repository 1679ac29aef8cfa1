"""``/v1/audio/transcriptions`` and ``/v1/audio/translations``: forms with a file of sound."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw

from cocoon.gateway.answers.shape import PassedOn
from cocoon.gateway.reading import fields
from cocoon.gateway.reading.draft import STAY_HERE, Draft, check_model, keep_here
from cocoon.gateway.reading.fields import INT32_MAX, Check, Members
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.reading.json_text import check_depth, check_number
from cocoon.gateway.reading.multipart import Part, parse_form, write_form
from cocoon.gateway.reading.native import NATIVE_FIELDS, take_native
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings
from cocoon.wire import features

FILE: Final = "file"
BYTES_PER_TOKEN: Final = 256
"""Sound has fewer than one token of text in so many bytes, even at the lowest bit rates."""
MAX_PROMPT: Final = 2**14

_scalar = re.compile(rb"true|false|-?\d{1,20}(?:\.\d{1,20})?")
_encoder = msgspec.json.Encoder()
_raw = msgspec.json.Decoder(Raw)

_FIELDS: Final[Mapping[str, Check]] = {
    "prompt": fields.string(MAX_PROMPT),
    "response_format": fields.one_of("json", "text", "srt", "verbose_json", "vtt", "diarized_json"),
    "temperature": fields.number(0, 1),
    "language": fields.string(16),
    "stream": fields.boolean,
    "seed": fields.integer(),
    "include[]": fields.one_of("logprobs"),
    "timestamp_granularities[]": fields.one_of("word", "segment"),
}
_TEXTS: Final = frozenset({"prompt", "language", "user"})
"""Fields whose text is never a number or a boolean, whatever it looks like."""


def read_transcription(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a request to write down speech.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    return _read(incoming, settings, "/v1/audio/transcriptions", features.TRANSCRIPTIONS)


def read_translation(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a request to write down speech in English.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    return _read(incoming, settings, "/v1/audio/translations", features.TRANSLATIONS)


def _read(incoming: Incoming, settings: GatewaySettings, path: str, feature: str) -> InferenceCall:
    parts = parse_form(incoming.body, incoming.content_type)
    texts = [part for part in parts if part.name != FILE]
    own: Members = {}
    stream = False
    for part in texts:
        raw = _value(part, settings.max_depth)
        if part.name in _OWN:
            own[part.name] = raw
        elif part.name in _FIELDS:
            _FIELDS[part.name](raw, part.name)
            stream = stream or (part.name == "stream" and bytes(raw) == b"true")
    model = _model(texts)
    file = _file(parts)
    native = take_native(own, incoming.headers, settings)
    keep_here(own)
    body, content_type = write_form([part for part in parts if part.name not in _OWN])
    return Draft({}, model, native).call(
        path,
        PassedOn(show_usage=True, debug=native.debug),
        requires=(feature,),
        max_tokens=min(settings.default_max_tokens + len(file.data) // BYTES_PER_TOKEN, INT32_MAX),
        stream=stream,
        body=body,
        headers=(("Content-Type", content_type),),
    )


_OWN: Final = NATIVE_FIELDS | STAY_HERE.keys()


def _value(part: Part, max_depth: int) -> Raw:
    """A field's text as JSON: what looks like a number, a boolean or an object is one."""
    if part.filename is not None:
        raise fields.invalid_value(part.name, "expected text, not a file.")
    if part.name not in _TEXTS:
        if _scalar.fullmatch(part.data):
            value = Raw(part.data)
            if part.data[:1] not in b"tf":
                check_number(value)
            return value
        if part.data[:1] == b"{":
            return _object(part, max_depth)
    try:
        return Raw(_encoder.encode(part.data.decode()))
    except UnicodeDecodeError:
        raise fields.invalid_value(part.name, "expected UTF-8.") from None


def _object(part: Part, max_depth: int) -> Raw:
    try:
        part.data.decode()
        value = _raw.decode(part.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise fields.invalid_value(part.name, "expected JSON.") from None
    check_depth(part.data, max_depth)
    return value


def _model(texts: list[Part]) -> str:
    for part in texts:
        if part.name == "model":
            try:
                name = part.data.decode()
            except UnicodeDecodeError:
                raise fields.invalid_value("model", "expected UTF-8.") from None
            check_model(name)
            return name
    raise fields.missing("model")


def _file(parts: list[Part]) -> Part:
    for part in parts:
        if part.name == FILE:
            if part.filename is None:
                raise fields.invalid_value(FILE, "expected a file.")
            if not part.data:
                raise Refusal("Invalid 'file': it is empty.", param=FILE, code="invalid_value")
            return part
    raise fields.missing(FILE)
