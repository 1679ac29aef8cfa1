"""What an OVMF image says about starting under SEV-SNP.

Source: edk2 ``OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm`` and ``Ia16/ResetVectorVtf0.asm``.
"""

import struct
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from cocoon.attestation.measure.ovmf_table import (
    PAGE,
    SEV_ES_RESET,
    SEV_HASH_TABLE,
    SEV_METADATA,
    find_from_end,
    read_table,
)
from cocoon.errors import ConfigError

MAX_SECTIONS = 64
MAX_SECTION_BYTES = 64 << 20
"""Memory of all sections together."""

_HEADER = struct.Struct("<4sIII")
_SECTION = struct.Struct("<III")


class SevSectionKind(Enum):
    """What the VMM puts into a section's memory."""

    ZERO_MEMORY = 1
    SECRETS = 2
    CPUID = 3
    CALLING_AREA = 4
    KERNEL_HASHES = 0x10


@dataclass(frozen=True, slots=True)
class SevSection:
    """Memory that the VMM prepares: kind, guest physical address and size, whole pages."""

    kind: SevSectionKind
    address: int
    size: int


@dataclass(frozen=True, slots=True)
class SevFirmware:
    """An OVMF image for SEV-SNP.

    Attributes:
        image: the file; it ends at 4 GiB.
        sections: of its SEV metadata, in their order.
        reset_address: where processors other than the first start, 32 bits.
        hashes_address: where the table of kernel hashes goes; 0 if the image has no place.
    """

    image: bytes
    sections: tuple[SevSection, ...]
    reset_address: int
    hashes_address: int

    @property
    def address(self) -> int:
        """Guest physical address of the first byte."""
        return (1 << 32) - len(self.image)

    @property
    def measures_kernels(self) -> bool:
        """Whether it has a place for kernel hashes, and checks kernels against them."""
        kinds = {section.kind for section in self.sections}
        return SevSectionKind.KERNEL_HASHES in kinds and self.hashes_address != 0


def parse_sev_firmware(firmware: bytes) -> SevFirmware:
    """Read what an OVMF image says about SEV-SNP.

    Raises:
        ConfigError: not an OVMF image, without SEV-SNP metadata, or malformed.
    """
    table = read_table(firmware)
    if SEV_METADATA not in table or SEV_ES_RESET not in table:
        raise ConfigError("the firmware has no SEV-SNP metadata: it is not built for SEV-SNP")
    at = find_from_end(firmware, table[SEV_METADATA], "SEV metadata")
    return SevFirmware(
        firmware,
        _sections(firmware, at),
        _address(table, SEV_ES_RESET),
        _address(table, SEV_HASH_TABLE),
    )


def _address(table: dict[UUID, bytes], entry: UUID) -> int:
    return int.from_bytes(table.get(entry, b"")[:4], "little")


def _sections(firmware: bytes, at: int) -> tuple[SevSection, ...]:
    if at + _HEADER.size > len(firmware):
        raise ConfigError("the firmware's SEV metadata is cut short")
    signature, size, version, count = _HEADER.unpack_from(firmware, at)
    if signature != b"ASEV" or version != 1:
        raise ConfigError(f"the firmware's SEV metadata is of version {version} or unknown")
    if count > MAX_SECTIONS or size < _HEADER.size + count * _SECTION.size:
        raise ConfigError(f"the firmware's SEV metadata has {count} sections in {size} bytes")
    if at + size > len(firmware):
        raise ConfigError("the firmware's SEV metadata is cut short")
    start = at + _HEADER.size
    raw = [_SECTION.unpack_from(firmware, start + index * _SECTION.size) for index in range(count)]
    if sum(size for _, size, _ in raw) > MAX_SECTION_BYTES:
        raise ConfigError("the firmware's SEV sections take more than 64 MiB of memory")
    return tuple(_section(*values) for values in raw)


def _section(address: int, size: int, kind: int) -> SevSection:
    if kind not in {known.value for known in SevSectionKind}:
        raise ConfigError(f"a section of the firmware's SEV metadata is of unknown type {kind}")
    if address % PAGE or size % PAGE or not size:
        raise ConfigError("a section of the firmware's SEV metadata is not whole pages")
    return SevSection(SevSectionKind(kind), address, size)
