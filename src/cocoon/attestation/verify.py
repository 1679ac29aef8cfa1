"""Verification of a peer's certificate and evidence against a policy, step by step.

The order is that of ``attestation.md`` §2.2. The first steps repeat what OpenSSL checks in a
handshake, so that this function alone decides and can be tested without a network.
"""

import hashlib
from collections.abc import Collection
from enum import Enum
from typing import TypeVar

from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.certificate import HOST_NAME, RatlsCertificate, parse_certificate
from cocoon.attestation.claims import Claim, ClaimName, Claims, proven, unknown
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence, report_data
from cocoon.attestation.evidence.fake_tdx import verify_fake_tdx
from cocoon.attestation.evidence.tdx import verify_tdx
from cocoon.attestation.measurements import Attestation, TdxMeasurements
from cocoon.attestation.peer import VerifiedPeer, _peer_from_verification
from cocoon.attestation.policy import Policy
from cocoon.errors import CertificateError, EvidenceError, PolicyError

T = TypeVar("T")


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
    """Verify a peer. That it holds the certificate's key is for TLS to prove.

    Args:
        certificate_der: the leaf certificate as the peer presented it.
        policy: what is accepted.
        now: unix seconds.
        role: the peer's TLS role; a server must carry the host name.
        cache: results of earlier evidence verifications; policies are applied to hits as well.

    Raises:
        CertificateError: the certificate is malformed, expired or of the wrong form.
        EvidenceError: the evidence does not verify.
        PolicyError: the evidence is missing, or genuine but not allowed.
    """
    # 1. Form: limits, DER, Ed25519 key, self-signature.
    certificate = parse_certificate(certificate_der)
    # 2. Critical extensions: only ours beyond the standard ones.
    _require_known_extensions(certificate)
    # 3. Validity now, with no allowance for skewed clocks, and age.
    _require_validity(certificate, policy, now)
    # 4. Purpose. 5. Host name, of servers only.
    _require_purpose(certificate, role)
    if policy.kind is EvidenceKind.NONE:
        return _unattested_peer(certificate, policy, now)
    # 6. There is evidence. 7. It verifies.
    evidence = _verified_evidence(certificate, policy, now, cache)
    measurements = evidence.attestation.measurements
    if not isinstance(measurements, TdxMeasurements):
        raise PolicyError("only TDX evidence is accepted")
    # 8. It was made for this key: the user claims are rebuilt from the certificate's own key.
    if measurements.report_data != report_data(certificate.public_key):
        raise EvidenceError("the evidence was made for another key")
    # 9. Platform patch level. 10. Allow-lists: MRTD, RTMRs, image, root.
    _require_listed("TCB status", evidence.tcb_status or "none", _statuses(policy))
    _require_listed("MRTD", measurements.mr_td, policy.mr_tds)
    _require_listed("RTMR set", measurements.rtmrs, policy.rtmr_sets)
    image_hash = measurements.image_hash()
    _require_listed("image", image_hash, policy.image_hashes)
    root_hash = evidence.attestation.collateral_root_hash
    _require_listed("platform root", root_hash, policy.collateral_root_hashes)
    return _attested_peer(certificate, evidence, policy, now)


def _require_known_extensions(certificate: RatlsCertificate) -> None:
    if certificate.unknown_critical:
        raise CertificateError(f"unknown critical extension {certificate.unknown_critical[0]}")


def _require_validity(certificate: RatlsCertificate, policy: Policy, now: int) -> None:
    if now < certificate.not_before:
        raise CertificateError(f"not valid for another {certificate.not_before - now} s")
    if now > certificate.not_after:
        raise CertificateError(f"expired {now - certificate.not_after} s ago")
    if policy.max_age is not None and now - certificate.not_before >= policy.max_age:
        raise PolicyError(f"the certificate is older than {policy.max_age} s")


