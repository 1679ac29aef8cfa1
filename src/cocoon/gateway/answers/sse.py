"""Forwarding server-sent events: whole events only, without an unasked usage event."""

import re
from typing import Any

import msgspec

MAX_EVENT = 2**18
"""Bytes held while waiting for the end of one event, or of the stream; beyond it all bytes pass."""
MAX_LAST = 16
"""Events that are looked at for the end of a stream: usage, ``[DONE]`` and some comments."""

_no_choices = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_end = re.compile(rb"\r?\n\r?\n")
_done = re.compile(rb"(?:^|\n\r?\n)(data:[ \t]*\[DONE\])")
_ENDS = (b"\n\n", b"\n\r\n")


class _Chunk(msgspec.Struct):
    choices: list[Any]
    usage: dict[str, Any] | None = None


_chunk = msgspec.json.Decoder(_Chunk)


class EventRelay:
    """Cuts a byte stream at event boundaries.

    Only whole events are passed on, so that an error event can follow at any time. The event that
    holds nothing but usage is dropped when ``show_usage`` is false: the network always asks
    the engine for it, but a caller that did not must not get a chunk without choices. That event
    and ``[DONE]`` are held back until :meth:`finish`, which knows what the answer cost.
    """

    __slots__ = ("_clean", "_held", "_last", "_show_usage", "_size", "_tail", "_through")

    def __init__(self, *, show_usage: bool) -> None:
        self._show_usage = show_usage
        self._held: list[bytes] = []
        self._size = 0
        self._last = b""
        self._tail = b""
        self._through = False
        self._clean = True

    def feed(self, data: bytes) -> bytes:
        """Bytes that can go to the caller now; possibly none."""
        if self._through:
            self._clean = data.endswith(_ENDS)
            return data
        if self._held:
            # Joined only where an event ends, or bytes that drip in would cost their square.
            joint = self._last + data
            if b"\n\n" not in joint and b"\n\r\n" not in joint:
                return self._hold(data, joint)
            data = b"".join((*self._held, data))
            self._held, self._size = [], 0
        if not data.endswith(_ENDS):
            cut = max(data.rfind(b"\n\n") + 2, data.rfind(b"\n\r\n") + 3)
            if cut <= 2:  # neither was found, or nothing stands before it
                cut = 0
            rest = data[cut:]
            data = data[:cut]
            passed = self._hold(rest, rest, data)
            if passed:
                return passed
        # Quick questions before the slow ones: hardly any piece of a stream has usage in it.
        if self._tail or b"[DONE]" in data or _may_have_usage(data):
            return self._hold_back(data)
        return data

    def finish(self, block: bytes | None = None) -> bytes:
        """What is left at the regular end of the stream.

        Args:
            block: JSON object to add: as ``cocoon`` in the usage event if that is shown, else as
                a comment line before ``[DONE]``.
        """
        rest = self._take()
        if not self._show_usage:
            rest = _without_usage(rest)
        if block is None or not self._clean:
            return rest
        if self._show_usage:
            with_usage = _into_usage(rest, block)
            if with_usage is not None:
                return with_usage
        return _with_comment(rest, b": cocoon " + block + b"\n\n")

    def _hold_back(self, data: bytes) -> bytes:
        """Keep the events that end a stream; whatever is followed by others was not the end."""
        data = self._tail + data
        cut = _end_begins(data)
        self._tail = data[cut:]
        data = data[:cut]
        if len(self._tail) > MAX_EVENT:
            return self._give_up(data)
        return data if self._show_usage else _without_usage(data)

    def _hold(self, data: bytes, last: bytes, before: bytes = b"") -> bytes:
        """Keep a piece of an event; beyond the limit everything, ``before`` included, passes."""
        self._size += len(data)
        self._last = last[-2:]
        if data:
            self._held.append(data)
        if self._size <= MAX_EVENT:
            return b""
        before, self._tail = self._tail + before, b""
        return self._give_up(before)

    def _give_up(self, data: bytes) -> bytes:
        """Too much would have to be held: from now on bytes pass as they come."""
        data += self._take()
        self._through = True
        self._clean = data.endswith(_ENDS)
        return data if self._show_usage else _without_usage(data)

    def _take(self) -> bytes:
        """All that is held, which is held no more."""
        rest = b"".join((self._tail, *self._held))
        self._held, self._size, self._tail = [], 0, b""
        return rest


