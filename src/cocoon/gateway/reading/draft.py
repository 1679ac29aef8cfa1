"""What all readers of JSON bodies do first and last."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import Raw

from cocoon.client.api import ClientRequest
from cocoon.gateway.answers.shape import AnswerShape
from cocoon.gateway.reading import fields
from cocoon.gateway.reading.fields import INT32_MAX, Check, Members
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.reading.json_text import (
    check_number,
    decode_object,
    decode_string,
    encode_object,
)
from cocoon.gateway.reading.native import Native, take_native
from cocoon.gateway.reading.output_fields import check_metadata, check_store
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

MAX_MODEL_NAME: Final = 256

_N, _MINUS, _ZERO, _NINE = b"n-09"
_HEADERS: Final = (("Content-Type", "application/json"),)

STAY_HERE: Final[Mapping[str, Check]] = {
    "metadata": check_metadata,
    "safety_identifier": fields.string(64),
    "prompt_cache_key": fields.string(1024),
    "prompt_cache_retention": fields.string(64),
    "service_tier": fields.one_of("auto", "default", "flex", "scale", "priority"),
    "store": check_store,
}
"""Fields that mean something to a provider with accounts: checked, and never sent on."""


@dataclass(slots=True)
class Draft:
    """A body that is being read.

    Attributes:
        members: what will be sent.
        model: as the caller named it.
        native: what it demands of Cocoon.
    """

    members: Members
    model: str
    native: Native

    def call(
        self,
        path: str,
        shape: AnswerShape,
        *,
        requires: tuple[str, ...],
        max_tokens: int = 0,
        stream: bool = False,
        body: bytes | None = None,
        headers: tuple[tuple[str, str], ...] = _HEADERS,
    ) -> InferenceCall:
        """The finished call.

        Args:
            path: at the engine.
            shape: of the answer.
            requires: features that the worker needs.
            max_tokens: tokens beside the body's own that it may cost at most.
            stream: whether events are wanted.
            body: what to send instead of the members as JSON.
            headers: for the engine.

        Raises:
            Refusal: ``max_tokens`` does not fit.
        """
        if max_tokens > INT32_MAX:
            raise Refusal("the request asks for too many tokens in all", param="n")
        native = self.native
        request = ClientRequest(
            model=self.model,
            path=path,
            body=encode_object(self.members) if body is None else body,
            max_tokens=max_tokens,
            max_coefficient=native.max_coefficient,
            timeout=native.timeout,
            debug=native.debug,
            headers=headers,
            pins=native.pins,
            requires=requires,
        )
        return InferenceCall(request, stream, shape, native.user, native.max_cost)


def open_draft(
    incoming: Incoming,
    settings: GatewaySettings,
    checks: Mapping[str, Check],
    required: tuple[str, ...] = (),
) -> Draft:
    """Read a body: strict JSON, Cocoon's fields taken out, the fields of ``checks`` checked.

    Args:
        incoming: the call.
        settings: limits.
        checks: of the endpoint's fields; others are passed on as they are.
        required: fields that must be there besides ``model``.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    members = decode_object(incoming.body, settings.max_depth)
    drop_nulls(members)
    model = take_model(members)
    fields.require(members, required)
    native = take_native(members, incoming.headers, settings)
    fields.run_checks(members, checks)
    keep_here(members)
    return Draft(members, model, native)


def drop_nulls(members: Members) -> None:
    """Leave out null members: for OpenAI they mean "not given", official workers refuse them."""
    nulls = []
    for name, value in members.items():
        first = memoryview(value)[0]
        if first == _N:  # only null begins so
            nulls.append(name)
        elif first == _MINUS or _ZERO <= first <= _NINE:
            check_number(value)
    for name in nulls:
        del members[name]


def keep_here(members: Members) -> None:
    """Check and take out what concerns only the caller.

    Raises:
        Refusal: a value is wrong, or asks to store something.
    """
    for name in STAY_HERE.keys() & members.keys():
        STAY_HERE[name](members.pop(name), name)


def take_model(members: Mapping[str, Raw]) -> str:
    """The model's name: ``NAME`` or ``NAME@COMMIT:HASH``.

    Raises:
        Refusal: it is missing or no name.
    """
    raw = members.get("model")
    if raw is None:
        raise fields.missing("model")
    name = decode_string(raw)
    if name is None:
        raise fields.invalid_type(raw, "model", "a string")
    check_model(name)
    return name


def check_model(name: str) -> None:
    """Refuse what cannot name a model.

    Raises:
        Refusal: it is none, or half a pin.
    """
    base, pinned, version = name.partition("@")
    if not base or len(name) > MAX_MODEL_NAME or not name.isprintable():
        raise fields.invalid_value("model", "expected the name of a model.")
    commit, _, root = version.partition(":")
    if pinned and not (commit and root):
        # To answer for the base name would be to serve another model than was asked for.
        raise fields.invalid_value("model", "a pinned model is NAME@COMMIT:HASH, else NAME alone.")
