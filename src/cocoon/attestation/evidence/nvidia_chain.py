"""NVIDIA's certificate chains: ECDSA P-384 with SHA-384 all the way, to a pinned root.

Two hierarchies: the GPUs' own certificates under "NVIDIA Device Identity CA", and the signers of
reference measurements under "NVIDIA CoRIM signing Root CA" (``attestation.md`` §11.2).
"""

import base64
import hashlib
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cocoon.errors import EvidenceError

NVIDIA_DEVICE_ROOT = base64.b64decode(
    "MIICCzCCAZCgAwIBAgIQLTZwscoQBBHB/sDoKgZbVDAKBggqhkjOPQQDAzA1MSIwIAYDVQQDDBlOVklESUEgRGV2aWNl"
    "IElkZW50aXR5IENBMQ8wDQYDVQQKDAZOVklESUEwIBcNMjExMTA1MDAwMDAwWhgPOTk5OTEyMzEyMzU5NTlaMDUxIjAg"
    "BgNVBAMMGU5WSURJQSBEZXZpY2UgSWRlbnRpdHkgQ0ExDzANBgNVBAoMBk5WSURJQTB2MBAGByqGSM49AgEGBSuBBAAi"
    "A2IABA5MFKM7+KViZljbQSlgfky/RRnEQScW9NDZF8SXgAW96r6u/Ve8ZggtcYpPi2BS4VFu6KfEIrhN6FcHG7WP05W+"
    "oM+hxj7nyA1r1jkB2Ry70YfThX3Ba1zOryOP+MJ9vaNjMGEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYw"
    "HQYDVR0OBBYEFFeF/4PyY8xlfWi3Olv0jUrL+0lfMB8GA1UdIwQYMBaAFFeF/4PyY8xlfWi3Olv0jUrL+0lfMAoGCCqG"
    "SM49BAMDA2kAMGYCMQCPeFM3TASsKQVaT+8S0sO9u97PVGCpE9d/I42IT7k3UUOLSR/qvJynVOD1vQKVXf0CMQC+EY55"
    "WYoDBvs2wPAH1Gw4LbcwUN8QCff8bFmV4ZxjCRr4WXTLFHBKjbfneGSBWwA="
)
"""DER of "NVIDIA Device Identity CA", as nv-local-gpu-verifier 2.7.3 ships it."""
NVIDIA_RIM_ROOT = base64.b64decode(
    "MIICKTCCAbCgAwIBAgIQRdrjoA5QN73fh1N17LXicDAKBggqhkjOPQQDAzBFMQswCQYDVQQGEwJVUzEPMA0GA1UECgwG"
    "TlZJRElBMSUwIwYDVQQDDBxOVklESUEgQ29SSU0gc2lnbmluZyBSb290IENBMCAXDTIzMDMxNjE1MzczNFoYDzIwNTMw"
    "MzA4MTUzNzM0WjBFMQswCQYDVQQGEwJVUzEPMA0GA1UECgwGTlZJRElBMSUwIwYDVQQDDBxOVklESUEgQ29SSU0gc2ln"
    "bmluZyBSb290IENBMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEuECyi9vNM+Iw2lfUzyBldHAwaC1HF7TCgp12QcEyUTm3"
    "Tagxwr48d55+K2VIlWYIDk7NlAIQdcV/Ff7euGLI+Qauj93HsSI4WX298PpW54RTgz9tC+Q684caR/BXWEeZo2MwYTAd"
    "BgNVHQ4EFgQUpaXrOPK4ZDAk08DBskn594zeZjAwHwYDVR0jBBgwFoAUpaXrOPK4ZDAk08DBskn594zeZjAwDwYDVR0T"
    "AQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwMDZwAwZAIwHGDyscDP6ihHqRvZlI3eqZ4YkvjE1dua"
    "N84tAHRVgxVMvNrp5Tnom3idHYGW/dskAjATvjIx6VzHm/4e2GiZAyZEIUBDOKPzp5ei/A0iUZpdvngenDwV8Qa/wGdi"
    "TmJ7Bp4="
)
"""DER of "NVIDIA CoRIM signing Root CA", from the same package."""

