"""The output of one response, put together from the events of a chat."""

from cocoon.errors import UpstreamError
from cocoon.gateway.answers.chat_stream import (
    ChatEvent,
    EngineFailure,
    Finish,
    Logprobs,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    Usage,
)
from cocoon.gateway.answers.chat_tool_calls import ToolCallDelta
from cocoon.gateway.responses.events import EventWriter
from cocoon.gateway.responses.logprobs import TokenLogprob, read_logprobs
from cocoon.gateway.responses.outputs import (
    COMPLETED,
    INCOMPLETE,
    REFUSAL,
    TEXT,
    FunctionCall,
    Message,
    OutputItem,
    PartKind,
    Thought,
)

MAX_HELD = 2**26
"""Bytes of one answer that are kept for the object at its end, reckoned as the next four say."""
CHARACTER = 4
DELTA = 64
"""What a short string costs in memory beside its characters."""
PART = 1024
"""The same of another part of a message."""
LOGPROB = 6
"""What a byte of log probabilities becomes when it is read."""
MAX_ITEMS = 256
"""Output items in one response."""


class Assembly:
    """Output items so far.

    An item ends when another begins, as in OpenAI's streams. Only a function call stays open while
    text follows it, because its arguments may go on.

    Args:
        writer: gets the events.
        base: hexadecimal digits that make the ids of this response unique.
        summarize: show reasoning as a summary.

    Attributes:
        usage: tokens, once the engine told.
        reason: the engine's ``finish_reason``, once it told.
        failure: how the engine broke off, if it did.
    """

    __slots__ = (
        "_base",
        "_call",
        "_call_ids",
        "_call_number",
        "_closed",
        "_count",
        "_held",
        "_logprobs",
        "_message",
        "_summarize",
        "_thought",
        "_writer",
        "failure",
        "reason",
        "usage",
    )

    def __init__(self, writer: EventWriter, base: bytes, *, summarize: bool) -> None:
        self._writer = writer
        self._base = base
        self._summarize = summarize
        self._message: Message | None = None
        self._thought: Thought | None = None
        self._call: FunctionCall | None = None
        self._call_number = -1
        self._call_ids: set[str] = set()
        self._closed: dict[int, bytes] = {}
        self._count = 0
        self._held = 0
        self._logprobs: list[TokenLogprob] = []
        self.usage: Usage | None = None
        self.reason: str | None = None
        self.failure: EngineFailure | None = None

    def add(self, event: ChatEvent) -> None:
        """Take what the chat says next.

        Raises:
            UpstreamError: it makes no sense, or is beyond a limit.
        """
        if isinstance(event, TextDelta):
            self._say(TEXT, event.text)
        elif isinstance(event, ReasoningDelta):
            self._think(event.text)
        elif isinstance(event, ToolCallDelta):
            self._call_function(event)
        elif isinstance(event, RefusalDelta):
            self._say(REFUSAL, event.text)
        elif isinstance(event, Logprobs):
            self._hold(LOGPROB * len(event.raw))
            self._logprobs += read_logprobs(event.raw)
        elif isinstance(event, Finish):
            self.reason = event.reason
        elif isinstance(event, Usage):
            self.usage = event
        else:
            self.failure = event

    def end(self, *, complete: bool) -> None:
        """Close what is open; a complete response has at least a message, be it empty."""
        if self._logprobs or (complete and not self._count):
            self._say(TEXT, "")
        status = COMPLETED if complete else INCOMPLETE
        for item in self._open():
            self._closed[item.index] = item.close(status)
        self._thought = self._message = self._call = None

    def output(self) -> bytes:
        """The items as a JSON array; those that are open are incomplete."""
        items = dict(self._closed)
        for item in self._open():
            items[item.index] = item.as_json(INCOMPLETE)
        return b"[%b]" % b",".join(items[index] for index in sorted(items))

    def _say(self, kind: PartKind, text: str) -> None:
        message = self._message
        if message is None:
            if self._call is not None and text.isspace():
                return  # engines leave line ends between function calls
            self._close_thought()
            message = self._message = Message(self._writer, self._base, self._next())
        self._hold(CHARACTER * len(text) + (DELTA if kind is message.kind else PART))
        logprobs, self._logprobs = self._logprobs, []
        message.add(kind, text, logprobs)

    def _think(self, text: str) -> None:
        if self._thought is None:
            self._close_message()
            self._thought = Thought(self._writer, self._base, self._next(), summary=self._summarize)
        self._hold(CHARACTER * len(text) + DELTA)
        self._thought.add(text)

    def _call_function(self, delta: ToolCallDelta) -> None:
        if delta.index > self._call_number:
            self._close_thought()
            self._close_message()
            self._close_call()
            self._call_number = delta.index
            index = self._next()
            self._call = FunctionCall(
                self._writer, self._base, index, self._call_id(delta.id, index), delta.name
            )
        elif delta.index < self._call_number or self._call is None:
            raise UpstreamError("the engine goes on with a tool call after it began another")
        self._hold(CHARACTER * len(delta.arguments) + DELTA)
        self._call.add(delta.arguments)

    def _call_id(self, told: str, index: int) -> str:
        """The engine's id of a call, or one of ours where it has none or uses it twice."""
        if not told or told in self._call_ids:
            told = f"call_{self._base.decode()}{index:02x}"
        self._call_ids.add(told)
        return told

    def _next(self) -> int:
        index = self._count
        if index >= MAX_ITEMS:
            raise UpstreamError(f"the engine's answer has more than {MAX_ITEMS} parts")
        self._count += 1
        return index

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > MAX_HELD:
            raise UpstreamError("the answer is too long for this API; ask for fewer tokens")

    def _open(self) -> list[OutputItem]:
        items: list[OutputItem | None] = [self._thought, self._call, self._message]
        return sorted((item for item in items if item is not None), key=_index)

    def _close_thought(self) -> None:
        if self._thought is not None:
            self._closed[self._thought.index] = self._thought.close(COMPLETED)
            self._thought = None

    def _close_message(self) -> None:
        if self._message is not None:
            self._closed[self._message.index] = self._message.close(COMPLETED)
            self._message = None

    def _close_call(self) -> None:
        if self._call is not None:
            self._closed[self._call.index] = self._call.close(COMPLETED)
            self._call = None


def _index(item: OutputItem) -> int:
    return item.index
