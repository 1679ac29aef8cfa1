"""Length-and-number frames: the lowest layer of a connection (``wire-protocol.md`` §2.6).

::

    u32 length of the payload, 4 .. 2^24
    i32 number of the frame in its direction, from 0, +1 each
    payload
"""

from struct import Struct

from cocoon.errors import DecodeError, LocalProtocolError

MIN_PAYLOAD = 4
MAX_PAYLOAD = 2**24
HEADER_SIZE = 8
_HEADER = Struct("<Ii")


def _wrap(seqno: int) -> int:
    # The number is an int32 that grows by one a frame; like the official counter it wraps.
    return (seqno + 2**31) % 2**32 - 2**31


class FrameDecoder:
    """Cuts a byte stream into payloads.

    Attributes:
        failure: why the stream is broken, or None. Set as soon as a bad header is seen; payloads
            that came before it are still returned.
    """

    __slots__ = ("_buffer", "_max", "_needed", "_seqno", "failure")

    def __init__(self, max_len: int = MAX_PAYLOAD) -> None:
        self._max = max_len
        self._buffer = bytearray()
        self._needed = HEADER_SIZE
        self._seqno = 0
        self.failure: DecodeError | None = None

    @property
    def buffered(self) -> int:
        """Bytes kept of a frame that is not complete yet; never above ``max_len`` + 8."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take received bytes and return the payloads completed by them, in order.

        Raises:
            DecodeError: the stream is broken and no payload precedes the fault in ``data``.
        """
        if self.failure is not None:
            raise self.failure
        source: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return []
            source = self._buffer
        payloads, used, failure = self._split(source)
        if failure is not None:
            self.failure = failure
            self._buffer = bytearray()
            if not payloads:
                raise failure
            return payloads
        # Copy what is left over only when there is something: most reads end with a frame.
        if source is data:
            if used < len(data):
                self._buffer += memoryview(data)[used:]
        else:
            del self._buffer[:used]
        return payloads

    def _split(self, source: bytes | bytearray) -> tuple[list[bytes], int, DecodeError | None]:
        """Cut whole frames off ``source``: payloads, bytes used, and the fault that ended it."""
        payloads: list[bytes] = []
        failure: DecodeError | None = None
        offset, end, seqno = 0, len(source), self._seqno
        needed = HEADER_SIZE
        while end - offset >= HEADER_SIZE:
            length, number = _HEADER.unpack_from(source, offset)
            if not MIN_PAYLOAD <= length <= self._max:
                failure = DecodeError(f"frame length {length} is outside 4..{self._max}")
                break
            if number != seqno:
                failure = DecodeError(f"frame number {number} where {seqno} is due")
                break
            stop = offset + HEADER_SIZE + length
            if stop > end:
                needed = HEADER_SIZE + length
                break
            start = offset + HEADER_SIZE
            if isinstance(source, bytes):
                payloads.append(source[start:stop])
            else:  # through a view: a bytearray's own slice would be copied twice
                payloads.append(bytes(memoryview(source)[start:stop]))
            seqno = _wrap(seqno + 1)
            offset = stop
        self._seqno = seqno
        self._needed = needed
        return payloads, offset, failure


class FrameEncoder:
    """Numbers and prefixes payloads of one direction."""

    __slots__ = ("_max", "_seqno")

    def __init__(self, max_len: int = MAX_PAYLOAD) -> None:
        self._max = max_len
        self._seqno = 0

    def header(self, length: int) -> bytes:
        """Return the header of the next frame; its payload of ``length`` bytes must follow.

        Raises:
            LocalProtocolError: no frame can carry so many bytes. The number is not used up.
        """
        if not MIN_PAYLOAD <= length <= self._max:
            raise LocalProtocolError(f"a frame of {length} bytes is outside 4..{self._max}")
        header = _HEADER.pack(length, self._seqno)
        self._seqno = _wrap(self._seqno + 1)
        return header

    def encode(self, payload: bytes) -> bytes:
        """Return the next frame with its header; raises as :meth:`header`."""
        return self.header(len(payload)) + payload
