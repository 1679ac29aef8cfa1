"""The stages of a connection before it is open: proof of work, then TLS with verification.

Each stage is the ``asyncio.Protocol`` of the TCP connection for as long as it lasts. A stage has a
time limit, and every way out goes through :class:`Opening`, once.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from OpenSSL import SSL

from cocoon.attestation.peer import VerifiedPeer
from cocoon.errors import (
    CertificateError,
    CocoonError,
    DeadlineError,
    LocalProtocolError,
    RemoteProtocolError,
    UnavailableError,
)
from cocoon.net import pow_solver
from cocoon.net.ratls_context import Verdict
from cocoon.net.ratls_stream import RatlsStream, RecordCounter, describe
from cocoon.wire import pow as proof

TlsFactory = Callable[[], tuple[SSL.Connection, Verdict]]

_READ_BYTES = 65_536


class Opening:
    """One connection on its way to being open.

    Args:
        tls_factory: makes the TLS connection when its stage begins.
        on_open: gets the stream once everything has passed, before it has an application.
        on_failed: gets the reason otherwise.
        pow_timeout: seconds.
        tls_timeout: seconds.
        max_handshake_bytes: what a peer may send before it is verified.

    Attributes:
        work: the search for a proof of work, if there is one; cancelled when this ends.
    """

    def __init__(
        self,
        *,
        tls_factory: TlsFactory,
        on_open: Callable[[RatlsStream], None],
        on_failed: Callable[[CocoonError], None],
        pow_timeout: float,
        tls_timeout: float,
        max_handshake_bytes: int,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.tls_factory = tls_factory
        self.max_handshake_bytes = max_handshake_bytes
        self.stage = "connect"
        self._on_open = on_open
        self._on_failed = on_failed
        self._timeouts = {"proof of work": pow_timeout, "TLS": tls_timeout}
        self._tcp: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._finished = False
        self.work: asyncio.Task[None] | None = None

    @property
    def tcp(self) -> asyncio.Transport:
        """The TCP connection.

        Raises:
            LocalProtocolError: there is none yet.
        """
        if self._tcp is None:
            raise LocalProtocolError("not connected")
        return self._tcp

    @property
    def finished(self) -> bool:
        """Whether it is open or has failed."""
        return self._finished

    def connected(self, tcp: asyncio.Transport) -> None:
        """The TCP connection is there."""
        self._tcp = tcp
        if self._finished:
            tcp.abort()

    def enter(self, stage: str) -> None:
        """Begin a stage; its time limit starts now."""
        if self._finished:
            return
        self.stage = stage
        self._stop_timer()
        self._timer = self.loop.call_later(self._timeouts[stage], self._time_is_up)

    def fail(self, reason: CocoonError, *, abort: bool = True) -> None:
        """Give up; ``abort=False`` still delivers what was written, such as a TLS alert."""
        if self._finished:
            return
        self._finish()
        if self._tcp is not None:
            if abort:
                self._tcp.abort()
            else:
                self._tcp.close()
        self._on_failed(reason)

    def lost(self, cause: Exception | None) -> None:
        """The TCP connection is gone."""
        how = "closed" if cause is None else "broke"
        self.fail(UnavailableError(f"the peer {how} the connection during {self.stage}"))

    def opened(self, stream: RatlsStream) -> None:
        """Everything has passed."""
        if self._finished:
            return
        self._finish()
        self.tcp.set_protocol(stream)
        self._on_open(stream)

    def _finish(self) -> None:
        self._finished = True
        self._stop_timer()
        if self.work is not None:
            self.work.cancel()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        self.fail(DeadlineError(f"{self.stage} took too long"))


class _Stage(asyncio.Protocol):
    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    def connection_lost(self, exc: Exception | None) -> None:
        self._opening.lost(exc)


class _PowStage(_Stage):
    """Collects one fixed-size message."""

    _message_size: int

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, because uvloop's transports are no subclasses of asyncio's.
        self._opening.connected(cast(asyncio.Transport, transport))
        self._opening.enter("proof of work")

    def data_received(self, data: bytes) -> None:
        if self._opening.finished:
            return
        self._received += data
        if len(self._received) < self._message_size:
            return
        message, rest = (
            self._received[: self._message_size],
            self._received[self._message_size :],
        )
        try:
            self._message_received(message, rest)
        except RemoteProtocolError as error:
            self._opening.fail(error)

    def _message_received(self, message: bytes, rest: bytes) -> None:
        raise NotImplementedError


class PowChallenger(_PowStage):
    """The listening side: challenge, check, go on to TLS (``wire-protocol.md`` §2.2).

    Args:
        opening: the connection.
        challenge: with 16 fresh random bytes of salt.
    """

    _message_size = proof.Response.SIZE

    def __init__(self, opening: Opening, challenge: proof.Challenge) -> None:
        super().__init__(opening)
        self._challenge = challenge

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the challenge."""
        super().connection_made(transport)
        self._opening.tcp.write(self._challenge.to_bytes())

    def _message_received(self, message: bytes, rest: bytes) -> None:
        response = proof.Response.from_bytes(message)
        if not proof.check(self._challenge.salt, response.nonce, self._challenge.difficulty):
            raise RemoteProtocolError("the proof of work is wrong")
        start_tls(self._opening, received=rest)


