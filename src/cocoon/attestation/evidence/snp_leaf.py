"""The certificate of the key that signs SEV-SNP reports.

Source: AMD 57230 "VCEK Certificate and KDS Interface", extensions of VCEK and VLEK certificates.
"""

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb
from cocoon.attestation.evidence.snp_x509 import (
    MALFORMED,
    common_name_of,
    load_certificate,
    require_no_critical,
)
from cocoon.errors import EvidenceError

_AMD = "1.3.6.1.4.1.3704.1."
_STRUCT_VERSION = _AMD + "1"
_PRODUCT_NAME = _AMD + "2"
_BOOTLOADER, _TEE, _SNP, _MICROCODE, _FMC = (_AMD + f"3.{part}" for part in (1, 2, 3, 8, 9))
_RESERVED_LEVELS = tuple(_AMD + f"3.{part}" for part in (4, 5, 6, 7))
_HWID = _AMD + "4"
_CSP_ID = _AMD + "5"
_DER_INTEGER = 0x02
_DER_IA5_STRING = 0x16


@dataclass(frozen=True, slots=True)
class SnpLeaf:
    """The certificate of the key that signs reports; read, not verified.

    Attributes:
        kind: VCEK or VLEK, as its subject says.
        product: the line of processors.
        tcb: the patch levels that the key was derived for.
        hwid: the chip: 64 bytes, on Turin 8; None in a VLEK's certificate.
        csp_id: the cloud provider that a VLEK was given to; None in a VCEK's certificate.
        key: P-384.
        certificate: itself.
    """

    kind: SigningKey
    product: SnpProduct
    tcb: SnpTcb
    hwid: bytes | None
    csp_id: str | None
    key: ec.EllipticCurvePublicKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)

    @property
    def name(self) -> str:
        """For messages: ``VCEK`` or ``VLEK``."""
        return self.kind.name

    @classmethod
    def from_der(cls, der: bytes) -> "SnpLeaf":
        """Read a VCEK's or VLEK's certificate.

        Raises:
            EvidenceError: it is not one, or what it says contradicts itself.
        """
        certificate = load_certificate(der, "VCEK or VLEK certificate")
        try:
            return _leaf(certificate)
        except MALFORMED as error:
            raise EvidenceError("VCEK or VLEK certificate: malformed") from error


def _leaf(certificate: x509.Certificate) -> SnpLeaf:
    name = common_name_of(certificate)
    kinds = [
        kind for kind in (SigningKey.VCEK, SigningKey.VLEK) if name.endswith(f"SEV-{kind.name}")
    ]
    if not kinds:
        raise EvidenceError("the certificate behind the report is no VCEK or VLEK certificate")
    kind = kinds[0]
    key = certificate.public_key()
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP384R1)):
        raise EvidenceError(f"{kind.name} certificate: the key is not on P-384")
    require_no_critical(certificate.extensions, f"{kind.name} certificate", x509.KeyUsage)
    values = _amd_values(certificate.extensions)
    product = _product(values)
    # Turin's extensions have another form: an FMC level, a chip id of 8 bytes.
    if _integer(values, _STRUCT_VERSION) != (product is SnpProduct.TURIN):
        raise EvidenceError(
            f"{kind.name} certificate: not the structure version of {product.value}"
        )
    return SnpLeaf(
        kind=kind,
        product=product,
        tcb=_levels(values, product),
        hwid=_hwid(values, kind, product),
        csp_id=_csp_id(values, kind),
        key=key,
        certificate=certificate,
    )


def _amd_values(extensions: x509.Extensions) -> dict[str, bytes]:
    return {
        extension.oid.dotted_string: extension.value.value
        for extension in extensions
        if isinstance(extension.value, x509.UnrecognizedExtension)
    }


def _product(values: dict[str, bytes]) -> SnpProduct:
    """The line; the name may end with a stepping, as in ``Milan-B0``."""
    text = _string(values, _PRODUCT_NAME)
    line, _, stepping = text.partition("-")
    if line not in {product.value for product in SnpProduct} or len(stepping) > 2:
        raise EvidenceError(
            f"VCEK or VLEK certificate: unknown product {text[:20]!r}",
            fix="a newer Cocoon may know this product",
        )
    return SnpProduct(line)


def _levels(values: dict[str, bytes], product: SnpProduct) -> SnpTcb:
    if any(_integer(values, oid) for oid in _RESERVED_LEVELS if oid in values):
        raise EvidenceError("VCEK or VLEK certificate: a reserved patch level is not zero")
    if (product is SnpProduct.TURIN) != (_FMC in values):
        raise EvidenceError("VCEK or VLEK certificate: Turin, and only it, has an FMC level")
    return SnpTcb(
        bootloader=_integer(values, _BOOTLOADER),
        tee=_integer(values, _TEE),
        snp=_integer(values, _SNP),
        microcode=_integer(values, _MICROCODE),
        fmc=_integer(values, _FMC) if product is SnpProduct.TURIN else 0,
    )


def _hwid(values: dict[str, bytes], kind: SigningKey, product: SnpProduct) -> bytes | None:
    hwid = values.get(_HWID)
    if kind is SigningKey.VLEK:
        if hwid is not None:
            raise EvidenceError("VLEK certificate: it names a chip")
        return None
    if hwid is None or len(hwid) != product.chip_id_bytes or not any(hwid):
        raise EvidenceError(f"VCEK certificate: no chip id of {product.chip_id_bytes} bytes")
    return hwid


def _csp_id(values: dict[str, bytes], kind: SigningKey) -> str | None:
    if kind is SigningKey.VCEK:
        if _CSP_ID in values:
            raise EvidenceError("VCEK certificate: it names a cloud provider")
        return None
    return _string(values, _CSP_ID)


def _integer(values: dict[str, bytes], oid: str) -> int:
    """A DER INTEGER from 0 to 255, in the one form that DER has for it."""
    raw = values.get(oid, b"")
    value = raw[-1] if raw else 0
    form = (_DER_INTEGER, 2, 0, value) if value > 127 else (_DER_INTEGER, 1, value)
    if raw != bytes(form):
        raise EvidenceError(f"VCEK or VLEK certificate: extension {oid} is no number up to 255")
    return value


def _string(values: dict[str, bytes], oid: str) -> str:
    """A DER IA5String of up to 127 characters."""
    raw = values.get(oid, b"")
    if raw[:2] != bytes((_DER_IA5_STRING, len(raw) - 2 & 0x7F)) or len(raw) > 129:
        raise EvidenceError(f"VCEK or VLEK certificate: extension {oid} is no string")
    text = raw[2:].decode("ascii")
    if not text.isprintable():
        raise EvidenceError(f"VCEK or VLEK certificate: extension {oid} is no string")
    return text
