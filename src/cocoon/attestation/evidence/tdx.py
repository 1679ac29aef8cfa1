"""TDX quotes, verified by dcap-qvl against a pinned root (``attestation.md`` §4).

dcap-qvl checks signatures, chains, revocation and the validity of collateral. It reports an
outdated platform as a status and not as an error, so the status goes to the policy; debug mode is
refused here in any case.
"""

import hashlib

import dcap_qvl
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cocoon.attestation.claims import Claim, ClaimName, proven, refuted
from cocoon.attestation.evidence import EvidenceKind, VerifiedEvidence
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.missing import TDX
from cocoon.attestation.evidence.pck import missing_for
from cocoon.attestation.measurements import Attestation, TdxMeasurements
from cocoon.errors import ConfigError, EvidenceError, PolicyError

INTEL_ROOT_HASH = bytes.fromhex(
    "46e403bd34f05a3f2817ab9badcaacc7ffc98e0f261008cd30dae936cace18d5"
    "dcf58eef31463613de1570d516200993"
)
"""SHA-384 of Intel's SGX root key; dcap-qvl carries the certificate (``attestation.md`` §4.6)."""
MAX_QUOTE_BYTES = 32_768
UP_TO_DATE = "UpToDate"

_NO_SERVICE_TD = bytes(48)
_SEPT_VE_DISABLE = 1 << 28


def root_hash_of(certificate_der: bytes) -> bytes:
    """SHA-384 of a root's public key as a 65-byte point, 48 bytes (``attestation.md`` §3).

    Raises:
        ConfigError: not a certificate with an elliptic-curve key.
    """
    try:
        key = x509.load_der_x509_certificate(certificate_der).public_key()
    except ValueError as error:
        raise ConfigError("a pinned platform root is not a DER certificate") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ConfigError("a pinned platform root has no elliptic-curve key")
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return hashlib.sha384(point).digest()


def verify_tdx(
    quote: bytes, collateral: CollateralBook, now: int, *, simulated_root: bytes | None = None
) -> VerifiedEvidence:
    """Verify a TDX quote.

    Args:
        quote: v4 or v5 quote.
        collateral: the vendor's data by platform model.
        now: unix seconds.
        simulated_root: DER of the devnet's root; None pins Intel's.

    Raises:
        EvidenceError: it does not verify, is for a debug domain, or there is no collateral.
        PolicyError: it is an SGX quote, which no TLS policy accepts.
    """
    parsed, report = _parse(quote)
    found = collateral.find(_platform_model(parsed))
    if found is None:
        root_hash = INTEL_ROOT_HASH if simulated_root is None else root_hash_of(simulated_root)
        raise missing_for(collateral, TDX, parsed, root_hash)
    try:
        if simulated_root is None:
            verified = dcap_qvl.verify(quote, found.handle, now)
        else:
            verified = dcap_qvl.verify_with_root_ca(quote, found.handle, simulated_root, now)
    except ValueError as error:
        raise EvidenceError(f"the quote does not verify: {_first_lines(error)}") from error
    _require_production_domain(report)
    kind = EvidenceKind.TDX if simulated_root is None else EvidenceKind.TDX_SIMULATED
    root_hash = INTEL_ROOT_HASH if simulated_root is None else root_hash_of(simulated_root)
    return VerifiedEvidence(
        kind=kind,
        attestation=Attestation(_measurements(report), root_hash),
        claims=_claims(kind, verified.status),
        tcb_status=verified.status,
        expires_at=found.expires_at,
    )


def _parse(quote: bytes) -> tuple[dcap_qvl.Quote, dcap_qvl.TdReport10]:
    if len(quote) > MAX_QUOTE_BYTES:
        raise EvidenceError(f"quote of {len(quote)} bytes, at most {MAX_QUOTE_BYTES} are read")
    try:
        parsed = dcap_qvl.parse_quote(quote)
    except ValueError as error:
        raise EvidenceError(f"malformed quote: {_first_lines(error)}") from error
    if not parsed.is_tdx() or isinstance(parsed.report, dcap_qvl.SgxEnclaveReport):
        raise PolicyError("SGX attestation is not accepted")
    return parsed, parsed.report


def _platform_model(parsed: dcap_qvl.Quote) -> bytes:
    try:
        return bytes.fromhex(parsed.fmspc())
    except ValueError as error:
        raise EvidenceError("the quote does not name its platform model") from error


def _require_production_domain(report: dcap_qvl.TdReport10) -> None:
    """Refuse what lets a host read or replace the guest; dcap-qvl may check less."""
    attributes = int.from_bytes(report.td_attributes, "little")
    if attributes & 0xFF:
        raise EvidenceError("the trust domain runs in DEBUG mode: its host can read its memory")
    if not attributes & _SEPT_VE_DISABLE:
        raise EvidenceError("the trust domain lets its host inject #VE (SEPT_VE_DISABLE is clear)")
    if getattr(report, "mr_service_td", _NO_SERVICE_TD) != _NO_SERVICE_TD:
        raise EvidenceError("the trust domain is bound to a service domain, which may migrate it")


def _measurements(report: dcap_qvl.TdReport10) -> TdxMeasurements:
    return TdxMeasurements(
        mr_td=report.mr_td,
        mr_config_id=report.mr_config_id,
        mr_owner=report.mr_owner,
        mr_owner_config=report.mr_owner_config,
        rtmrs=(report.rt_mr0, report.rt_mr1, report.rt_mr2, report.rt_mr3),
        report_data=report.report_data,
    )


def _claims(kind: EvidenceKind, status: str) -> tuple[Claim, ...]:
    if kind is EvidenceKind.TDX:
        hardware = proven(ClaimName.GENUINE_HARDWARE, "the quote chains to Intel's root")
    else:
        hardware = refuted(ClaimName.GENUINE_HARDWARE, "simulated: the quote chains to a devnet")
    verdict = proven if status == UP_TO_DATE else refuted
    return (
        hardware,
        proven(ClaimName.NOT_DEBUG, "the quote's attributes exclude debug mode"),
        verdict(ClaimName.TCB_CURRENT, f"TCB status {status}"),
    )


def _first_lines(error: ValueError) -> str:
    """The cause that dcap-qvl names, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " / ".join(line for line in lines if line != "Caused by:")[:200]
