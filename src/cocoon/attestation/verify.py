"""Verification of a peer's certificate and evidence against a policy, step by step."""

from enum import Enum

from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.policy import Policy


class PeerRole(Enum):
    """Which side of the TLS connection the *peer* is."""

    SERVER = "server"
    CLIENT = "client"


def verify_peer(
    certificate_der: bytes,
    policy: Policy,
    now: int,
    *,
    role: PeerRole,
    cache: VerificationCache | None = None,
) -> VerifiedPeer:
    """Verify a peer (``attestation.md`` §2.2).

    Args:
        certificate_der: the leaf certificate as the peer presented it.
        policy: what is accepted.
        now: unix seconds.
        role: the peer's TLS role; servers must carry the host name.
        cache: results of earlier evidence verifications.

    Raises:
        CertificateError: the certificate is malformed, expired or of the wrong form.
        EvidenceError: the evidence does not verify.
        PolicyError: the evidence is genuine but not allowed.
    """
    raise NotImplementedError