class PowResponder(_PowStage):
    """The connecting side: solve, answer, go on to TLS."""

    _message_size = proof.Challenge.SIZE

    def __init__(self, opening: Opening, max_difficulty: int) -> None:
        super().__init__(opening)
        self._max_difficulty = max_difficulty

    def _message_received(self, message: bytes, rest: bytes) -> None:
        if rest or self._opening.work is not None:
            raise RemoteProtocolError("the peer sent more than a proof-of-work challenge")
        challenge = proof.Challenge.from_bytes(message)
        self._opening.work = self._opening.loop.create_task(self._solve(challenge))

    async def _solve(self, challenge: proof.Challenge) -> None:
        try:
            response = await pow_solver.solve(challenge, self._max_difficulty)
        except CocoonError as error:
            self._opening.fail(error)
            return
        self._opening.work = None
        if not self._opening.finished:
            start_tls(self._opening, send_first=response.to_bytes())


def start_tls(opening: Opening, *, received: bytes = b"", send_first: bytes = b"") -> None:
    """Begin the TLS stage.

    Args:
        opening: the connection.
        received: bytes of the stage that have come already.
        send_first: goes out in one write with our first bytes of TLS.
    """
    opening.enter("TLS")
    try:
        tls, verdict = opening.tls_factory()
    except CocoonError as error:
        opening.fail(error)
        return
    stage = TlsHandshake(opening, tls, verdict, send_first)
    opening.tcp.set_protocol(stage)
    stage.step(received)


class TlsHandshake(_Stage):
    """TLS until both sides have finished; verification happens inside, in OpenSSL's callback."""

    def __init__(
        self, opening: Opening, tls: SSL.Connection, verdict: Verdict, send_first: bytes = b""
    ) -> None:
        super().__init__(opening)
        self._send_first = send_first
        self._tls = tls
        self._verdict = verdict
        self._records = RecordCounter()
        self._received = 0

    def data_received(self, data: bytes) -> None:
        """A part of the peer's handshake."""
        if not self._opening.finished:
            self.step(data)

    def step(self, received: bytes) -> None:
        """Take ``received`` and go as far as it leads."""
        if received:
            self._received += len(received)
            self._records.feed(received)
            self._tls.bio_write(received)
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            self._flush()
            if self._received > self._opening.max_handshake_bytes:
                self._opening.fail(RemoteProtocolError("the TLS handshake is too long"))
            return
        except SSL.Error as error:
            # Our alert, if there is one, still goes out.
            self._flush()
            refusal = self._verdict.refusal
            self._opening.fail(refusal or _tls_failure(error), abort=False)
            return
        except Exception:  # A bug inside the verification callback: nothing was verified.
            self._opening.fail(CertificateError("verification did not complete"))
            raise
        self._opened()

    def _opened(self) -> None:
        # Our last flight is still unsent: the stream sends it with the application's first bytes.
        peer: VerifiedPeer | None = self._verdict.peer
        if peer is None or self._verdict.refusal is not None:
            self._opening.fail(CertificateError("TLS completed without verification"))
            return
        opening = self._opening
        stream = RatlsStream(opening.tcp, self._tls, self._records, peer, opening.loop)
        opening.opened(stream)

    def _flush(self) -> None:
        parts = [self._send_first] if self._send_first else []
        self._send_first = b""
        with contextlib.suppress(SSL.WantReadError):
            while True:
                parts.append(self._tls.bio_read(_READ_BYTES))
        if parts:
            self._opening.tcp.write(b"".join(parts))


def _tls_failure(error: SSL.Error) -> CocoonError:
    return RemoteProtocolError(f"TLS failed: {describe(error)}")
