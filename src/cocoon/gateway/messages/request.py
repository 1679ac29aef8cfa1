"""A Messages request, written as a chat completion.

The rule for members: those of the Messages API are translated, or refused where nothing here does
what they ask; Cocoon's own and a few options of engines pass as they are; ``null`` is the same as
leaving out; any other name is refused, as Anthropic does.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from cocoon.gateway.messages.answer import Wanted
from cocoon.gateway.messages.blocks import (
    Block,
    Message,
    Metadata,
    OutputConfig,
    OutputFormat,
    Thinking,
    Tool,
    ToolChoice,
)
from cocoon.gateway.messages.content import chat_messages
from cocoon.gateway.messages.decode import typed
from cocoon.gateway.messages.options import (
    chat_format,
    chat_output,
    chat_stops,
    chat_thinking,
    check_fraction,
)
from cocoon.gateway.messages.shape import MessagesShape
from cocoon.gateway.messages.tools import chat_tool_choice, chat_tools
from cocoon.gateway.reading.body import read_chat
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.reading.json_text import decode_object
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

MAX_USER = 256
"""Characters of ``metadata.user_id``, as Anthropic's limit."""
INT32_MAX = 2**31 - 1

OWN = frozenset({"max_coefficient", "timeout", "enable_debug", "request_guid", "pin", "max_cost"})
"""Cocoon's members, which mean the same as in a chat completion."""
PASSED = frozenset(
    {
        "chat_template_kwargs",
        "frequency_penalty",
        "logit_bias",
        "min_p",
        "presence_penalty",
        "prompt_cache_key",
        "reasoning_effort",
        "repetition_penalty",
        "safety_identifier",
        "seed",
        "stream",
    }
)
"""Options of chat completions that pass as they are; they win over what is translated to them."""
IGNORED = frozenset({"cache_control", "diagnostics", "service_tier"})
"""Accepted without effect: engines cache prompts by themselves, and there is one tier."""
_REFUSED = {
    "container": "nothing is run or stored here",
    "context_management": "the conversation is sent as it is; shorten it before",
    "inference_geo": "where a worker stands is not known; pin operators or images instead",
    "mcp_servers": "nothing here calls MCP servers; give their tools as tools of your own",
    "speed": "there is one speed; max_coefficient buys a place with less load",
    "user_profile_id": "there are no profiles; use metadata.user_id",
}

_integer = re.compile(rb"\d{1,10}")
_encoder = msgspec.json.Encoder()
_messages = msgspec.json.Decoder(list[Message])
_system = msgspec.json.Decoder(str | list[Block])
_tools = msgspec.json.Decoder(list[Tool])
_choice = msgspec.json.Decoder(ToolChoice)
_thinking = msgspec.json.Decoder(Thinking)
_output = msgspec.json.Decoder(OutputConfig)
_format = msgspec.json.Decoder(OutputFormat)
_metadata = msgspec.json.Decoder(Metadata)
_stops = msgspec.json.Decoder(list[str])
_name = msgspec.json.Decoder(str)

Members = dict[str, Raw]
Chat = dict[str, Any]


class Translated(NamedTuple):
    """A Messages request as a chat completion.

    Attributes:
        chat: members of the chat body.
        wanted: what the answer's form depends on.
        user: ``metadata.user_id``, or empty.
    """

    chat: Chat
    wanted: Wanted
    user: str


