"""The certificate authorities behind simulated GPUs: NVIDIA's structure, our names.

Everything follows from one seed, down to the bytes of each certificate, so all processes of a
devnet that know the seed agree. The *hardware* is simulated; the checks are not.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from cocoon.devnet import der

NAME = "Cocoon devnet simulated GPU"
LIFETIME = timedelta(days=365 * 20)
OCSP_LIFETIME = timedelta(days=7)
FWID_OID = "2.23.133.5.4.1"
SHA384_OID = "2.16.840.1.101.3.4.2.2"

_ORDER = int(
    "ffffffffffffffffffffffffffffffffffffffffffffffff"
    "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    16,
)
"""Of P-384."""


@dataclass(frozen=True, slots=True)
class Authority:
    """One certificate with its key, and those above it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    issuer: "Authority | None" = None

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """This certificate first, the root last."""
        above = self.issuer.chain if self.issuer else ()
        return (self.certificate, *above)


@dataclass(frozen=True, slots=True)
class GpuPki:
    """The authorities, all under one root.

    Attributes:
        root: what a policy pins.
        device_ca: issues the identity of each GPU.
        rim_ca: issues the signer of reference measurements.
        rim_signer: signs them.
        responder: signs OCSP answers.
        seed: from which all keys follow, 32 bytes.
        created: when the certificates begin, unix seconds.
    """

    root: Authority
    device_ca: Authority
    rim_ca: Authority
    rim_signer: Authority
    responder: Authority
    seed: bytes = field(repr=False)
    created: int

    @classmethod
    def from_seed(cls, seed: bytes, created: int) -> "GpuPki":
        """The same authorities for the same input.

        Args:
            seed: 32 secret bytes.
            created: unix seconds; certificates begin a day earlier.
        """
        maker = _Maker(seed, created)
        root = maker.issue("Root CA", issuer=None, ca=True)
        device_ca = maker.issue("Device Identity CA", issuer=root, ca=True)
        rim_ca = maker.issue("Reference Value CA", issuer=root, ca=True)
        rim_signer = maker.issue("Reference Value Signer", issuer=rim_ca)
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
        responder = maker.issue("OCSP Responder", issuer=root, extension=purpose)
        return cls(root, device_ca, rim_ca, rim_signer, responder, seed, created)

    def gpu(self, index: int, fwid: bytes) -> tuple[Authority, Authority]:
        """Identity of a GPU, and the key that signs its reports, which its firmware holds.

        Args:
            index: which GPU.
            fwid: SHA-384 of the firmware, 48 bytes.
        """
        maker = _Maker(self.seed, self.created)
        identity = maker.issue(f"{index} Identity", issuer=self.device_ca, ca=True)
        extension = x509.UnrecognizedExtension(
            ObjectIdentifier(FWID_OID), fwid_extension(identity, fwid)
        )
        leaf = maker.issue(f"{index} Firmware", issuer=identity, extension=extension)
        return identity, leaf

    def ocsp_answer(
        self, subject: Authority, now: int, *, revoked: bool = False, unknown: bool = False
    ) -> bytes:
        """DER of an OCSP answer about a certificate, valid for :data:`OCSP_LIFETIME`.

        Args:
            subject: the certificate, with its issuer.
            now: unix seconds.
            revoked: say that it is revoked.
            unknown: say that the responder does not know it.
        """
        issued = datetime.fromtimestamp(now, UTC) - timedelta(minutes=5)
        state = ocsp.OCSPCertStatus.UNKNOWN if unknown else ocsp.OCSPCertStatus.GOOD
        if revoked:
            state = ocsp.OCSPCertStatus.REVOKED
        assert subject.issuer is not None
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=subject.certificate,
                issuer=subject.issuer.certificate,
                algorithm=hashes.SHA384(),
                cert_status=state,
                this_update=issued,
                next_update=issued + OCSP_LIFETIME,
                revocation_time=issued if revoked else None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.responder.certificate)
            .certificates([self.responder.certificate])
        )
        answer = builder.sign(self.responder.key, hashes.SHA384())
        return answer.public_bytes(Encoding.DER)


class _Maker:
    def __init__(self, seed: bytes, created: int) -> None:
        self._seed = seed
        self._start = datetime.fromtimestamp(created, UTC) - timedelta(days=1)

    def _number(self, role: str) -> int:
        digest = hashlib.sha512(b"cocoon-simulated-gpu\0" + self._seed + role.encode()).digest()
        return int.from_bytes(digest, "big")

    def issue(
        self,
        role: str,
        *,
        issuer: Authority | None,
        ca: bool = False,
        extension: x509.ExtensionType | None = None,
    ) -> Authority:
        number = self._number(role)
        key = ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP384R1())
        signing_key = issuer.key if issuer else key
        subject = _subject(role)
        subject_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(number % (1 << 120) + 1)
            .not_valid_before(self._start)
            .not_valid_after(self._start + LIFETIME)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(subject_id, critical=False)
            .add_extension(_usage(ca), critical=True)
        )
        if extension is not None:
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(signing_key, hashes.SHA384(), ecdsa_deterministic=True)
        return Authority(certificate, key, issuer)


def ders(certificates: Sequence[x509.Certificate]) -> tuple[bytes, ...]:
    """DER of each."""
    return tuple(c.public_bytes(Encoding.DER) for c in certificates)


def _subject(role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"{NAME} {role}"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, NAME),
        ]
    )


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def fwid_extension(identity: Authority, fwid: bytes) -> bytes:
    """The form that Hopper uses: version, key of the identity, hash of the firmware."""
    public_key = identity.key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return der.sequence(
        der.integer(1), public_key, der.sequence(der.oid(SHA384_OID), der.octets(fwid))
    )
