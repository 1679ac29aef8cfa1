"""The run-time registers of a trust domain, from the files and settings that determine them.

A register starts as 48 zero bytes; each event extends it: ``SHA-384(register || digest)``. The
firmware extends RTMR0 (its own configuration) and RTMR1 (what it starts), Linux's EFI stub RTMR2
(command line and initrd). Sources: ``attestation.md`` §8.1, §8.3; TCG "PC Client Platform Firmware
Profile"; edk2 ``OvmfPkg`` and ``SecurityPkg``; a published event log of real hardware
(``vectors/attestation/measure.json``).
"""

import hashlib
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from cocoon.attestation.measure.kernel import FOUR_GIB, low_memory
from cocoon.attestation.measure.tdvf import SectionKind, Tdvf
from cocoon.errors import ConfigError

REGISTER_BYTES = 48
ZERO_REGISTER = bytes(REGISTER_BYTES)
MAX_MEMORY_BYTES = 64 << 40
MAX_CMDLINE_BYTES = 4096
MAX_EVENTS = 1024
MAX_EVENT_TEXT = 512

_GLOBAL = UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
_IMAGE_SECURITY = UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
_FIRMWARE_VOLUME = UUID("7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1")
_SETUP_APPLICATION = UUID("462caa21-7614-4503-836e-8ab6f4662331")
_SEPARATOR = bytes(4)

