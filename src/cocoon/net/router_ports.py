"""The ports of a router: what happens to one connection (``attestation.md`` §7.1, §7.2)."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import structlog

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.policy import PeerPolicy, leaves
from cocoon.errors import CocoonError, RemoteProtocolError, UnavailableError
from cocoon.net.identity import Identity
from cocoon.net.ratls import (
    RatlsLimits,
    RatlsServer,
    RatlsTimeouts,
    RatlsTransport,
    dial_ratls,
    listen_ratls,
)
from cocoon.net.relay import Relay
from cocoon.net.router_file import PortConfig, PortKind
from cocoon.wire.attested_peer import AttestedPeerInfo
from cocoon.wire.socks5 import ConnectRequest, Socks5Server

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Runs a coroutine as a task that ends with the router at the latest."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RouterLimits:
    """Limits of every port; times in seconds.

    Attributes:
        max_connections: connections of one port, in whatever stage.
        request_timeout: a SOCKS5 request must be there.
        backend_timeout: the local service must accept.
        idle_timeout: no byte in either direction.
        close_grace: a closing connection may still flush.
        listen: limits of the attested listener.
        dial: time limits of attested dials.
    """

    max_connections: int = 1024
    request_timeout: float = 10.0
    backend_timeout: float = 10.0
    idle_timeout: float = 300.0
    close_grace: float = 10.0
    listen: RatlsLimits = field(default_factory=RatlsLimits)
    dial: RatlsTimeouts = field(default_factory=RatlsTimeouts)


class Port:
    """One listening port and its connections."""

    def __init__(
        self,
        config: PortConfig,
        known: Mapping[str, PeerPolicy],
        identity: Identity,
        limits: RouterLimits,
        spawn: Spawn,
    ) -> None:
        self.config = config
        self.limits = limits
        self.relays: set[Relay] = set()
        self._known = known
        self._policy = known[config.policy]
        self._identity = identity
        self._spawn = spawn
        self.log = _log.bind(port=config.port, kind=config.kind.value)

    @property
    def evidence(self) -> EvidenceKind:
        """What its policy asks of peers; of several kinds, the first."""
        return next(leaves(self._policy)).kind

    async def listen(self) -> int:
        """Start listening; returns the TCP port.

        Raises:
            UnavailableError: the address cannot be used.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        await self._stop_listening()
        for relay in list(self.relays):
            relay.abort()

    async def _stop_listening(self) -> None:
        raise NotImplementedError

    def _is_full(self) -> bool:
        full = len(self.relays) >= self.limits.max_connections
        if full:
            self.log.warning("refused a connection", reason="too many")
        return full

    def _record(
        self, peer: VerifiedPeer, source: tuple[str, int], destination: tuple[str, int]
    ) -> bytes:
        if not self.config.serialize_info:
            return b""
        info = AttestedPeerInfo(peer.attestation, peer.public_key, source, destination)
        return info.to_frame()


class ReversePort(Port):
    """From attested peers to a service on this machine."""

    _server: RatlsServer | None = None

    async def listen(self) -> int:
        """As the base class."""
        self._server = await listen_ratls(
            self._accept,
            self.config.listen_host,
            self.config.port,
            identity=self._identity,
            policy=self._policy,
            pow_difficulty=self.config.pow_difficulty,
            limits=self.limits.listen,
        )
        return self._server.port

    async def _stop_listening(self) -> None:
        if self._server is not None:
            await self._server.close()

    def _accept(self) -> asyncio.Protocol:
        relay = Relay(self.relays.discard)
        relay.on_made = lambda transport: self._begin(relay, transport)
        return relay.near

    def _begin(self, relay: Relay, transport: asyncio.Transport) -> None:
        """A peer is verified: connect to the service."""
        if self._is_full() or not isinstance(transport, RatlsTransport):
            transport.abort()
            return
        self.relays.add(relay)
        transport.pause_reading()
        task = self._spawn(self._connect(relay, transport))
        relay.on_closed = task.cancel

    async def _connect(self, relay: Relay, remote: RatlsTransport) -> None:
        assert self.config.destination is not None
        host, port = self.config.destination
        try:
            async with asyncio.timeout(self.limits.backend_timeout):
                local, _ = await asyncio.get_running_loop().create_connection(
                    lambda: relay.far, host, port
                )
        except OSError as error:  # TimeoutError is one
            self.log.warning("no local service", host=host, to=port, reason=str(error))
            relay.abort()
            return
        record = self._record(
            remote.peer, _address(remote, "peername"), _address(local, "peername")
        )
        local.write(record)
        relay.join()


