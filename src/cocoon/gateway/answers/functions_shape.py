"""Answers to chats that were asked with ``functions``: tool calls as ``function_call``."""

import re
from typing import Any, Final

import msgspec

from cocoon.client.api import RequestSummary
from cocoon.errors import UpstreamError
from cocoon.gateway.answers.chat_tool_calls import ToolCalls, ToolPiece
from cocoon.gateway.answers.shape import ERROR, PassedOn
from cocoon.gateway.refusal import error_event

MAX_CHOICES: Final = 4096
"""Choices of one stream that are told apart; a gateway never asks for so many."""

_between = re.compile(rb"(\r?\n\r?\n)")
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_JSON_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)


class FunctionsShape:
    """An :class:`~cocoon.gateway.answers.shape.AnswerShape` in the old form of calls.

    The old form has one call in an answer: of several the first is told, and a model that is given
    its result asks for the others again.

    Args:
        inner: the engine's own form.
    """

    __slots__ = ("_calls", "_inner")

    def __init__(self, inner: PassedOn) -> None:
        self._inner = inner
        self._calls: dict[int, ToolCalls] = {}

    def whole(self, status: int, body: bytes, summary: RequestSummary | None) -> bytes:
        """The body with ``function_call`` in its messages.

        Raises:
            UpstreamError: the engine's answer is no chat completion.
        """
        if status < ERROR and b'"tool_calls"' in body:
            body = _encode(self._rewritten(body, "message"))
        return self._inner.whole(status, body, summary)

    def begin(self) -> bytes:
        """Nothing."""
        return self._inner.begin()

    def feed(self, data: bytes) -> bytes:
        """Whole events.

        Raises:
            UpstreamError: an event with tool calls cannot be read.
        """
        return self._events(self._inner.feed(data))

    def finish(self, summary: RequestSummary | None) -> bytes:
        """The rest; raises as :meth:`feed`."""
        return self._events(self._inner.finish(summary))

    def fail(self, error: BaseException) -> bytes:
        """OpenAI's error event."""
        return error_event(error)

    def _events(self, data: bytes) -> bytes:
        if b'"tool_calls"' not in data:
            return data
        return b"".join(self._event(part) for part in _between.split(data))

    def _event(self, event: bytes) -> bytes:
        if b'"tool_calls"' not in event or not event.startswith(b"data:"):
            return event
        lines = [line[5:] for line in event.splitlines() if line.startswith(b"data:")]
        return b"data: " + _encode(self._rewritten(b"\n".join(lines), "delta"))

    def _rewritten(self, text: bytes, part: str) -> dict[str, Any]:
        """A chunk or a whole answer (``part`` is ``delta`` or ``message``) in the old form."""
        answer: dict[str, Any]
        try:
            answer = _decode(text)
        except _JSON_ERRORS:
            raise _unreadable() from None
        choices = answer.get("choices") if isinstance(answer, dict) else None
        if not isinstance(choices, list):
            raise _unreadable()
        for choice in choices:
            if not isinstance(choice, dict):
                raise _unreadable()
            if choice.get("finish_reason") == "tool_calls":
                choice["finish_reason"] = "function_call"
            told = choice.get(part)
            if isinstance(told, dict) and "tool_calls" in told:
                self._rewrite(told, choice.get("index"))
        return answer

    def _rewrite(self, told: dict[str, Any], index: object) -> None:
        number = index if isinstance(index, int) else 0
        if number not in self._calls and len(self._calls) >= MAX_CHOICES:
            raise _unreadable()
        calls = self._calls.setdefault(number, ToolCalls())
        try:
            pieces = msgspec.convert(told.pop("tool_calls") or [], list[ToolPiece])
        except msgspec.ValidationError:
            raise _unreadable() from None
        call: dict[str, str] = {}
        for piece in pieces:
            for delta in calls.add(piece):
                if delta.index == 0:
                    if delta.name:
                        call["name"] = delta.name
                    call["arguments"] = call.get("arguments", "") + delta.arguments
        if call:
            told["function_call"] = call


def _unreadable() -> UpstreamError:
    return UpstreamError("the engine's answer with tool calls cannot be read")
