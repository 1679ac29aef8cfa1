"""AMD's processor lines that do SEV-SNP, and the patch levels of their firmware.

Sources: AMD 56860 "SEV Secure Nested Paging Firmware ABI" (TCB_VERSION), AMD 57230 "VCEK
Certificate and KDS Interface" (names of products).
"""

from dataclasses import dataclass, fields
from enum import StrEnum

from cocoon.errors import ConfigError, EvidenceError

TCB_BYTES = 8
MAX_LEVEL = 255


class SnpProduct(StrEnum):
    """A line of processors; each has a root key of its own."""

    MILAN = "Milan"
    """EPYC 7003."""
    GENOA = "Genoa"
    """EPYC 9004 and 8004, Bergamo and Siena included."""
    TURIN = "Turin"
    """EPYC 9005."""

    @property
    def chip_id_bytes(self) -> int:
        """How much of the report's 64 bytes of chip id the silicon fills."""
        return 8 if self is SnpProduct.TURIN else 64


@dataclass(frozen=True, slots=True)
class SnpTcb:
    """Patch levels of the parts that protect a guest, 0 to 255 each; larger is newer.

    Attributes:
        bootloader: of the security processor.
        tee: the security processor's operating system.
        snp: the SEV-SNP firmware.
        microcode: of the cores.
        fmc: the first mutable code; only Turin and later have it, elsewhere it is 0.

    Raises:
        ConfigError: a level is out of range.
    """

    bootloader: int
    tee: int
    snp: int
    microcode: int
    fmc: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= MAX_LEVEL:
                raise ConfigError(f"the patch level {field.name} is not within 0 to {MAX_LEVEL}")

    @classmethod
    def from_bytes(cls, data: bytes, product: SnpProduct) -> "SnpTcb":
        """Read a TCB_VERSION, 8 bytes; its layout depends on the product.

        Raises:
            EvidenceError: the wrong length, or a reserved byte is not zero.
        """
        if len(data) != TCB_BYTES:
            raise EvidenceError(f"a TCB version has {TCB_BYTES} bytes, not {len(data)}")
        if product is SnpProduct.TURIN:
            tcb, reserved = cls(data[1], data[2], data[3], data[7], fmc=data[0]), data[4:7]
        else:
            tcb, reserved = cls(data[0], data[1], data[6], data[7]), data[2:6]
        if any(reserved):
            raise EvidenceError(f"a reserved byte of a {product.value} TCB version is not zero")
        return tcb

    def to_bytes(self, product: SnpProduct) -> bytes:
        """The 8 bytes of a TCB_VERSION.

        Raises:
            EvidenceError: the product has no such part.
        """
        if product is SnpProduct.TURIN:
            parts = (self.fmc, self.bootloader, self.tee, self.snp, 0, 0, 0, self.microcode)
            return bytes(parts)
        if self.fmc:
            raise EvidenceError(f"{product.value} has no FMC patch level")
        return bytes((self.bootloader, self.tee, 0, 0, 0, 0, self.snp, self.microcode))

    def below(self, minimum: "SnpTcb") -> tuple[str, ...]:
        """The names of the parts that are older than ``minimum`` asks."""
        return tuple(
            field.name
            for field in fields(self)
            if getattr(self, field.name) < getattr(minimum, field.name)
        )

    def describe(self) -> str:
        """For messages: every level with its name."""
        return ", ".join(f"{field.name} {getattr(self, field.name)}" for field in fields(self))


def product_of_cpu(family: int, model: int) -> SnpProduct | None:
    """The line of a processor by its combined CPUID family and model; None for an unknown one.

    Source: the CPUID values in AMD's processor programming references.
    """
    match family, model:
        case 0x19, m if m <= 0x0F:
            return SnpProduct.MILAN
        case 0x19, m if 0x10 <= m <= 0x1F or 0xA0 <= m <= 0xAF:
            return SnpProduct.GENOA
        case 0x1A, m if m <= 0x1F:
            return SnpProduct.TURIN
        case _:
            return None
