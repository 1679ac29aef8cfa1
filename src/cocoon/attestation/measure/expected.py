"""What genuine hardware will report for given files, register by register.

Nothing is guessed: a register that depends on something that was not given has no value, and a
note says what it needs. Sources: ``attestation.md`` §3, §8.1; ``docs/reference/measurements.md``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from cocoon.attestation.measure.kernel import KernelHeader, kernel_digest
from cocoon.attestation.measure.rtmr import (
    AcpiTables,
    Event,
    replay,
    rtmr0_events,
    rtmr1_events,
    rtmr2_events,
    rtmr3_events,
)
from cocoon.attestation.measure.tdvf import PageOrder, mrtd, parse_tdvf
from cocoon.attestation.measurements import REPORT_DATA_BYTES, TdxMeasurements
from cocoon.errors import ConfigError

TDX_REGISTERS = (
    "mrtd",
    "mr_config_id",
    "mr_owner",
    "mr_owner_config",
    "rtmr0",
    "rtmr1",
    "rtmr2",
    "rtmr3",
)


class Origin(Enum):
    """Where a register's value comes from."""

    COMPUTED = "computed"
    GIVEN = "given"
    UNUSED = "unused"
    """Zero, because nothing of ours sets it."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Register:
    """One register: 48 bytes or None, where they come from, and what to know about them."""

    name: str
    value: bytes | None
    origin: Origin
    note: str = ""


@dataclass(frozen=True, slots=True)
class Blob:
    """A file that may be too large to hold: its size, and a function that reads it in parts."""

    size: int
    read: Callable[[], Iterable[bytes]]

    @classmethod
    def of(cls, data: bytes) -> "Blob":
        """A blob that is in memory."""
        return cls(len(data), lambda: (data,))


@dataclass(frozen=True, slots=True)
class Boot:
    """What boots, on either platform; None where it is not given.

    Attributes:
        firmware: the OVMF image.
        kernel: the bzImage that QEMU is given.
        initrd: its initrd.
        cmdline: its command line, as QEMU is given it.
        config: hash of the configuration, 64 hex characters.
        gpus: how many GPUs the guest verifies.
        debug: whether the command line says ``cocoon_debug``.
    """

    firmware: bytes | None = None
    kernel: bytes | None = None
    initrd: Blob | None = None
    cmdline: str | None = None
    config: str | None = None
    gpus: int = 0
    debug: bool = False


@dataclass(frozen=True, slots=True)
class TdxHost:
    """What a TDX host adds; None where it is not given.

    Attributes:
        pages: the order in which its KVM adds and measures pages.
        kernel_header: what its QEMU does to the kernel's setup header.
        memory: bytes of guest memory.
        acpi: what its QEMU generates.
        rtmr0_digests: digests of RTMR0 from a reference guest's event log, instead.
    """

    pages: PageOrder | None = None
    kernel_header: KernelHeader | None = None
    memory: int | None = None
    acpi: AcpiTables | None = None
    rtmr0_digests: tuple[bytes, ...] = ()


def tdx_registers(boot: Boot, host: TdxHost, given: Mapping[str, bytes]) -> tuple[Register, ...]:
    """Every register that the image hash covers, in the order of the hash.

    Args:
        boot: what boots.
        host: the machine.
        given: registers known from elsewhere, 48 bytes each, by name.

    Raises:
        ConfigError: a file is malformed, or a given register is not what the files give.
    """
    makers: dict[str, Callable[[Boot, TdxHost], Register]] = {
        "mrtd": _mrtd,
        "rtmr0": _rtmr0,
        "rtmr1": _rtmr1,
        "rtmr2": _rtmr2,
        "rtmr3": _rtmr3,
    }
    registers = []
    for name in TDX_REGISTERS:
        maker = makers.get(name)
        found = maker(boot, host) if maker else _unused(name)
        registers.append(with_given(found, given.get(name)))
    return tuple(registers)


def tdx_measurements(registers: tuple[Register, ...]) -> TdxMeasurements | None:
    """The measurements of a quote, without report data; None while a register is missing."""
    values = [register.value for register in registers if register.value is not None]
    if len(values) != len(TDX_REGISTERS):
        return None
    return TdxMeasurements(
        mr_td=values[0],
        mr_config_id=values[1],
        mr_owner=values[2],
        mr_owner_config=values[3],
        rtmrs=(values[4], values[5], values[6], values[7]),
        report_data=bytes(REPORT_DATA_BYTES),
    )


def with_given(found: Register, given: bytes | None) -> Register:
    """The register with what is known from elsewhere: fills a gap, and must agree otherwise.

    Raises:
        ConfigError: the two differ.
    """
    if given is None:
        return found
    if found.origin is Origin.COMPUTED and found.value != given:
        computed = found.value.hex() if found.value else ""
        raise ConfigError(f"the given {found.name} is not what the files give: {computed}")
    if found.origin is Origin.COMPUTED:
        return found
    return Register(found.name, given, Origin.GIVEN)


def missing_register(name: str, **needed: object) -> Register | None:
    """The register without a value if something that it needs is not there."""
    absent = [what.replace("_", " ") for what, value in needed.items() if value is None]
    if not absent:
        return None
    return Register(name, None, Origin.MISSING, f"needs {', '.join(absent)}, or must be given")


def _computed(name: str, events: Iterable[Event], note: str = "") -> Register:
    return Register(name, replay(tuple(events)), Origin.COMPUTED, note)


def _unused(name: str) -> Register:
    return Register(name, bytes(48), Origin.UNUSED, "zero unless the host sets it")


def _mrtd(boot: Boot, host: TdxHost) -> Register:
    missing = missing_register("mrtd", firmware=boot.firmware, pages=host.pages)
    if missing or boot.firmware is None or host.pages is None:
        return missing or _unused("mrtd")
    value = mrtd(parse_tdvf(boot.firmware), host.pages)
    return Register("mrtd", value, Origin.COMPUTED, f"pages added {host.pages.value}")


def _rtmr0(boot: Boot, host: TdxHost) -> Register:
    if host.rtmr0_digests:
        events = [Event("digest", digest) for digest in host.rtmr0_digests]
        return _computed("rtmr0", events, "from the digests of an event log")
    missing = missing_register(
        "rtmr0", firmware=boot.firmware, memory=host.memory, ACPI_tables=host.acpi
    )
    if missing or boot.firmware is None or host.memory is None or host.acpi is None:
        return missing or _unused("rtmr0")
    events = list(rtmr0_events(parse_tdvf(boot.firmware), host.memory, host.acpi))
    note = "for OVMF up to edk2 2025.02 on q35, Secure Boot off, no bootable device"
    return _computed("rtmr0", events, note)


def _rtmr1(boot: Boot, host: TdxHost) -> Register:
    patched = host.kernel_header is KernelHeader.PATCHED
    missing = missing_register(
        "rtmr1",
        kernel=boot.kernel,
        kernel_header=host.kernel_header,
        memory=host.memory if patched else 0,
    )
    if missing or boot.kernel is None or host.kernel_header is None:
        return missing or _unused("rtmr1")
    size = boot.initrd.size if boot.initrd else 0
    digest = kernel_digest(boot.kernel, host.kernel_header, size, host.memory or 0)
    return _computed("rtmr1", rtmr1_events(digest), f"kernel header {host.kernel_header.value}")


def _rtmr2(boot: Boot, _host: TdxHost) -> Register:
    missing = missing_register("rtmr2", command_line=boot.cmdline)
    if missing or boot.cmdline is None:
        return missing or _unused("rtmr2")
    parts = boot.initrd.read() if boot.initrd else None
    note = "" if boot.initrd else "without an initrd"
    return _computed("rtmr2", rtmr2_events(boot.cmdline, parts), note)


def _rtmr3(boot: Boot, _host: TdxHost) -> Register:
    missing = missing_register("rtmr3", configuration=boot.config)
    if missing or boot.config is None:
        return missing or _unused("rtmr3")
    events = rtmr3_events(boot.config, gpus=boot.gpus, debug=boot.debug)
    return _computed("rtmr3", events, "; ".join(event.name for event in events))
