"""A whole chat completion, written as a message; and what both forms of answers share."""

import os
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from cocoon.errors import UpstreamError
from cocoon.gateway.answers.chat_stream import Stopped, Usage, UsageMember, stop_of
from cocoon.gateway.answers.chat_tool_calls import MAX_CALLS, ToolPiece

SIGNATURE = "unsigned"
"""Signature of every thought: nothing here signs them, and nothing checks them when they return."""

_REASONS = {
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
}
_BROKEN = frozenset({"abort", "error", "cancelled"})


class Wanted(NamedTuple):
    """What the form of an answer depends on.

    Attributes:
        model: as the caller named it.
        thinking: whether thoughts are shown.
        stops: the caller's stop sequences.
    """

    model: str
    thinking: bool = False
    stops: tuple[str, ...] = ()


class StopReason(Struct):
    """Why an answer ended, in Anthropic's words."""

    stop_reason: str
    stop_sequence: str | None = None


class ThinkingTokens(Struct):
    """``output_tokens_details``."""

    thinking_tokens: int


class TokenCounts(Struct, omit_defaults=True):
    """``usage``. As Anthropic's, ``input_tokens`` leaves out those that were read from a cache."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    output_tokens_details: ThinkingTokens | None = None


def new_id(kind: str) -> str:
    """A name for a message (``msg``) or a tool call (``toolu``); unique, not secret."""
    return f"{kind}_{os.urandom(12).hex()}"


def token_counts(usage: Usage) -> TokenCounts:
    """Usage of an engine in Anthropic's form."""
    details = ThinkingTokens(usage.reasoning) if usage.reasoning else None
    return TokenCounts(usage.prompt - usage.cached, usage.completion, usage.cached, details)


def stop_reason(
    reason: str, told: str | None, wanted: Wanted, *, called: bool, refused: bool
) -> StopReason:
    """Anthropic's reason.

    Args:
        reason: the engine's ``finish_reason``.
        told: the stop sequence that the engine names, or None.
        wanted: the caller's stop sequences are in it.
        called: whether the answer has tool calls: some engines say ``stop`` after them.
        refused: whether the model told why it does not answer.

    Raises:
        UpstreamError: the engine broke the answer off.
    """
    if reason in _BROKEN:
        raise UpstreamError("the engine broke the answer off")
    if refused:
        return StopReason("refusal")
    mapped = _REASONS.get(reason)
    if mapped is not None and mapped != "tool_use":
        return StopReason(mapped)
    if called:
        return StopReason("tool_use")
    if told is not None and told in wanted.stops:
        return StopReason("stop_sequence", told)
    return StopReason("end_turn")


class _Message(Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolPiece] | None = None


class _Choice(Stopped):
    message: _Message | None = None
    finish_reason: str | None = None


class _Completion(Struct):
    choices: list[_Choice]
    usage: UsageMember | None = None


_decode = msgspec.json.Decoder(_Completion).decode
_encode = msgspec.json.Encoder().encode
_JSON_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)


def whole_message(identity: str, body: bytes, wanted: Wanted) -> bytes:
    """The message object for a chat completion.

    Raises:
        UpstreamError: ``body`` is no chat completion.
    """
    try:
        if not body.isascii():
            body.decode()  # arguments that are an object are copied unread
        completion = _decode(body)
    except _JSON_ERRORS:
        raise UpstreamError("the engine's answer is no chat completion") from None
    if not completion.choices or completion.choices[0].message is None:
        raise UpstreamError("the engine's answer has no message")
    choice = completion.choices[0]
    message = choice.message or _Message()
    cut = choice.finish_reason == "length"
    content = _content(message, wanted, cut=cut)
    stop = stop_reason(
        choice.finish_reason or "stop",
        stop_of(choice),
        wanted,
        called=bool(message.tool_calls),
        refused=bool(message.refusal),
    )
    usage = Usage() if completion.usage is None else completion.usage.counted()
    return _encode(
        {
            "id": identity,
            "type": "message",
            "role": "assistant",
            "model": wanted.model,
            "content": content,
            "stop_reason": stop.stop_reason,
            "stop_sequence": stop.stop_sequence,
            "usage": token_counts(usage),
        }
    )


def _content(message: _Message, wanted: Wanted, *, cut: bool) -> list[dict[str, Any]]:
    """The blocks; where the tokens ran out, a call that was cut off is left out."""
    blocks: list[dict[str, Any]] = []
    thought = message.reasoning_content or message.reasoning
    if thought and wanted.thinking:
        blocks.append({"type": "thinking", "thinking": thought, "signature": SIGNATURE})
    text = (message.content or "") + (message.refusal or "")
    if text:
        blocks.append({"type": "text", "text": text})
    calls = message.tool_calls or []
    if len(calls) > MAX_CALLS:
        raise UpstreamError(f"the engine made more than {MAX_CALLS} tool calls")
    for call in calls:
        try:
            blocks.append(_tool_use(call))
        except UpstreamError:
            if not cut:
                raise
    return blocks


def _tool_use(call: ToolPiece) -> dict[str, Any]:
    function = call.function
    if function is None or not function.name:
        raise UpstreamError("the engine made a tool call without a name")
    return {
        "type": "tool_use",
        "id": call.id or new_id("toolu"),
        "name": function.name,
        "input": _input(function.arguments),
    }


def _input(arguments: str | dict[str, Raw] | None) -> dict[str, Raw]:
    if isinstance(arguments, dict):
        return arguments
    try:
        return _decode_object(arguments or "{}")
    except _JSON_ERRORS:
        raise UpstreamError("the model wrote a tool call whose arguments are no object") from None


_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
