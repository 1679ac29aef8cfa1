"""The root hash of an image whose partitions are named after it.

systemd's convention: the UUID of the root partition is the first half of the dm-verity root hash,
that of its hash tree's partition the second half. Source: systemd "Discoverable Partitions
Specification"; UEFI "GUID Partition Table"; ``attestation.md`` §8.1.
"""

import struct
from uuid import UUID

from cocoon.errors import ConfigError

TABLE_BYTES = 1 << 16
"""How much of a disk is read: protective MBR, header and entries take 17 KiB."""
MAX_ENTRIES = 128

ROOT = UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
ROOT_VERITY = UUID("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5")

_SECTOR = 512
_ENTRY_BYTES = 128


def root_hash(disk: bytes) -> str:
    """The dm-verity root hash that a disk's partition table names, 64 hex characters.

    Args:
        disk: its first bytes, up to :data:`TABLE_BYTES`.

    Raises:
        ConfigError: no partition table, or not one root and one hash tree partition.
    """
    found: dict[UUID, UUID] = {}
    for kind, name in _partitions(disk):
        if kind in {ROOT, ROOT_VERITY}:
            if kind in found:
                raise ConfigError("the image has two partitions of one kind")
            found[kind] = name
    if len(found) != 2:
        raise ConfigError("the image lacks a root partition or the partition of its hash tree")
    return found[ROOT].hex + found[ROOT_VERITY].hex


def _partitions(disk: bytes) -> list[tuple[UUID, UUID]]:
    header = disk[_SECTOR : 2 * _SECTOR]
    if len(header) < _SECTOR or header[:8] != b"EFI PART":
        raise ConfigError("the image has no partition table (GPT)")
    first, count, size = struct.unpack_from("<QII", header, 72)
    if size != _ENTRY_BYTES or count > MAX_ENTRIES or first * _SECTOR > TABLE_BYTES:
        raise ConfigError("the image's partition table is of an unusual form")
    start = first * _SECTOR
    table = disk[start : start + count * size]
    if len(table) != count * size:
        raise ConfigError("the image's partition table is cut short")
    entries = [table[at : at + size] for at in range(0, len(table), size)]
    return [(UUID(bytes_le=entry[:16]), UUID(bytes_le=entry[16:32])) for entry in entries]
