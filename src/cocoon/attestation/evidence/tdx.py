"""TDX quotes, verified against a pinned root (``attestation.md`` §4).

An outdated platform is reported as a status and not as an error, so the status goes to the
policy; debug mode and everything else of that sort is refused here in any case.
"""

from cocoon.attestation.claims import ClaimName, proven
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.dcap import (
    INTEL_ROOT_HASH,
    UP_TO_DATE,
    appraise,
    platform_claims,
    root_hash_of,
)
from cocoon.attestation.evidence.missing import TDX
from cocoon.attestation.evidence.pck import parse_pck_chain
from cocoon.attestation.evidence.td_report import TdReport
from cocoon.attestation.evidence.td_rules import require_production_domain
from cocoon.attestation.evidence.tdx_quote import MAX_QUOTE_BYTES, TdBody, parse_quote
from cocoon.attestation.measurements import Attestation, TdxMeasurements
from cocoon.errors import PolicyError

__all__ = [
    "INTEL_ROOT_HASH",
    "MAX_QUOTE_BYTES",
    "UP_TO_DATE",
    "measurements_of",
    "root_hash_of",
    "verify_tdx",
]


def verify_tdx(
    quote: bytes, collateral: CollateralBook, now: int, *, simulated_root: bytes | None = None
) -> VerifiedEvidence:
    """Verify a TDX quote.

    Args:
        quote: of version 4, or 5 with a domain's report of form 1.0, 1.5 or 1.5ex.
        collateral: the vendor's data by platform model.
        now: unix seconds.
        simulated_root: DER of the devnet's root; None pins Intel's.

    Raises:
        EvidenceError: it does not verify, or the domain is not one that may hold secrets; the
            text starts with the layer, ``fix`` says what to do.
        MissingCollateralError: there is no data for this platform model.
        PolicyError: it is an SGX quote, which no TLS policy accepts.
    """
    parsed = parse_quote(quote)
    body = parsed.body
    if not isinstance(body, TdBody):
        raise PolicyError("SGX attestation is not accepted")
    chain = parse_pck_chain(parsed)
    appraisal = appraise(
        quote, parsed, chain, collateral, now, kind=TDX, simulated_root=simulated_root
    )
    require_production_domain(body)
    simulated = simulated_root is not None
    hardware, tcb = platform_claims(appraisal, simulated=simulated)
    not_debug = proven(ClaimName.NOT_DEBUG, "the quote's attributes exclude debug mode")
    return VerifiedEvidence(
        kind=EvidenceKind.TDX_SIMULATED if simulated else EvidenceKind.TDX,
        attestation=Attestation(measurements_of(body), appraisal.root_hash),
        claims=(hardware, not_debug, tcb),
        tcb_status=appraisal.status,
        expires_at=appraisal.expires_at,
        platform_id=appraisal.platform_id,
        advisories=appraisal.advisories,
    )


def measurements_of(body: TdBody | TdReport) -> TdxMeasurements:
    """The part of a domain's report that image hashes are made from."""
    return TdxMeasurements(
        mr_td=body.mr_td,
        mr_config_id=body.mr_config_id,
        mr_owner=body.mr_owner,
        mr_owner_config=body.mr_owner_config,
        rtmrs=body.rtmrs,
        report_data=body.report_data,
    )
