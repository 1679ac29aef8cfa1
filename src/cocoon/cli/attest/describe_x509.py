"""Certificates, field by field, for people."""

import warnings
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.utils import CryptographyDeprecationWarning

from cocoon.cli.attest.view import Section, View
from cocoon.errors import EvidenceError

MAX_CHAIN = 16
CERTIFICATE_ERRORS = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for certificates that it cannot read."""


def describe_chain(chain: list[x509.Certificate]) -> View:
    """Several certificates; none of them is verified."""
    view = View("certificates")
    for number, certificate in enumerate(chain[:MAX_CHAIN], 1):
        describe_certificate(view.section(f"certificate {number}"), certificate)
    if len(chain) > MAX_CHAIN:
        view.warnings.append(f"{len(chain) - MAX_CHAIN} further certificates are not shown")
    return view


def load_ders(data: bytes) -> list[x509.Certificate]:
    """DER certificates, one behind another.

    Raises:
        EvidenceError: they do not parse.
    """
    found: list[x509.Certificate] = []
    while data and len(found) <= MAX_CHAIN:
        size = _der_size(data)
        try:
            found.append(load_der(data[:size]))
        except CERTIFICATE_ERRORS as error:
            raise EvidenceError("malformed certificate") from error
        data = data[size:]
    return found


def load_der(data: bytes) -> x509.Certificate:
    """One certificate.

    Raises:
        ValueError: it does not parse.
    """
    with warnings.catch_warnings():
        # Every VCEK has the serial number 0, which RFC 5280 forbids.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_der_x509_certificate(data)


def load_pems(data: bytes) -> list[x509.Certificate]:
    """One or more certificates.

    Raises:
        ValueError: they do not parse.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_pem_x509_certificates(data)


def describe_certificate(section: Section, certificate: x509.Certificate) -> None:
    """Add one certificate's fields."""
    try:
        section.add("subject", printable(certificate.subject.rfc4514_string()))
        section.add("issuer", printable(certificate.issuer.rfc4514_string()))
        section.add("serial", f"{certificate.serial_number:x}")
        section.add("not_before", moment(int(certificate.not_valid_before_utc.timestamp())))
        section.add("not_after", moment(int(certificate.not_valid_after_utc.timestamp())))
        section.add("key", _key(certificate))
    except CERTIFICATE_ERRORS:
        section.add("unreadable", "its names, dates or key do not parse")
    section.add("sha256", certificate.fingerprint(hashes.SHA256()))


def moment(seconds: int) -> str:
    """A time, and the same in unix seconds."""
    try:
        shown = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        shown = "out of range"
    return f"{shown} ({seconds})"


def printable(text: str) -> str:
    """Text without anything that moves a terminal's cursor."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _key(certificate: x509.Certificate) -> str:
    match certificate.public_key():
        case ec.EllipticCurvePublicKey() as key:
            return f"ECDSA {key.curve.name}"
        case rsa.RSAPublicKey() as key:
            return f"RSA {key.key_size} bits"
        case ed25519.Ed25519PublicKey() as key:
            return f"Ed25519 {key.public_bytes_raw().hex()}"
        case other:
            return type(other).__name__


def _der_size(data: bytes) -> int:
    """Length of the first DER value."""
    if len(data) < 2 or data[0] != 0x30:
        raise EvidenceError("malformed certificate")
    if data[1] < 0x80:
        return 2 + data[1]
    count = data[1] & 0x7F
    if not 1 <= count <= 4 or len(data) < 2 + count:
        raise EvidenceError("malformed certificate")
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")
