"""RA-TLS connections: proof of work, TLS 1.3 with attested certificates on both sides.

The application is an ``asyncio.Protocol``. Its ``connection_made`` comes after the whole handshake
and gets a :class:`RatlsTransport` whose ``peer`` has been verified.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.policy import Policy
from cocoon.net.identity import Identity


class RatlsTransport(asyncio.Transport):
    """What the application writes to; writes of one loop iteration become one TLS send."""

    @property
    def peer(self) -> VerifiedPeer:
        """The verified peer."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class RatlsLimits:
    """Limits and time limits (seconds) of a listener."""

    pow_timeout: float = 60.0
    tls_timeout: float = 15.0
    max_handshake_bytes: int = 131_072
    max_unfinished: int = 512


@dataclass(frozen=True, slots=True)
class RatlsTimeouts:
    """Time limits (seconds) of a dial."""

    connect: float = 10.0
    pow: float = 60.0
    tls: float = 15.0


class RatlsServer:
    """A listening socket and its connections."""

    @property
    def port(self) -> int:
        """The TCP port."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop listening and drop unfinished handshakes; open connections go on."""
        raise NotImplementedError


async def listen_ratls(
    app_factory: Callable[[], asyncio.Protocol],
    host: str,
    port: int,
    *,
    identity: Identity,
    policy: Policy,
    pow_difficulty: int = 20,
    limits: RatlsLimits | None = None,
) -> RatlsServer:
    """Listen; ``app_factory`` is called once per connection that passed everything."""
    raise NotImplementedError


async def dial_ratls(
    app_factory: Callable[[], asyncio.Protocol],
    host: str,
    port: int,
    *,
    identity: Identity,
    policy: Policy,
    max_pow_difficulty: int = 28,
    timeouts: RatlsTimeouts | None = None,
) -> tuple[RatlsTransport, asyncio.Protocol]:
    """Connect and complete the handshake.

    Raises:
        AttestationError: (a subclass) we refuse the peer.
        UnavailableError: no connection, or the peer closed during the handshake.
        DeadlineError: a stage took too long.
        RemoteProtocolError: the peer broke the protocol.
    """
    raise NotImplementedError
