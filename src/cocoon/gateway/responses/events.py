"""Writing the events of a streamed response, numbered in their order."""

import msgspec

_encode = msgspec.json.Encoder().encode


class EventWriter:
    """Collects events as bytes."""

    __slots__ = ("_number", "_parts", "_quiet")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._number = 0
        self._quiet = False

    def mute(self) -> None:
        """Write nothing from now on, for an answer that is not streamed."""
        self._quiet = True

    def write(self, kind: bytes, members: bytes) -> None:
        """Add an event.

        Args:
            kind: its ``type``.
            members: JSON members beside ``type`` and ``sequence_number``, without braces.
        """
        if self._quiet:
            return
        self._parts.append(
            b'event: %b\ndata: {"type":"%b","sequence_number":%d,%b}\n\n'
            % (kind, kind, self._number, members)
        )
        self._number += 1

    def delta(self, head: bytes, text: str, tail: bytes) -> None:
        """Add an event that differs from its neighbours only in number and text.

        Args:
            head: of :func:`delta_head`.
            text: what is new.
            tail: more members with the comma before them, or empty.
        """
        if self._quiet:
            return
        self._parts.append(b'%b%d%b,"delta":%b}\n\n' % (head, self._number, tail, _encode(text)))
        self._number += 1

    def comment(self, text: bytes) -> None:
        """Add a comment, which parsers of event streams skip; ``text`` is one line."""
        self._parts.append(b": %b\n\n" % text)

    def take(self) -> bytes:
        """What was added since the last call."""
        if not self._parts:
            return b""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def delta_head(kind: bytes, members: bytes) -> bytes:
    """The part of a delta event before its number; ``members`` as for :meth:`EventWriter.write`."""
    return b'event: %b\ndata: {"type":"%b",%b,"sequence_number":' % (kind, kind, members)


def quoted(text: str) -> bytes:
    """``text`` as a JSON string."""
    return _encode(text)
