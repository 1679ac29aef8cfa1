"""SGX quotes of enclaves, verified by dcap-qvl against a pinned root (``attestation.md`` §4.4).

They occur in the protocol of the seal service only; no TLS policy accepts one (§1.3).
"""

import dcap_qvl

from cocoon.attestation.claims import Claim, ClaimName, proven, refuted
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.tdx import INTEL_ROOT_HASH, UP_TO_DATE, root_hash_of
from cocoon.attestation.measurements import Attestation, SgxMeasurements
from cocoon.errors import EvidenceError


def verify_sgx(
    quote: bytes, collateral: CollateralBook, now: int, *, simulated_root: bytes | None = None
) -> VerifiedEvidence:
    """Verify a quote of an SGX enclave. Which enclave is allowed, the caller decides.

    Args:
        quote: v3 quote.
        collateral: the vendor's data for SGX (not TDX) by platform model.
        now: unix seconds.
        simulated_root: DER of the devnet's root; None pins Intel's.

    Raises:
        EvidenceError: it does not verify, is of a debug enclave, is no SGX quote, or there is no
            collateral.
    """
    try:
        parsed = dcap_qvl.parse_quote(quote)
        report = parsed.report
        found = collateral.find(bytes.fromhex(parsed.fmspc()))
    except ValueError as error:
        raise EvidenceError("malformed quote") from error
    if not isinstance(report, dcap_qvl.SgxEnclaveReport):
        raise EvidenceError("not a quote of an SGX enclave")
    if report.attributes[0] & 2:
        raise EvidenceError("the enclave runs in DEBUG mode: its host can read its memory")
    if found is None:
        raise EvidenceError("no SGX collateral for the platform model of this quote")
    try:
        if simulated_root is None:
            verified = dcap_qvl.verify(quote, found.handle, now)
        else:
            verified = dcap_qvl.verify_with_root_ca(quote, found.handle, simulated_root, now)
    except ValueError as error:
        raise EvidenceError(f"the quote does not verify: {error}"[:300]) from error
    kind = EvidenceKind.SGX if simulated_root is None else EvidenceKind.SGX_SIMULATED
    root_hash = INTEL_ROOT_HASH if simulated_root is None else root_hash_of(simulated_root)
    return VerifiedEvidence(
        kind=kind,
        attestation=Attestation(SgxMeasurements(report.mr_enclave, report.report_data), root_hash),
        claims=_claims(kind, verified.status),
        tcb_status=verified.status,
        expires_at=found.expires_at,
        advisories=tuple(verified.advisory_ids),
    )


def _claims(kind: EvidenceKind, status: str) -> tuple[Claim, ...]:
    if kind is EvidenceKind.SGX:
        hardware = proven(ClaimName.GENUINE_HARDWARE, "the quote chains to Intel's root")
    else:
        hardware = refuted(ClaimName.GENUINE_HARDWARE, "simulated: the quote chains to a devnet")
    verdict = proven if status == UP_TO_DATE else refuted
    return (
        hardware,
        proven(ClaimName.NOT_DEBUG, "the enclave's attributes exclude debug mode"),
        verdict(ClaimName.TCB_CURRENT, f"TCB status {status}"),
    )
