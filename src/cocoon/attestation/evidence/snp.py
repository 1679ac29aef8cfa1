"""SEV-SNP reports, verified against AMD's pinned roots.

Sources: AMD 56860 "SEV Secure Nested Paging Firmware ABI", AMD 57230 "VCEK Certificate and KDS
Interface".
"""

import hashlib

from cocoon.attestation.claims import Claim, ClaimName, proven, refuted, unknown
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.missing import SNP
from cocoon.attestation.evidence.snp_collateral import (
    AMD_ROOT_HASHES,
    SnpCollateral,
    SnpCollateralBook,
    collateral_key,
    snp_root_hash,
)
from cocoon.attestation.evidence.snp_evidence import SnpEvidence, guest_refusals
from cocoon.attestation.evidence.snp_report import SnpReport
from cocoon.attestation.evidence.snp_requirement import SnpRequirement, VerifiedSnp
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb
from cocoon.attestation.measurements import Attestation, SnpMeasurements
from cocoon.errors import ConfigError, EvidenceError

PLATFORM_LABEL = b"cocoon-platform-snp\0"
"""What the hash that names a machine begins with."""


def verify_snp(
    evidence: bytes,
    collateral: SnpCollateralBook,
    now: int,
    *,
    simulated_root: bytes | None = None,
) -> VerifiedSnp:
    """Verify a report of SEV-SNP; ``SnpRequirement.check`` then judges the result by a policy.

    Args:
        evidence: the report of 1184 bytes and, right behind it, the DER of the VCEK's or VLEK's
            certificate.
        collateral: AMD's chains and revocation lists.
        now: unix seconds.
        simulated_root: DER of a devnet's root; None pins AMD's.

    Raises:
        EvidenceError: it does not verify, or is of a guest whose host can read it.
        MissingCollateralError: there is no collateral for the product and kind of leaf.
        ConfigError: ``simulated_root`` is AMD's, or no certificate.
    """
    found = SnpEvidence.from_bytes(evidence)
    # First, because no collateral can mend it.
    for refusal in guest_refusals(found.report):
        raise EvidenceError(f"SEV-SNP guest: {refusal}", fix="start the guest without it")
    chosen = _collateral_for(found, collateral)
    kind = EvidenceKind.SNP if simulated_root is None else EvidenceKind.SNP_SIMULATED
    _require_root(chosen, simulated_root)
    found.require_chain(chosen.chain, now)
    chosen.require_current(now)
    serial_number = found.leaf.certificate.serial_number
    chosen.require_leaf_not_revoked(serial_number, found.leaf.name)
    leaf_end = int(found.leaf.certificate.not_valid_after_utc.timestamp())
    return VerifiedSnp(
        kind=kind,
        attestation=Attestation(measurements_of(found.report), chosen.chain.root_hash),
        claims=_claims(kind, found),
        tcb_status=None,
        expires_at=min(chosen.expires_at, leaf_end),
        platform_id=_platform_id(found.report),
        report=found.report,
        product=found.leaf.product,
        signer=found.leaf.kind,
        tcbs=found.tcbs,
        csp_id=found.leaf.csp_id,
    )


def _collateral_for(found: SnpEvidence, book: SnpCollateralBook) -> SnpCollateral:
    key = collateral_key(found.leaf.product, found.leaf.kind)
    collateral = book.find(key)
    if collateral is None:
        raise book.missing(SNP, key, f"no SEV-SNP collateral for {key}: chain and revocations")
    return collateral


def _require_root(collateral: SnpCollateral, simulated_root: bytes | None) -> None:
    name = collateral.chain.names[0]
    if simulated_root is None:
        if collateral.chain.root_hash != AMD_ROOT_HASHES[collateral.chain.product]:
            raise EvidenceError(f"{name}: the root of the collateral is not AMD's")
        return
    expected = snp_root_hash(simulated_root)
    if expected in AMD_ROOT_HASHES.values():
        raise ConfigError("AMD's root is not a simulated one")
    if collateral.chain.root_hash != expected:
        raise EvidenceError(f"{name}: the root of the collateral is not the pinned devnet's")


def measurements_of(report: SnpReport) -> SnpMeasurements:
    """The part of a report that image hashes are made from."""
    return SnpMeasurements(
        measurement=report.measurement,
        host_data=report.host_data,
        id_key_digest=report.id_key_digest,
        author_key_digest=report.author_key_digest,
        family_id=report.family_id,
        image_id=report.image_id,
        guest_policy=report.policy,
        vmpl=report.vmpl,
        report_data=report.report_data,
    )


def _platform_id(report: SnpReport) -> bytes | None:
    if report.is_chip_masked:
        return None
    return hashlib.sha256(PLATFORM_LABEL + report.chip_id).digest()


def _claims(kind: EvidenceKind, found: SnpEvidence) -> tuple[Claim, ...]:
    chain = f"a {found.leaf.product.value} {found.leaf.name} signs the report"
    if kind is EvidenceKind.SNP:
        hardware = proven(ClaimName.GENUINE_HARDWARE, f"{chain}, under AMD's root")
    else:
        hardware = refuted(ClaimName.GENUINE_HARDWARE, f"simulated: {chain}, under a devnet's root")
    return (
        hardware,
        proven(ClaimName.NOT_DEBUG, "the guest policy forbids debugging"),
        unknown(
            ClaimName.TCB_CURRENT,
            f"AMD calls no level current; reported is {found.tcbs['reported'].describe()}",
            "name the minimum patch levels in the policy",
        ),
    )


__all__ = [
    "PLATFORM_LABEL",
    "SnpProduct",
    "SnpRequirement",
    "SnpTcb",
    "VerifiedSnp",
    "verify_snp",
]
