"""Byte streams in memory and a clock that does not wait, for tests without sockets.

::

    left, right = connect(link_a, link_b)   # both get connection_made with a MemoryTransport

and, for time limits, an event loop whose time jumps to the next timer when nothing else is left::

    @pytest.fixture
    def anyio_backend():
        return "asyncio", {"loop_factory": VirtualClockLoop}
"""

import asyncio
import selectors

from cocoon.attestation.measurements import Attestation
from cocoon.attestation.peer import VerifiedPeer, peer_told_by_router

HIGH_WATER = 65536
"""Bytes on their way at which the writing side is told to pause."""


def unattested_peer(public_key: bytes = bytes(32)) -> VerifiedPeer:
    """A peer about whom nothing is known, marked as told by a router."""
    return peer_told_by_router(attestation=Attestation(), public_key=public_key, now=0)


class MemoryTransport(asyncio.Transport):
    """One end of a stream in memory; what is written arrives in a later turn of the loop.

    Attributes:
        writes: the bytes of each ``write`` call, for tests that count them.
    """

    def __init__(self, protocol: asyncio.Protocol, peer: VerifiedPeer) -> None:
        super().__init__({"peername": ("memory", 0), "sockname": ("memory", 0)})
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._peer = peer
        self._other: MemoryTransport | None = None
        self._incoming = bytearray()
        self._reading = True
        self._closing = False
        self._lost = False
        self._eof = False
        self._told_to_pause = False
        self._delivery_due = False
        self.writes: list[bytes] = []

    @property
    def peer(self) -> VerifiedPeer:
        """Who is at the other end, as the test chose."""
        return self._peer

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes to the other end."""
        self.writes.append(bytes(data))
        other = self._other
        if other is None or self._closing or other._lost:
            return
        other._incoming += data
        if len(other._incoming) > HIGH_WATER and not self._told_to_pause:
            self._told_to_pause = True
            self._protocol.pause_writing()
        other._schedule()

    def get_write_buffer_size(self) -> int:
        """Bytes that the other end has not taken yet."""
        return 0 if self._other is None else len(self._other._incoming)

    def is_closing(self) -> bool:
        """Whether closing has begun."""
        return self._closing

    def pause_reading(self) -> None:
        """Let bytes pile up."""
        self._reading = False

    def resume_reading(self) -> None:
        """Undo :meth:`pause_reading`."""
        self._reading = True
        self._schedule()

    def close(self) -> None:
        """Close; what was written still arrives."""
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._lose, None)
            if self._other is not None:
                self._other._eof = True
                self._other._schedule()

    def abort(self) -> None:
        """Close; what was written and has not arrived is lost."""
        if self._other is not None and not self._closing:
            self._other._incoming.clear()
        self.close()

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol that gets the bytes."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the stream to another protocol."""
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def _schedule(self) -> None:
        if not self._delivery_due:
            self._delivery_due = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._delivery_due = False
        if self._lost or not self._reading:
            return
        if self._incoming:
            data = bytes(self._incoming)
            self._incoming.clear()
            self._protocol.data_received(data)
            self._other_may_write()
        if self._eof and not self._incoming and not self._closing:
            self._closing = True
            self._lose(None)

    def _other_may_write(self) -> None:
        other = self._other
        if other is not None and other._told_to_pause and not other._lost:
            other._told_to_pause = False
            other._protocol.resume_writing()

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._protocol.connection_lost(error)


def connect(
    left: asyncio.Protocol,
    right: asyncio.Protocol,
    *,
    left_sees: VerifiedPeer | None = None,
    right_sees: VerifiedPeer | None = None,
) -> tuple[MemoryTransport, MemoryTransport]:
    """Join two protocols by a stream; ``connection_made`` of both is called before this returns."""
    near = MemoryTransport(left, left_sees or unattested_peer())
    far = MemoryTransport(right, right_sees or unattested_peer())
    near._other, far._other = far, near
    left.connection_made(near)
    right.connection_made(far)
    return near, far


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits for a timer; tells how long it should have waited instead."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the base class, but a wait for a timer is only counted."""
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready and timeout > 0:
            # A little more: a sum of floats just short of a deadline would fire its timer forever.
            self.skipped += timeout + 1e-9
        return ready


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose ``time()`` jumps to the next timer whenever nothing is ready.

    Only for tests that use no real socket, thread or process: those take real time.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.skipped
