"""Certificates of every form, right and wrong, for tests of RA-TLS verification."""

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from cocoon.attestation.certificate import OID_QUOTE, OID_USER_CLAIMS, raw_public_key
from cocoon.net.credentials import Credentials

SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
OFFICIAL_NAMES = ("localhost", "127.0.0.1")

_V3_MARK = bytes.fromhex("a003020102")
_ED25519 = bytes.fromhex("300506032b6570")


@dataclass(frozen=True, slots=True)
class CertificateRecipe:
    """A self-signed certificate; the defaults make a good one.

    Attributes:
        not_before: unix seconds.
        key: its key.
        quote: content of the quote extension.
        lifetime: seconds.
        purposes: extended key usages; None leaves the extension out.
        dns_names: of the alternative name; empty leaves the extension out.
        extra: further extensions as (dotted OID, content, critical).
        tee_critical: criticality of the quote and user claims extensions.
        user_claims: content of the user claims; None is the public key.
        official_v1: leave out the version, as official certificates made with OpenSSL 3.0 do.
        may_sign: the digitalSignature bit of the key usage.
        common_name: of subject and issuer.
    """

    not_before: int
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    quote: bytes | None = None
    lifetime: int = 86_400
    purposes: tuple[ObjectIdentifier, ...] | None = (SERVER_AUTH, CLIENT_AUTH)
    dns_names: tuple[str, ...] = OFFICIAL_NAMES
    extra: tuple[tuple[str, bytes, bool], ...] = ()
    tee_critical: bool = True
    user_claims: bytes | None = None
    official_v1: bool = False
    may_sign: bool = True
    common_name: str = "localhost"

    def to_der(self) -> bytes:
        """Build it."""
        certificate = self._builder(self.key.public_key()).sign(self.key, None)
        if not self.official_v1:
            return certificate.public_bytes(Encoding.DER)
        return _as_v1(certificate, self.key)

    def signed_by(self, issuer: Ed25519PrivateKey) -> bytes:
        """The same, but with another key's signature."""
        return self._builder(self.key.public_key()).sign(issuer, None).public_bytes(Encoding.DER)

    def with_p256_key(self) -> bytes:
        """The same, but for a P-256 key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._builder(key.public_key()).sign(key, hashes.SHA256())
        return certificate.public_bytes(Encoding.DER)

    def credentials(self, der: bytes | None = None) -> Credentials:
        """To present it in a handshake."""
        return Credentials(
            certificate_der=der or self.to_der(),
            private_key=self.key,
            public_key=raw_public_key(self.key),
            not_before=self.not_before,
            not_after=self.not_before + self.lifetime,
            version=1,
        )

    def _builder(
        self, public_key: Ed25519PublicKey | ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "AE"),
                x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "DUBAI"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TDLib Development"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Security"),
                x509.NameAttribute(NameOID.COMMON_NAME, self.common_name),
            ]
        )
        start = datetime.fromtimestamp(self.not_before, UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(seconds=self.lifetime))
        )
        for extension, critical in self._extensions():
            builder = builder.add_extension(extension, critical)
        return builder

    def _extensions(self) -> list[tuple[x509.ExtensionType, bool]]:
        public_key = raw_public_key(self.key)
        found: list[tuple[x509.ExtensionType, bool]] = []
        if self.quote is not None:
            claims = public_key if self.user_claims is None else self.user_claims
            found.append((x509.UnrecognizedExtension(OID_QUOTE, self.quote), self.tee_critical))
            found.append((x509.UnrecognizedExtension(OID_USER_CLAIMS, claims), self.tee_critical))
        for dotted, content, critical in self.extra:
            oid = ObjectIdentifier(dotted)
            found.append((x509.UnrecognizedExtension(oid, content), critical))
        found.append((x509.BasicConstraints(ca=False, path_length=None), True))
        found.append((_key_usage(self.may_sign), True))
        if self.purposes is not None:
            found.append((x509.ExtendedKeyUsage(list(self.purposes)), True))
        if self.dns_names:
            names: list[x509.GeneralName] = [x509.DNSName(name) for name in self.dns_names]
            names.append(x509.IPAddress(ipaddress.ip_address("::1")))
            found.append((x509.SubjectAlternativeName(names), False))
        return found


def _key_usage(may_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=may_sign,
        content_commitment=False,
        key_encipherment=not may_sign,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _as_v1(certificate: x509.Certificate, key: Ed25519PrivateKey) -> bytes:
    """Drop the version field and sign again: extensions stay, which X.509 v1 does not have."""
    signed = certificate.tbs_certificate_bytes
    content = signed[signed.index(_V3_MARK) + len(_V3_MARK) :]
    signed = _tlv(0x30, content)
    return _tlv(0x30, signed + _ED25519 + _tlv(0x03, b"\0" + key.sign(signed)))


def _tlv(tag: int, body: bytes) -> bytes:
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body
