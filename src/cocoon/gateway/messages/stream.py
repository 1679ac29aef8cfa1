"""A stream of chat chunks, written as the events of a Messages stream.

One block is open at a time. Whatever belongs to another one closes it first, so blocks follow each
other in the order in which the engine writes them.
"""

import msgspec

from cocoon.errors import EngineError, UpstreamError
from cocoon.gateway.answers.chat_stream import (
    ChatEvent,
    ChatReader,
    EngineFailure,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    Usage,
)
from cocoon.gateway.answers.chat_tool_calls import ToolCallDelta
from cocoon.gateway.messages import events
from cocoon.gateway.messages.answer import SIGNATURE, Wanted, new_id, stop_reason, token_counts

_TEXT = b'{"type":"text","text":""}'
_THINKING = b'{"type":"thinking","thinking":"","signature":""}'
_SIGNED = b'"%b"' % SIGNATURE.encode()
_encode = msgspec.json.Encoder().encode


class MessagesStream:
    """Translates one stream.

    Args:
        wanted: what the form depends on.
        identity: the message's id.
    """

    __slots__ = (
        "_block",
        "_calls",
        "_delta",
        "_failure",
        "_finish",
        "_identity",
        "_index",
        "_reader",
        "_refused",
        "_usage",
        "_wanted",
    )

    def __init__(self, wanted: Wanted, identity: str) -> None:
        self._wanted = wanted
        self._identity = identity
        self._reader = ChatReader()
        self._index = -1
        self._block: type | int | None = None
        """What the open block holds: a class of deltas, or the number of a tool call."""
        self._delta = b""
        """How each delta of the open block begins."""
        self._calls = 0
        self._refused = False
        self._finish: Finish | None = None
        self._usage = Usage()
        self._failure: EngineFailure | None = None

    def begin(self) -> bytes:
        """The events before the first block."""
        return events.message_start(self._identity, self._wanted.model) + events.PING

    def feed(self, data: bytes) -> bytes:
        """Events for the engine's next bytes.

        Raises:
            UpstreamError: the engine's stream is not what it should be.
            EngineError: the engine tells of a failure; what came before it has gone out.
        """
        out: list[bytes] = []
        for event in self._reader.feed(data):
            self._write(event, out)
        if self._failure is not None and not out:
            raise _failed(self._failure)
        return b"".join(out)

    def finish(self, extra: bytes = b"") -> bytes:
        """The last events.

        Args:
            extra: further members of ``message_delta``, each with a comma before it.

        Raises:
            UpstreamError: the engine's answer has no end.
            EngineError: the engine told of a failure.
        """
        out: list[bytes] = []
        for event in self._reader.finish():
            self._write(event, out)
        if self._failure is not None:
            raise _failed(self._failure)
        if self._finish is None:
            raise UpstreamError("the engine's answer ended before it was whole")
        stop = stop_reason(
            self._finish.reason,
            self._finish.stop,
            self._wanted,
            called=self._calls > 0,
            refused=self._refused,
        )
        self._close(out)
        out += (events.message_delta(stop, token_counts(self._usage), extra), events.STOP)
        return b"".join(out)

    def _write(self, event: ChatEvent, out: list[bytes]) -> None:
        if isinstance(event, TextDelta):
            self._text(event.text, out)
        elif isinstance(event, ReasoningDelta):
            if self._wanted.thinking:
                self._think(event, out)
        elif isinstance(event, ToolCallDelta):
            self._call(event, out)
        elif isinstance(event, RefusalDelta):  # its text stands among the rest
            self._refused = True
            self._text(event.text, out)
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Finish):
            self._finish = self._finish or event
        elif isinstance(event, EngineFailure):
            self._failure = event

    def _text(self, text: str, out: list[bytes]) -> None:
        if self._block is not TextDelta:
            self._open(TextDelta, _TEXT, b"text_delta", b"text", out)
        out += (self._delta, _encode(text), events.END)

    def _think(self, event: ReasoningDelta, out: list[bytes]) -> None:
        if self._block is not ReasoningDelta:
            self._open(ReasoningDelta, _THINKING, b"thinking_delta", b"thinking", out)
        out += (self._delta, _encode(event.text), events.END)

    def _call(self, event: ToolCallDelta, out: list[bytes]) -> None:
        if event.name:
            block = b'{"type":"tool_use","id":%b,"name":%b,"input":{}}' % (
                _encode(event.id or new_id("toolu")),
                _encode(event.name),
            )
            self._open(event.index, block, b"input_json_delta", b"partial_json", out)
            self._calls += 1
        elif self._block != event.index:
            raise UpstreamError("the engine went back to a tool call that it had left")
        if event.arguments:
            out += (self._delta, _encode(event.arguments), events.END)

    def _open(
        self, holds: type | int, block: bytes, kind: bytes, member: bytes, out: list[bytes]
    ) -> None:
        self._close(out)
        self._index += 1
        self._block = holds
        self._delta = events.delta_start(self._index, kind, member)
        out.append(events.block_start(self._index, block))

    def _close(self, out: list[bytes]) -> None:
        if self._block is None:
            return
        if self._block is ReasoningDelta:
            start = events.delta_start(self._index, b"signature_delta", b"signature")
            out += (start, _SIGNED, events.END)
        out.append(events.block_stop(self._index))
        self._block = None


def _failed(failure: EngineFailure) -> EngineError:
    return EngineError(failure.message or "the engine failed")
