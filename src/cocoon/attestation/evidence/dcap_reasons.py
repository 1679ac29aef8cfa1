"""Why a quote does not verify: the layer, the reason and what to do, for people.

dcap-qvl checks in this order and stops at the first failure: collateral (root CA CRL, TCB info,
QE identity), the platform's certificates, the quoting enclave, the quote's own signature, patch
level, attributes. It names most of them; where it only says that "a chain" failed, the pieces are
looked at one by one here. Nothing here accepts anything: the result is always an error.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from cocoon.attestation.evidence.collateral import Collateral
from cocoon.attestation.evidence.pck import MALFORMED_X509, PckChain
from cocoon.attestation.evidence.td_rules import require_production_domain
from cocoon.attestation.evidence.tdx_quote import Quote, TdBody
from cocoon.errors import EvidenceError

REFRESH = "fetch newer collateral: cocoon attest collateral fetch; if it is new, check the clock"
CLOCK = "check the clock of this machine"
OTHER_COLLATERAL = "fetch the collateral of this platform model and kind of TEE again"
UPDATE = (
    "the operator updates firmware (BIOS, microcode, TDX module) and registers the machine anew"
)
RECERTIFY = "the operator registers the machine anew, so that it gets a new platform certificate"
GIVE_UP = "none: Intel has withdrawn trust in this machine or firmware"
RESTART = "the quote was altered or made wrongly; the operator restarts the quote service"

PINNED = (
    "a real machine passes only where Intel's root is pinned, a simulated one only where the root"
    " of its devnet is"
)

_KNOWN = (
    ("TCBInfo expired", "TCB info", "out of date", REFRESH),
    ("TCBInfo issue date is in the future", "TCB info", "issued in the future", CLOCK),
    ("QE Identity expired", "QE identity", "out of date", REFRESH),
    ("QE Identity issue date is in the future", "QE identity", "issued in the future", CLOCK),
    ("Signature is invalid for tcb_info", "TCB info", "its signature is wrong", REFRESH),
    ("Signature is invalid for qe_identity", "QE identity", "its signature is wrong", REFRESH),
    ("Failed to decode TcbInfo", "TCB info", "malformed", REFRESH),
    ("Failed to decode QeIdentity", "QE identity", "malformed", REFRESH),
    ("non-TDX TCB info", "TCB info", "for enclaves, not domains", OTHER_COLLATERAL),
    ("non-SGX TCB info", "TCB info", "for domains, not enclaves", OTHER_COLLATERAL),
    ("Unsupported QE Identity", "QE identity", "for another kind of TEE", OTHER_COLLATERAL),
    ("Fmspc mismatch", "TCB info", "for another platform model", OTHER_COLLATERAL),
    ("Signature is invalid for qe_report", "quoting enclave", "not signed by the PCK key", RESTART),
    ("QE report hash mismatch", "quoting enclave", "vouches for another key", RESTART),
    ("Invalid QE auth data", "quoting enclave", "its authentication data is malformed", RESTART),
    ("QE report validation failed", "quoting enclave", "it runs in DEBUG mode", RESTART),
    ("QE MRSIGNER mismatch", "quoting enclave", "not signed by Intel", RESTART),
    ("QE ISVPRODID mismatch", "quoting enclave", "another enclave of Intel's", RESTART),
    ("QE MISCSELECT mismatch", "quoting enclave", "started with other features", RESTART),
    ("QE ATTRIBUTES mismatch", "quoting enclave", "started with other attributes", RESTART),
    ("QE ISVSVN", "quoting enclave", "older than any that Intel lists", UPDATE),
    ("ISV enclave report signature", "quote", "its signature is wrong", RESTART),
    ("No matching TCB level", "platform TCB", "older than any level that Intel lists", UPDATE),
    ("TCB status is invalid: Revoked", "platform TCB", "revoked by Intel", GIVE_UP),
    ("TDX module ISVSVN", "TDX module", "older than any level that Intel lists", UPDATE),
    ("No TDX module identity", "TDX module", "of a version that Intel does not list", REFRESH),
    ("TDX module MRSIGNER", "TDX module", "not signed by Intel", UPDATE),
    ("TDX module SEAMATTRIBUTES", "TDX module", "runs with attributes that Intel does not list",
     UPDATE),
)  # fmt: skip
_UNREADABLE = (
    ("root CA CRL", "root CA CRL"),
    ("PCK CRL", "PCK CRL"),
    ("TCB Info leaf", "TCB info signer"),
    ("QE Identity leaf", "QE identity signer"),
    ("Failed to parse TCB Info", "TCB info"),
    ("Failed to parse QE Identity", "QE identity"),
    ("PCK cert", "PCK certificate"),
)
"""What is left to say when the pieces cannot even be looked at."""
_STATUS_FIXES = {
    "SWHardeningNeeded": "the operator applies the named advisories in software; a policy may"
    " accept the status",
    "ConfigurationNeeded": "the operator changes the BIOS settings that the advisories name; a"
    " policy may accept the status",
    "ConfigurationAndSWHardeningNeeded": "the operator changes BIOS settings and applies the named"
    " advisories; a policy may accept the status",
    "TDRelaunchAdvised": "the operator starts the virtual machine anew: the TDX module was updated"
    " under it",
    "TDRelaunchAdvisedConfigurationNeeded": "the operator changes the BIOS settings that the"
    " advisories name and starts the virtual machine anew",
}


def status_fix(status: str) -> str:
    """What the operator does about a TCB status other than up to date."""
    return _STATUS_FIXES.get(status, UPDATE)


def other_root() -> EvidenceError:
    """The error for a quote of another root than the pinned one."""
    return EvidenceError("root: the quote's platform certificates end at another root", fix=PINNED)


def explain(
    cause: str, quote: Quote, chain: PckChain, collateral: Collateral, now: int, *, own_root: bool
) -> EvidenceError:
    """The error for a verification that failed.

    Args:
        cause: what the verifier said.
        quote: the quote.
        chain: its platform certificates.
        collateral: what it was judged with.
        now: unix seconds.
        own_root: whether the quote's chain ends at the pinned root.
    """
    for needle, layer, reason, fix in _KNOWN:
        if needle in cause:
            return EvidenceError(f"{layer}: {reason}", fix=fix)
    if not own_root:
        return other_root()
    try:
        for found in _pieces(chain, collateral, now):
            return found
        if isinstance(quote.body, TdBody):
            require_production_domain(quote.body)
    except EvidenceError as error:
        return error
    except MALFORMED_X509:
        # A part of it cannot even be read; the verifier's own words are all there is.
        pass
    for needle, layer in _UNREADABLE:
        if needle in cause:
            return EvidenceError(f"{layer}: malformed", fix=REFRESH)
    return EvidenceError(f"quote: it does not verify: {first_lines(cause)}")


def _pieces(chain: PckChain, collateral: Collateral, now: int) -> Iterator[EvidenceError]:
    """What is wrong with the pieces of all chains, the first one first."""
    moment = datetime.fromtimestamp(now, UTC)
    handle = collateral.handle
    root_crl = x509.load_der_x509_crl(handle.root_ca_crl)
    pck_crl = x509.load_der_x509_crl(handle.pck_crl)
    yield from _list_errors("root CA CRL", root_crl, moment)
    if not _is_signed_by(root_crl, chain.root):
        yield EvidenceError("root CA CRL: signed by another root", fix=OTHER_COLLATERAL)
    for layer, pem in (
        ("TCB info signer", handle.tcb_info_issuer_chain),
        ("QE identity signer", handle.qe_identity_issuer_chain),
    ):
        certificates = x509.load_pem_x509_certificates(pem.encode().rstrip(b"\0"))
        yield from _certificate_errors(layer, certificates[0], moment, root_crl, REFRESH)
        if not _is_issued_by(certificates[0], chain.root):
            yield EvidenceError(f"{layer}: of another root", fix=REFRESH)
    yield from _certificate_errors("PCK certificate", chain.leaf, moment, pck_crl, RECERTIFY)
    yield from _certificate_errors("PCK CA certificate", chain.issuer, moment, root_crl, RECERTIFY)
    yield from _certificate_errors("root", chain.root, moment, root_crl, GIVE_UP)
    if not _is_issued_by(chain.issuer, chain.root):
        yield EvidenceError("PCK CA certificate: not signed by the root", fix=RECERTIFY)
    if not _is_issued_by(chain.leaf, chain.issuer):
        yield EvidenceError("PCK certificate: not signed by the PCK CA", fix=RECERTIFY)
    yield from _list_errors("PCK CRL", pck_crl, moment)
    if pck_crl.issuer != chain.leaf.issuer:
        yield EvidenceError("PCK CRL: of another issuer", fix=OTHER_COLLATERAL)
    if not _is_signed_by(pck_crl, chain.issuer):
        yield EvidenceError("PCK CRL: its signature is wrong", fix=REFRESH)


def _certificate_errors(
    layer: str,
    certificate: x509.Certificate,
    moment: datetime,
    revocations: x509.CertificateRevocationList,
    fix: str,
) -> Iterator[EvidenceError]:
    if moment > certificate.not_valid_after_utc:
        yield EvidenceError(f"{layer}: expired {_day(certificate.not_valid_after_utc)}", fix=fix)
    if moment < certificate.not_valid_before_utc:
        starts = _day(certificate.not_valid_before_utc)
        yield EvidenceError(f"{layer}: not valid before {starts}", fix=CLOCK)
    entry = revocations.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if entry is not None:
        since = _day(entry.revocation_date_utc)
        yield EvidenceError(f"{layer}: revoked by Intel since {since}", fix=GIVE_UP)


def _list_errors(
    layer: str, revocations: x509.CertificateRevocationList, moment: datetime
) -> Iterator[EvidenceError]:
    if revocations.next_update_utc is None or moment > revocations.next_update_utc:
        yield EvidenceError(f"{layer}: out of date", fix=REFRESH)
    if moment < revocations.last_update_utc:
        yield EvidenceError(f"{layer}: issued in the future", fix=CLOCK)


def _is_signed_by(revocations: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    return revocations.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def first_lines(cause: str) -> str:
    """What the verifier said, on one line."""
    lines = [line.strip() for line in cause.splitlines() if line.strip()]
    return " / ".join(line for line in lines if line != "Caused by:")[:200]
