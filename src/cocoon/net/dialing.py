"""How a client or worker reaches proxies: RA-TLS by itself, or a local router's SOCKS5 port."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cocoon.attestation.policy import PeerPolicy
from cocoon.net.identity import Identity
from cocoon.net.link import Link
from cocoon.net.plain import dial_plain
from cocoon.net.ratls import RatlsTimeouts, dial_ratls

DEFAULT_MAX_POW_DIFFICULTY = 28
"""Hardest proof of work that a dialling side solves (``wire-protocol.md`` §2.2)."""


@dataclass(frozen=True, slots=True)
class RatlsDial:
    """Proof of work, TLS and attestation in this process.

    Attributes:
        identity: our key and certificate.
        policy: what we accept of a proxy.
        max_pow_difficulty: harder puzzles are refused.
        timeouts: limits of the stages, seconds.
    """

    identity: Identity
    policy: PeerPolicy
    max_pow_difficulty: int = DEFAULT_MAX_POW_DIFFICULTY
    timeouts: RatlsTimeouts = field(default_factory=RatlsTimeouts)


@dataclass(frozen=True, slots=True)
class SocksDial:
    """A router on this machine does all that and tells us who the proxy is (§2.4, §2.5).

    Attributes:
        host, port: its SOCKS5 listener.
    """

    host: str = "127.0.0.1"
    port: int = 8116


DialSettings = RatlsDial | SocksDial


class Dialer(Protocol):
    """Opens a link; :func:`dialer` makes one from settings, tests bring their own."""

    async def __call__(self, host: str, port: int, link_factory: Callable[[], Link]) -> Link:
        """Connect; raises as :func:`dial`."""
        ...


async def dial(
    settings: DialSettings, host: str, port: int, link_factory: Callable[[], Link]
) -> Link:
    """Connect to a proxy port and return the link; its peer is verified, it may not be open yet.

    Raises:
        AttestationError: we refuse the peer.
        UnavailableError: no connection, or it was closed while being set up.
        DeadlineError: a stage took too long.
        RemoteProtocolError: the peer broke the protocol.
    """
    match settings:
        case RatlsDial():
            _, app = await dial_ratls(
                link_factory,
                host,
                port,
                identity=settings.identity,
                policy=settings.policy,
                max_pow_difficulty=settings.max_pow_difficulty,
                timeouts=settings.timeouts,
            )
            assert isinstance(app, Link)  # what the factory made
            return app
        case SocksDial():
            router = (settings.host, settings.port)
            _, link = await dial_plain(link_factory, host, port, socks=router)
            return link


async def maintain(settings: DialSettings) -> None:
    """Keep what dialling needs valid until cancelled: our certificate, where there is one."""
    if isinstance(settings, RatlsDial):
        await settings.identity.maintain()


def dialer(settings: DialSettings) -> Dialer:
    """Bind settings, so that a role only names the target."""

    async def connect(host: str, port: int, link_factory: Callable[[], Link]) -> Link:
        return await dial(settings, host, port, link_factory)

    return connect
