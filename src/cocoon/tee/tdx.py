"""Real TDX: quotes, run-time registers and logs as a Linux guest sees them.

Quotes come through configfs-tsm. ``/dev/tdx_guest`` gives the TDREPORT, which only the same
machine can check, and registers are under ``/sys/class/misc/tdx_guest/measurements``
(kernel ABI ``sysfs-devices-virtual-misc-tdx_guest``).
"""

from pathlib import Path

from cocoon.attestation.event_log import (
    CCEL_TABLE_BYTES,
    Event,
    Register,
    parse_ccel,
    parse_event_log,
    text_event,
    text_events,
)
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.tdx_quote import TdBody, parse_quote
from cocoon.attestation.measurements import REGISTER_BYTES, REPORT_DATA_BYTES
from cocoon.errors import EvidenceError
from cocoon.tee.files import Files, KernelFiles
from cocoon.tee.platform import TDX_MEASUREMENTS
from cocoon.tee.td_report import TdxDevice
from cocoon.tee.tsm import TsmReports

PROVIDER = "tdx_guest"
CCEL_TABLE = Path("sys/firmware/acpi/tables/CCEL")
CCEL_LOG = Path("sys/firmware/acpi/tables/data/CCEL")
START_UP_LOG = Path("var/log/tdx-attestation.log")
"""Where Cocoon's start-up writes its events, a line each (``attestation.md`` §8.3)."""
MAX_START_UP_LOG_BYTES = 65_536

_UNWRITTEN = b"\xff"
_KEPT_UNWRITTEN = 1024  # the last event may end with such bytes too

_START_UP_REGISTER = Register.RTMR3
_WRITABLE = (Register.RTMR2, Register.RTMR3)


