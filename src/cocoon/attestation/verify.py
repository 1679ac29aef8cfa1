"""Verification of a peer's certificate and evidence against a policy, step by step.

The order is that of ``attestation.md`` §2.2. The first steps repeat what OpenSSL checks in a
handshake, so that this function alone decides and can be tested without a network.
"""

from enum import Enum

from cocoon.attestation.cache import VerificationCache
from cocoon.attestation.certificate import HOST_NAME, RatlsCertificate, parse_certificate
from cocoon.attestation.claims import Claims
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.judgement import Judge, Judgement
from cocoon.attestation.peer import VerifiedPeer, _peer_from_verification
from cocoon.attestation.policy import AllOf, AnyOf, PeerPolicy, Policy
from cocoon.attestation.report import Layer, Report, Step
from cocoon.errors import AttestationError, CertificateError, PolicyError


class PeerRole(Enum):
    """Which side of the TLS connection the *peer* is."""

    SERVER = "server"
    CLIENT = "client"


def verify_peer(
    certificate_der: bytes,
    policy: PeerPolicy,
    now: int,
    *,
    role: PeerRole,
    cache: VerificationCache | None = None,
    report: Report | None = None,
) -> VerifiedPeer:
    """Verify a peer. That it holds the certificate's key is for TLS to prove.

    Args:
        certificate_der: the leaf certificate as the peer presented it.
        policy: what is accepted.
        now: unix seconds.
        role: the peer's TLS role; a server must carry the host name.
        cache: results of earlier evidence verifications; policies are applied to hits as well.
        report: gets every step, for people.

    Raises:
        CertificateError: the certificate is malformed, expired or of the wrong form.
        EvidenceError: the evidence does not verify.
        PolicyError: the evidence is missing, or genuine but not allowed.
    """
    steps = report if report is not None else Report()
    certificate = _checked_certificate(certificate_der, now, role, steps)
    judgement = _judge(certificate, policy, now, cache, steps)
    return _peer_from_verification(
        public_key=certificate.public_key,
        kind=judgement.kind,
        attestation=judgement.attestation,
        claims=Claims(judgement.claims),
        policy_name=policy.name,
        verified_at=now,
        expires_at=judgement.expires_at,
        model_hash=judgement.model_hash,
        platform_id=judgement.platform_id,
        operator=judgement.operator,
    )


def _checked_certificate(der: bytes, now: int, role: PeerRole, report: Report) -> RatlsCertificate:
    with report.step("Form, key and self-signature", Layer.CERTIFICATE) as found:
        certificate = parse_certificate(der)
        found.reason = f"Ed25519 key {certificate.public_key.hex()}"
    with report.step("Critical extensions", Layer.CERTIFICATE) as found:
        if certificate.unknown_critical:
            raise CertificateError(f"unknown critical extension {certificate.unknown_critical[0]}")
        found.reason = "none is unknown"
    with report.step("Validity", Layer.CERTIFICATE) as found:
        _require_validity(certificate, now)
        found.reason = f"for another {certificate.not_after - now} s"
    with report.step("Purpose and name", Layer.CERTIFICATE) as found:
        _require_purpose(certificate, role)
        found.reason = f"for TLS {role.value}s"
    return certificate


def _require_validity(certificate: RatlsCertificate, now: int) -> None:
    if now < certificate.not_before:
        raise CertificateError(
            f"not valid for another {certificate.not_before - now} s",
            fix="set the clocks of both machines",
        )
    if now > certificate.not_after:
        raise CertificateError(
            f"expired {now - certificate.not_after} s ago",
            fix="the peer must renew its certificate; its node does so by itself when it runs",
        )


def _require_purpose(certificate: RatlsCertificate, role: PeerRole) -> None:
    if role is PeerRole.CLIENT:
        if not certificate.client_auth:
            raise CertificateError("not a certificate for TLS clients")
        return
    if not certificate.server_auth:
        raise CertificateError("not a certificate for TLS servers")
    if HOST_NAME not in certificate.dns_names:
        raise CertificateError(f"the certificate does not name {HOST_NAME}")


def _judge(
    certificate: RatlsCertificate,
    policy: PeerPolicy,
    now: int,
    cache: VerificationCache | None,
    report: Report,
) -> Judgement:
    match policy:
        case Policy():
            return Judge(certificate, policy, now, cache, report).judge()
        case AllOf():
            parts = [_judge(certificate, part, now, cache, report) for part in policy.parts]
            return _combined(parts)
        case AnyOf():
            return _first_accepted(certificate, policy, now, cache, report)
        case _:
            raise PolicyError("nothing here verifies such a policy")


def _combined(parts: list[Judgement]) -> Judgement:
    """All of them hold: the evidence of the first that looked at any, the claims of all."""
    with_evidence = [part for part in parts if part.kind is not EvidenceKind.NONE]
    if len({part.attestation for part in with_evidence}) > 1:
        raise PolicyError("the parts of a policy were met by different evidence")
    lead = (with_evidence or parts)[0]
    return Judgement(
        kind=lead.kind,
        attestation=lead.attestation,
        claims=tuple(claim for part in parts for claim in part.claims),
        expires_at=min(part.expires_at for part in parts),
        model_hash=lead.model_hash,
        platform_id=lead.platform_id,
        operator=lead.operator or next((part.operator for part in parts if part.operator), None),
    )


def _first_accepted(
    certificate: RatlsCertificate,
    policy: AnyOf,
    now: int,
    cache: VerificationCache | None,
    report: Report,
) -> Judgement:
    refusals: list[AttestationError] = []
    tried: list[Step] = []
    for part in policy.parts:
        attempt = Report()
        try:
            judgement = _judge(certificate, part, now, cache, attempt)
        except AttestationError as refusal:
            refusals.append(refusal)
            tried += attempt.steps
            report.skipped(f"Alternative {part.name}", Layer.POLICY, str(refusal), refusal.fix)
            continue
        report.extend(attempt.steps)
        return judgement
    if len(refusals) == 1:
        report.extend(tried)
        raise refusals[0]
    reasons = "; ".join(
        f"{part.name}: {refusal}" for part, refusal in zip(policy.parts, refusals, strict=True)
    )
    with report.step(f"Any of {policy.name}", Layer.POLICY):
        raise PolicyError(f"no alternative accepts the peer ({reasons})"[:1000])
