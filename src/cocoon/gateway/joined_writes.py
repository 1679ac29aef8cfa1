"""A transport that sends what is written in one turn of the event loop with one system call.

uvicorn writes the head and the body of an answer separately, and every event of a stream. A system
call for each costs a quarter of what a small request costs in all.
"""

import asyncio
from typing import Any

MAX_HELD = 2**16
"""Bytes from which on nothing is held back."""


class JoinedWrites(asyncio.Transport):
    """Hands everything on to a transport; writes at the end of the turn.

    Args:
        transport: that does the work; its protocol still hears when to pause.
        loop: that it belongs to.
    """

    __slots__ = ("_held", "_loop", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> None:
        """Hold ``data`` until the end of this turn, unless it has become much."""
        if not data:
            return
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size >= MAX_HELD:
            self.flush()

    def flush(self) -> None:
        """Write what is held now; nothing when the connection was lost meanwhile."""
        held, self._held, self._size = self._held, [], 0
        if held and not self._transport.is_closing():
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    def close(self) -> None:
        """Close once everything is written."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._held, self._size = [], 0
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed or will be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Take nothing from the peer for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take from the peer again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Of the transport."""
        return self._transport.get_extra_info(name, default)
