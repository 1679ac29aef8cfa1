"""What a caller's JSON body asks for, and the body that the network gets.

The rules are those of ``wire-protocol.md`` §5.2 with its defects fixed: integers are checked
instead of wrapped, and the token limit that is declared to the proxy is also the one that the
engine is told.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Literal

import msgspec
from msgspec import Raw

from cocoon.client.api import ClientRequest
from cocoon.client.proxy_pins import NO_PINS, ProxyPins
from cocoon.gateway.incoming import Incoming, InferenceCall
from cocoon.gateway.json_text import check_number, decode_object, decode_string, encode_object
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings
from cocoon.gateway.shape import PassedOn

INT32_MAX = 2**31 - 1
MAX_MODEL_NAME = 256
MAX_GUID = 256
MAX_PINS = 64
"""Values in one pin."""

_N, _MINUS, _ZERO, _NINE, _QUOTE, _LIST, _OBJECT = b'n-09"[{'
_TRUE = Raw(b"true")
_USAGE = Raw(b'{"include_usage":true}')
_raw_list = msgspec.json.Decoder(list[Raw])
_number = msgspec.json.Decoder(float)
_Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Kind = Literal["tdx", "snp", "tdx-simulated", "snp-simulated", "fake_tdx"]


class _Pin(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON form of :class:`~cocoon.client.proxy_pins.ProxyPins`."""

    proxy_images: Annotated[list[_Hex32], msgspec.Meta(max_length=MAX_PINS)] | None = None
    evidence: Annotated[list[_Kind], msgspec.Meta(max_length=MAX_PINS)] | None = None


_pin = msgspec.json.Decoder(_Pin)


class Endpoint(Enum):
    """An endpoint of the engine that the network serves."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"


def read_call(endpoint: Endpoint, body: bytes, settings: GatewaySettings) -> InferenceCall:
    """Check a request body and make the one that goes into the network.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    members = decode_object(body, settings.max_depth)
    _drop_nulls(members)
    model = _take_model(members)
    _check_content(endpoint, members)
    timeout = _take_timeout(members, settings)
    max_coefficient = _int(members.pop("max_coefficient", None), "max_coefficient")
    debug = _bool(members.pop("enable_debug", None), "enable_debug")
    _take_guid(members)
    pins = _take_pins(members)
    stream = _bool(members.get("stream"), "stream")
    show_usage = _ask_for_usage(members, stream)
    each = _limit_tokens(endpoint, members, settings)
    total = each * _choices(endpoint, members, settings)
    if total > INT32_MAX:
        raise Refusal("the token limit times the number of choices is too large", param="n")
    if max_coefficient is None:
        max_coefficient = settings.default_max_coefficient
    request = ClientRequest(
        model=model,
        path=endpoint.value,
        body=encode_object(members),
        max_tokens=total,
        max_coefficient=max_coefficient,
        timeout=timeout,
        debug=debug,
        pins=pins,
    )
    return InferenceCall(request, stream, PassedOn(show_usage=show_usage, debug=debug))