_HOB_HANDOFF = struct.Struct("<HHIII5Q")
_HOB_RESOURCE = struct.Struct("<HHI16sIIQQ")
_HOB_END_BYTES = 8
_SYSTEM_MEMORY = 0
_UNACCEPTED_MEMORY = 7
_PRESENT_INITIALIZED_TESTED = 7
_HEX_TREE = re.compile(r"[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Event:
    """What extends a register once: a name for people and the SHA-384 digest, 48 bytes."""

    name: str
    digest: bytes

    @classmethod
    def of(cls, name: str, data: bytes) -> "Event":
        """The event that measures ``data``."""
        return cls(name, hashlib.sha384(data).digest())


def extend(register: bytes, digest: bytes) -> bytes:
    """A register after one more event; both 48 bytes.

    Raises:
        ConfigError: either is not 48 bytes long.
    """
    if len(register) != REGISTER_BYTES or len(digest) != REGISTER_BYTES:
        raise ConfigError(f"a register and a digest have {REGISTER_BYTES} bytes")
    return hashlib.sha384(register + digest).digest()


def replay(events: Sequence[Event]) -> bytes:
    """The register that results from events, 48 bytes.

    Raises:
        ConfigError: a digest is not 48 bytes long or there are too many events.
    """
    if len(events) > MAX_EVENTS:
        raise ConfigError(f"{len(events)} events are more than a boot makes")
    register = ZERO_REGISTER
    for event in events:
        register = extend(register, event.digest)
    return register


def td_hob(tdvf: Tdvf, memory: int) -> bytes:
    """The list of memory that QEMU's q35 hands to the firmware, as far as it is measured.

    Args:
        tdvf: the firmware.
        memory: bytes of guest memory, whole pages.

    Raises:
        ConfigError: the memory is not whole pages, too large, or smaller than the firmware needs.
    """
    ranges = _ram_ranges(tdvf, memory)
    base = tdvf.only(SectionKind.HAND_OFF_BLOCK).address
    size = _HOB_HANDOFF.size + len(ranges) * _HOB_RESOURCE.size
    end = base + size + _HOB_END_BYTES
    parts = [_HOB_HANDOFF.pack(1, _HOB_HANDOFF.size, 0, 9, 0, 0, 0, 0, 0, end)]
    for kind, start, length in ranges:
        head = (3, _HOB_RESOURCE.size, 0, bytes(16), kind, _PRESENT_INITIALIZED_TESTED)
        parts.append(_HOB_RESOURCE.pack(*head, start, length))
    return b"".join(parts)


def _ram_ranges(tdvf: Tdvf, memory: int) -> list[tuple[int, int, int]]:
    if memory <= 0 or memory % 4096 or memory > MAX_MEMORY_BYTES:
        raise ConfigError(f"{memory} bytes of memory: give whole pages, at most 64 TiB")
    low = low_memory(memory)
    ranges = []
    at = 0
    for start, end in _added_memory(tdvf):
        if start < at or end > low:
            raise ConfigError("the firmware's sections overlap or do not fit into the memory")
        if start > at:
            ranges.append((_UNACCEPTED_MEMORY, at, start - at))
        ranges.append((_SYSTEM_MEMORY, start, end - start))
        at = end
    if at < low:
        ranges.append((_UNACCEPTED_MEMORY, at, low - at))
    if memory > low:
        ranges.append((_UNACCEPTED_MEMORY, FOUR_GIB, memory - low))
    return ranges


def _added_memory(tdvf: Tdvf) -> list[tuple[int, int]]:
    kinds = (SectionKind.HAND_OFF_BLOCK, SectionKind.TEMPORARY_MEMORY)
    added = [section for section in tdvf.sections if section.kind in kinds]
    return sorted((part.address, part.address + part.memory_size) for part in added)


def variable_event(vendor: UUID, name: str, data: bytes = b"") -> Event:
    """A UEFI variable of the Secure Boot policy; without data if it is not set."""
    encoded = name.encode("utf-16-le")
    head = vendor.bytes_le + struct.pack("<QQ", len(name), len(data))
    return Event.of(f"variable {name}", head + encoded + data)


def secure_boot_off() -> tuple[Event, ...]:
    """The five variables of Secure Boot as OVMF measures them when none is set."""
    pairs = ((_GLOBAL, "SecureBoot"), (_GLOBAL, "PK"), (_GLOBAL, "KEK"))
    images = ((_IMAGE_SECURITY, "db"), (_IMAGE_SECURITY, "dbx"))
    return tuple(variable_event(vendor, name) for vendor, name in (*pairs, *images))


def separator_event() -> Event:
    """What divides the firmware's own events from those of booting."""
    return Event.of("separator", _SEPARATOR)


@dataclass(frozen=True, slots=True)
class AcpiTables:
    """What QEMU generates for the firmware; files ``etc/acpi/*`` and ``etc/table-loader``.

    They depend on QEMU's version and on every device, so they are given, not computed: read them
    once from a reference guest or from QEMU's fw_cfg.
    """

    loader: bytes
    rsdp: bytes
    tables: bytes


def boot_events() -> tuple[Event, ...]:
    """BootOrder and Boot0000 where the firmware's setup is the only boot option.

    So it is with a kernel given to QEMU and no bootable device, up to edk2 2025.02.
    """
    paths = _path_node(7, _FIRMWARE_VOLUME) + _path_node(6, _SETUP_APPLICATION) + b"\x7f\xff\4\0"
    option = struct.pack("<IH", 0x109, len(paths)) + "UiApp\0".encode("utf-16-le") + paths
    return (Event.of("variable BootOrder", bytes(2)), Event.of("variable Boot0000", option))


def _path_node(kind: int, guid: UUID) -> bytes:
    return struct.pack("<BBH", 4, kind, 20) + guid.bytes_le


def rtmr0_events(tdvf: Tdvf, memory: int, acpi: AcpiTables) -> tuple[Event, ...]:
    """RTMR0 of OVMF up to edk2 2025.02 with QEMU's q35, Secure Boot off, direct kernel boot.

    Raises:
        ConfigError: see :func:`td_hob`.
    """
    volume = tdvf.data(tdvf.only(SectionKind.CONFIGURATION_VOLUME))
    return (
        Event.of("memory of the trust domain", td_hob(tdvf, memory)),
        Event.of("configuration volume", volume),
        *secure_boot_off(),
        separator_event(),
        Event.of("ACPI table loader", acpi.loader),
        Event.of("ACPI RSDP", acpi.rsdp),
        Event.of("ACPI tables", acpi.tables),
        *boot_events(),
    )


def rtmr1_events(kernel_digest: bytes) -> tuple[Event, ...]:
    """RTMR1 of a kernel that QEMU gave directly; ``kernel_digest`` as firmware measures it."""
    return (
        Event("kernel", kernel_digest),
        Event.of("boot option is called", b"Calling EFI Application from Boot Option"),
        separator_event(),
        Event.of("boot services end", b"Exit Boot Services Invocation"),
        Event.of("boot services ended", b"Exit Boot Services Returned with Success"),
    )


def direct_boot_cmdline(cmdline: str, *, with_initrd: bool) -> str:
    """The command line that the kernel sees: OVMF names the initrd at its end."""
    return f"{cmdline} initrd=initrd" if with_initrd else cmdline


def rtmr2_events(cmdline: str, initrd: Iterable[bytes] | None) -> tuple[Event, ...]:
    """RTMR2: the command line as the kernel's EFI stub sees it, then the initrd.

    Args:
        cmdline: what QEMU was given; what OVMF appends is added here.
        initrd: its bytes in parts of any size; None without one.

    Raises:
        ConfigError: the command line is longer than 4096 bytes or has control characters.
    """
    if len(cmdline.encode()) > MAX_CMDLINE_BYTES or _CONTROL.search(cmdline):
        raise ConfigError("the command line is longer than 4096 bytes or has control characters")
    seen = direct_boot_cmdline(cmdline, with_initrd=initrd is not None)
    events = [Event.of("command line", f"{seen}\0".encode("utf-16-le"))]
    if initrd is not None:
        digest = hashlib.sha384()
        for part in initrd:
            digest.update(part)
        events.append(Event("initrd", digest.digest()))
    return tuple(events)


def text_event(text: str) -> Event:
    """An event of Cocoon's guest: SHA-384 of its text without a newline.

    Raises:
        ConfigError: the text is empty, too long or has control characters.
    """
    if not 0 < len(text.encode()) <= MAX_EVENT_TEXT or _CONTROL.search(text):
        raise ConfigError(f"{text!r} cannot be an event")
    return Event.of(text, text.encode())


def rtmr3_events(tree: str, *, gpus: int = 0, debug: bool = False) -> tuple[Event, ...]:
    """RTMR3 of a guest that has booted.

    Args:
        tree: hash of the configuration, 64 lower-case hex characters.
        gpus: how many GPUs the guest verified before it trusted them; 0 leaves no event.
        debug: whether the command line says ``cocoon_debug``.

    Raises:
        ConfigError: the hash is not one, or a negative number of GPUs.
    """
    if not _HEX_TREE.fullmatch(tree) or gpus < 0:
        raise ConfigError(f"{tree!r} is not a hash of 64 hex characters, or {gpus} GPUs")
    texts = [f"cocoon:spec.tree={tree}"]
    if debug:
        texts.append("cocoon:cocoon_debug")
    if gpus:
        texts.append(f"cocoon:gpu_verified={gpus}")
    texts.append("cocoon:tdx_inited")
    return tuple(text_event(text) for text in texts)