class TdxGuest:
    """An :class:`~cocoon.attestation.evidence.EvidenceSource`: this machine's TDX module.

    Args:
        root: of the file system; tests put a stand-in there.
        files: how files are reached.
    """

    kind = EvidenceKind.TDX

    def __init__(self, root: Path = Path("/"), *, files: Files | None = None) -> None:
        self._root = root
        self._files = files or KernelFiles()
        self._device = TdxDevice(root, files=self._files)
        self._reports = TsmReports(root, files=self._files, provider=PROVIDER)

    def quote(self, report_data: bytes) -> bytes:
        """A quote over 64 bytes; takes up to some seconds, because the host signs it.

        Raises:
            EvidenceError: no quote came, or one for something else; says what to do.
        """
        _require_report_data(report_data)
        quote = self._reports.request(report_data).outblob
        body = parse_quote(quote).body
        if not isinstance(body, TdBody) or body.report_data != report_data:
            raise EvidenceError("the kernel returned a quote for something else")
        return quote

    def report(self, report_data: bytes) -> bytes:
        """The TDREPORT over 64 bytes: 1024 bytes that only this machine's enclaves can check.

        Raises:
            EvidenceError: the driver is missing or refuses; says what to do.
        """
        return self._device.report(report_data)

    def rtmr(self, register: Register) -> bytes:
        """A run-time register, 48 raw bytes: they may end like text and are not stripped.

        Raises:
            EvidenceError: the kernel does not show it.
        """
        path = self._register_path(register)
        try:
            value = self._files.read(path, REGISTER_BYTES)
        except OSError as error:
            raise _failed(f"{register.value} cannot be read", error) from error
        if len(value) != REGISTER_BYTES:
            raise EvidenceError(f"{register.value} has {len(value)} bytes, not {REGISTER_BYTES}")
        return value

    def rtmrs(self) -> tuple[bytes, bytes, bytes, bytes]:
        """All four run-time registers.

        Raises:
            EvidenceError: the kernel does not show one.
        """
        return (
            self.rtmr(Register.RTMR0),
            self.rtmr(Register.RTMR1),
            self.rtmr(Register.RTMR2),
            self.rtmr(Register.RTMR3),
        )

    def extend(self, register: Register, digest: bytes) -> None:
        """Extend RTMR2 or RTMR3 by a SHA-384 digest; firmware has closed the others.

        Raises:
            EvidenceError: another register, a digest that is not 48 bytes, or the kernel refuses.
        """
        if register not in _WRITABLE:
            raise EvidenceError(f"{register.value} cannot be extended by software")
        if len(digest) != REGISTER_BYTES:
            raise EvidenceError(f"a digest of {len(digest)} bytes, not {REGISTER_BYTES}")
        try:
            self._files.write(self._register_path(register), digest)
        except OSError as error:
            raise _failed(f"{register.value} cannot be extended", error) from error

    def record(self, line: str) -> Event:
        """Write down a start-up event and extend RTMR3 by it.

        In this order: a line that was not extended shows as a register that does not match, and
        the machine is not used; an extension without its line could never be explained.

        Args:
            line: without a line end.

        Raises:
            EvidenceError: the text does not suit, or the log or the register refuses.
        """
        event = text_event(line)
        try:
            with (self._root / START_UP_LOG).open("a", encoding="utf-8") as log:
                log.write(f"{line}\n")
        except OSError as error:
            raise _failed("the start-up log cannot be written", error) from error
        self.extend(_START_UP_REGISTER, event.digest)
        return event

    def event_log(self) -> tuple[Event, ...]:
        """All events of this boot: firmware's and loader's, then Cocoon's.

        Raises:
            EvidenceError: the machine shows no log, or it is malformed.
        """
        return self._firmware_events() + self._start_up_events()

    def logs(self) -> tuple[bytes, str | None]:
        """The firmware's log and the lines of Cocoon's start-up as they are, for readers elsewhere.

        Raises:
            EvidenceError: the machine shows no log.
        """
        log = self._firmware_log()
        written = len(log.rstrip(_UNWRITTEN)) + _KEPT_UNWRITTEN
        return log[:written], self._start_up_log()

    def _firmware_events(self) -> tuple[Event, ...]:
        return parse_event_log(self._firmware_log())

    def _firmware_log(self) -> bytes:
        try:
            table = self._files.read(self._root / CCEL_TABLE, CCEL_TABLE_BYTES)
            area = parse_ccel(table)
            # The area is as long as the table says; what the file has more is not the log.
            return self._files.read(self._root / CCEL_LOG, area.length)[: area.length]
        except OSError as error:
            raise _failed("no event log of the firmware", error) from error

    def _start_up_events(self) -> tuple[Event, ...]:
        log = self._start_up_log()
        return () if log is None else text_events(log)

    def _start_up_log(self) -> str | None:
        path = self._root / START_UP_LOG
        if not self._files.exists(path):
            return None
        try:
            raw = self._files.read(path, MAX_START_UP_LOG_BYTES)
        except OSError as error:
            raise _failed("the start-up log cannot be read", error) from error
        if len(raw) > MAX_START_UP_LOG_BYTES:
            raise EvidenceError(f"a start-up log of more than {MAX_START_UP_LOG_BYTES} bytes")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise EvidenceError("the start-up log is no text") from error

    def _register_path(self, register: Register) -> Path:
        return self._root / TDX_MEASUREMENTS / f"{register.value.lower()}:sha384"


def _require_report_data(report_data: bytes) -> None:
    if len(report_data) != REPORT_DATA_BYTES:
        raise EvidenceError(f"report data has {REPORT_DATA_BYTES} bytes, not {len(report_data)}")


def _failed(what: str, error: OSError) -> EvidenceError:
    if isinstance(error, FileNotFoundError):
        fix = "start Cocoon in a TDX virtual machine whose kernel has the tdx_guest driver"
    elif isinstance(error, PermissionError):
        fix = "run as root, or give the service access to the tdx_guest device and its registers"
    else:
        fix = "look at the kernel's log for messages of tdx_guest"
    return EvidenceError(f"{what}: {error.strerror or 'unknown cause'}", fix=fix)
