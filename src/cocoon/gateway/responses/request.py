"""A call of ``POST /v1/responses`` as a chat completion for the network."""

from typing import Any

import msgspec
from msgspec import Raw

from cocoon.gateway.reading.body import read_chat
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.reading.json_text import decode_object
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.responses.checks import decode, missing, unknown, unsupported
from cocoon.gateway.responses.echo import Echo, Reasoning, encode_echo
from cocoon.gateway.responses.fields import MOVED, OWN, Sent, check_options
from cocoon.gateway.responses.formats import chat_format, check_format
from cocoon.gateway.responses.items import read_messages
from cocoon.gateway.responses.shape import ResponseShape
from cocoon.gateway.responses.tools import Tool, chat_tools, read_choice, read_tools
from cocoon.gateway.settings import GatewaySettings

LOGPROBS = "message.output_text.logprobs"

_sent = msgspec.json.Decoder(Sent)
_encode = msgspec.json.Encoder().encode
_NULL = b"null"
# What the chat reader calls a field, and what its caller does.
_RENAMED = {
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "response_format.json_schema": "text.format",
    "verbosity": "text.verbosity",
}


def read_response(incoming: Incoming, settings: GatewaySettings) -> InferenceCall:
    """Read a call of the Responses API.

    Raises:
        Refusal: it is wrong, or asks for what cannot be had here; its text never quotes a value.
    """
    members = decode_object(incoming.body, settings.max_depth)
    sent = decode(_sent, Raw(incoming.body), "")
    if sent.model is None:
        raise missing("model")
    check_options(sent)
    tools = read_tools(sent.tools)
    chat = _other_members(members)
    chat.update(_chat_members(sent, tools))
    try:
        call = read_chat(incoming.with_body(_encode(chat)), settings)
    except Refusal as refusal:
        raise _renamed(refusal) from None
    shape = ResponseShape(
        encode_echo(_echo(sent, tools)),
        logprobs=_wants_logprobs(sent),
        summarize=bool(sent.reasoning and sent.reasoning.summary),
        debug=call.request.debug,
    )
    return msgspec.structs.replace(call, shape=shape)


def _other_members(members: dict[str, Raw]) -> dict[str, Any]:
    """Cocoon's own fields and the options of engines, which go on as they are."""
    chat: dict[str, Any] = {}
    for name, raw in members.items():
        if name in OWN:
            continue
        if name in MOVED:
            raise _moved(name)
        chat[name] = raw
    return chat


def _chat_members(sent: Sent, tools: list[Tool]) -> dict[str, Any]:
    choice, allowed = read_choice(sent.tool_choice, tools)
    reasoning = sent.reasoning
    logprobs = _wants_logprobs(sent)
    members = {
        "model": sent.model,
        "messages": read_messages(sent.input, sent.instructions),
        "max_completion_tokens": sent.max_output_tokens,
        "tools": chat_tools(allowed) or None,
        "tool_choice": choice,
        "parallel_tool_calls": sent.parallel_tool_calls if allowed else None,
        "response_format": chat_format(sent.text),
        "verbosity": sent.text.verbosity if sent.text else None,
        "reasoning_effort": reasoning.effort if reasoning else None,
        "temperature": sent.temperature,
        "top_p": sent.top_p,
        "logprobs": True if logprobs else None,
        "top_logprobs": sent.top_logprobs if logprobs else None,
        "stream": sent.stream,
        "user": sent.user,
        "safety_identifier": sent.safety_identifier,
        "prompt_cache_key": sent.prompt_cache_key,
    }
    return {name: value for name, value in members.items() if value is not None}


def _wants_logprobs(sent: Sent) -> bool:
    return LOGPROBS in (sent.include or ()) or bool(sent.top_logprobs)


def _echo(sent: Sent, tools: list[Tool]) -> Echo:
    """The part of the answer that repeats the call."""
    reasoning = sent.reasoning
    return Echo(
        instructions=sent.instructions,
        max_output_tokens=sent.max_output_tokens,
        max_tool_calls=sent.max_tool_calls,
        metadata=sent.metadata or {},
        model=sent.model or "",
        parallel_tool_calls=sent.parallel_tool_calls is not False,
        prompt_cache_key=sent.prompt_cache_key,
        reasoning=Reasoning(reasoning.effort, reasoning.summary) if reasoning else Reasoning(),
        safety_identifier=sent.safety_identifier,
        temperature=sent.temperature,
        text=check_format(sent.text),
        tool_choice=sent.tool_choice if bytes(sent.tool_choice) != _NULL else "auto",
        tools=tools,
        top_logprobs=sent.top_logprobs or 0,
        top_p=sent.top_p,
        user=sent.user,
    )


def _moved(name: str) -> Refusal:
    if not MOVED[name]:
        return unknown(name)
    return unsupported(name, f"In the Responses API it is '{MOVED[name]}'.")


def _renamed(refusal: Refusal) -> Refusal:
    """A refusal of the chat reader in terms of this API."""
    param = refusal.param or ""
    name = _RENAMED.get(param, param).replace(".function.", ".")
    if param.startswith("messages"):
        name = "input"  # messages and items are not numbered alike
    if name == param:
        return refusal
    return Refusal(
        str(refusal).replace(f"'{param}'", f"'{name}'"),
        status=refusal.status,
        kind=refusal.kind,
        code=refusal.code,
        param=name,
        headers=refusal.headers,
    )
