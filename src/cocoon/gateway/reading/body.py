"""Chat and text completions: what a body asks for, and the body that the network gets.

The rules are those of ``wire-protocol.md`` §5.2 with its defects fixed: integers are checked
instead of wrapped, and the token limit that is declared to the proxy is also the one that the
engine is told.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Raw

from cocoon.gateway.answers.functions_shape import FunctionsShape
from cocoon.gateway.answers.shape import PassedOn
from cocoon.gateway.reading import chat_fields, fields
from cocoon.gateway.reading.draft import Draft, open_draft
from cocoon.gateway.reading.fields import INT32_MAX, Members, first_byte
from cocoon.gateway.reading.functions_field import uses_functions, write_as_tools
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.reading.json_text import decode_object, encode_object
from cocoon.gateway.reading.messages_field import check_messages
from cocoon.gateway.reading.output_fields import check_response_format
from cocoon.gateway.reading.requirements import chat_requires, completion_requires
from cocoon.gateway.reading.tools_field import check_tools, settle_tool_choice
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

__all__ = ["INT32_MAX", "Endpoint", "read_call", "read_chat", "read_completion"]

_QUOTE, _LIST = b'"['
_TRUE = Raw(b"true")
_USAGE = Raw(b'{"include_usage":true}')
_NO_HEADERS: Mapping[bytes, bytes] = MappingProxyType({})
_raw_list = msgspec.json.Decoder(list[Raw])

_NEUTRAL: Final = {
    "logprobs": b"false",
    "logit_bias": b"{}",
    "tools": b"[]",
    "stop": b"[]",
    "stop_token_ids": b"[]",
    "min_tokens": b"0",
    "ignore_eos": b"false",
    "include_stop_str_in_output": b"false",
    "skip_special_tokens": b"true",
    "spaces_between_special_tokens": b"true",
}
"""Values that ask for nothing, or for what engines do anyway: they are left out, because official
workers, and some engines, refuse even these fields."""
_WITHOUT_EFFECT: Final = ("modalities", "prediction")
"""Fields that change nothing in an engine's answer; checked, and left out."""
_TOOL_FIELDS: Final = frozenset({"tools", "tool_choice", "parallel_tool_calls"})


class Endpoint(Enum):
    """An endpoint of the engine that completes."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"


def read_call(
    endpoint: Endpoint,
    body: bytes,
    settings: GatewaySettings,
    headers: Mapping[bytes, bytes] = _NO_HEADERS,
) -> InferenceCall:
    """Check a request body and make the one that goes into the network.

    Raises:
        Refusal: with status 400, naming the field; its text never quotes a value.
    """
    return _READERS[endpoint](Incoming(endpoint.value, body, headers), settings)


def read_chat(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a chat completion; raises as :func:`read_call`."""
    draft = open_draft(incoming, settings, chat_fields.CHAT, ("messages",))
    members = draft.members
    old_form = uses_functions(members, incoming.body) and write_as_tools(members)
    media = check_messages(members["messages"])
    _drop_idle(members)
    _check_top_logprobs(members)
    commands = _settle_tools(members)
    shape = members.get("response_format")
    kind = "" if shape is None else check_response_format(shape)
    if kind == "text":
        del members["response_format"]
    requires = chat_requires(members, media=media, commands=commands, shape=kind)
    call = _finish(Endpoint.CHAT, draft, settings, requires, incoming.path)
    if old_form and isinstance(call.shape, PassedOn):
        call = msgspec.structs.replace(call, shape=FunctionsShape(call.shape))
    return call


