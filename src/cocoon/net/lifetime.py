"""How long a connection counts: until something that its peer showed expires.

Evidence is verified in the handshake and never again on the same connection, so a connection must
end before its evidence does; the next handshake verifies anew, with the vendors' newest data. A
moment in which nothing runs costs nobody anything: it is looked for early. What still runs at the
very end is drained.
"""

from dataclasses import dataclass

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.peer import PeerSource, VerifiedPeer

SEEK_FROM = 0.75
"""Part of a connection's lifetime after which a quiet moment ends it."""

MAX_LIFETIME = 86_400.0
"""Seconds after which a peer is verified again whatever its certificate says of itself."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a connection is to be made anew.

    Attributes:
        quiet_from: Unix seconds from which a moment without requests ends it.
        until: Unix seconds at which it gets no more requests.
    """

    quiet_from: float
    until: float

    def is_over(self, now: float, *, busy: bool) -> bool:
        """Whether the connection should be closed at ``now`` (Unix seconds)."""
        return now >= self.until or (not busy and now >= self.quiet_from)


def lifetime_of(peer: VerifiedPeer, now: float) -> Lifetime | None:
    """The lifetime of a connection that was made at ``now`` (Unix seconds).

    None for peers that show no evidence, which nothing expires, and for those that a router
    verified, which is the router's matter.
    """
    if peer.kind is EvidenceKind.NONE or peer.source is not PeerSource.VERIFIED:
        return None
    left = min(peer.expires_at - now, MAX_LIFETIME)
    return Lifetime(now + left * SEEK_FROM, now + left)
