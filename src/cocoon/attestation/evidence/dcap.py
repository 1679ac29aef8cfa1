"""Intel's quotes judged with collateral: what TDX and SGX have in common.

dcap-qvl does the cryptography in the order of :mod:`cocoon.attestation.evidence.dcap_reasons`;
this module finds the collateral, pins the root and turns failures into sentences. An outdated
platform is a status and no failure: the policy decides on it.
"""

import hashlib
import json
from dataclasses import dataclass

import dcap_qvl
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cocoon.attestation.claims import Claim, ClaimName, proven, refuted
from cocoon.attestation.evidence.collateral import Collateral, CollateralBook
from cocoon.attestation.evidence.dcap_reasons import RESTART, explain, other_root, status_fix
from cocoon.attestation.evidence.pck import MALFORMED_X509, PckChain
from cocoon.attestation.evidence.tdx_quote import Quote
from cocoon.errors import ConfigError, EvidenceError

INTEL_ROOT_HASH = bytes.fromhex(
    "46e403bd34f05a3f2817ab9badcaacc7ffc98e0f261008cd30dae936cace18d5"
    "dcf58eef31463613de1570d516200993"
)
"""SHA-384 of Intel's SGX root key; dcap-qvl carries the certificate (``attestation.md`` §4.6)."""
UP_TO_DATE = "UpToDate"


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What Intel's data says about the platform of a quote.

    Attributes:
        status: the vendor's word for its patch level; ``UpToDate`` is the good one.
        detail: the same by part, for people.
        advisories: security advisories that still apply.
        root_hash: SHA-384 of the pinned root's key, 48 bytes.
        expires_at: unix seconds when the first thing that this rests on expires.
        platform_id: 32 bytes, or None when the platform shows no id.
    """

    status: str
    detail: str
    advisories: tuple[str, ...]
    root_hash: bytes
    expires_at: int
    platform_id: bytes | None


def root_hash_of(certificate_der: bytes) -> bytes:
    """SHA-384 of a root's public key as a 65-byte point, 48 bytes (``attestation.md`` §3).

    Raises:
        ConfigError: not a certificate with an elliptic-curve key.
    """
    try:
        return _key_hash(x509.load_der_x509_certificate(certificate_der))
    except TypeError as error:
        raise ConfigError("a pinned platform root has no elliptic-curve key") from error
    except MALFORMED_X509 as error:
        raise ConfigError("a pinned platform root is not a DER certificate") from error


def appraise(
    raw: bytes,
    quote: Quote,
    chain: PckChain,
    collateral: CollateralBook,
    now: int,
    *,
    kind: str,
    simulated_root: bytes | None,
) -> Appraisal:
    """Verify signatures, chain, revocation and patch level of a quote.

    Args:
        raw: the quote as it came.
        quote: the same, read.
        chain: its platform certificates.
        collateral: the vendor's data by platform model.
        now: unix seconds.
        kind: ``tdx`` or ``sgx``; of the collateral that is needed.
        simulated_root: DER of a devnet's root; None pins Intel's.

    Raises:
        EvidenceError: it does not verify; the text starts with the layer.
        MissingCollateralError: there is no data for this platform model.
    """
    root_hash = INTEL_ROOT_HASH if simulated_root is None else root_hash_of(simulated_root)
    found = collateral.find(chain.extension.fmspc)
    if found is None:
        require_platform_signatures(quote, chain, root_hash)
        model = chain.extension.fmspc.hex().upper()
        raise collateral.missing(
            kind,
            f"{chain.extension.fmspc.hex()}/{chain.issuer_kind}",
            f"collateral: none for platform model {model} ({kind})",
        )
    verified = _verify(raw, quote, chain, found, now, root_hash, simulated_root)
    if verified.ppid != chain.extension.ppid:
        # Collateral may bring a platform certificate of its own; what we say is about the quote's.
        raise EvidenceError("PCK certificate: the collateral is for another machine")
    return Appraisal(
        status=verified.status,
        detail=_detail(verified),
        advisories=tuple(verified.advisory_ids),
        root_hash=root_hash,
        expires_at=min(found.expires_at, chain.expires_at),
        platform_id=_platform_id(kind, verified.ppid),
    )


def platform_claims(appraisal: Appraisal, *, simulated: bool) -> tuple[Claim, Claim]:
    """What an appraisal decides: genuine hardware, and patch level."""
    if simulated:
        hardware = refuted(ClaimName.GENUINE_HARDWARE, "simulated: the quote chains to a devnet")
    else:
        hardware = proven(ClaimName.GENUINE_HARDWARE, "the quote chains to Intel's root")
    if appraisal.status == UP_TO_DATE:
        return hardware, proven(ClaimName.TCB_CURRENT, "TCB status UpToDate")
    fix = status_fix(appraisal.status)
    return hardware, refuted(ClaimName.TCB_CURRENT, f"TCB status {appraisal.detail}", fix)


def require_platform_signatures(quote: Quote, chain: PckChain, root_hash: bytes) -> None:
    """Check what can be checked without collateral: every signature up to the pinned root.

    Raises:
        EvidenceError: a signature or the root is wrong.
    """
    if _root_hash_or_none(chain.root) != root_hash:
        raise other_root()
    signature = quote.signature
    bound = hashlib.sha256(signature.attestation_key + signature.auth_data).digest()
    try:
        chain.issuer.verify_directly_issued_by(chain.root)
        chain.leaf.verify_directly_issued_by(chain.issuer)
        leaf_key = chain.leaf.public_key()
        if not isinstance(leaf_key, ec.EllipticCurvePublicKey):
            raise EvidenceError("PCK certificate: its key is not an elliptic-curve key")
        _verify_raw(leaf_key, signature.qe_signature, signature.qe_report_bytes)
        if signature.qe_report.report_data[:32] != bound:
            raise EvidenceError("quoting enclave: vouches for another key")
        point = b"\x04" + signature.attestation_key
        attestation_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        _verify_raw(attestation_key, signature.signature, quote.signed)
    except (InvalidSignature, *MALFORMED_X509) as error:
        raise EvidenceError("quote: a signature in it is wrong", fix=RESTART) from error


def _verify(
    raw: bytes,
    quote: Quote,
    chain: PckChain,
    found: Collateral,
    now: int,
    root_hash: bytes,
    simulated_root: bytes | None,
) -> dcap_qvl.VerifiedReport:
    try:
        if simulated_root is None:
            return dcap_qvl.verify(raw, found.handle, now)
        return dcap_qvl.verify_with_root_ca(raw, found.handle, simulated_root, now)
    except (ValueError, OverflowError) as error:  # the latter for times that are no clock's
        own_root = _root_hash_or_none(chain.root) == root_hash
        raise explain(str(error), quote, chain, found, now, own_root=own_root) from error


def _detail(verified: dcap_qvl.VerifiedReport) -> str:
    if verified.status == UP_TO_DATE:
        return UP_TO_DATE
    parts = json.loads(verified.to_json())
    platform, enclave = parts["platform_status"]["status"], parts["qe_status"]["status"]
    advisories = f"; advisories {', '.join(verified.advisory_ids)}" if verified.advisory_ids else ""
    return f"{verified.status} (platform {platform}, quoting enclave {enclave}{advisories})"


def _platform_id(kind: str, ppid: bytes) -> bytes | None:
    """Names the silicon without showing its id to who did not have it already."""
    if not any(ppid):
        return None
    return hashlib.sha256(f"cocoon-platform-{kind}\0".encode() + ppid).digest()


def _key_hash(certificate: x509.Certificate) -> bytes:
    """Raises ValueError or TypeError when the key is none of ours."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("no elliptic-curve key")
    return hashlib.sha384(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).digest()


def _root_hash_or_none(certificate: x509.Certificate) -> bytes | None:
    try:
        return _key_hash(certificate)
    except MALFORMED_X509:
        return None


def _verify_raw(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
