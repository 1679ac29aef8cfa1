"""Forwarding server-sent events: whole events only, and without an unasked usage event."""

import re
from typing import Any

import msgspec

MAX_EVENT = 2**18
"""Bytes held while waiting for the end of one event; beyond it bytes pass as they come."""

_no_choices = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_end = re.compile(rb"\r?\n\r?\n")


class _Chunk(msgspec.Struct):
    choices: list[Any]
    usage: dict[str, Any] | None = None


_chunk = msgspec.json.Decoder(_Chunk)


class EventRelay:
    """Cuts a byte stream at event boundaries.

    Only whole events are passed on, so that an error event can follow at any time. The event that
    holds nothing but usage is dropped when ``show_usage`` is false: the network always asks
    the engine for it, but a caller that did not must not get a chunk without choices.
    """

    __slots__ = ("_held", "_show_usage", "_through")

    def __init__(self, *, show_usage: bool) -> None:
        self._show_usage = show_usage
        self._held = b""
        self._through = False

    def feed(self, data: bytes) -> bytes:
        """Bytes that can go to the caller now; possibly none."""
        if self._through:
            return data
        if self._held:
            data = self._held + data
            self._held = b""
        if not data.endswith((b"\n\n", b"\n\r\n")):
            cut = max(data.rfind(b"\n\n") + 2, data.rfind(b"\n\r\n") + 3)
            if cut <= 2:  # neither was found, or nothing stands before it
                cut = 0
            self._held = data[cut:]
            data = data[:cut]
            if len(self._held) > MAX_EVENT:
                self._through = True
                data, self._held = data + self._held, b""
        # Two quick questions before the slow one: hardly any piece of a stream has usage in it.
        if self._show_usage or b'"usage"' not in data or _no_choices.search(data) is None:
            return data
        return _without_usage(data)

    def finish(self) -> bytes:
        """What is left at the regular end of the stream."""
        rest, self._held = self._held, b""
        return rest if self._show_usage else _kept(rest)


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
