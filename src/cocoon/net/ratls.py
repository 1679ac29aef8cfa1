"""RA-TLS connections: proof of work, TLS 1.3 with attested certificates on both sides.

The application is an ``asyncio.Protocol``. Its ``connection_made`` comes after the whole handshake
and gets a :class:`RatlsTransport` whose ``peer`` has been verified; ``data_received``,
``connection_lost``, ``pause_writing`` and ``resume_writing`` are those of asyncio.
``eof_received`` is never called: the end of one direction is the end of the connection.

Nothing here fetches anything: collateral is in the policy.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cocoon.attestation.policy import PeerPolicy
from cocoon.attestation.verify import PeerRole
from cocoon.errors import CocoonError, DeadlineError, UnavailableError
from cocoon.net.identity import Identity
from cocoon.net.ratls_handshake import Opening, PowChallenger, PowResponder
from cocoon.net.ratls_stream import RatlsStream, RatlsTransport
from cocoon.wire import pow as proof

__all__ = [
    "RatlsLimits",
    "RatlsServer",
    "RatlsTimeouts",
    "RatlsTransport",
    "dial_ratls",
    "listen_ratls",
]

AppFactory = Callable[[], asyncio.Protocol]

MAX_HANDSHAKE_BYTES = 131_072
"""The longest certificate and everything around it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RatlsLimits:
    """Limits of a listener.

    Attributes:
        pow_timeout: seconds that a peer may take to solve the proof of work.
        tls_timeout: seconds for TLS with verification.
        max_handshake_bytes: bytes of TLS from a peer before it is verified.
        max_unfinished: connections that are not verified yet. Beyond it the one that has waited
            longest goes, of those that owe a proof of work first: whoever connects and says
            nothing keeps nobody out.
        backlog: connections that the kernel queues.
    """

    pow_timeout: float = 60.0
    tls_timeout: float = 15.0
    max_handshake_bytes: int = MAX_HANDSHAKE_BYTES
    max_unfinished: int = 512
    backlog: int = 512


@dataclass(frozen=True, slots=True)
class RatlsTimeouts:
    """Time limits of a dial, seconds."""

    connect: float = 10.0
    pow: float = 60.0
    tls: float = 15.0


class RatlsServer:
    """A listening socket. Made by :func:`listen_ratls`."""

    def __init__(
        self,
        app_factory: AppFactory,
        *,
        identity: Identity,
        policy: PeerPolicy,
        pow_difficulty: int,
        limits: RatlsLimits,
    ) -> None:
        self._app_factory = app_factory
        self._identity = identity
        self._policy = policy
        self._pow_difficulty = pow_difficulty
        self._limits = limits
        self._unfinished: dict[Opening, None] = {}  # the oldest first
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The TCP port.

        Raises:
            UnavailableError: it does not listen.
        """
        if self._server is None or not self._server.sockets:
            raise UnavailableError("not listening")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def unfinished(self) -> int:
        """Connections that are not verified yet."""
        return len(self._unfinished)

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            UnavailableError: the address cannot be used.
        """
        loop = asyncio.get_running_loop()
        self._identity.current()  # A broken identity shows now and not with the first peer.
        try:
            self._server = await loop.create_server(
                self._accept, host, port, backlog=self._limits.backlog
            )
        except OSError as error:
            raise UnavailableError(f"cannot listen on {host}:{port}: {error.strerror}") from error

    async def close(self) -> None:
        """Stop listening and drop unfinished handshakes; open connections go on."""
        if self._server is not None:
            self._server.close()
        for opening in list(self._unfinished):
            opening.fail(UnavailableError("the listener closed"))

    def _accept(self) -> asyncio.Protocol:
        opening = Opening(
            tls_factory=lambda: self._identity.contexts.connection(
                self._identity.current(), self._policy, PeerRole.CLIENT
            ),
            on_open=lambda stream: self._opened(opening, stream),
            on_failed=lambda reason: self._failed(opening, reason),
            pow_timeout=self._limits.pow_timeout,
            tls_timeout=self._limits.tls_timeout,
            max_handshake_bytes=self._limits.max_handshake_bytes,
        )
        if len(self._unfinished) >= self._limits.max_unfinished:
            self._drop_one()
        self._unfinished[opening] = None
        salt = secrets.token_bytes(proof.SALT_SIZE)
        return PowChallenger(opening, proof.Challenge(self._pow_difficulty, salt))

    def _drop_one(self) -> None:
        idle = (opening for opening in self._unfinished if opening.stage != "TLS")
        longest = next(idle, None) or next(iter(self._unfinished))
        longest.fail(UnavailableError("too many unfinished handshakes"))

    def _opened(self, opening: Opening, stream: RatlsStream) -> None:
        self._unfinished.pop(opening, None)
        stream.start(self._app_factory())

    def _failed(self, opening: Opening, reason: CocoonError) -> None:
        self._unfinished.pop(opening, None)
        # Only the class: the text may repeat what a stranger sent.
        _log.info("connection refused", stage=opening.stage, reason=type(reason).__name__)


