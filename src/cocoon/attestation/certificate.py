"""RA-TLS certificates: building ours, reading theirs (``attestation.md`` §1.1).

The certificate is self-signed; what makes it worth anything is the quote inside, which binds the
public key to measured software.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from cocoon.attestation.bundle import MAX_BUNDLE_BYTES, EvidenceBundle
from cocoon.errors import CertificateError, LocalProtocolError

LIFETIME = 86_400
"""Official validity, seconds."""
MAX_LIFETIME = 1 << 30
MAX_QUOTE_BYTES = 32_768
"""Longest content of the quote extension that is read."""
MAX_CERTIFICATE_BYTES = 98_304
"""The longest that is made or read; OpenSSL accepts 100 KiB of certificates."""
HOST_NAME = "127.0.0.1"
"""The dNSName (sic) that connecting sides ask for, wherever they connect to."""

OID_QUOTE = ObjectIdentifier("1.3.6.1.4.1.12345.1")
OID_USER_CLAIMS = ObjectIdentifier("1.3.6.1.4.1.12345.2")
OID_BUNDLE = ObjectIdentifier("2.25.178196279256736029456981903297762277773")
"""Ours: an :class:`~cocoon.attestation.bundle.EvidenceBundle`, never critical, so that official
peers skip it. The arc 2.25 holds UUIDs and needs no registration (ITU-T X.667)."""

_SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "AE"),
        x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "DUBAI"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TDLib Development"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Security"),
        x509.NameAttribute(NameOID.COMMON_NAME, "localhost"),
    ]
)
_ALTERNATIVE_NAMES = x509.SubjectAlternativeName(
    [
        x509.DNSName("localhost"),
        x509.DNSName(HOST_NAME),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
)
_KEY_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
_EXTENDED_KEY_USAGE = x509.ExtendedKeyUsage(
    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
)

# What the parser underneath raises for malformed input. Warnings are listed because a program may
# turn them into errors, and what they warn about (a serial of zero) is no certificate of ours.
_PARSER_ERRORS = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UserWarning,
)


@dataclass(frozen=True, slots=True)
class RatlsCertificate:
    """What a verifier needs from a peer's certificate; its self-signature has been checked.

    Attributes:
        der: the certificate.
        public_key: raw Ed25519 key, 32 bytes.
        quote: content of the quote extension, or None.
        bundle: content of the bundle extension, not parsed, or None.
        not_before: unix seconds.
        not_after: unix seconds.
        dns_names: dNSName entries of the subject alternative name.
        server_auth: whether a TLS server may use it; True where no purpose is named.
        client_auth: whether a TLS client may use it; True where no purpose is named.
        unknown_critical: dotted OIDs of critical extensions that nobody here understands.
    """

    der: bytes
    public_key: bytes
    quote: bytes | None
    bundle: bytes | None
    not_before: int
    not_after: int
    dns_names: tuple[str, ...]
    server_auth: bool
    client_auth: bool
    unknown_critical: tuple[str, ...]

    def evidence_bundle(self) -> EvidenceBundle | None:
        """The bundle, read; None without one.

        Raises:
            EvidenceError: it is malformed.
        """
        return None if self.bundle is None else EvidenceBundle.from_bytes(self.bundle, self.quote)


def raw_public_key(key: Ed25519PrivateKey) -> bytes:
    """The 32 raw bytes of the public half."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def build_certificate(
    key: Ed25519PrivateKey,
    *,
    quote: bytes | None,
    not_before: int,
    serial: int,
    lifetime: int = LIFETIME,
    bundle: bytes | None = None,
) -> bytes:
    """Build a self-signed certificate: fields and order of the official generator, X.509 v3.

    Args:
        key: signs, and is the key of, the certificate.
        quote: evidence over ``report_data(public key)``, or None for a peer without a TEE.
        not_before: unix seconds.
        serial: 128 random bits.
        lifetime: seconds, 1 to 2^30.
        bundle: an evidence bundle, for peers of ours, or None.

    Returns:
        DER.

    Raises:
        LocalProtocolError: an argument is out of range.
    """
    if not 0 < lifetime <= MAX_LIFETIME or not_before + lifetime >= 1 << 32:
        raise LocalProtocolError(f"certificate lifetime of {lifetime} s")
    if not 0 < serial < 1 << 128:
        raise LocalProtocolError("a certificate serial has 1 to 128 bits")
    if quote is not None and not 0 < len(quote) <= MAX_QUOTE_BYTES:
        raise LocalProtocolError(f"a quote of {len(quote)} bytes does not fit a certificate")
    if bundle is not None and not 0 < len(bundle) <= MAX_BUNDLE_BYTES:
        raise LocalProtocolError(f"a bundle of {len(bundle)} bytes does not fit a certificate")
    start = datetime.fromtimestamp(not_before, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_SUBJECT)
        .issuer_name(_SUBJECT)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(seconds=lifetime))
    )
    if quote is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(OID_QUOTE, quote), critical=True)
        claims = x509.UnrecognizedExtension(OID_USER_CLAIMS, raw_public_key(key))
        builder = builder.add_extension(claims, critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(_EXTENDED_KEY_USAGE, critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(_ALTERNATIVE_NAMES, critical=False)
    )
    if bundle is not None:
        builder = builder.add_extension(
            x509.UnrecognizedExtension(OID_BUNDLE, bundle), critical=False
        )
    der = builder.sign(key, None).public_bytes(Encoding.DER)
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise LocalProtocolError(f"a certificate of {len(der)} bytes is more than peers read")
    return der


def parse_certificate(der: bytes) -> RatlsCertificate:
    """Read a peer's certificate and check its self-signature.

    The official form, X.509 v1 that still carries extensions, is accepted like v3. OpenSSL does
    not check the signature of a self-signed leaf; checking it here means that no byte of an
    accepted certificate can have been changed.

    Raises:
        CertificateError: anything about its form is wrong; no other class.
    """
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise CertificateError(
            f"certificate of {len(der)} bytes, at most {MAX_CERTIFICATE_BYTES} are read"
        )
    try:
        return _parse(der)
    except _PARSER_ERRORS as error:
        raise CertificateError(f"malformed certificate: {type(error).__name__}") from error


def _parse(der: bytes) -> RatlsCertificate:
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise CertificateError("the certificate's key is not Ed25519")
    try:
        certificate.verify_directly_issued_by(certificate)
    except InvalidSignature as error:
        raise CertificateError("the certificate's self-signature is wrong") from error
    extensions = _Extensions(certificate)
    return RatlsCertificate(
        der=der,
        public_key=key.public_bytes(Encoding.Raw, PublicFormat.Raw),
        quote=extensions.quote,
        bundle=extensions.bundle,
        not_before=int(certificate.not_valid_before_utc.timestamp()),
        not_after=int(certificate.not_valid_after_utc.timestamp()),
        dns_names=extensions.dns_names,
        server_auth=extensions.allows(ExtendedKeyUsageOID.SERVER_AUTH),
        client_auth=extensions.allows(ExtendedKeyUsageOID.CLIENT_AUTH),
        unknown_critical=tuple(extensions.unknown_critical),
    )


class _Extensions:
    """One pass over a certificate's extensions."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self.quote: bytes | None = None
        self.bundle: bytes | None = None
        self.dns_names: tuple[str, ...] = ()
        self.unknown_critical: list[str] = []
        self._purposes: frozenset[ObjectIdentifier] | None = None
        self._may_sign = True
        for extension in certificate.extensions:
            self._take(extension)

    def _take(self, extension: x509.Extension[x509.ExtensionType]) -> None:
        match extension.value:
            case x509.UnrecognizedExtension() as value if extension.oid == OID_QUOTE:
                # The critical flag is not required: official verifiers do not look at it.
                self.quote = _limited_quote(value.value)
            case x509.UnrecognizedExtension() as value if extension.oid == OID_BUNDLE:
                if len(value.value) > MAX_BUNDLE_BYTES:
                    raise CertificateError(f"evidence bundle of {len(value.value)} bytes")
                self.bundle = value.value
            case x509.UnrecognizedExtension():
                # The user claims are known but never read: the key comes from the certificate.
                if extension.critical and extension.oid != OID_USER_CLAIMS:
                    self.unknown_critical.append(extension.oid.dotted_string)
            case x509.ExtendedKeyUsage() as purposes:
                self._purposes = frozenset(purposes)
            case x509.KeyUsage() as usage:
                self._may_sign = usage.digital_signature
            case x509.SubjectAlternativeName() as names:
                self.dns_names = tuple(names.get_values_for_type(x509.DNSName))
            case x509.BasicConstraints() | x509.SubjectKeyIdentifier():
                pass
            case _:
                # Understood by the parser, but no rule of ours applies it.
                if extension.critical:
                    self.unknown_critical.append(extension.oid.dotted_string)

    def allows(self, purpose: ObjectIdentifier) -> bool:
        """Whether the certificate may serve a TLS purpose."""
        return self._may_sign and (self._purposes is None or purpose in self._purposes)


def _limited_quote(value: bytes) -> bytes:
    if len(value) > MAX_QUOTE_BYTES:
        raise CertificateError(
            f"quote extension of {len(value)} bytes, at most {MAX_QUOTE_BYTES} are read"
        )
    return value
