"""Plain TCP connections whose security is a router's on the same machine.

Dialing goes through the router's SOCKS5 port, or to one of its forward ports; listening is for a
reverse port. Either way the router's first bytes are the attested-peer record
(``wire-protocol.md`` §2.4, §2.5), and only then does the application get its transport. Its
``peer`` is marked as told by the router: this process has verified nothing itself.

The contract is that of :mod:`cocoon.net.ratls`.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import structlog

from cocoon.attestation.peer import VerifiedPeer, peer_told_by_router
from cocoon.errors import CocoonError, DeadlineError, RemoteProtocolError, UnavailableError
from cocoon.wire.attested_peer import AttestedPeerInfo, AttestedPeerReader
from cocoon.wire.socks5 import Socks5Client

_log = structlog.get_logger(__name__)
_App = TypeVar("_App", bound=asyncio.Protocol)


@dataclass(frozen=True, slots=True)
class PlainTimeouts:
    """Time limits (seconds) of a dial; ``record`` covers the router's proof of work and TLS."""

    connect: float = 5.0
    record: float = 90.0


@dataclass(frozen=True, slots=True)
class PlainLimits:
    """Limits of a listener; ``record_timeout`` in seconds."""

    record_timeout: float = 10.0
    max_unfinished: int = 512


class PlainTransport(asyncio.Transport):
    """A TCP transport that knows who is behind the router."""

    def __init__(self, inner: asyncio.Transport, peer: VerifiedPeer) -> None:
        super().__init__()
        self._inner = inner
        self._peer = peer

    @property
    def peer(self) -> VerifiedPeer:
        """The peer as the local router described it."""
        return self._peer

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        self._inner.write(data)

    def close(self) -> None:
        """Flush and close."""
        self._inner.close()

    def abort(self) -> None:
        """Close at once."""
        self._inner.abort()

    def is_closing(self) -> bool:
        """Whether closing has begun."""
        return self._inner.is_closing()

    def pause_reading(self) -> None:
        """Take no more bytes for now."""
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """Undo :meth:`pause_reading`."""
        self._inner.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Bytes that the operating system has not taken yet."""
        return self._inner.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set when the application is told to pause writing."""
        self._inner.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the TCP transport knows, such as ``peername``."""
        return self._inner.get_extra_info(name, default)


class _Prologue(asyncio.Protocol):
    """Reads what the router says first, then makes the application the protocol."""

    def __init__(
        self,
        on_ready: Callable[[asyncio.Transport, AttestedPeerInfo, bytes], None],
        on_failed: Callable[[CocoonError], None],
        socks: Socks5Client | None = None,
    ) -> None:
        self._on_ready = on_ready
        self._on_failed = on_failed
        self._socks = socks
        self._reader = AttestedPeerReader()
        self._done = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._done:
            self._transport.abort()
        elif self._socks is not None:
            self._transport.write(self._socks.data_to_send())

    def data_received(self, data: bytes) -> None:
        if self._done or self._transport is None:
            return
        try:
            info = self._advance(self._transport, data)
        except RemoteProtocolError as error:
            self.fail(error)
            return
        if info is not None:
            self._done = True
            self._on_ready(self._transport, info, self._reader.rest)

    def _advance(self, transport: asyncio.Transport, data: bytes) -> AttestedPeerInfo | None:
        socks = self._socks
        if socks is not None:
            accepted = socks.receive_data(data)
            transport.write(socks.data_to_send())
            if not accepted:
                return None
            self._socks = None
            data = socks.rest
        return self._reader.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        text = "the router closed the connection before it told who the peer is"
        self.fail(UnavailableError(text if error is None else f"{text}: {error}"))

    def fail(self, error: CocoonError) -> None:
        """Give up, once."""
        if not self._done:
            self._done = True
            if self._transport is not None:
                self._transport.abort()
            self._on_failed(error)


def _hand_over(
    app: asyncio.Protocol, inner: asyncio.Transport, info: AttestedPeerInfo, rest: bytes
) -> PlainTransport:
    """Make ``app`` the protocol of the TCP transport, so that bytes reach it without a detour."""
    peer = peer_told_by_router(
        attestation=info.attestation, public_key=info.public_key, now=int(time.time())
    )
    transport = PlainTransport(inner, peer)
    inner.set_protocol(app)
    app.connection_made(transport)
    if rest:
        app.data_received(rest)
    return transport


async def dial_plain(
    app_factory: Callable[[], _App],
    host: str,
    port: int,
    *,
    socks: tuple[str, int] | None,
    username: str | None = None,
    timeouts: PlainTimeouts | None = None,
) -> tuple[PlainTransport, _App]:
    """Reach ``host``:``port`` through a local router and wait for its record of the peer.

    Args:
        app_factory: makes the application, once the record is there.
        host: with ``socks`` the remote IPv4 address, else the router's forward port is here.
        port: its port.
        socks: address of the router's SOCKS5 port, or None for a forward port.
        username: policy for the SOCKS5 port to use, if it allows that.
        timeouts: time limits.

    Raises:
        UnavailableError: no connection, or the router hung up; it does so without a reason when
            the remote peer fails verification.
        DeadlineError: a stage took too long.
        RemoteProtocolError: the router breaks SOCKS5, refuses, or its record is malformed.
        LocalProtocolError: ``host`` is not an IPv4 address although ``socks`` is given.
    """
    limits = timeouts or PlainTimeouts()
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[PlainTransport, _App]] = loop.create_future()

    def ready(inner: asyncio.Transport, info: AttestedPeerInfo, rest: bytes) -> None:
        if future.done():
            inner.abort()
            return
        app = app_factory()
        future.set_result((_hand_over(app, inner, info, rest), app))

    def failed(error: CocoonError) -> None:
        if not future.done():
            future.set_exception(error)

    exchange = None if socks is None else Socks5Client(host, port, username)
    prologue = _Prologue(ready, failed, exchange)
    at = socks or (host, port)
    try:
        async with asyncio.timeout(limits.connect):
            await loop.create_connection(lambda: prologue, *at)
    except TimeoutError:
        raise DeadlineError(f"no connection to the router at {at[0]}:{at[1]}") from None
    except OSError as error:
        raise UnavailableError(f"no router at {at[0]}:{at[1]}: {error.strerror}") from None
    try:
        async with asyncio.timeout(limits.record):
            return await future
    except BaseException as error:
        prologue.fail(UnavailableError("given up"))
        if future.done() and not future.cancelled() and future.exception() is None:
            future.result()[0].abort()  # ready in the very turn in which the caller gave up
        if isinstance(error, TimeoutError):
            text = "the router did not tell in time who the peer is"
            raise DeadlineError(text) from None
        raise


class PlainServer:
    """A listening socket behind a router's reverse port."""

    def __init__(self, server: asyncio.Server, unfinished: set[_Prologue]) -> None:
        self._server = server
        self._unfinished = unfinished

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop connections without a record; open connections go on."""
        self._server.close()
        for prologue in list(self._unfinished):
            prologue.fail(UnavailableError("the listener closes"))


async def listen_plain(
    app_factory: Callable[[], asyncio.Protocol],
    host: str,
    port: int,
    *,
    limits: PlainLimits | None = None,
) -> PlainServer:
    """Listen for the connections of a router's reverse port.

    Whoever can connect can claim any identity: listen on loopback only, and let nobody but the
    router reach the port.

    Args:
        app_factory: called for each connection whose record has arrived.
        host: address to listen on.
        port: port, or 0 for any.
        limits: limits before the record has arrived.

    Raises:
        OSError: the address cannot be used.
    """
    bounds = limits or PlainLimits()
    loop = asyncio.get_running_loop()
    unfinished: set[_Prologue] = set()

    def accept() -> _Prologue:
        def ready(inner: asyncio.Transport, info: AttestedPeerInfo, rest: bytes) -> None:
            finish()
            _hand_over(app_factory(), inner, info, rest)

        def failed(error: CocoonError) -> None:
            finish()
            _log.info("refused a local connection", reason=str(error))

        def finish() -> None:
            timer.cancel()
            unfinished.discard(prologue)

        prologue = _Prologue(ready, failed)
        late = DeadlineError("no attested-peer record in time")
        timer = loop.call_later(bounds.record_timeout, prologue.fail, late)
        unfinished.add(prologue)
        if len(unfinished) > bounds.max_unfinished:
            prologue.fail(UnavailableError("too many connections without a record"))
        return prologue

    server = await loop.create_server(accept, host, port)
    return PlainServer(server, unfinished)
