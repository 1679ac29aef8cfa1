"""The launch digest of an SEV-SNP guest: what its report calls MEASUREMENT.

Each page that the VMM adds before the start extends the digest; kernel, initrd and command line
enter as a table of SHA-256 hashes that the firmware checks. Source: AMD "SEV Secure Nested Paging
Firmware ABI Specification" §8.17 (PAGE_INFO); QEMU ``target/i386/sev.c``.
"""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from cocoon.attestation.measure.ovmf_sev import SevFirmware, SevSection, SevSectionKind
from cocoon.attestation.measure.ovmf_table import PAGE
from cocoon.attestation.measure.vmsa import BOOT_ADDRESS, cpu_signature, vmsa_page
from cocoon.errors import ConfigError

DIGEST_BYTES = 48
MAX_VCPUS = 4096
GUEST_FEATURES = 1
"""SEV_FEATURES that QEMU sets: SNP, nothing else."""

_PAGE_INFO = struct.Struct("<48s48sHBBBBBBQ")
_NORMAL, _VMSA, _ZERO, _SECRETS, _CPUID = 1, 2, 3, 5, 6
_VMSA_ADDRESS = 0xFFFFFFFFF000
_NO_CONTENTS = bytes(DIGEST_BYTES)

_TABLE = UUID("9438d606-4f22-4cc9-b479-a793d411fd21")
_CMDLINE = UUID("97d02dd8-bd20-4c94-aa78-e7714d36ab2a")
_INITRD = UUID("44baf731-3a2f-4bd7-9af1-41e29169781d")
_KERNEL = UUID("4de79437-abd2-427f-b835-d5b172d2045b")
_HEAD_BYTES = 18
_ENTRY_BYTES = _HEAD_BYTES + 32


@dataclass(frozen=True, slots=True)
class KernelHashes:
    """SHA-256 of what QEMU loads beside the firmware, 32 bytes each."""

    kernel: bytes
    initrd: bytes
    cmdline: bytes

    @classmethod
    def of(cls, kernel: bytes, initrd: Iterable[bytes], cmdline: str) -> "KernelHashes":
        """Hash the parts; ``initrd`` in pieces of any size, none if there is none."""
        digest = hashlib.sha256()
        for part in initrd:
            digest.update(part)
        line = hashlib.sha256(cmdline.encode() + b"\0").digest()
        return cls(hashlib.sha256(kernel).digest(), digest.digest(), line)

    def table(self) -> bytes:
        """The table as QEMU writes it, padded to 16 bytes."""
        rows = ((_CMDLINE, self.cmdline), (_INITRD, self.initrd), (_KERNEL, self.kernel))
        entries = b"".join(
            guid.bytes_le + _ENTRY_BYTES.to_bytes(2, "little") + value for guid, value in rows
        )
        size = _HEAD_BYTES + len(entries)
        table = _TABLE.bytes_le + size.to_bytes(2, "little") + entries
        return table + bytes(-len(table) % 16)


def launch_digest(
    firmware: SevFirmware,
    *,
    vcpus: int,
    vcpu_type: str,
    hashes: KernelHashes | None,
    features: int = GUEST_FEATURES,
) -> bytes:
    """The launch digest of a guest that QEMU starts, 48 bytes.

    Args:
        firmware: the OVMF image.
        vcpus: number of virtual processors.
        vcpu_type: QEMU's name of their model.
        hashes: of kernel, initrd and command line; None if the guest boots from a disk that
            nothing measures.
        features: SEV_FEATURES; QEMU sets 1.

    Raises:
        ConfigError: an argument is out of range, or the firmware has no place for the hashes.
    """
    if not 0 < vcpus <= MAX_VCPUS:
        raise ConfigError(f"{vcpus} vCPUs; a guest has 1 to {MAX_VCPUS}")
    if hashes is not None and not firmware.measures_kernels:
        raise ConfigError(
            "the firmware has no place for kernel hashes, so the host could start any kernel;"
            " use an OVMF built from OvmfPkg/AmdSev"
        )
    digest = bytes(DIGEST_BYTES)
    digest = _add_data(digest, firmware.address, firmware.image)
    for section in firmware.sections:
        digest = _add_section(digest, section, firmware, hashes)
    signature = cpu_signature(vcpu_type)
    for index in range(vcpus):
        start = firmware.reset_address if index else BOOT_ADDRESS
        contents = hashlib.sha384(vmsa_page(start, signature, features)).digest()
        digest = _add_page(digest, _VMSA, _VMSA_ADDRESS, contents)
    return digest


def _add_page(digest: bytes, kind: int, address: int, contents: bytes) -> bytes:
    info = _PAGE_INFO.pack(digest, contents, _PAGE_INFO.size, kind, 0, 0, 0, 0, 0, address)
    return hashlib.sha384(info).digest()


def _add_data(digest: bytes, address: int, data: bytes) -> bytes:
    for at in range(0, len(data), PAGE):
        contents = hashlib.sha384(data[at : at + PAGE]).digest()
        digest = _add_page(digest, _NORMAL, address + at, contents)
    return digest


def _add_section(
    digest: bytes, section: SevSection, firmware: SevFirmware, hashes: KernelHashes | None
) -> bytes:
    match section.kind:
        case SevSectionKind.SECRETS:
            return _add_page(digest, _SECRETS, section.address, _NO_CONTENTS)
        case SevSectionKind.CPUID:
            return _add_page(digest, _CPUID, section.address, _NO_CONTENTS)
        case SevSectionKind.KERNEL_HASHES if hashes is not None:
            return _add_data(digest, section.address, _hashes_page(section, firmware, hashes))
        case _:
            for at in range(0, section.size, PAGE):
                digest = _add_page(digest, _ZERO, section.address + at, _NO_CONTENTS)
            return digest


def _hashes_page(section: SevSection, firmware: SevFirmware, hashes: KernelHashes) -> bytes:
    table = hashes.table()
    offset = firmware.hashes_address % PAGE
    if section.size != PAGE or offset + len(table) > PAGE:
        raise ConfigError("the firmware's place for kernel hashes is not one page that holds them")
    return bytes(offset) + table + bytes(PAGE - offset - len(table))