def read_chat(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a chat completion; raises as :func:`read_call`."""
    return read_call(Endpoint.CHAT, incoming.body, settings)


def read_completion(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a completion of a bare prompt; raises as :func:`read_call`."""
    return read_call(Endpoint.COMPLETIONS, incoming.body, settings)


def _drop_nulls(members: dict[str, Raw]) -> None:
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


def _take_model(members: dict[str, Raw]) -> str:
    raw = members.get("model")
    if raw is None:
        raise Refusal("'model' is required", param="model", code="missing_required_parameter")
    name = decode_string(raw)
    if name is None:
        raise Refusal("'model' must be a string", param="model")
    base, pinned, version = name.partition("@")
    if not base or len(name) > MAX_MODEL_NAME or not name.isprintable():
        raise Refusal("'model' is not a model name", param="model")
    commit, _, root = version.partition(":")
    if pinned and not (commit and root):
        # To answer for the base name would be to serve another model than was asked for.
        raise Refusal("a pinned 'model' is NAME@COMMIT:HASH, else NAME alone", param="model")
    return name


def _check_content(endpoint: Endpoint, members: dict[str, Raw]) -> None:
    name = "messages" if endpoint is Endpoint.CHAT else "prompt"
    raw = members.get(name)
    if raw is None:
        raise Refusal(f"'{name}' is required", param=name, code="missing_required_parameter")
    first = memoryview(raw)[0]
    if endpoint is Endpoint.CHAT and first != _LIST:
        raise Refusal("'messages' must be an array", param=name)
    if first not in (_LIST, _QUOTE):
        raise Refusal("'prompt' must be a string or an array", param=name)


def _take_timeout(members: dict[str, Raw], settings: GatewaySettings) -> float:
    raw = members.pop("timeout", None)
    if raw is None:
        return settings.default_timeout
    try:
        seconds = _number.decode(raw)
    except msgspec.DecodeError:
        raise Refusal("'timeout' must be a number of seconds", param="timeout") from None
    if not seconds > 0:
        raise Refusal("'timeout' must be positive", param="timeout")
    return min(seconds, settings.max_timeout)


def _take_guid(members: dict[str, Raw]) -> None:
    """Remove ``request_guid``; the debug records that it names are not kept here."""
    raw = members.pop("request_guid", None)
    if raw is not None and (len(memoryview(raw)) > MAX_GUID or decode_string(raw) is None):
        raise Refusal("'request_guid' must be a short string", param="request_guid")


def _ask_for_usage(members: dict[str, Raw], stream: bool) -> bool:
    """Make a stream carry its usage; returns whether the caller asked for it too."""
    raw = members.get("stream_options")
    if raw is None:
        if stream:
            members["stream_options"] = _USAGE
        return False
    if not stream:
        # Workers would turn the request into a stream (`wire-protocol.md` §5.4).
        raise Refusal("'stream_options' needs 'stream': true", param="stream_options")
    if memoryview(raw)[0] != _OBJECT:
        raise Refusal("'stream_options' must be an object", param="stream_options")
    options = decode_object(bytes(raw), 8)
    asked = _bool(options.get("include_usage"), "stream_options.include_usage")
    if not asked:
        options["include_usage"] = _TRUE
        members["stream_options"] = Raw(encode_object(options))
    return asked


def _limit_tokens(endpoint: Endpoint, members: dict[str, Raw], settings: GatewaySettings) -> int:
    """Completion tokens of one choice, as the engine is told in the body."""
    limit = _int(members.get("max_tokens"), "max_tokens")
    override = _int(members.get("max_completion_tokens"), "max_completion_tokens")
    if override is not None:
        members.pop("max_tokens", None)
        if endpoint is Endpoint.COMPLETIONS:  # which has no such field
            members["max_tokens"] = members.pop("max_completion_tokens")
        return override
    if limit is None:
        limit = settings.default_max_tokens
        members["max_tokens"] = Raw(b"%d" % limit)
    return limit


def _choices(endpoint: Endpoint, members: dict[str, Raw], settings: GatewaySettings) -> int:
    """How many completions the engine will generate."""
    count = _count(members.get("n"), "n", settings.max_choices)
    if endpoint is Endpoint.CHAT:
        return count
    best_of = _count(members.get("best_of"), "best_of", settings.max_choices)
    return max(count, best_of) * _prompts(members["prompt"], settings.max_prompts)


def _prompts(raw: Raw, limit: int) -> int:
    """Prompts in a completion request: a string or a list of tokens is one, other lists many."""
    if memoryview(raw)[0] == _QUOTE:
        return 1
    first = bytes(memoryview(raw)[1:64]).lstrip()[:1]
    if first and first in b"-0123456789":
        return 1
    count = len(_raw_list.decode(raw))
    if not 1 <= count <= limit:
        raise Refusal(f"'prompt' must hold 1 to {limit} prompts", param="prompt")
    return count


def _count(raw: Raw | None, name: str, limit: int) -> int:
    count = _int(raw, name)
    if count is None:
        return 1
    if not 1 <= count <= limit:
        raise Refusal(f"'{name}' must be from 1 to {limit}", param=name)
    return count


def _take_pins(members: dict[str, Raw]) -> ProxyPins:
    """Remove ``pin``; whatever in it is not understood refuses the request."""
    raw = members.pop("pin", None)
    if raw is None:
        return NO_PINS
    try:
        pin = _pin.decode(raw)
    except msgspec.DecodeError:
        raise Refusal(
            "'pin' must be an object with 'proxy_images' (hex of 32 bytes) and 'evidence' (kinds "
            f"such as tdx and snp), each an array of at most {MAX_PINS}",
            param="pin",
        ) from None
    return ProxyPins(_frozen(pin.proxy_images), _frozen(pin.evidence))


def _frozen(values: Sequence[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)


def _int(raw: Raw | None, name: str) -> int | None:
    if raw is None:
        return None
    text = bytes(raw)
    if not text.isdigit() or len(text) > 10 or int(text) > INT32_MAX:
        raise Refusal(f"'{name}' must be an integer from 0 to {INT32_MAX}", param=name)
    return int(text)


def _bool(raw: Raw | None, name: str) -> bool:
    if raw is None:
        return False
    text = bytes(raw)
    if text == b"true":
        return True
    if text == b"false":
        return False
    raise Refusal(f"'{name}' must be true or false", param=name)
