"""Who is at the other end, once that has been verified."""

from dataclasses import InitVar, dataclass
from enum import Enum

from cocoon.attestation.claims import Claims
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.measurements import Attestation


class PeerSource(Enum):
    """Who did the verifying."""

    VERIFIED = "verified"
    """This process, in :func:`cocoon.attestation.verify.verify_peer`."""
    ROUTER = "router"
    """A local router; this process only repeats what it was told."""


_PROOF = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPeer:
    """A peer whose certificate and evidence passed a policy.

    Made only by :func:`~cocoon.attestation.verify.verify_peer` and, with ``source=ROUTER``, by
    :func:`peer_told_by_router`; calling the constructor raises TypeError.

    Attributes:
        public_key: the peer's raw Ed25519 key, 32 bytes.
        kind: the evidence behind it.
        image_hash: 32 bytes; zero without evidence.
        attestation: the measurements.
        claims: what is proven, refuted or unknown.
        policy_name: the policy that passed.
        verified_at: unix seconds.
        expires_at: unix seconds after which a new handshake must verify again; an open
            connection is not cut.
        source: who verified.
    """

    public_key: bytes
    kind: EvidenceKind
    attestation: Attestation
    image_hash: bytes
    claims: Claims
    policy_name: str
    verified_at: int
    expires_at: int
    source: PeerSource
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("a VerifiedPeer comes only from a verification")


def peer_told_by_router(
    *, attestation: Attestation, public_key: bytes, now: int, policy_name: str = "router"
) -> VerifiedPeer:
    """A peer that a local router verified and described (``attestation.md`` §6).

    Every claim stays unknown: this process checked nothing. ``expires_at`` is ``now``.

    Raises:
        DecodeError: the public key is not 32 bytes.
    """
    raise NotImplementedError
