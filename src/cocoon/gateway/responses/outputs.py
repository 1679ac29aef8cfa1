"""Output items of a response as they grow: each announces itself, its parts and its end."""

from dataclasses import dataclass
from typing import Protocol

import msgspec

from cocoon.gateway.responses.events import EventWriter, delta_head, quoted
from cocoon.gateway.responses.logprobs import TokenLogprob

COMPLETED = b"completed"
INCOMPLETE = b"incomplete"
_IN_PROGRESS = b"in_progress"
_ADDED = b"response.output_item.added"
_DONE = b"response.output_item.done"

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class PartKind:
    """How one kind of text is called in events and objects.

    Attributes:
        type: of the part.
        name: of the member that holds the text.
        events: what its delta and done events begin with.
        parts: what the events that frame it begin with.
        index: of the part in its item.
        annotated: whether it has annotations and log probabilities.
    """

    type: bytes
    name: bytes
    events: bytes
    parts: bytes = b"response.content_part"
    index: bytes = b"content_index"
    annotated: bool = False


TEXT = PartKind(b"output_text", b"text", b"response.output_text", annotated=True)
REFUSAL = PartKind(b"refusal", b"refusal", b"response.refusal")
REASONING = PartKind(b"reasoning_text", b"text", b"response.reasoning_text")
SUMMARY = PartKind(
    b"summary_text",
    b"text",
    b"response.reasoning_summary_text",
    b"response.reasoning_summary_part",
    b"summary_index",
)


class OutputItem(Protocol):
    """An item that can still grow; ``index`` is its place in the output."""

    index: int

    def close(self, status: bytes) -> bytes:
        """Announce its end and give the item as it stays."""
        ...

    def as_json(self, status: bytes) -> bytes:
        """The item as it is now."""
        ...


class _Part:
    """One text of an item."""

    __slots__ = ("_head", "_kind", "_place", "_texts", "_writer", "logprobs")

    def __init__(self, writer: EventWriter, kind: PartKind, place: bytes, number: int) -> None:
        self._writer = writer
        self._kind = kind
        self._place = b'%b,"%b":%d' % (place, kind.index, number)
        self._head = delta_head(kind.events + b".delta", self._place)
        self._texts: list[str] = []
        self.logprobs: list[TokenLogprob] = []
        writer.write(kind.parts + b".added", b'%b,"part":%b' % (self._place, self._part(b'""')))

    @property
    def kind(self) -> PartKind:
        return self._kind

    def add(self, text: str, logprobs: list[TokenLogprob]) -> None:
        """More of it; log probabilities only with text that has them."""
        self._texts.append(text)
        tail = b""
        if self._kind.annotated:
            tail = b',"logprobs":[]'
            if logprobs:
                self.logprobs += logprobs
                tail = b',"logprobs":' + _encode(logprobs)
        self._writer.delta(self._head, text, tail)

    def close(self) -> None:
        text = self._text()
        more = b',"logprobs":' + _encode(self.logprobs) if self._kind.annotated else b""
        self._writer.write(
            self._kind.events + b".done",
            b'%b,"%b":%b%b' % (self._place, self._kind.name, text, more),
        )
        self._writer.write(
            self._kind.parts + b".done", b'%b,"part":%b' % (self._place, self._part(text))
        )

    def as_json(self) -> bytes:
        return self._part(self._text())

    def _text(self) -> bytes:
        if len(self._texts) > 1:
            self._texts = ["".join(self._texts)]
        return quoted(self._texts[0]) if self._texts else b'""'

    def _part(self, text: bytes) -> bytes:
        kind = self._kind
        more = b""
        if kind.annotated:
            more = b',"annotations":[],"logprobs":' + _encode(self.logprobs)
        return b'{"type":"%b","%b":%b%b}' % (kind.type, kind.name, text, more)


class _Item:
    """What items have in common."""

    __slots__ = ("_place", "_writer", "id", "index")

    def __init__(self, writer: EventWriter, identity: bytes, index: int) -> None:
        self._writer = writer
        self.id = identity
        self.index = index
        self._place = b'"item_id":"%b","output_index":%d' % (identity, index)

    def as_json(self, status: bytes) -> bytes:
        raise NotImplementedError

    def _announce(self, kind: bytes, status: bytes) -> bytes:
        item = self.as_json(status)
        self._writer.write(kind, b'"output_index":%d,"item":%b' % (self.index, item))
        return item