def read_completion(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a completion of a bare prompt; raises as :func:`read_call`."""
    draft = open_draft(incoming, settings, chat_fields.COMPLETION, ("prompt",))
    members = draft.members
    if first_byte(members["prompt"]) not in (_LIST, _QUOTE):
        raise fields.invalid_type(members["prompt"], "prompt", "a string or an array")
    _drop_idle(members)
    requires = completion_requires(members)
    return _finish(Endpoint.COMPLETIONS, draft, settings, requires, incoming.path)


_READERS = {Endpoint.CHAT: read_chat, Endpoint.COMPLETIONS: read_completion}


def _finish(
    endpoint: Endpoint,
    draft: Draft,
    settings: GatewaySettings,
    requires: tuple[str, ...],
    called: str,
) -> InferenceCall:
    members = draft.members
    if called == endpoint.value and "stop" in members and first_byte(members["stop"]) == _LIST:
        fields.take_list(members["stop"], "stop", chat_fields.MAX_STOP)
    stream = fields.take_bool(members.get("stream"), "stream")
    show_usage = _ask_for_usage(members, stream)
    each = _limit_tokens(endpoint, members, settings)
    shape = PassedOn(show_usage=show_usage, debug=draft.native.debug)
    return draft.call(
        endpoint.value,
        shape,
        requires=requires,
        max_tokens=each * _choices(endpoint, members, settings),
        stream=stream,
    )


def _drop_idle(members: Members) -> None:
    for name in _NEUTRAL.keys() & members.keys():
        if bytes(memoryview(members[name])[:6]) == _NEUTRAL[name]:
            del members[name]
    for name in _WITHOUT_EFFECT:
        members.pop(name, None)


def _check_top_logprobs(members: Members) -> None:
    raw = members.get("top_logprobs")
    if raw is not None and "logprobs" not in members:
        if bytes(raw) != b"0":
            raise fields.invalid_value(
                "top_logprobs", "it is only allowed when 'logprobs' is enabled."
            )
        del members["top_logprobs"]


def _settle_tools(members: Members) -> bool:
    if _TOOL_FIELDS.isdisjoint(members):
        return False
    names = check_tools(members["tools"]) if "tools" in members else []
    return settle_tool_choice(members, names)


def _ask_for_usage(members: Members, stream: bool) -> bool:
    """Make a stream carry its usage; returns whether the caller asked for it too."""
    raw = members.get("stream_options")
    if raw is None:
        if stream:
            members["stream_options"] = _USAGE
        return False
    if not stream:
        # Workers would turn the request into a stream (`wire-protocol.md` §5.4).
        raise fields.invalid_value(
            "stream_options", "it is only allowed when 'stream' is enabled: send 'stream': true."
        )
    fields.obj(raw, "stream_options")
    options = decode_object(bytes(raw), 8)
    asked = fields.take_bool(options.get("include_usage"), "stream_options.include_usage")
    if not asked:
        options["include_usage"] = _TRUE
        members["stream_options"] = Raw(encode_object(options))
    return asked


def _limit_tokens(endpoint: Endpoint, members: Members, settings: GatewaySettings) -> int:
    """Completion tokens of one choice, as the engine is told in the body."""
    limit = fields.take_int(members.get("max_tokens"), "max_tokens")
    override = fields.take_int(members.get("max_completion_tokens"), "max_completion_tokens")
    if override is not None:
        members.pop("max_tokens", None)
        if endpoint is Endpoint.COMPLETIONS:  # which has no such field
            members["max_tokens"] = members.pop("max_completion_tokens")
        return override
    if limit is None:
        limit = settings.default_max_tokens
        members["max_tokens"] = Raw(b"%d" % limit)
    return limit


def _choices(endpoint: Endpoint, members: Members, settings: GatewaySettings) -> int:
    """How many completions the engine will generate."""
    count = fields.take_int(members.get("n"), "n", 1, settings.max_choices) or 1
    if endpoint is Endpoint.CHAT:
        return count
    best_of = fields.take_int(members.get("best_of"), "best_of", 1, settings.max_choices) or 1
    return max(count, best_of) * _prompts(members["prompt"], settings.max_prompts)


def _prompts(raw: Raw, limit: int) -> int:
    """Prompts in a completion request: a string or a list of tokens is one, other lists many."""
    if first_byte(raw) == _QUOTE:
        return 1
    first = bytes(memoryview(raw)[1:64]).lstrip()[:1]
    if first and first in b"-0123456789":
        return 1
    count = len(_raw_list.decode(raw))
    if not 1 <= count <= limit:
        raise Refusal(
            f"Invalid 'prompt': expected 1 to {limit} prompts.",
            param="prompt",
            code="empty_array" if count == 0 else "array_above_max_length",
        )
    return count
