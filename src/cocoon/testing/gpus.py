"""Forged certificates and OCSP answers of simulated GPUs, each wrong in one way."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID, ObjectIdentifier

from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.devnet.gpu_pki import FWID_OID, Authority, GpuPki, ders, fwid_extension
from cocoon.devnet.gpu_report import GpuSoftware, build_report

UNKNOWN_OID = "1.3.6.1.4.1.12345.9"


@dataclass(frozen=True, slots=True)
class CertificateRecipe:
    """A certificate to be made.

    Attributes:
        name: common name.
        start: notBefore, unix seconds.
        days: validity.
        ca: an authority.
        path_length: authorities allowed under it.
        usage: what its key says it is for; None leaves the extension out.
        extensions: more extensions with their criticality.
        curve: of its key.
        digest: that the issuer signs with.
    """

    name: str
    start: int
    days: int = 3650
    ca: bool = False
    path_length: int | None = None
    usage: tuple[bool, bool] | None = (True, False)
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    curve: ec.EllipticCurve = field(default_factory=ec.SECP384R1)
    digest: hashes.SHA256 | hashes.SHA384 = field(default_factory=hashes.SHA384)

    def make(self, issuer: Authority | None, *, key: Authority | None = None) -> Authority:
        """Make it.

        Args:
            issuer: whose name and key sign it; None signs itself.
            key: an authority whose key it is for; None draws a new one.
        """
        own = key.key if key else ec.generate_private_key(self.curve)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        start = datetime.fromtimestamp(self.start, UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=self.days))
            .add_extension(x509.BasicConstraints(self.ca, self.path_length), critical=True)
        )
        if self.usage is not None:
            builder = builder.add_extension(_usage(*self.usage), critical=True)
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(issuer.key if issuer else own, self.digest)
        return Authority(certificate, own, issuer)


def authority(name: str, start: int) -> CertificateRecipe:
    """A good authority."""
    return CertificateRecipe(name, start, ca=True, usage=(False, True))


def firmware(identity: Authority, fwid: bytes, start: int) -> CertificateRecipe:
    """A good certificate of a GPU's firmware."""
    extension = x509.UnrecognizedExtension(
        ObjectIdentifier(FWID_OID), fwid_extension(identity, fwid)
    )
    return CertificateRecipe("Firmware", start, extensions=((extension, False),))


def critical_extension() -> tuple[x509.ExtensionType, bool]:
    """An extension that nobody knows and everybody must."""
    return x509.UnrecognizedExtension(ObjectIdentifier(UNKNOWN_OID), b"\x05\x00"), True


def item(leaf: Authority, nonce: bytes, software: GpuSoftware | None = None) -> bytes:
    """Evidence signed by a leaf, with its chain."""
    report = build_report(leaf.key, software or GpuSoftware(), nonce)
    return GpuItem(report, ders(leaf.chain)).to_bytes()


def stapled(evidence: bytes, *answers: bytes) -> bytes:
    """The same evidence with OCSP answers."""
    return replace(GpuItem.from_bytes(evidence), ocsp=answers).to_bytes()


def ocsp_answer(
    subject: Authority, responder: Authority, issued: int, *, about: Authority | None = None
) -> bytes:
    """An OCSP answer "good" by anybody, about anything.

    Args:
        subject: the certificate, with its issuer.
        responder: who signs it.
        issued: unix seconds.
        about: name this certificate instead.
    """
    named = about or subject
    assert named.issuer is not None
    at = datetime.fromtimestamp(issued, UTC)
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=named.certificate,
            issuer=named.issuer.certificate,
            algorithm=hashes.SHA384(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=at,
            next_update=at + timedelta(days=7),
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
        .certificates([responder.certificate])
    )
    return builder.sign(responder.key, hashes.SHA384()).public_bytes(Encoding.DER)


def other_pki(pki: GpuPki) -> GpuPki:
    """Authorities with the same names and other keys."""
    return GpuPki.from_seed(bytes(byte ^ 0xFF for byte in pki.seed), pki.created)


def _usage(sign: bool, certify: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certify,
        crl_sign=certify,
        encipher_only=False,
        decipher_only=False,
    )