_MAX_CACHED = 256
# Warnings too: a program may turn them into errors, and they are about what RFC 5280 forbids.
_UNREADABLE = (
    UserWarning,
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_DATES = "set this machine's clock; fetch the collateral again, of which NVIDIA renews signers"
_ROOT = "simulated GPUs need a policy that pins their root; real ones need one that pins none"
_Kind = TypeVar("_Kind", bound=x509.ExtensionType)


class Chain:
    """A chain whose signatures verify, from its leaf to a root that signs itself.

    Neither the root nor the time is judged yet: :meth:`require`.

    Attributes:
        certificates: leaf first, root last.
        not_before: unix seconds from which all are valid.
        not_after: unix seconds until which all are valid.
    """

    def __init__(self, certificates: tuple[x509.Certificate, ...]) -> None:
        self.certificates = certificates
        self.not_before = max(int(c.not_valid_before_utc.timestamp()) for c in certificates)
        self.not_after = min(int(c.not_valid_after_utc.timestamp()) for c in certificates)

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate that signs reports or manifests."""
        return self.certificates[0]

    @property
    def root_der(self) -> bytes:
        """DER of the last certificate."""
        return self.certificates[-1].public_bytes(Encoding.DER)

    def require(self, root: bytes, now: int, layer: str) -> None:
        """The chain ends in this root and is valid now.

        Raises:
            EvidenceError: it does not; the message names the layer and the certificate.
        """
        require_root(self.root_der, root, layer)
        for certificate in self.certificates:
            start = certificate.not_valid_before_utc.timestamp()
            end = certificate.not_valid_after_utc.timestamp()
            if not start <= now <= end:
                state = "expired" if now > end else "not valid yet"
                raise EvidenceError(
                    f"{layer}: certificate {name_of(certificate)!r} is {state}", fix=_DATES
                )


@lru_cache(maxsize=_MAX_CACHED)
def verify_chain(certificates: tuple[bytes, ...], layer: str) -> Chain:
    """Verify the signatures and uses of a chain, leaf first, root last; without time and pin.

    Names and extensions are read only of what the authority above has signed, and names only
    when the root is known: a stranger's make the library warn.

    Raises:
        EvidenceError: a certificate is malformed, not made for its place, or signed by another.
    """
    parsed = tuple(load_certificate(der, layer) for der in certificates)
    if len(parsed) < 2:
        raise EvidenceError(f"{layer}: a chain of {len(parsed)} certificates")
    for index, certificate in reversed(list(enumerate(parsed))):
        issuer = parsed[min(index + 1, len(parsed) - 1)]
        where = f"{layer}: number {index + 1} of the chain"
        require_signed_by(certificate, issuer, where)
        _require_use(certificate, index - 1 if index else None, where)
    return Chain(parsed)


def require_root(found: bytes, root: bytes, layer: str) -> None:
    """A chain's last certificate is the pinned one; both DER.

    Raises:
        EvidenceError: it is another.
    """
    if found != root:
        raise EvidenceError(f"{layer}: the chain does not end in the pinned root", fix=_ROOT)


def verify_signature(certificate: x509.Certificate, signature: bytes, message: bytes) -> bool:
    """Whether a DER signature (ECDSA, SHA-384) over the message is by the certificate's key."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        return False
    try:
        key.verify(signature, message, ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        return False
    return True


def load_certificate(der: bytes, layer: str) -> x509.Certificate:
    """Parse one certificate, except for its names and extensions.

    Raises:
        EvidenceError: it is not one.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()
        certificate.not_valid_after_utc.timestamp()
    except _UNREADABLE as error:
        raise EvidenceError(f"{layer}: malformed certificate") from error
    require_one_form(der, certificate.signature, layer)
    return certificate


def require_one_form(der: bytes, signature: bytes, layer: str) -> None:
    """The count of unused bits before a signature is not signed itself; it has one right value.

    Raises:
        EvidenceError: it has another.
    """
    at = der.rfind(signature)
    if at < 1 or der[at - 1] != 0:
        raise EvidenceError(f"{layer}: malformed signature")


def name_of(certificate: x509.Certificate) -> str:
    """The common name, for messages; the whole subject where there is none."""
    try:
        found = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        text = str(found[0].value) if found else certificate.subject.rfc4514_string()
    except ValueError:
        return "unreadable name"
    return text[:80]


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of the DER, 32 bytes."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()


def public_key_der(certificate: x509.Certificate) -> bytes:
    """The public key as SubjectPublicKeyInfo."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def require_signed_by(certificate: x509.Certificate, issuer: x509.Certificate, where: str) -> None:
    """The issuer's name and key (P-384) made this certificate, with SHA-384.

    Raises:
        EvidenceError: they did not.
    """
    key = issuer.public_key()
    fits = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP384R1)
    try:
        if not fits or not isinstance(certificate.signature_hash_algorithm, hashes.SHA384):
            raise EvidenceError(f"{where} is not signed with P-384 and SHA-384")
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise EvidenceError(f"{where} is not signed by its issuer") from error


def _require_use(certificate: x509.Certificate, below: int | None, where: str) -> None:
    """Made for its place: ``below`` counts the authorities under it; None marks the leaf."""
    known = (x509.BasicConstraints, x509.KeyUsage)
    try:
        list(certificate.extensions)
    except _UNREADABLE as error:
        raise EvidenceError(f"{where} has unreadable extensions") from error
    if any(e.critical and not isinstance(e.value, known) for e in certificate.extensions):
        raise EvidenceError(f"{where} has an unknown critical extension")
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None:
        raise EvidenceError(f"{where} does not say what its key is for")
    if below is None:
        if (constraints is not None and constraints.ca) or not usage.digital_signature:
            raise EvidenceError(f"{where} must not sign this")
        return
    if constraints is None or not constraints.ca or not usage.key_cert_sign:
        raise EvidenceError(f"{where} is no authority")
    if constraints.path_length is not None and constraints.path_length < below:
        raise EvidenceError(f"{where} has too many authorities under it")


def _extension(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    for extension in certificate.extensions:
        if isinstance(extension.value, kind):
            return extension.value
    return None
