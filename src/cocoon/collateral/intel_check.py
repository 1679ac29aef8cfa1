"""Whether collateral is signed by the vendor, before it replaces what we have.

The verifier checks all of this again with each quote. Here it keeps a lying or broken service from
replacing good collateral by something that makes every quote fail.
"""

import json
from itertools import pairwise

import dcap_qvl
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.evidence.collateral import Collateral
from cocoon.attestation.evidence.tdx import root_hash_of
from cocoon.errors import CollateralError, ConfigError

_ERRORS = (
    ValueError,
    TypeError,
    KeyError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    ConfigError,
)


def require_signed(collateral: Collateral, root_hash: bytes) -> None:
    """Check every signature in collateral up to a root.

    Args:
        collateral: TDX or SGX.
        root_hash: SHA-384 of the pinned root's key, 48 bytes.

    Raises:
        CollateralError: something is not signed; says what.
    """
    parts = collateral.handle
    signer = _chain("TCB info", parts.tcb_info_issuer_chain, root_hash)[0]
    _require_raw("TCB info", signer, parts.tcb_info, parts.tcb_info_signature)
    signer = _chain("QE identity", parts.qe_identity_issuer_chain, root_hash)[0]
    _require_raw("QE identity", signer, parts.qe_identity, parts.qe_identity_signature)
    issuers = _chain("PCK CRL", parts.pck_crl_issuer_chain, root_hash)
    _require_crl("PCK CRL", parts.pck_crl, issuers[0])
    _require_crl("root CA CRL", parts.root_ca_crl, issuers[-1])


def evaluation_number(parts: dcap_qvl.QuoteCollateralV3) -> int:
    """Intel's number of the TCB evaluation that collateral is of; it only ever grows.

    Raises:
        CollateralError: the TCB info has none.
    """
    try:
        number = json.loads(parts.tcb_info)["tcbEvaluationDataNumber"]
    except (ValueError, TypeError, KeyError, RecursionError):
        number = None
    if not isinstance(number, int):
        raise CollateralError("the TCB info has no evaluation number")
    return number


def _chain(what: str, pem: str, root_hash: bytes) -> list[x509.Certificate]:
    try:
        chain = x509.load_pem_x509_certificates(pem.encode().rstrip(b"\0"))
        for certificate, issuer in pairwise(chain):
            certificate.verify_directly_issued_by(issuer)
        if root_hash_of(chain[-1].public_bytes(Encoding.DER)) == root_hash:
            return chain
    except _ERRORS:
        pass
    raise CollateralError(f"the {what}'s certificates do not chain to the pinned root")


def _require_raw(what: str, signer: x509.Certificate, text: str, signature: bytes) -> None:
    """An ECDSA signature in the raw form r || s over SHA-256."""
    try:
        key = signer.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise TypeError("not an elliptic-curve key")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        key.verify(encode_dss_signature(r, s), text.encode(), ec.ECDSA(hashes.SHA256()))
    except _ERRORS:
        raise CollateralError(f"the signature of the {what} is wrong") from None


def _require_crl(what: str, der: bytes, issuer: x509.Certificate) -> None:
    try:
        crl = x509.load_der_x509_crl(der)
        key = issuer.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise TypeError("not an elliptic-curve key")
        signed = crl.issuer == issuer.subject and crl.is_signature_valid(key)
    except _ERRORS:
        signed = False
    if not signed:
        raise CollateralError(f"the signature of the {what} is wrong")
