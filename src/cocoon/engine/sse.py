"""Cut a stream of server-sent events at event boundaries, without touching a byte.

The grammar is that of the WHATWG HTML standard, section "Server-sent events": lines end in LF, CR
or CRLF, a blank line ends an event, ``data`` lines of one event are joined by LF, lines that begin
with a colon are comments, one byte order mark at the start is ignored.

`SseCutter` groups arriving bytes into whole events (one call a network read, however many events
are in it), `split_events` takes such a group apart and `event_data` reads one event. Nothing here
delays a stream: who forwards bytes may do so before, after or without cutting them.
"""

import re

#: Longest event, in bytes, that is looked at. A chunk of a chat completion is some hundred bytes;
#: one with log probabilities or a whole tool call can be some hundred thousand.
MAX_EVENT_SIZE = 1 << 20

_BOM = b"\xef\xbb\xbf"
# Two line ends in a row. The look-ahead keeps the CR of a CRLF from counting as a line of its own.
_BOUNDARY = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")


class SseCutter:
    """Collects bytes until events are whole.

    After an event longer than `max_event_size` the cutter has `overflowed`: it returns nothing
    more, because it no longer knows where events begin.
    """

    def __init__(self, max_event_size: int = MAX_EVENT_SIZE) -> None:
        self._max = max_event_size
        self._pending = bytearray()
        self.overflowed = False

    @property
    def pending(self) -> bytes:
        """Bytes of the event that is not whole yet."""
        return bytes(self._pending)

    def cut(self, chunk: bytes) -> bytes:
        """Take the next bytes; return all events that are whole now, as one piece.

        The results of all calls and `pending`, joined, are the input (until it overflows, and then
        `pending` holds everything from the oversized event on that was given in that call).
        """
        if self.overflowed:
            return b""
        if not self._pending and chunk.endswith(b"\n\n") and len(chunk) <= self._max:
            return chunk  # by far the usual case: engines write whole events
        seen = len(self._pending)
        self._pending += chunk
        end = self._last_boundary(max(0, seen - 3))
        whole = bytes(self._pending[:end])
        if len(whole) > self._max:
            whole = self._up_to_oversized(whole)
        del self._pending[: len(whole)]
        if len(self._pending) > self._max:
            self.overflowed = True
        return whole

    def _last_boundary(self, start: int) -> int:
        """Where the last whole event in the buffer ends; 0 if there is none."""
        end = 0
        if self._pending.find(b"\r", start) < 0:
            found = self._pending.rfind(b"\n\n", start)
            return found + 2 if found >= 0 else 0
        for match in _BOUNDARY.finditer(self._pending, start):
            end = match.end()
        return end

    def _up_to_oversized(self, whole: bytes) -> bytes:
        """The events before the first oversized one."""
        end = 0
        for event in split_events(whole):
            if len(event) > self._max:
                self.overflowed = True
                break
            end += len(event)
        return whole[:end]


def split_events(whole: bytes) -> list[bytes]:
    """Split whole events into single ones, each with the blank line that ends it.

    Joined, the result is the input. Bytes behind the last blank line come as a last item.
    """
    events = []
    start = 0
    for match in _BOUNDARY.finditer(whole):
        events.append(whole[start : match.end()])
        start = match.end()
    if start < len(whole):
        events.append(whole[start:])
    return events


def event_data(event: bytes) -> bytes | None:
    """Return the data of one event, or None if it has none (a comment, a bare ``event:`` line)."""
    lines = []
    for line in _LINE_END.split(event.removeprefix(_BOM)):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
    return b"\n".join(lines) if lines else None