class OutgoingPort(Port):
    """From applications on this machine to attested peers; SOCKS5 or forward."""

    _server: asyncio.Server | None = None

    async def listen(self) -> int:
        """As the base class."""
        host, port = self.config.listen_host, self.config.port
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _OutgoingStart(self), host, port
            )
        except OSError as error:
            raise UnavailableError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        return int(self._server.sockets[0].getsockname()[1])

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()

    def begin(self, start: "_OutgoingStart", transport: asyncio.Transport) -> Relay | None:
        """An application has connected."""
        if self._is_full():
            transport.abort()
            return None
        relay = Relay(self.relays.discard)
        relay.on_closed = start.stop
        relay.near.transport = transport
        self.relays.add(relay)
        return relay

    def exchange(self) -> Socks5Server | None:
        """The SOCKS5 exchange of a new connection; None for a forward port."""
        if self.config.kind is PortKind.FORWARD:
            return None
        return Socks5Server(self._known if self.config.policy_from_username else None)

    def dial(
        self, relay: Relay, local: asyncio.Transport, request: ConnectRequest
    ) -> asyncio.Task[None]:
        """Connect to the remote peer in a task."""
        return self._spawn(self._dial(relay, local, request))

    async def _dial(self, relay: Relay, local: asyncio.Transport, request: ConnectRequest) -> None:
        policy = self._policy if request.username is None else self._known[request.username]
        try:
            remote, _ = await dial_ratls(
                lambda: relay.far,
                request.host,
                request.port,
                identity=self._identity,
                policy=policy,
                max_pow_difficulty=self.config.max_pow_difficulty,
                timeouts=self.limits.dial,
            )
        except CocoonError as error:
            self.log.warning(
                "no attested connection",
                to=f"{request.host}:{request.port}",
                policy=policy.name,
                reason=str(error),
            )
            relay.close()
            return
        ends = _address(local, "peername"), _address(remote, "peername")
        local.write(self._record(remote.peer, *ends))
        relay.join()


class _OutgoingStart(asyncio.Protocol):
    """An application's connection until its destination is known."""

    def __init__(self, port: OutgoingPort) -> None:
        self._port = port
        self._relay: Relay | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._exchange = port.exchange()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)
        relay = self._port.begin(self, transport)
        if relay is None:
            return
        self._relay = relay
        if self._exchange is None:
            assert self._port.config.destination is not None
            self._start(relay, transport, ConnectRequest(*self._port.config.destination, None), b"")
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._port.limits.request_timeout, relay.abort)

    def data_received(self, data: bytes) -> None:
        relay, transport, exchange = self._relay, self._transport, self._exchange
        if relay is None or transport is None or exchange is None or relay.closing:
            return
        try:
            request = exchange.receive_data(data)
        except RemoteProtocolError as error:
            transport.write(exchange.data_to_send())
            self._port.log.info("refused an application", reason=str(error))
            relay.close()
            return
        if request is not None:
            exchange.accept()
        transport.write(exchange.data_to_send())
        if request is not None:
            self._start(relay, transport, request, exchange.rest)

    def connection_lost(self, error: Exception | None) -> None:
        if self._relay is not None:
            self._relay.near.connection_lost(error)

    def stop(self) -> None:
        """The relay closes: no timer and no dial may outlive it."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _start(
        self, relay: Relay, transport: asyncio.Transport, request: ConnectRequest, early: bytes
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # The connection must be watched while dialling, so that an application that goes away
        # stops the work: bytes are held, not left unread.
        relay.near.held += early
        transport.set_protocol(relay.near)
        self._task = self._port.dial(relay, transport, request)


def _address(transport: asyncio.BaseTransport, name: str) -> tuple[str, int]:
    """IP address in text and port of one end of a transport."""
    address = transport.get_extra_info(name)
    if not address:
        return "", 0
    return str(address[0]), int(address[1])


PORTS: Final[dict[PortKind, type[Port]]] = {
    PortKind.SOCKS5: OutgoingPort,
    PortKind.FORWARD: OutgoingPort,
    PortKind.REVERSE: ReversePort,
}
