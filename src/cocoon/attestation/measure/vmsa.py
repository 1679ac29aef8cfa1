"""The state in which KVM starts a virtual processor under SEV-SNP: a page that is measured.

Source: AMD "APM Volume 2", table B-4 (VMSA layout); QEMU and KVM for the values at reset.
"""

import struct

from cocoon.errors import ConfigError

PAGE = 4096

BOOT_ADDRESS = 0xFFFFFFF0
MAX_FEATURES = 1 << 64

CPU_MODELS = {
    "EPYC": (23, 1, 2),
    "EPYC-Rome": (23, 49, 0),
    "EPYC-Milan": (25, 1, 1),
    "EPYC-Genoa": (25, 17, 0),
    "EPYC-Turin": (26, 0, 0),
}
"""Family, model and stepping of QEMU's processor models (``target/i386/cpu.c``)."""

_SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs", "gdtr", "ldtr", "idtr", "tr")
_SEGMENT = struct.Struct("<HHIQ")
# Offsets of 64-bit fields in the page.
_EFER, _CR4, _CR0, _DR7, _DR6, _RFLAGS, _RIP = 0xD0, 0x148, 0x158, 0x160, 0x168, 0x170, 0x178
_PAT, _RDX, _FEATURES, _XCR0 = 0x268, 0x310, 0x3B0, 0x3E8
_MXCSR, _FCW = 0x408, 0x410
_PAT_AT_RESET = 0x0007040600070406


def cpu_signature(model: str) -> int:
    """CPUID leaf 1 EAX of one of QEMU's processor models; version suffixes do not change it.

    Raises:
        ConfigError: not a model that runs SEV-SNP guests.
    """
    base = model.split("-v", maxsplit=1)[0]
    if base not in CPU_MODELS:
        known = ", ".join(CPU_MODELS)
        raise ConfigError(f"unknown vCPU type {model!r}; known: {known}, each also with -vN")
    family, number, stepping = CPU_MODELS[base]
    return (
        (max(family - 15, 0) << 20)
        | (number >> 4 << 16)
        | (min(family, 15) << 8)
        | ((number & 15) << 4)
        | stepping
    )


def vmsa_page(address: int, signature: int, features: int) -> bytes:
    """The state of one processor when QEMU starts it, 4096 bytes.

    Args:
        address: where it starts, 32 bits.
        signature: CPUID leaf 1 EAX, which KVM puts into RDX.
        features: SEV_FEATURES, 64 bits; bit 0 is SNP itself.

    Raises:
        ConfigError: the features do not fit into 64 bits or lack SNP.
    """
    if not 0 < features < MAX_FEATURES or not features & 1:
        raise ConfigError(f"SEV features {features:#x} lack bit 0 (SNP) or have more than 64 bits")
    page = bytearray(PAGE)
    segments = dict.fromkeys(("es", "ss", "ds", "fs", "gs"), (0, 0x93, 0xFFFF, 0))
    segments["cs"] = (0xF000, 0x9B, 0xFFFF, address & 0xFFFF0000)
    segments |= {"gdtr": (0, 0, 0xFFFF, 0), "idtr": (0, 0, 0xFFFF, 0)}
    segments |= {"ldtr": (0, 0x82, 0xFFFF, 0), "tr": (0, 0x8B, 0xFFFF, 0)}
    for index, name in enumerate(_SEGMENTS):
        _SEGMENT.pack_into(page, index * _SEGMENT.size, *segments[name])
    numbers = {
        _EFER: 0x1000,
        _CR4: 0x40,
        _CR0: 0x10,
        _DR7: 0x400,
        _DR6: 0xFFFF0FF0,
        _RFLAGS: 2,
        _RIP: address & 0xFFFF,
        _PAT: _PAT_AT_RESET,
        _RDX: signature,
        _FEATURES: features,
        _XCR0: 1,
    }
    for at, value in numbers.items():
        struct.pack_into("<Q", page, at, value)
    struct.pack_into("<I", page, _MXCSR, 0x1F80)
    struct.pack_into("<H", page, _FCW, 0x37F)
    return bytes(page)
