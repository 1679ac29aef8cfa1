"""Who is at the other end, once that has been verified."""

from dataclasses import InitVar, dataclass
from enum import Enum

from cocoon.attestation.claims import Claims
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.snp_collateral import AMD_ROOT_HASHES
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH
from cocoon.attestation.measurements import Attestation, SnpMeasurements, TdxMeasurements
from cocoon.errors import DecodeError

PUBLIC_KEY_BYTES = 32


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
        expires_at: unix seconds after which the peer must be verified again: an open connection
            is made anew by then (:mod:`cocoon.net.lifetime`).
        source: who verified.
        model_hash: SHA-256 of the model string whose files the peer's image proved, 32 bytes;
            None where nothing signed says so.
        platform_id: names the one machine, 32 bytes; None where the evidence does not.
        operator: raw Ed25519 key of the operator who endorses the machine; None when nobody
            provably does.
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
    model_hash: bytes | None = None
    platform_id: bytes | None = None
    operator: bytes | None = None
    proof: InitVar[object] = None

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("a VerifiedPeer comes only from a verification")


def _peer_from_verification(
    *,
    public_key: bytes,
    kind: EvidenceKind,
    attestation: Attestation,
    claims: Claims,
    policy_name: str,
    verified_at: int,
    expires_at: int,
    model_hash: bytes | None,
    platform_id: bytes | None,
    operator: bytes | None = None,
) -> VerifiedPeer:
    """For :mod:`cocoon.attestation.verify` alone."""
    return VerifiedPeer(
        public_key=public_key,
        kind=kind,
        attestation=attestation,
        image_hash=attestation.image_hash,
        claims=claims,
        policy_name=policy_name,
        verified_at=verified_at,
        expires_at=expires_at,
        source=PeerSource.VERIFIED,
        model_hash=model_hash,
        platform_id=platform_id,
        operator=operator,
        proof=_PROOF,
    )


def peer_told_by_router(
    *, attestation: Attestation, public_key: bytes, now: int, policy_name: str = "router"
) -> VerifiedPeer:
    """A peer that a local router verified and described (``attestation.md`` §6).

    Every claim stays unknown, because this process checked nothing, and ``expires_at`` is ``now``.
    The kind is what the record says; the record is only as good as the local connection.

    Args:
        attestation: from the record.
        public_key: the record's user claims, 32 bytes.
        now: unix seconds.
        policy_name: how the router is called in logs.

    Raises:
        DecodeError: the public key is not 32 bytes, or the record describes an SGX enclave, which
            no router accepts.
    """
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise DecodeError(f"a peer's key has {PUBLIC_KEY_BYTES} bytes, not {len(public_key)}")
    return VerifiedPeer(
        public_key=public_key,
        kind=_described_kind(attestation),
        attestation=attestation,
        image_hash=attestation.image_hash,
        claims=Claims(),
        policy_name=policy_name,
        verified_at=now,
        expires_at=now,
        source=PeerSource.ROUTER,
        proof=_PROOF,
    )


def _described_kind(attestation: Attestation) -> EvidenceKind:
    if attestation.measurements is None:
        return EvidenceKind.NONE
    if isinstance(attestation.measurements, SnpMeasurements):
        return _described_snp(attestation)
    if not isinstance(attestation.measurements, TdxMeasurements):
        raise DecodeError("a router described an SGX enclave")
    if attestation.collateral_root_hash == INTEL_ROOT_HASH:
        return EvidenceKind.TDX
    if any(attestation.collateral_root_hash):
        return EvidenceKind.TDX_SIMULATED
    return EvidenceKind.FAKE_TDX


def _described_snp(attestation: Attestation) -> EvidenceKind:
    """Only our router describes such a guest, and never one without a root."""
    if attestation.collateral_root_hash in AMD_ROOT_HASHES.values():
        return EvidenceKind.SNP
    if any(attestation.collateral_root_hash):
        return EvidenceKind.SNP_SIMULATED
    raise DecodeError("a router described a SEV-SNP guest without a root")
