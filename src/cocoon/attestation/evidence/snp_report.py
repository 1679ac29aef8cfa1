"""The attestation report of AMD SEV-SNP, byte by byte.

Source: AMD 56860 "SEV Secure Nested Paging Firmware ABI", ATTESTATION_REPORT; versions 2, 3 and 5.
All integers are little-endian. Everything reserved must be zero: bytes 0x2A0 and up carry the
signature and are not signed themselves, so nothing there may be free to choose.
"""

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb, product_of_cpu
from cocoon.errors import EvidenceError

REPORT_BYTES = 1184
SIGNED_BYTES = 0x2A0
VERSIONS = (2, 3, 5)
ECDSA_P384_SHA384 = 1
CHIP_ID_BYTES = 64
NO_MIGRATION_AGENT = b"\xff" * 32
HOST_VMPL = 0xFFFF_FFFF
"""What stands for the VMPL in a report that the host asked for, not the guest."""
MAX_VMPL = 3
COORDINATE_BYTES = 48

_FIELD_BYTES = 72
_R = SIGNED_BYTES
_S = _R + _FIELD_BYTES
_SIGNATURE_END = _S + _FIELD_BYTES
_ALWAYS_RESERVED = ((0x4C, 0x50), (0x1EB, 0x1EC), (0x1EF, 0x1F0), (0x208, SIGNED_BYTES))
_POLICY_MUST_BE_ONE = 1 << 17


class SigningKey(IntEnum):
    """Which key signed a report."""

    VCEK = 0
    """Unique to the chip and its firmware's level."""
    VLEK = 1
    """Given by AMD to a cloud provider, for all of its chips."""
    NONE = 7


class GuestPolicy(IntFlag):
    """What the guest's owner lets the host do; bits 0 to 15 are the minimum ABI version."""

    SMT = 1 << 16
    MIGRATE_MA = 1 << 18
    DEBUG = 1 << 19
    SINGLE_SOCKET = 1 << 20
    CXL_ALLOW = 1 << 21
    MEM_AES_256_XTS = 1 << 22
    RAPL_DIS = 1 << 23
    CIPHERTEXT_HIDING = 1 << 24
    PAGE_SWAP_DISABLE = 1 << 25


class PlatformInfo(IntFlag):
    """How the machine is set up. Old firmware reports only the first two bits."""

    SMT_EN = 1 << 0
    TSME_EN = 1 << 1
    ECC_EN = 1 << 2
    RAPL_DIS = 1 << 3
    CIPHERTEXT_HIDING_EN = 1 << 4
    ALIAS_CHECK_COMPLETE = 1 << 5
    IOMMU_WRITE_SAFE = 1 << 6
    TIO_EN = 1 << 7


_POLICY_BITS = 0xFFFF | _POLICY_MUST_BE_ONE | sum(GuestPolicy)
_PLATFORM_BITS = sum(PlatformInfo)