def _may_have_usage(data: bytes) -> bool:
    return b'"usage"' in data and _no_choices.search(data) is not None


def _end_begins(data: bytes) -> int:
    """Where the events begin that only end the stream: usage, ``[DONE]``, comments."""
    at = len(data)
    for _ in range(MAX_LAST):
        start = _last_begins(data, at)
        event = data[start:at].strip()
        if not (event.startswith(b":") or _is_done(event) or not event or _is_usage(event)):
            break
        at = start
    return at


def _last_begins(data: bytes, end: int) -> int:
    """Where the last event before ``end`` begins; of many line ends only some are taken."""
    some = max(0, end - 64)
    body = some + len(data[some:end].rstrip(b"\r\n"))
    if body == some:
        return some
    newline = data.rfind(b"\n\n", 0, body)
    start = 0 if newline < 0 else newline + 2
    carriage = data.rfind(b"\n\r\n", start, body)
    return start if carriage < 0 else carriage + 3


def _is_done(event: bytes) -> bool:
    return event.startswith(b"data:") and event[5:].strip() == b"[DONE]"


def _into_usage(data: bytes, block: bytes) -> bytes | None:
    """The events with a member added to the usage event; None when there is none."""
    at = 0
    for match in _no_choices.finditer(data):
        if match.start() < at:
            continue  # a second match in an event that was looked at
        start = _event_start(data, at, match.start())
        end = _end.search(data, match.end())
        stop = len(data) if end is None else end.end()
        if _is_usage(data[start:stop]):
            brace = data.rindex(b"}", start, stop)
            return data[:brace] + b',"cocoon":' + block + data[brace:]
        at = stop
    return None


def _with_comment(data: bytes, comment: bytes) -> bytes:
    """The events with a comment before ``[DONE]``, or at their end."""
    found = _done.search(data)
    if found is not None:
        return data[: found.start(1)] + comment + data[found.start(1) :]
    if data and not data.endswith(_ENDS):
        data += b"\n\n"
    return data + comment


def _without_usage(data: bytes) -> bytes:
    """Whole events without the usage event; only events that could be it are looked at."""
    kept: list[bytes] = []
    at = 0
    for match in _no_choices.finditer(data):
        if match.start() < at:
            continue  # a second match in an event that was looked at
        start = _event_start(data, at, match.start())
        end = _end.search(data, match.end())
        stop = len(data) if end is None else end.end()
        kept += (data[at:start], _kept(data[start:stop]))
        at = stop
    kept.append(data[at:])
    return b"".join(kept)


def _event_start(data: bytes, at: int, inside: int) -> int:
    """Where the event around ``inside`` starts: behind the last blank line, or at ``at``."""
    newline = data.rfind(b"\n\n", at, inside)
    carriage = data.rfind(b"\n\r\n", at, inside)
    return max(at, newline + 2 if newline >= 0 else at, carriage + 3 if carriage >= 0 else at)


def _kept(event: bytes) -> bytes:
    """An event, or only the line ends before it when it is the usage event."""
    if not _is_usage(event):
        return event
    return event[: len(event) - len(event.lstrip(b"\r\n"))]


def _is_usage(event: bytes) -> bool:
    """Whether an event is a chunk with usage and an empty list of choices."""
    if _no_choices.search(event) is None:
        return False
    lines = [line[5:].strip() for line in event.splitlines() if line.startswith(b"data:")]
    try:
        chunk = _chunk.decode(b"\n".join(lines))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return not chunk.choices and chunk.usage is not None
