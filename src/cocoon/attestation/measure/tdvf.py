"""TDX firmware (TDVF): its metadata, and the MRTD that results from loading it.

The metadata tells the VMM which memory to add before the trust domain runs. The TDX module hashes
a record for each added page and for each 256 bytes that are measured; MRTD is the SHA-384 of all
records. Source: Intel "TDX Virtual Firmware Design Guide" §11, "TDX Module Base Specification"
(TDH.MEM.PAGE.ADD, TDH.MR.EXTEND); ``attestation.md`` §8.1.
"""

import hashlib
import struct
from dataclasses import dataclass
from enum import Enum

from cocoon.attestation.measure.ovmf_table import PAGE, TDX_METADATA, find_from_end, read_table
from cocoon.errors import ConfigError

MAX_SECTIONS = 64
MAX_SECTION_BYTES = 256 << 20
"""Memory of all sections together."""

EXTEND_BYTES = 256

_DESCRIPTOR = struct.Struct("<4sIII")
_SECTION = struct.Struct("<IIQQII")
_RECORD_TAIL = bytes(104)
_ADD = b"MEM.PAGE.ADD".ljust(16, b"\0")
_EXTEND = b"MR.EXTEND".ljust(16, b"\0")
_MR_EXTEND = 1
_PAGE_AUG = 2


class SectionKind(Enum):
    """What a section of the metadata holds."""

    BOOT_VOLUME = 0
    CONFIGURATION_VOLUME = 1
    HAND_OFF_BLOCK = 2
    TEMPORARY_MEMORY = 3


class PageOrder(Enum):
    """In which order the VMM adds and measures the pages of a section.

    Linux's own KVM (from 6.16) adds and measures page by page; older patched KVMs added all
    pages of a section before they measured it. The two give different MRTDs.
    """

    PAGE_BY_PAGE = "page-by-page"
    PAGES_FIRST = "pages-first"


@dataclass(frozen=True, slots=True)
class Section:
    """One section: where its bytes lie in the file, and which memory they fill.

    Attributes:
        kind: what it holds.
        data_offset: where its bytes start in the file.
        data_size: how many bytes the file holds of it.
        address: guest physical address, whole pages.
        memory_size: bytes of memory, whole pages.
        measured: whether its contents enter MRTD; its addresses do unless ``added_later``.
        added_later: pages that the guest accepts itself; they leave no record.
    """

    kind: SectionKind
    data_offset: int
    data_size: int
    address: int
    memory_size: int
    measured: bool
    added_later: bool


@dataclass(frozen=True, slots=True)
class Tdvf:
    """A firmware image and the sections of its TDX metadata, in their order."""

    firmware: bytes
    sections: tuple[Section, ...]

    def data(self, section: Section) -> bytes:
        """The bytes that the file holds of a section."""
        return self.firmware[section.data_offset : section.data_offset + section.data_size]

    def only(self, kind: SectionKind) -> Section:
        """The one section of a kind.

        Raises:
            ConfigError: there is none or more than one.
        """
        found = [section for section in self.sections if section.kind is kind]
        if len(found) != 1:
            raise ConfigError(f"the firmware has {len(found)} sections of kind {kind.name}, not 1")
        return found[0]


def parse_tdvf(firmware: bytes) -> Tdvf:
    """Read the TDX metadata of a firmware image.

    Raises:
        ConfigError: not an OVMF image, without TDX metadata, or the metadata is malformed.
    """
    entry = read_table(firmware).get(TDX_METADATA)
    if entry is None:
        raise ConfigError("the firmware has no TDX metadata: it is not built for trust domains")
    at = find_from_end(firmware, entry, "TDX metadata")
    if at + _DESCRIPTOR.size > len(firmware):
        raise ConfigError("the firmware's TDX metadata is cut short")
    signature, length, version, count = _DESCRIPTOR.unpack_from(firmware, at)
    if signature != b"TDVF" or version != 1:
        raise ConfigError(f"the firmware's TDX metadata is of version {version} or unknown")
    if not 0 < count <= MAX_SECTIONS or length < _DESCRIPTOR.size + count * _SECTION.size:
        raise ConfigError(f"the firmware's TDX metadata has {count} sections in {length} bytes")
    if at + length > len(firmware):
        raise ConfigError("the firmware's TDX metadata is cut short")
    start = at + _DESCRIPTOR.size
    sections = tuple(
        _section(firmware, index, start + index * _SECTION.size) for index in range(count)
    )
    if sum(section.memory_size for section in sections) > MAX_SECTION_BYTES:
        raise ConfigError("the firmware's TDX sections take more than 256 MiB of memory")
    return Tdvf(firmware, sections)


def _section(firmware: bytes, index: int, at: int) -> Section:
    offset, size, address, memory, kind, attributes = _SECTION.unpack_from(firmware, at)
    where = f"section {index} of the firmware's TDX metadata"
    if kind not in {known.value for known in SectionKind}:
        raise ConfigError(f"{where} is of unknown type {kind}")
    if attributes & ~(_MR_EXTEND | _PAGE_AUG):
        raise ConfigError(f"{where} has unknown attributes {attributes:#x}")
    if address % PAGE or memory % PAGE or address + memory >= 1 << 52:
        raise ConfigError(f"{where} is not whole pages of memory")
    if size > memory or offset + size > len(firmware):
        raise ConfigError(f"{where} has {size} bytes at {offset}: outside the file or its memory")
    measured = bool(attributes & _MR_EXTEND)
    if measured and size != memory:
        raise ConfigError(f"{where} is measured, but the file does not hold all of it")
    if measured and attributes & _PAGE_AUG:
        raise ConfigError(f"{where} is both measured and added by the guest itself")
    return Section(
        SectionKind(kind), offset, size, address, memory, measured, bool(attributes & _PAGE_AUG)
    )


def mrtd(tdvf: Tdvf, order: PageOrder) -> bytes:
    """The measurement of a trust domain's initial memory, 48 bytes."""
    records = hashlib.sha384()
    for section in tdvf.sections:
        pages = range(0, section.memory_size, PAGE)
        for page in pages:
            if not section.added_later:
                records.update(_ADD + _address(section.address + page))
            if section.measured and order is PageOrder.PAGE_BY_PAGE:
                records.update(_measured_page(tdvf.firmware, section, page))
        if section.measured and order is PageOrder.PAGES_FIRST:
            for page in pages:
                records.update(_measured_page(tdvf.firmware, section, page))
    return records.digest()


def _measured_page(firmware: bytes, section: Section, page: int) -> bytes:
    parts = []
    for at in range(page, page + PAGE, EXTEND_BYTES):
        data_at = section.data_offset + at
        parts.append(_EXTEND + _address(section.address + at))
        parts.append(firmware[data_at : data_at + EXTEND_BYTES])
    return b"".join(parts)


def _address(address: int) -> bytes:
    return address.to_bytes(8, "little") + _RECORD_TAIL
