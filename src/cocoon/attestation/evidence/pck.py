"""Whether a quote without collateral is worth fetching collateral for.

A quote names its platform model in a certificate (PCK) that it carries. Only a certificate that
chains to the pinned root makes anybody fetch data for the model: so the models that strangers can
make us ask for are those that the vendor has really certified. Revocation cannot be looked at yet,
and nothing is trusted because of this.
"""

import hashlib
from itertools import pairwise

import dcap_qvl
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cocoon.attestation.evidence.missing import Missing
from cocoon.errors import EvidenceError

MAX_CHAIN_BYTES = 32_768
CHAIN_LENGTH = 3
"""PCK certificate, its issuer, the root."""
FMSPC_HEX = 12

_CHAIN_ERRORS = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion)


def missing_for(
    book: Missing, kind: str, parsed: dcap_qvl.Quote, root_hash: bytes
) -> EvidenceError:
    """The error to raise where a book has nothing for a quote's platform model.

    Args:
        book: whose listener is told, if the quote's certificates chain to the root.
        kind: ``TDX`` or ``SGX`` of :mod:`.missing`.
        parsed: the quote.
        root_hash: SHA-384 of the pinned root's key as a 65-byte point, 48 bytes.
    """
    try:
        key = model_key(parsed)
        _require_chain(parsed.cert_chain_pem_bytes() or b"", root_hash)
    except _CHAIN_ERRORS:
        return EvidenceError(
            "no collateral for the platform model of this quote, whose certificates do not chain "
            "to the pinned root"
        )
    return book.missing(
        kind, key, f"no collateral for the platform model {key} of this quote (yet)"
    )


def model_key(parsed: dcap_qvl.Quote) -> str:
    """``FMSPC/CA`` of a quote: what to ask Intel for.

    Raises:
        ValueError: the quote does not carry its certificates.
    """
    fmspc, ca = parsed.fmspc().lower(), parsed.ca()
    if len(fmspc) != FMSPC_HEX or ca not in ("platform", "processor"):
        raise ValueError("the quote does not name its platform model")
    return f"{fmspc}/{ca}"


def _require_chain(pem: bytes, root_hash: bytes) -> None:
    pem = pem.rstrip(b"\0")
    if len(pem) > MAX_CHAIN_BYTES:
        raise ValueError("the certificates are too long")
    chain = x509.load_pem_x509_certificates(pem)
    if len(chain) != CHAIN_LENGTH:
        raise ValueError("not a chain of three certificates")
    for certificate, issuer in pairwise(chain):
        certificate.verify_directly_issued_by(issuer)
    key = chain[-1].public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("the root has no elliptic-curve key")
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if hashlib.sha384(point).digest() != root_hash:
        raise ValueError("another root")