def read_messages(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a Messages request.

    Raises:
        Refusal: 400, naming the place of what is wrong; its text never quotes a value.
    """
    members = _members(incoming.body, settings)
    max_tokens = _max_tokens(members)
    translated = translate(members, max_tokens)
    body = _encoder.encode(translated.chat)
    call = read_chat(incoming.with_body(body), settings)
    shape = MessagesShape(translated.wanted, stream=call.stream, debug=call.request.debug)
    return msgspec.structs.replace(call, shape=shape, user=translated.user or call.user)


def read_prompt(incoming: Incoming, settings: GatewaySettings) -> Translated:
    """Read a request to count tokens: the same, but ``max_tokens`` may be left out.

    Raises:
        Refusal: as :func:`read_messages`.
    """
    members = _members(incoming.body, settings)
    members.pop("stream", None)
    given = "max_tokens" in members
    return translate(members, _max_tokens(members) if given else INT32_MAX)


def translate(members: Members, max_tokens: int) -> Translated:
    """The chat completion that ``members`` ask for.

    Raises:
        Refusal: 400.
    """
    chat: Chat = {"model": _required(members, "model"), "max_tokens": max_tokens}
    wanted = Wanted(typed(members["model"], _name, "model"))
    system = members.get("system")
    chat["messages"] = chat_messages(
        typed(_required(members, "messages"), _messages, "messages"),
        None if system is None else typed(system, _system, "system"),
    )
    for name, write in _WRITERS.items():
        if name in members:
            chat.update(write(members))
    user = _user(members)
    if user:
        chat["user"] = user
    thinking = members.get("thinking")
    if thinking is not None:
        options = typed(thinking, _thinking, "thinking")
        # An effort that is asked for by name counts more than a budget.
        chat = {**chat_thinking(options, max_tokens), **chat}
        shows = options.type in ("enabled", "adaptive") and options.display != "omitted"
        wanted = wanted._replace(thinking=shows)
    stops = chat.get("stop", ())
    wanted = wanted._replace(stops=tuple(stops))
    chat.update({name: raw for name, raw in members.items() if name in OWN or name in PASSED})
    return Translated(chat, wanted, user)


def _members(body: bytes, settings: GatewaySettings) -> Members:
    """The members that are given, all of them known."""
    members = decode_object(body, settings.max_depth)
    members = {name: raw for name, raw in members.items() if memoryview(raw)[0] != _NULL}
    for name in members:
        if name in _REFUSED and bytes(members[name]) != b'"standard"':
            raise Refusal(f"{name}: {_REFUSED[name]}", param=name)
        if name not in _KNOWN:
            shown = name if name.isidentifier() and len(name) <= 64 else "a member"
            raise Refusal(f"{shown}: is not known here", param=shown)
    return members


def _required(members: Members, name: str) -> Raw:
    raw = members.get(name)
    if raw is None:
        raise Refusal(f"{name}: is required", param=name, code="missing_required_parameter")
    return raw


def _max_tokens(members: Members) -> int:
    text = bytes(_required(members, "max_tokens"))
    if not _integer.fullmatch(text) or not 1 <= int(text) <= INT32_MAX:
        raise Refusal(f"max_tokens: must be an integer from 1 to {INT32_MAX}", param="max_tokens")
    return int(text)


def _user(members: Members) -> str:
    raw = members.get("metadata")
    if raw is None:
        return ""
    user = typed(raw, _metadata, "metadata").user_id or ""
    if len(user) > MAX_USER or not user.isprintable():
        raise Refusal(
            f"metadata.user_id: at most {MAX_USER} printable characters", param="metadata.user_id"
        )
    return user


def _write_tools(members: Members) -> Chat:
    tools = chat_tools(typed(members["tools"], _tools, "tools"))
    return {"tools": tools} if tools else {}


def _write_choice(members: Members) -> Chat:
    raw = members.get("tools")
    tools = [] if raw is None else typed(raw, _tools, "tools")
    return chat_tool_choice(typed(members["tool_choice"], _choice, "tool_choice"), tools)


def _write_output(members: Members) -> Chat:
    return chat_output(typed(members["output_config"], _output, "output_config"))


def _write_format(members: Members) -> Chat:
    return chat_format(typed(members["output_format"], _format, "output_format"), "output_format")


def _write_stops(members: Members) -> Chat:
    return chat_stops(typed(members["stop_sequences"], _stops, "stop_sequences"))


def _write_temperature(members: Members) -> Chat:
    check_fraction(members["temperature"], "temperature")
    return {"temperature": members["temperature"]}


def _write_top_p(members: Members) -> Chat:
    check_fraction(members["top_p"], "top_p")
    return {"top_p": members["top_p"]}


def _write_top_k(members: Members) -> Chat:
    text = bytes(members["top_k"])
    if not _integer.fullmatch(text) or int(text) > INT32_MAX:
        raise Refusal(f"top_k: must be an integer from 0 to {INT32_MAX}", param="top_k")
    return {"top_k": members["top_k"]} if int(text) else {}  # 0 is "off", but not for SGLang


_WRITERS: dict[str, Callable[[Members], Chat]] = {
    "tools": _write_tools,
    "tool_choice": _write_choice,
    "output_format": _write_format,
    "output_config": _write_output,
    "stop_sequences": _write_stops,
    "temperature": _write_temperature,
    "top_p": _write_top_p,
    "top_k": _write_top_k,
}
_KNOWN = frozenset(
    {
        "model",
        "max_tokens",
        "messages",
        "system",
        "metadata",
        "thinking",
        "speed",
        *_WRITERS,
        *OWN,
        *PASSED,
        *IGNORED,
    }
)
_NULL = ord("n")