@dataclass(frozen=True, slots=True)
class SnpReport:
    """A well-formed report; nothing about it is verified.

    Attributes:
        version: 2, 3 or 5.
        guest_svn: version of the guest's image as its signer counts, from the ID block.
        policy: the guest policy, 64 bits.
        family_id: from the ID block, 16 bytes.
        image_id: from the ID block, 16 bytes.
        vmpl: privilege level that asked, 0 to 3, or :data:`HOST_VMPL`.
        current_tcb: TCB_VERSION of the running firmware, 8 bytes.
        platform_info: 64 bits.
        signing_key: the key that signs.
        mask_chip_key: whether the host keeps the firmware from using the chip's key.
        author_key_en: whether an author key vouched for the ID key.
        report_data: what the guest asked to be signed, 64 bytes.
        measurement: of the guest's initial memory, 48 bytes.
        host_data: what the host chose at launch, 32 bytes.
        id_key_digest: SHA-384 of the key that signed the ID block, 48 bytes; zero without one.
        author_key_digest: SHA-384 of the author key, 48 bytes; zero without one.
        report_id: of this guest instance, 32 bytes.
        report_id_ma: of its migration agent, 32 bytes; all ones without one.
        reported_tcb: TCB_VERSION that the signing key was derived for, 8 bytes.
        cpu: CPUID family, model and stepping; None before version 3.
        chip_id: names the chip, 64 bytes; zero when the host masks it.
        committed_tcb: TCB_VERSION below which the host cannot go back, 8 bytes.
        current_firmware: major, minor and build of the running firmware.
        committed_firmware: the same of the committed one.
        launch_tcb: TCB_VERSION when the guest was launched, 8 bytes.
        launch_mitigations: vector of mitigations at launch; 0 before version 5.
        current_mitigations: the same now.
        raw: the 1184 bytes.
    """

    version: int
    guest_svn: int
    policy: int
    family_id: bytes
    image_id: bytes
    vmpl: int
    current_tcb: bytes
    platform_info: int
    signing_key: SigningKey
    mask_chip_key: bool
    author_key_en: bool
    report_data: bytes
    measurement: bytes
    host_data: bytes
    id_key_digest: bytes
    author_key_digest: bytes
    report_id: bytes
    report_id_ma: bytes
    reported_tcb: bytes
    cpu: tuple[int, int, int] | None
    chip_id: bytes
    committed_tcb: bytes
    current_firmware: tuple[int, int, int]
    committed_firmware: tuple[int, int, int]
    launch_tcb: bytes
    launch_mitigations: int
    current_mitigations: int
    raw: bytes = field(repr=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SnpReport":
        """Read a report.

        Raises:
            EvidenceError: it is not 1184 bytes, of an unknown version, or something reserved in
                it is set.
        """
        if len(data) != REPORT_BYTES:
            raise EvidenceError(f"SEV-SNP report: {len(data)} bytes, not {REPORT_BYTES}")
        version = _integer(data, 0x00, 4)
        if version not in VERSIONS:
            raise EvidenceError(
                f"SEV-SNP report: version {version} is not one of {VERSIONS}",
                fix="a newer Cocoon may know this version",
            )
        _require_zeros(data, version)
        _require_known_bits(data)
        return cls(
            version=version,
            guest_svn=_integer(data, 0x04, 4),
            policy=_integer(data, 0x08, 8),
            family_id=data[0x10:0x20],
            image_id=data[0x20:0x30],
            vmpl=_vmpl(data),
            current_tcb=data[0x38:0x40],
            platform_info=_integer(data, 0x40, 8),
            signing_key=SigningKey(data[0x48] >> 2),
            mask_chip_key=bool(data[0x48] & 2),
            author_key_en=bool(data[0x48] & 1),
            report_data=data[0x50:0x90],
            measurement=data[0x90:0xC0],
            host_data=data[0xC0:0xE0],
            id_key_digest=data[0xE0:0x110],
            author_key_digest=data[0x110:0x140],
            report_id=data[0x140:0x160],
            report_id_ma=data[0x160:0x180],
            reported_tcb=data[0x180:0x188],
            cpu=(data[0x188], data[0x189], data[0x18A]) if version >= 3 else None,
            chip_id=data[0x1A0:0x1E0],
            committed_tcb=data[0x1E0:0x1E8],
            current_firmware=(data[0x1EA], data[0x1E9], data[0x1E8]),
            committed_firmware=(data[0x1EE], data[0x1ED], data[0x1EC]),
            launch_tcb=data[0x1F0:0x1F8],
            launch_mitigations=_integer(data, 0x1F8, 8),
            current_mitigations=_integer(data, 0x200, 8),
            raw=bytes(data),
        )

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is over, 672."""
        return self.raw[:SIGNED_BYTES]

    @property
    def signature(self) -> tuple[int, int]:
        """The two numbers of the ECDSA signature, below 2 to the power of 384."""
        return _integer(self.raw, _R, COORDINATE_BYTES), _integer(self.raw, _S, COORDINATE_BYTES)

    @property
    def product(self) -> SnpProduct | None:
        """The line of the processor; None when the report (version 2) does not tell.

        Raises:
            EvidenceError: it names a processor that is not known here.
        """
        if self.cpu is None:
            return None
        product = product_of_cpu(self.cpu[0], self.cpu[1])
        if product is None:
            family, model, _ = self.cpu
            raise EvidenceError(
                f"SEV-SNP report: unknown processor, family {family:#x} model {model:#x}",
                fix="a newer Cocoon may know this processor",
            )
        return product

    @property
    def minimum_abi(self) -> tuple[int, int]:
        """Major and minor version of the firmware's interface that the guest asks for."""
        return self.policy >> 8 & 0xFF, self.policy & 0xFF

    @property
    def is_chip_masked(self) -> bool:
        """Whether the host hides which chip this is."""
        return not any(self.chip_id)

    def allows(self, bit: GuestPolicy) -> bool:
        """Whether a bit of the guest policy is set."""
        return bool(self.policy & bit)

    def platform_has(self, bit: PlatformInfo) -> bool:
        """Whether a bit of the platform information is set."""
        return bool(self.platform_info & bit)

    def tcbs(self, product: SnpProduct) -> dict[str, SnpTcb]:
        """The patch levels by name: reported, committed, current and launch.

        Raises:
            EvidenceError: a reserved byte of one is not zero.
        """
        return {
            "reported": SnpTcb.from_bytes(self.reported_tcb, product),
            "committed": SnpTcb.from_bytes(self.committed_tcb, product),
            "current": SnpTcb.from_bytes(self.current_tcb, product),
            "launch": SnpTcb.from_bytes(self.launch_tcb, product),
        }


def _integer(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _vmpl(data: bytes) -> int:
    vmpl = _integer(data, 0x30, 4)
    if vmpl > MAX_VMPL and vmpl != HOST_VMPL:
        raise EvidenceError(f"SEV-SNP report: there is no VMPL {vmpl}")
    return vmpl


def _require_zeros(data: bytes, version: int) -> None:
    reserved = [*_ALWAYS_RESERVED, (0x18B if version >= 3 else 0x188, 0x1A0)]
    if version < 5:
        reserved.append((0x1F8, 0x208))
    reserved += [
        (_R + COORDINATE_BYTES, _S),
        (_S + COORDINATE_BYTES, _SIGNATURE_END),
        (_SIGNATURE_END, REPORT_BYTES),
    ]
    for start, end in reserved:
        if any(data[start:end]):
            raise EvidenceError(f"SEV-SNP report: reserved bytes {start:#x} to {end:#x} are set")


def _require_known_bits(data: bytes) -> None:
    policy, platform = _integer(data, 0x08, 8), _integer(data, 0x40, 8)
    if not policy & _POLICY_MUST_BE_ONE:
        raise EvidenceError("SEV-SNP report: bit 17 of the guest policy must be one")
    _require_no_others("guest policy", policy, _POLICY_BITS)
    _require_no_others("platform information", platform, _PLATFORM_BITS)
    _require_no_others("signer information", _integer(data, 0x48, 4), 0x1F)
    if data[0x48] >> 2 not in (*SigningKey,):
        raise EvidenceError(f"SEV-SNP report: unknown signing key {data[0x48] >> 2}")
    if _integer(data, 0x34, 4) != ECDSA_P384_SHA384:
        raise EvidenceError(
            f"SEV-SNP report: signature algorithm {_integer(data, 0x34, 4)} is not ECDSA P-384"
        )


def _require_no_others(what: str, value: int, known: int) -> None:
    if value & ~known:
        bit = (value & ~known).bit_length() - 1
        raise EvidenceError(
            f"SEV-SNP report: bit {bit} of the {what} is reserved",
            fix="a newer Cocoon may know what it means",
        )
