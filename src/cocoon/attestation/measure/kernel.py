"""The Linux kernel as QEMU hands it to firmware with ``-kernel``.

Older QEMUs write load addresses into the setup header, so the kernel that firmware measures
differs from the file and depends on the initrd's size and the memory. Newer ones leave the kernel
of a confidential guest alone. Which of the two a host does must be known; it is not guessed.
Source: QEMU ``hw/i386/x86-common.c`` (x86_load_linux); Linux ``Documentation/arch/x86/boot.rst``.
"""

import struct
from enum import Enum

from cocoon.attestation.measure.pe import authenticode_sha384
from cocoon.errors import ConfigError

ACPI_DATA_BYTES = 0x28000
"""What QEMU's q35 machine keeps free for ACPI tables below 4 GiB."""
FOUR_GIB = 1 << 32

_SETUP_BYTES = 0x1000
_CMDLINE_ADDRESS = 0x20000
_REAL_ADDRESS = 0x10000
_LOADER_QEMU = 0xB0
_CAN_USE_HEAP = 0x80
_LOADED_HIGH = 0x01
_ABOVE_4G = 0x40
_OLDEST_PROTOCOL = 0x20C


class KernelHeader(Enum):
    """What QEMU does to the setup header of a confidential guest's kernel."""

    ORIGINAL = "original"
    PATCHED = "patched"


def low_memory(memory: int) -> int:
    """Bytes of memory below 4 GiB that QEMU's q35 gives a guest with ``memory`` bytes."""
    limit = 0x80000000 if memory >= 0xB0000000 else 0xB0000000
    return min(memory, limit)


def patch_header(kernel: bytes, initrd_size: int, memory: int) -> bytes:
    """The kernel with the setup header that QEMU writes.

    Args:
        kernel: the bzImage.
        initrd_size: bytes; 0 without one.
        memory: bytes of guest memory.

    Raises:
        ConfigError: not a kernel of boot protocol 2.12 (Linux 3.8) or later, or memory and
            initrd do not fit together.
    """
    if len(kernel) < _SETUP_BYTES or kernel[0x202:0x206] != b"HdrS":
        raise ConfigError("the kernel is not a bzImage")
    header = bytearray(kernel[:_SETUP_BYTES])
    protocol = int.from_bytes(header[0x206:0x208], "little")
    if protocol < _OLDEST_PROTOCOL or not header[0x211] & _LOADED_HIGH:
        raise ConfigError(f"the kernel's boot protocol {protocol:#x} is older than Linux 3.8")
    header[0x210] = _LOADER_QEMU
    header[0x211] |= _CAN_USE_HEAP
    struct.pack_into("<H", header, 0x224, _CMDLINE_ADDRESS - _REAL_ADDRESS - 0x200)
    struct.pack_into("<I", header, 0x228, _CMDLINE_ADDRESS)
    if initrd_size:
        address = _initrd_address(header, initrd_size, memory)
        struct.pack_into("<II", header, 0x218, address, initrd_size)
    return bytes(header) + kernel[_SETUP_BYTES:]


def _initrd_address(header: bytearray, size: int, memory: int) -> int:
    above_4g = int.from_bytes(header[0x236:0x238], "little") & _ABOVE_4G
    limit = 0xFFFFFFFF if above_4g else int.from_bytes(header[0x22C:0x230], "little")
    limit = min(limit, low_memory(memory) - ACPI_DATA_BYTES - 1)
    if size >= limit:
        raise ConfigError(f"an initrd of {size} bytes does not fit into {memory} bytes of memory")
    return (limit - size) & ~0xFFF


def kernel_digest(kernel: bytes, header: KernelHeader, initrd_size: int, memory: int) -> bytes:
    """The SHA-384 that firmware measures of the kernel, 48 bytes.

    Raises:
        ConfigError: not a kernel with an EFI stub, or see :func:`patch_header`.
    """
    if header is KernelHeader.PATCHED:
        kernel = patch_header(kernel, initrd_size, memory)
    return authenticode_sha384(kernel)
