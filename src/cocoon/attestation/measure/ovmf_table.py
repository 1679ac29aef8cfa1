"""The table of GUIDed entries at the end of an OVMF image.

It ends 32 bytes before the end of the file and is read backwards: data, ``uint16 length`` (of
data, length and GUID together), GUID. The footer entry's length covers the whole table.
Source: edk2 ``OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm``; ``attestation.md`` §8.1.
"""

from uuid import UUID

from cocoon.errors import ConfigError

MAX_FIRMWARE_BYTES = 64 << 20
MAX_ENTRIES = 64
PAGE = 4096

FOOTER = UUID("96b582de-1fb2-45f7-baea-a366c55a082d")
TDX_METADATA = UUID("e47a6535-984a-4798-865e-4685a7bf8ec2")
SEV_METADATA = UUID("dc886566-984a-4798-a75e-5585a7bf67cc")
SEV_HASH_TABLE = UUID("7255371f-3a3b-4b04-927b-1da6efa8d454")
SEV_ES_RESET = UUID("00f771de-1a7e-4fcb-890e-68c77e2fb44e")

_BEHIND_TABLE = 32
_ENTRY_HEAD = 18


def check_firmware_size(firmware: bytes) -> None:
    """Refuse what cannot be a firmware image.

    Raises:
        ConfigError: empty, larger than 64 MiB or not whole pages.
    """
    if not firmware or len(firmware) > MAX_FIRMWARE_BYTES or len(firmware) % PAGE:
        raise ConfigError(
            f"the firmware has {len(firmware)} bytes; an OVMF image has whole pages of {PAGE},"
            f" at most {MAX_FIRMWARE_BYTES >> 20} MiB"
        )


def read_table(firmware: bytes) -> dict[UUID, bytes]:
    """The entries of an OVMF image by GUID, without the footer.

    Raises:
        ConfigError: not an OVMF image, or its table is malformed.
    """
    check_firmware_size(firmware)
    end = len(firmware) - _BEHIND_TABLE
    guid, length = _entry_head(firmware, end)
    if guid != FOOTER:
        raise ConfigError("the firmware has no OVMF table: give the OVMF.fd that QEMU loads")
    start = end - length
    if length < _ENTRY_HEAD or start < 0:
        raise ConfigError(f"the firmware's OVMF table says that it has {length} bytes")
    entries: dict[UUID, bytes] = {}
    at = end - _ENTRY_HEAD
    while at - start >= _ENTRY_HEAD:
        guid, length = _entry_head(firmware, at)
        if length < _ENTRY_HEAD or at - length < start:
            raise ConfigError(f"entry {guid} of the firmware's OVMF table has {length} bytes")
        if guid in entries or len(entries) >= MAX_ENTRIES:
            raise ConfigError(f"the firmware's OVMF table repeats {guid} or has too many entries")
        entries[guid] = firmware[at - length : at - _ENTRY_HEAD]
        at -= length
    return entries


def _entry_head(firmware: bytes, end: int) -> tuple[UUID, int]:
    guid = UUID(bytes_le=firmware[end - 16 : end])
    return guid, int.from_bytes(firmware[end - _ENTRY_HEAD : end - 16], "little")


def find_from_end(firmware: bytes, entry: bytes, what: str) -> int:
    """The position that an entry gives as a distance from the end of the image.

    Raises:
        ConfigError: the entry has no such number or it lies outside the image.
    """
    if len(entry) < 4:
        raise ConfigError(f"the firmware's entry for {what} has {len(entry)} bytes, not 4")
    distance = int.from_bytes(entry[:4], "little")
    if not 0 < distance <= len(firmware):
        raise ConfigError(f"the firmware's {what} lies outside the firmware")
    return len(firmware) - distance