async def listen_ratls(
    app_factory: AppFactory,
    host: str,
    port: int,
    *,
    identity: Identity,
    policy: PeerPolicy,
    pow_difficulty: int = proof.DEFAULT_DIFFICULTY,
    limits: RatlsLimits | None = None,
) -> RatlsServer:
    """Listen for RA-TLS connections.

    Args:
        app_factory: called once per connection that passed everything.
        host: address to listen on.
        port: 0 picks a free one.
        identity: our key and certificate; renewals apply to new connections.
        policy: what connecting peers must prove.
        pow_difficulty: zero bits of the proof of work, 0 to 64.
        limits: time limits and bounds before verification.

    Raises:
        UnavailableError: the address cannot be used.
    """
    server = RatlsServer(
        app_factory,
        identity=identity,
        policy=policy,
        pow_difficulty=pow_difficulty,
        limits=limits or RatlsLimits(),
    )
    await server.start(host, port)
    return server


async def dial_ratls(
    app_factory: AppFactory,
    host: str,
    port: int,
    *,
    identity: Identity,
    policy: PeerPolicy,
    max_pow_difficulty: int = proof.DEFAULT_MAX_DIFFICULTY,
    timeouts: RatlsTimeouts | None = None,
) -> tuple[RatlsTransport, asyncio.Protocol]:
    """Connect and complete the handshake.

    In TLS 1.3 the listener checks *our* certificate last: if it refuses, the connection opens here
    and is lost at once, with the alert as the reason in ``connection_lost``.

    Raises:
        AttestationError: (a subclass) we refuse the peer.
        UnavailableError: no connection, or the peer closed during the handshake.
        DeadlineError: a stage took too long.
        RemoteProtocolError: the peer broke the protocol.
    """
    loop = asyncio.get_running_loop()
    limits = timeouts or RatlsTimeouts()
    opened: asyncio.Future[RatlsStream] = loop.create_future()

    def failed(reason: CocoonError) -> None:
        if not opened.done():
            opened.set_exception(reason)

    app = app_factory()

    def succeeded(stream: RatlsStream) -> None:
        # The application starts in the same step: what the peer sends next finds it in place.
        if not opened.done():
            opened.set_result(stream)
            stream.start(app)
        else:
            stream.abort()

    opening = Opening(
        tls_factory=lambda: identity.contexts.connection(
            identity.current(), policy, PeerRole.SERVER
        ),
        on_open=succeeded,
        on_failed=failed,
        pow_timeout=limits.pow,
        tls_timeout=limits.tls,
        max_handshake_bytes=MAX_HANDSHAKE_BYTES,
    )
    try:
        await _connect(opening, host, port, max_pow_difficulty, limits.connect)
        return await opened, app
    except BaseException:
        await _give_up(opening, opened)
        raise


async def _give_up(opening: Opening, opened: "asyncio.Future[RatlsStream]") -> None:
    """Leave nothing behind, whenever the caller was cancelled."""
    opened.cancel()
    opening.fail(UnavailableError("the dial was given up"))
    if opening.work is not None:
        await asyncio.wait([opening.work])
    if not opened.cancelled() and opened.exception() is None:
        opened.result().abort()


async def _connect(
    opening: Opening, host: str, port: int, max_pow_difficulty: int, timeout: float
) -> None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            await loop.create_connection(
                lambda: PowResponder(opening, max_pow_difficulty), host, port
            )
    except TimeoutError:
        raise DeadlineError(f"no TCP connection to {host}:{port} in {timeout} s") from None
    except OSError as error:
        raise UnavailableError(f"cannot connect to {host}:{port}: {error.strerror}") from error
