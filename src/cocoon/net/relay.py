"""Copies bytes between two transports, with back-pressure and without tasks.

A :class:`Relay` has two ends. Whichever transport comes first is kept from reading until the other
is there; bytes that were already on their way are held, up to a limit. When one end closes, the
other is flushed and closed.
"""

import asyncio
from collections.abc import Callable
from typing import cast

MAX_HELD = 2**18
"""Bytes held for an end that does not exist yet before reading is paused."""


class End(asyncio.Protocol):
    """One side of a relay."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._other: End | None = None
        self.transport: asyncio.Transport | None = None
        self.held = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; the relay decides whether it may read already."""
        self.transport = cast(asyncio.Transport, transport)
        self._relay.end_made(self, self.transport)

    def point_at(self, other: "End") -> None:
        """From now on everything goes to ``other``."""
        self._other = other
        if self.transport is not None:
            self.transport.resume_reading()

    def release(self) -> None:
        """Send what was held; this may pause reading again, so it comes after both point."""
        other = self._other
        if self.held and other is not None and other.transport is not None:
            other.transport.write(bytes(self.held))
            self.held.clear()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, or hold them."""
        relay = self._relay
        relay.active = True
        if relay.closing:
            return
        if self._other is not None and self._other.transport is not None:
            self._other.transport.write(data)
            return
        self.held += data
        if len(self.held) > MAX_HELD and self.transport is not None:
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        """This side does not read: stop the other from sending."""
        if self._other is not None and self._other.transport is not None:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        """This side reads again."""
        if self._other is not None and self._other.transport is not None:
            self._other.transport.resume_reading()

    def eof_received(self) -> bool:
        """Half-closed streams end, as in the official router."""
        return False

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """End the relay; the other side still gets what was read."""
        self.transport = None
        self._relay.end_lost()


class Relay:
    """Two ends and what happened to them.

    Args:
        on_gone: called once, when no transport is left.

    Attributes:
        near: the end whose transport comes first.
        far: the other.
        on_made: called when ``near`` gets its transport through ``connection_made``.
        on_closed: called once, when the relay begins to close.
        active: set by every byte; whoever watches for idle relays clears it.
        quiet: how often a watcher found it clear, one after the other.
        closing: whether bytes are dropped by now.
    """

    def __init__(self, on_gone: Callable[["Relay"], None]) -> None:
        self.near = End(self)
        self.far = End(self)
        self.on_made: Callable[[asyncio.Transport], None] | None = None
        self.on_closed: Callable[[], object] | None = None
        self.active = True
        self.quiet = 0
        self.closing = False
        self._gone = False
        self._on_gone = on_gone

    def end_made(self, end: End, transport: asyncio.Transport) -> None:
        """An end got its transport."""
        if self.closing:
            transport.abort()
        elif end is self.near and self.on_made is not None:
            self.on_made(transport)

    def join(self) -> None:
        """Both transports are there: start copying."""
        self.near.point_at(self.far)
        self.far.point_at(self.near)
        self.near.release()
        self.far.release()

    def end_lost(self) -> None:
        """One transport is gone: flush and close the other."""
        self.close()
        self._check_gone()

    def close(self) -> None:
        """Flush and close both."""
        if self.closing:
            return
        self.closing = True
        self.quiet = 0
        if self.on_closed is not None:
            self.on_closed()
        for transport in (self.near.transport, self.far.transport):
            if transport is not None:
                transport.close()
        self._check_gone()

    def abort(self) -> None:
        """Close both at once."""
        self.close()
        for transport in (self.near.transport, self.far.transport):
            if transport is not None:
                transport.abort()

    def _check_gone(self) -> None:
        if not self._gone and self.near.transport is None and self.far.transport is None:
            self._gone = True
            self._on_gone(self)
