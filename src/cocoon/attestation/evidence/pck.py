"""The platform's certificate (PCK) inside a quote and what it says about the machine.

Source: ``attestation.md`` §4.6 and §13; the object identifiers are Intel's.
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID, ObjectIdentifier

from cocoon.attestation.evidence.binary import Reader
from cocoon.attestation.evidence.missing import PLATFORM_CA, PROCESSOR_CA
from cocoon.attestation.evidence.tdx_quote import CERTIFICATION_PCK_CHAIN, Quote
from cocoon.errors import EvidenceError

SGX_EXTENSION = "1.2.840.113741.1.13.1"
MAX_CHAIN_BYTES = 16_384
CHAIN_CERTIFICATES = 3
"""The platform, its issuer and the root."""
MAX_SVN = 0xFFFF

MALFORMED_X509 = (
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UserWarning,
)
"""What the X.509 library raises for certificates and revocation lists of strangers.

Some defects, such as a negative serial number, are warnings, which a program may turn into errors.
"""

_SEQUENCE, _OID, _OCTETS, _INTEGER, _ENUMERATED, _BOOLEAN = 0x30, 0x06, 0x04, 0x02, 0x0A, 0x01
_PREFIX = bytes.fromhex("2a864886f84d010d01")
"""The extension's identifier in DER; its parts append their numbers."""
_MAX_ENTRIES = 32
_SVN_COUNT = 16
_PEM_MARK = b"-----BEGIN "
_PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"
_WHAT = "PCK certificate, extension"


@dataclass(frozen=True, slots=True)
class PckExtension:
    """Intel's extension of the platform certificate.

    Attributes:
        ppid: the platform's own id, 16 bytes.
        cpu_svn: security versions of processor and firmware, 16 bytes.
        components: the same, one number each.
        pce_svn: security version of the certification enclave.
        pce_id: of the certification enclave, 2 bytes.
        fmspc: the platform model, 6 bytes.
        sgx_type: 0 standard, 1 scalable, 2 scalable with integrity.
        platform_instance: id of a multi-package platform, 16 bytes; None on others.
        dynamic_platform: whether packages can be added; None when not said.
        cached_keys: whether the vendor keeps the platform's keys; None when not said.
        smt_enabled: whether hyper-threading was on; None when not said.
    """

    ppid: bytes
    cpu_svn: bytes
    components: tuple[int, ...]
    pce_svn: int
    pce_id: bytes
    fmspc: bytes
    sgx_type: int
    platform_instance: bytes | None = None
    dynamic_platform: bool | None = None
    cached_keys: bool | None = None
    smt_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class PckChain:
    """The certificates that a quote carries.

    Attributes:
        leaf: of the platform.
        issuer: the PCK platform or processor CA.
        root: as the quote claims it; only the pinned root counts.
        issuer_kind: ``platform`` or ``processor``: which revocation list covers the leaf.
        expires_at: unix seconds at which the leaf or its issuer expires.
        extension: what the leaf says about the platform.
    """

    leaf: x509.Certificate
    issuer: x509.Certificate
    root: x509.Certificate
    issuer_kind: str
    expires_at: int
    extension: PckExtension


def parse_pck_chain(quote: Quote) -> PckChain:
    """The certificate chain of a quote.

    Raises:
        EvidenceError: the quote carries none in PEM form, or it is malformed.
    """
    signature = quote.signature
    if signature.certification_type != CERTIFICATION_PCK_CHAIN:
        raise EvidenceError(
            f"PCK certificate: certification data of type {signature.certification_type} instead"
            " of the platform's certificates",
            fix="have the quote service of the host deliver certificates (PCK chain) in quotes",
        )
    pem = signature.certification_data.rstrip(b"\0")
    if len(pem) > MAX_CHAIN_BYTES:
        raise EvidenceError(f"PCK certificate: a chain of {len(pem)} bytes")
    if pem.count(_PEM_MARK) != CHAIN_CERTIFICATES or pem.count(_PEM_BEGIN) != CHAIN_CERTIFICATES:
        # The verifier underneath takes blocks of any label for certificates, the library here does
        # not: both must see the same three.
        raise EvidenceError("PCK certificate: not a chain of three certificates in PEM")
    try:
        return _parse_chain(pem)
    except MALFORMED_X509 as error:
        raise EvidenceError("PCK certificate: malformed") from error


def _parse_chain(pem: bytes) -> PckChain:
    certificates = x509.load_pem_x509_certificates(pem)
    if len(certificates) != CHAIN_CERTIFICATES:
        raise EvidenceError(f"PCK certificate: a chain of {len(certificates)}, not of 3")
    leaf, issuer, root = certificates
    raw = leaf.extensions.get_extension_for_oid(ObjectIdentifier(SGX_EXTENSION)).value
    if not isinstance(raw, x509.UnrecognizedExtension):
        raise EvidenceError("PCK certificate: its extension is malformed")
    return PckChain(
        leaf=leaf,
        issuer=issuer,
        root=root,
        issuer_kind=_issuer_kind(leaf.issuer),
        # Not the root's: the quote's copy of it is not what was verified.
        expires_at=int(min(leaf.not_valid_after_utc, issuer.not_valid_after_utc).timestamp()),
        extension=parse_pck_extension(raw.value),
    )