class Message(_Item):
    """What the model says: text, a refusal, or one after the other."""

    __slots__ = ("_parts",)

    def __init__(self, writer: EventWriter, base: bytes, index: int) -> None:
        super().__init__(writer, b"msg_%b%02x" % (base, index), index)
        self._parts: list[_Part] = []
        self._announce(_ADDED, _IN_PROGRESS)

    @property
    def kind(self) -> PartKind | None:
        """Of the part that is open."""
        return self._parts[-1].kind if self._parts else None

    def add(self, kind: PartKind, text: str, logprobs: list[TokenLogprob]) -> None:
        """More of it."""
        parts = self._parts
        if not parts or parts[-1].kind is not kind:
            if parts:
                parts[-1].close()
            parts.append(_Part(self._writer, kind, self._place, len(parts)))
        if text or logprobs:
            parts[-1].add(text, logprobs)

    def close(self, status: bytes) -> bytes:
        """Announce its end and give the item as it stays."""
        if self._parts:
            self._parts[-1].close()
        return self._announce(_DONE, status)

    def as_json(self, status: bytes) -> bytes:
        """The item as it is now."""
        content = b",".join(part.as_json() for part in self._parts)
        return b'{"id":"%b","type":"message","status":"%b","role":"assistant","content":[%b]}' % (
            self.id,
            status,
            content,
        )


class Thought(_Item):
    """What the model thought before it spoke.

    Args:
        summary: show it as the summary that the caller asked for; there is no other.
    """

    __slots__ = ("_kind", "_part")

    def __init__(self, writer: EventWriter, base: bytes, index: int, *, summary: bool) -> None:
        super().__init__(writer, b"rs_%b%02x" % (base, index), index)
        self._part: _Part | None = None
        self._kind = SUMMARY if summary else REASONING
        self._announce(_ADDED, _IN_PROGRESS)
        self._part = _Part(writer, self._kind, self._place, 0)

    def add(self, text: str) -> None:
        """More of it."""
        if self._part is not None:
            self._part.add(text, [])

    def close(self, status: bytes) -> bytes:
        """Announce its end and give the item as it stays."""
        if self._part is not None:
            self._part.close()
        return self._announce(_DONE, status)

    def as_json(self, status: bytes) -> bytes:
        """The item as it is now."""
        text = b"" if self._part is None else self._part.as_json()
        summary, content = (text, b"") if self._kind is SUMMARY else (b"", text)
        return b'{"id":"%b","type":"reasoning","status":"%b","summary":[%b],"content":[%b]}' % (
            self.id,
            status,
            summary,
            content,
        )


class FunctionCall(_Item):
    """A function that the model wants called."""

    __slots__ = ("_head", "_members", "_texts")

    def __init__(
        self, writer: EventWriter, base: bytes, index: int, call_id: str, name: str
    ) -> None:
        super().__init__(writer, b"fc_%b%02x" % (base, index), index)
        self._members = b'"call_id":%b,"name":%b' % (quoted(call_id), quoted(name))
        self._head = delta_head(b"response.function_call_arguments.delta", self._place)
        self._texts: list[str] = []
        self._announce(_ADDED, _IN_PROGRESS)

    def add(self, arguments: str) -> None:
        """More of its arguments."""
        if arguments:
            self._texts.append(arguments)
            self._writer.delta(self._head, arguments, b"")

    def close(self, status: bytes) -> bytes:
        """Announce its end and give the item as it stays."""
        self._writer.write(
            b"response.function_call_arguments.done",
            b'%b,"arguments":%b' % (self._place, quoted("".join(self._texts))),
        )
        return self._announce(_DONE, status)

    def as_json(self, status: bytes) -> bytes:
        """The item as it is now."""
        return b'{"id":"%b","type":"function_call","status":"%b",%b,"arguments":%b}' % (
            self.id,
            status,
            self._members,
            quoted("".join(self._texts)),
        )
