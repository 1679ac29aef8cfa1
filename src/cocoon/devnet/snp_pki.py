"""The certificate authority behind simulated SEV-SNP hardware: AMD's structure, our names.

Everything here is for machines without the hardware. The *hardware* is simulated; the checks are
not: what these keys sign goes through the same verifier as AMD's, with this root pinned
explicitly. The RSA keys have 2048 bits, not AMD's 4096: a devnet starts in a second.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from cocoon.attestation.evidence.snp_collateral import SnpChain, SnpCollateral
from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb

NAME = "Cocoon devnet simulated"
PKI_LIFETIME = timedelta(days=365 * 20)
COLLATERAL_LIFETIME = timedelta(days=30)
RSA_BITS = 2048
PRODUCT = SnpProduct.GENOA
TCB = SnpTcb(bootloader=9, tee=0, snp=22, microcode=72)
TURIN_TCB = SnpTcb(bootloader=1, tee=0, snp=3, microcode=70, fmc=1)
"""Patch levels of a simulated machine; Turin counts from anew and has one more."""

_AMD = "1.3.6.1.4.1.3704.1."
_SHA384 = hashes.SHA384()
_PSS = padding.PSS(padding.MGF1(hashes.SHA384()), hashes.SHA384.digest_size)


@dataclass(frozen=True, slots=True)
class SnpAuthority:
    """A root or signing key with its certificate."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class SnpLeafKey:
    """A key that signs reports, with its certificate."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class SimulatedSnpPki:
    """The three levels that AMD has.

    Attributes:
        root: ARK; what a policy pins.
        authority: ASK or ASVK.
        leaf: VCEK or VLEK; signs reports.
    """

    root: SnpAuthority
    authority: SnpAuthority
    leaf: SnpLeafKey

    @classmethod
    def create(
        cls,
        now: int,
        chip_id: bytes,
        *,
        product: SnpProduct = PRODUCT,
        signer: SigningKey = SigningKey.VCEK,
        tcb: SnpTcb | None = None,
    ) -> "SimulatedSnpPki":
        """Make new keys and certificates; takes up to a second.

        Args:
            now: unix seconds.
            chip_id: names the simulated chip: 64 bytes, on Turin 8.
            product: the line of processors to simulate.
            signer: whether a chip's key signs reports or a cloud provider's.
            tcb: patch levels; None for usual ones.
        """
        start = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
        root = make_authority(f"ARK-{product}", start, issuer=None)
        kind = "SEV-" if signer is SigningKey.VCEK else "SEV-VLEK-"
        authority = make_authority(f"{kind}{product}", start, issuer=root)
        levels = tcb or (TURIN_TCB if product is SnpProduct.TURIN else TCB)
        leaf = make_leaf(
            authority, start, product=product, signer=signer, tcb=levels, chip_id=chip_id
        )
        return cls(root, authority, leaf)

    @property
    def root_der(self) -> bytes:
        """The root certificate, for policies."""
        return self.root.certificate.public_bytes(Encoding.DER)

    @property
    def leaf_der(self) -> bytes:
        """The certificate that stands behind a report."""
        return self.leaf.certificate.public_bytes(Encoding.DER)

    def chain(self, product: SnpProduct, signer: SigningKey) -> SnpChain:
        """The certificates above the leaf."""
        authority = self.authority.certificate.public_bytes(Encoding.DER)
        return SnpChain(product, signer, self.root_der, authority)

    def crl(self, now: int, revoked: Iterable[int] = ()) -> bytes:
        """A revocation list, DER, valid for :data:`COLLATERAL_LIFETIME` from ``now``.

        Args:
            now: unix seconds.
            revoked: serial numbers.
        """
        start = datetime.fromtimestamp(now, UTC) - timedelta(minutes=5)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.root.certificate.subject)
            .last_update(start)
            .next_update(start + COLLATERAL_LIFETIME)
        )
        for serial_number in revoked:
            entry = x509.RevokedCertificateBuilder(serial_number, start).build()
            builder = builder.add_revoked_certificate(entry)
        signed = builder.sign(self.root.key, _SHA384, rsa_padding=_PSS)
        return signed.public_bytes(Encoding.DER)

    def collateral(
        self, now: int, product: SnpProduct, signer: SigningKey, revoked: Iterable[int] = ()
    ) -> SnpCollateral:
        """Signed collateral, valid for :data:`COLLATERAL_LIFETIME` from ``now``."""
        return SnpCollateral(self.chain(product, signer), self.crl(now, revoked))


def make_authority(
    name: str, start: datetime, *, issuer: SnpAuthority | None, bits: int = RSA_BITS
) -> SnpAuthority:
    """A root (without an issuer) or a signing key.

    Args:
        name: as AMD calls it, such as ``ARK-Milan``; our own label comes before it.
        start: when it becomes valid.
        issuer: who signs it; None signs itself.
        bits: of the RSA key.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    subject = _name(name)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=issuer is None,
        encipher_only=False,
        decipher_only=False,
    )
    path_length = None if issuer is None else 0
    builder = (
        _builder(subject, issuer.certificate.subject if issuer else subject, start)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
    )
    signing_key = issuer.key if issuer else key
    return SnpAuthority(builder.sign(signing_key, _SHA384, rsa_padding=_PSS), key)


def make_leaf(
    authority: SnpAuthority,
    start: datetime,
    *,
    product: SnpProduct,
    signer: SigningKey,
    tcb: SnpTcb,
    chip_id: bytes,
) -> SnpLeafKey:
    """A VCEK or VLEK with AMD's extensions."""
    key = ec.generate_private_key(ec.SECP384R1())
    builder = _builder(
        _name(f"SEV-{signer.name}"), authority.certificate.subject, start
    ).public_key(key.public_key())
    for oid, value in leaf_extensions(product, signer, tcb, chip_id).items():
        extension = x509.UnrecognizedExtension(ObjectIdentifier(oid), value)
        builder = builder.add_extension(extension, critical=False)
    return SnpLeafKey(builder.sign(authority.key, _SHA384, rsa_padding=_PSS), key)


def leaf_extensions(
    product: SnpProduct, signer: SigningKey, tcb: SnpTcb, chip_id: bytes
) -> dict[str, bytes]:
    """AMD's extensions of a leaf by OID (AMD 57230)."""
    is_chip = signer is SigningKey.VCEK
    levels = {1: tcb.bootloader, 2: tcb.tee, 3: tcb.snp, 4: 0, 5: 0, 6: 0, 7: 0, 8: tcb.microcode}
    if product is SnpProduct.TURIN:
        levels[9] = tcb.fmc
    extensions = {
        _AMD + "1": der_integer(product is SnpProduct.TURIN),
        _AMD + "2": der_string(f"{product}-B0" if is_chip else product.value),
    }
    extensions |= {f"{_AMD}3.{part}": der_integer(level) for part, level in levels.items()}
    if is_chip:
        return extensions | {_AMD + "4": chip_id}
    return extensions | {_AMD + "5": der_string(NAME)}


def der_integer(value: int) -> bytes:
    """INTEGER, 0 to 255."""
    return bytes((2, 2, 0, value)) if value > 127 else bytes((2, 1, value))


def der_string(text: str) -> bytes:
    """IA5String of up to 127 characters."""
    return bytes((0x16, len(text))) + text.encode("ascii")


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, NAME),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{NAME} {common_name}"),
        ]
    )


def _builder(subject: x509.Name, issuer: x509.Name, start: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + PKI_LIFETIME)
    )