def _issuer_kind(issuer: x509.Name) -> str:
    names = [str(item.value) for item in issuer.get_attributes_for_oid(NameOID.COMMON_NAME)]
    for kind in (PLATFORM_CA, PROCESSOR_CA):
        if any(kind in name.lower() for name in names):
            return kind
    raise EvidenceError("PCK certificate: its issuer is neither the platform nor the processor CA")


def parse_pck_extension(data: bytes) -> PckExtension:
    """Read the DER of Intel's extension.

    Raises:
        EvidenceError: malformed, or a part is missing, twice there or of a wrong length.
    """
    reader = Reader(data, _WHAT)
    parts = _entries(_value(reader, _SEQUENCE), ())
    reader.finish()
    tcb = _entries(_content(parts, 2, _SEQUENCE), (2,))
    configuration = _entries(_content(parts, 7, _SEQUENCE), (7,)) if 7 in parts else {}
    cpu_svn = _fixed(tcb, 18, 16)
    components = tuple(_number(tcb, index) for index in range(1, _SVN_COUNT + 1))
    return PckExtension(
        ppid=_fixed(parts, 1, 16),
        cpu_svn=cpu_svn,
        components=components,
        pce_svn=_number(tcb, 17),
        pce_id=_fixed(parts, 3, 2),
        fmspc=_fixed(parts, 4, 6),
        sgx_type=_small(_content(parts, 5, _ENUMERATED)),
        platform_instance=_fixed(parts, 6, 16) if 6 in parts else None,
        dynamic_platform=_flag(configuration, 1),
        cached_keys=_flag(configuration, 2),
        smt_enabled=_flag(configuration, 3),
    )


def _value(reader: Reader, tag: int) -> bytes:
    """The content of one DER value of this tag; lengths of up to 65535 bytes."""
    found = reader.uint(1)
    if found != tag:
        raise EvidenceError(f"{_WHAT}: a value of tag {found:#x}, not {tag:#x}")
    return reader.take(_length(reader))


def _length(reader: Reader) -> int:
    first = reader.uint(1)
    if first < 0x80:
        return first
    if first not in (0x81, 0x82):
        raise EvidenceError(f"{_WHAT}: a value that is too long")
    return int.from_bytes(reader.take(first - 0x80), "big")


def _entries(data: bytes, path: tuple[int, ...]) -> dict[int, tuple[int, bytes]]:
    """A SEQUENCE OF (identifier, value): tag and content by the last number of the identifier."""
    reader = Reader(data, _WHAT)
    found: dict[int, tuple[int, bytes]] = {}
    prefix = _PREFIX + bytes(path)
    while reader.remaining:
        entry = Reader(_value(reader, _SEQUENCE), _WHAT)
        identifier = _value(entry, _OID)
        tag = entry.uint(1)
        content = entry.take(_length(entry))
        entry.finish()
        if identifier[:-1] != prefix or identifier[-1] >= 0x80:
            raise EvidenceError(f"{_WHAT}: an unknown entry")
        if identifier[-1] in found or len(found) == _MAX_ENTRIES:
            raise EvidenceError(f"{_WHAT}: an entry twice, or too many")
        found[identifier[-1]] = (tag, content)
    return found


def _content(parts: dict[int, tuple[int, bytes]], number: int, tag: int) -> bytes:
    found = parts.get(number)
    if found is None:
        raise EvidenceError(f"{_WHAT}: no entry {number}")
    if found[0] != tag:
        raise EvidenceError(f"{_WHAT}: entry {number} is of another type")
    return found[1]


def _fixed(parts: dict[int, tuple[int, bytes]], number: int, length: int) -> bytes:
    content = _content(parts, number, _OCTETS)
    if len(content) != length:
        raise EvidenceError(f"{_WHAT}: entry {number} has {len(content)} bytes")
    return content


def _number(parts: dict[int, tuple[int, bytes]], number: int) -> int:
    return _small(_content(parts, number, _INTEGER))


def _small(content: bytes) -> int:
    """A number from 0 to :data:`MAX_SVN`."""
    value = int.from_bytes(content, "big", signed=True)
    if not content or len(content) > 3 or not 0 <= value <= MAX_SVN:
        raise EvidenceError(f"{_WHAT}: a number out of range")
    return value


def _flag(parts: dict[int, tuple[int, bytes]], number: int) -> bool | None:
    if number not in parts:
        return None
    content = _content(parts, number, _BOOLEAN)
    if content not in (b"\x00", b"\xff"):
        raise EvidenceError(f"{_WHAT}: a flag that is neither true nor false")
    return content == b"\xff"
