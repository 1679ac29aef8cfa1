"""Small firmware and kernel images for tests: real formats, no code."""

import struct
from uuid import UUID

from cocoon.attestation.measure.ovmf_table import (
    FOOTER,
    SEV_ES_RESET,
    SEV_HASH_TABLE,
    SEV_METADATA,
    TDX_METADATA,
)

FIRMWARE_BYTES = 64 << 10
CONFIGURATION_BYTES = 16 << 10
TDX_AT = 0xE000
SEV_AT = 0xE400

TDX_SECTIONS = (
    (CONFIGURATION_BYTES, FIRMWARE_BYTES - CONFIGURATION_BYTES, 0xFFFF4000, 0xC000, 0, 1),
    (0, CONFIGURATION_BYTES, 0xFFFF0000, CONFIGURATION_BYTES, 1, 0),
    (0, 0, 0x810000, 0x10000, 3, 0),
    (0, 0, 0x80B000, 0x2000, 3, 0),
    (0, 0, 0x809000, 0x2000, 2, 0),
    (0, 0, 0x800000, 0x6000, 3, 0),
)
SEV_SECTIONS = (
    (0x800000, 0x9000, 1),
    (0x80D000, 0x1000, 2),
    (0x80E000, 0x1000, 3),
    (0x80F000, 0x1000, 4),
    (0x811000, 0xF000, 1),
    (0x810000, 0x1000, 0x10),
)


def ovmf(
    *,
    tdx_sections: tuple[tuple[int, ...], ...] = TDX_SECTIONS,
    sev_sections: tuple[tuple[int, ...], ...] = SEV_SECTIONS,
    hashes_address: int = 0x810C00,
) -> bytes:
    """A firmware image of 64 KiB with TDX and SEV-SNP metadata and a pattern instead of code."""
    image = bytearray(bytes(at % 251 for at in range(FIRMWARE_BYTES)))
    tdx = struct.pack("<4sIII", b"TDVF", 16 + 32 * len(tdx_sections), 1, len(tdx_sections))
    tdx += b"".join(struct.pack("<IIQQII", *section) for section in tdx_sections)
    sev = struct.pack("<4sIII", b"ASEV", 16 + 12 * len(sev_sections), 1, len(sev_sections))
    sev += b"".join(struct.pack("<III", *section) for section in sev_sections)
    image[TDX_AT : TDX_AT + len(tdx)] = tdx
    image[SEV_AT : SEV_AT + len(sev)] = sev
    entries = (
        (TDX_METADATA, struct.pack("<I", FIRMWARE_BYTES - TDX_AT)),
        (SEV_METADATA, struct.pack("<I", FIRMWARE_BYTES - SEV_AT)),
        (SEV_HASH_TABLE, struct.pack("<II", hashes_address, 0x400)),
        (SEV_ES_RESET, struct.pack("<I", 0x80B004)),
    )
    return with_table(bytes(image), entries)


def with_table(image: bytes, entries: tuple[tuple[UUID, bytes], ...]) -> bytes:
    """The image with this table of GUIDed entries at its end."""
    table = b"".join(
        data + struct.pack("<H", len(data) + 18) + guid.bytes_le for guid, data in entries
    )
    table += struct.pack("<H", len(table) + 18) + FOOTER.bytes_le
    end = len(image) - 32
    return image[: end - len(table)] + table + image[end:]


def kernel(*, signature: bytes = b"", protocol: int = 0x20F) -> bytes:
    """A bzImage of 12 KiB whose EFI stub is a PE file of two sections; it does nothing."""
    image = bytearray(bytes(at * 7 % 253 for at in range(0x3000)))
    image[:0x400] = bytes(0x400)
    image[0:2] = b"MZ"
    struct.pack_into("<I", image, 0x3C, 0x40)
    image[0x40:0x44] = b"PE\0\0"
    struct.pack_into("<HHIIIHH", image, 0x44, 0x8664, 2, 0, 0, 0, 160, 0x206)
    optional = 0x58
    struct.pack_into("<H", image, optional, 0x20B)
    struct.pack_into("<I", image, optional + 60, 0x400)
    struct.pack_into("<I", image, optional + 64, 0xDEADBEEF)
    struct.pack_into("<I", image, optional + 108, 6)
    if signature:
        struct.pack_into("<II", image, optional + 112 + 32, len(image), len(signature))
    for index, (offset, size) in enumerate(((0x400, 0x1C00), (0x2000, 0x1000))):
        at = optional + 160 + 40 * index
        struct.pack_into("<8sIIII", image, at, b".text", size, offset, size, offset)
    image[0x1F1] = 4
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, protocol)
    image[0x211] = 1
    struct.pack_into("<I", image, 0x22C, 0x7FFFFFFF)
    struct.pack_into("<H", image, 0x236, 0x7F)
    return bytes(image) + signature
