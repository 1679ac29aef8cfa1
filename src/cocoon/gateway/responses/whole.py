"""A whole chat completion as the events of a stream."""

import msgspec
from msgspec import Raw, Struct

from cocoon.errors import UpstreamError
from cocoon.gateway.answers.chat_stream import (
    ChatEvent,
    Finish,
    Logprobs,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    UsageMember,
)
from cocoon.gateway.answers.chat_tool_calls import ToolCalls, ToolPiece

_JSON_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)


class _Message(Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolPiece] | None = None


class _Choice(Struct):
    message: _Message
    index: int | None = 0
    finish_reason: str | None = None
    logprobs: Raw = Raw()


class _Completion(Struct):
    choices: list[_Choice]
    usage: UsageMember | None = None


_completion = msgspec.json.Decoder(_Completion).decode


def read_completion(body: bytes, *, logprobs: bool) -> list[ChatEvent]:
    """The first choice of a chat completion in the order in which a stream would tell it.

    Raises:
        UpstreamError: the body is no chat completion, or beyond a limit.
    """
    try:
        completion = _completion(body)
    except _JSON_ERRORS:
        raise UpstreamError("the engine's answer is no chat completion") from None
    first = [choice for choice in completion.choices if not choice.index]
    if not first:
        raise UpstreamError("the engine's answer has no choices")
    choice = first[0]
    events = _message(choice.message)
    if logprobs and choice.logprobs:
        events.insert(0, Logprobs(bytes(choice.logprobs)))
    events.append(Finish(choice.finish_reason or "stop"))
    if completion.usage is not None:
        events.append(completion.usage.counted())
    return events


def _message(message: _Message) -> list[ChatEvent]:
    events: list[ChatEvent] = []
    thought = message.reasoning_content or message.reasoning
    if thought:
        events.append(ReasoningDelta(thought))
    if message.content:
        events.append(TextDelta(message.content))
    if message.refusal:
        events.append(RefusalDelta(message.refusal))
    calls = ToolCalls()
    for number, piece in enumerate(message.tool_calls or ()):
        piece.index = number  # whole calls are apart whatever numbers they have
        events.extend(calls.add(piece))
    calls.check_named()
    return events
