"""SGX quotes of enclaves, verified against a pinned root (``attestation.md`` §4.4).

They occur in the protocol of the seal service only; no TLS policy accepts one (§1.3).
"""

from cocoon.attestation.claims import ClaimName, proven
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.dcap import appraise, platform_claims
from cocoon.attestation.evidence.missing import SGX
from cocoon.attestation.evidence.pck import parse_pck_chain
from cocoon.attestation.evidence.tdx_quote import EnclaveBody, parse_quote
from cocoon.attestation.measurements import Attestation, SgxMeasurements
from cocoon.errors import EvidenceError

QUOTE_VERSION = 3
"""What quoting enclaves for SGX make; the verifier underneath takes no other."""
_INITIALISED = 1 << 0
_PROVISION_KEY = 1 << 4
_LAUNCH_KEY = 1 << 5


def verify_sgx(
    quote: bytes, collateral: CollateralBook, now: int, *, simulated_root: bytes | None = None
) -> VerifiedEvidence:
    """Verify a quote of an SGX enclave. Which enclave is allowed, the caller decides.

    Args:
        quote: of version 3.
        collateral: the vendor's data for SGX (not TDX) by platform model.
        now: unix seconds.
        simulated_root: DER of the devnet's root; None pins Intel's.

    Raises:
        EvidenceError: it does not verify, is of a debug enclave or is no SGX quote of version 3;
            the text starts with the layer, ``fix`` says what to do.
        MissingCollateralError: there is no data for this platform model.
    """
    parsed = parse_quote(quote)
    body = parsed.body
    if not isinstance(body, EnclaveBody):
        raise EvidenceError("quote: of a trust domain where one of an SGX enclave is expected")
    if parsed.header.version != QUOTE_VERSION:
        raise EvidenceError(
            f"quote: of version {parsed.header.version} where {QUOTE_VERSION} is expected",
            fix="have the platform's quote library make SGX quotes of version 3",
        )
    chain = parse_pck_chain(parsed)
    _require_production_enclave(body)
    appraisal = appraise(
        quote, parsed, chain, collateral, now, kind=SGX, simulated_root=simulated_root
    )
    simulated = simulated_root is not None
    hardware, tcb = platform_claims(appraisal, simulated=simulated)
    not_debug = proven(ClaimName.NOT_DEBUG, "the enclave's attributes exclude debug mode")
    return VerifiedEvidence(
        kind=EvidenceKind.SGX_SIMULATED if simulated else EvidenceKind.SGX,
        attestation=Attestation(
            SgxMeasurements(body.mr_enclave, body.report_data), appraisal.root_hash
        ),
        claims=(hardware, not_debug, tcb),
        tcb_status=appraisal.status,
        expires_at=appraisal.expires_at,
        platform_id=appraisal.platform_id,
        advisories=appraisal.advisories,
    )


def _require_production_enclave(body: EnclaveBody) -> None:
    """A re-signed enclave in DEBUG mode measures the same (``attestation.md`` §10.3)."""
    if body.is_debug:
        raise EvidenceError("enclave: it runs in DEBUG mode: its host can read its memory")
    if not body.attributes[0] & _INITIALISED:
        raise EvidenceError("enclave: it is not initialised")
    if body.attributes[0] & (_PROVISION_KEY | _LAUNCH_KEY):
        raise EvidenceError("enclave: it may use keys of Intel's own enclaves")
