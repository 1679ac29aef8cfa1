"""Handover messages over one attested connection: an ``asyncio.Protocol`` of :mod:`cocoon.net`."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from cocoon.attestation.peer import VerifiedPeer
from cocoon.errors import (
    CocoonError,
    DeadlineError,
    PolicyError,
    RemoteProtocolError,
    UnavailableError,
)
from cocoon.key_manager.handover import FrameBuffer, Message, Refused, encode

MAX_REASON = 300


class _Transport(Protocol):
    @property
    def peer(self) -> VerifiedPeer: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class HandoverPipe(asyncio.Protocol):
    """One side of a handover.

    Args:
        limit: bytes of an incoming message at most.
        lifetime: seconds after which the connection is cut.
        on_message: called for each message; without it they wait for :meth:`receive`.
        on_closed: called once.
    """

    def __init__(
        self,
        limit: int,
        lifetime: float,
        *,
        on_message: Callable[["HandoverPipe", Message], None] | None = None,
        on_closed: Callable[["HandoverPipe"], None] | None = None,
    ) -> None:
        self._frames = FrameBuffer(limit)
        self._lifetime = lifetime
        self._on_message = on_message
        self._on_closed = on_closed
        self._transport: _Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Queue[Message | CocoonError] = asyncio.Queue()

    @property
    def peer(self) -> VerifiedPeer:
        """Who is at the other end.

        Raises:
            UnavailableError: there is no connection.
        """
        if self._transport is None:
            raise UnavailableError("the handover's connection is gone")
        return self._transport.peer

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            UnavailableError: there is no connection.
        """
        if self._transport is None:
            raise UnavailableError("the handover's connection is gone")
        self._transport.write(encode(message))

    def refuse(self, reason: str) -> None:
        """Say no and close."""
        if self._transport is not None:
            self._transport.write(encode(Refused(reason[:MAX_REASON])))
            self._transport.close()

    def close(self) -> None:
        """Close after what was sent."""
        if self._transport is not None:
            self._transport.close()

    async def receive(self, timeout: float) -> Message:
        """The next message.

        Raises:
            PolicyError: the peer refuses.
            DeadlineError: none came within ``timeout`` seconds.
            UnavailableError: the connection is gone.
            RemoteProtocolError: what came is no message.
        """
        try:
            async with asyncio.timeout(timeout):
                item = await self._waiting.get()
        except TimeoutError:
            raise DeadlineError(f"no answer of the other key manager in {timeout:g} s") from None
        if isinstance(item, CocoonError):
            raise item
        if isinstance(item, Refused):
            raise PolicyError(f"the other key manager refuses: {item.reason[:MAX_REASON]}")
        return item

    # --- what the byte stream calls ---------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock."""
        self._transport = cast(_Transport, transport)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._lifetime, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Cut into messages."""
        if self._transport is None:
            return
        try:
            messages = self._frames.feed(data)
        except RemoteProtocolError as error:
            self._waiting.put_nowait(error)
            self._transport.abort()
            return
        for message in messages:
            if self._on_message is not None:
                self._on_message(self, message)
            else:
                self._waiting.put_nowait(message)

    def connection_lost(self, error: Exception | None) -> None:
        """The end."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        reason = error if isinstance(error, CocoonError) else None
        text = "the other key manager closed the connection"
        self._waiting.put_nowait(reason or UnavailableError(text))
        if self._on_closed is not None:
            self._on_closed(self)