def _require_purpose(certificate: RatlsCertificate, role: PeerRole) -> None:
    if role is PeerRole.CLIENT:
        if not certificate.client_auth:
            raise CertificateError("not a certificate for TLS clients")
        return
    if not certificate.server_auth:
        raise CertificateError("not a certificate for TLS servers")
    if HOST_NAME not in certificate.dns_names:
        raise CertificateError(f"the certificate does not name {HOST_NAME}")


def _unattested_peer(certificate: RatlsCertificate, policy: Policy, now: int) -> VerifiedPeer:
    return _peer_from_verification(
        public_key=certificate.public_key,
        kind=EvidenceKind.NONE,
        attestation=Attestation(),
        claims=Claims(),
        policy_name=policy.name,
        verified_at=now,
        expires_at=_certificate_expiry(certificate, policy),
    )


def _verified_evidence(
    certificate: RatlsCertificate, policy: Policy, now: int, cache: VerificationCache | None
) -> VerifiedEvidence:
    if certificate.quote is None:
        raise PolicyError(f"the policy {policy.name} requires attestation evidence")
    if policy.kind is EvidenceKind.FAKE_TDX:
        return verify_fake_tdx(certificate.quote)
    if policy.kind not in (EvidenceKind.TDX, EvidenceKind.TDX_SIMULATED):
        raise PolicyError(f"nothing here verifies {policy.kind.value} evidence")
    if policy.collateral is None:
        raise EvidenceError("there is no collateral to judge the quote with")
    key = _cache_key(certificate.quote, policy)
    evidence = cache.get(key, now) if cache is not None else None
    if evidence is None:
        root = policy.simulated_root
        evidence = verify_tdx(certificate.quote, policy.collateral, now, simulated_root=root)
        if cache is not None:
            cache.put(key, evidence, now)
    if evidence.kind is not policy.kind:
        raise PolicyError(f"{evidence.kind.value} evidence where {policy.kind.value} is required")
    return evidence


def _cache_key(quote: bytes, policy: Policy) -> bytes:
    """32 bytes that name everything the result depends on besides the time."""
    digest = hashlib.sha256(policy.collateral.fingerprint if policy.collateral else b"")
    digest.update(hashlib.sha256(policy.simulated_root or b"").digest())
    digest.update(quote)
    return digest.digest()


def _statuses(policy: Policy) -> frozenset[str] | None:
    return None if policy.kind is EvidenceKind.FAKE_TDX else policy.tcb_statuses


def _require_listed(what: str, value: T, allowed: Collection[T] | None) -> None:
    if allowed is not None and value not in allowed:
        shown = value.hex() if isinstance(value, bytes) else value
        raise PolicyError(f"{what} {shown!s:.200} is not allowed by the policy")


def _attested_peer(
    certificate: RatlsCertificate, evidence: VerifiedEvidence, policy: Policy, now: int
) -> VerifiedPeer:
    expires_at = _certificate_expiry(certificate, policy)
    if evidence.expires_at is not None:
        expires_at = min(expires_at, evidence.expires_at)
    own: tuple[Claim, ...] = (
        proven(ClaimName.KEY_BOUND, "the report data is the hash of the certificate's key"),
        proven(ClaimName.IMAGE_ALLOWED, "the policy lists the image")
        if policy.image_hashes is not None
        else unknown(ClaimName.IMAGE_ALLOWED, "the policy lists no images"),
        unknown(ClaimName.GPU_GENUINE, "no GPU evidence was presented"),
    )
    return _peer_from_verification(
        public_key=certificate.public_key,
        kind=evidence.kind,
        attestation=evidence.attestation,
        claims=Claims(own + evidence.claims),
        policy_name=policy.name,
        verified_at=now,
        expires_at=expires_at,
    )


def _certificate_expiry(certificate: RatlsCertificate, policy: Policy) -> int:
    if policy.max_age is None:
        return certificate.not_after
    return min(certificate.not_after, certificate.not_before + policy.max_age)
