"""Linux's interface to quotes of any TEE: configfs-tsm (kernel ABI ``configfs-tsm-report``).

A report is made in an entry (a directory) of its own: write ``inblob``, read ``outblob``. The
kernel counts every write in ``generation``; when the count is not what our own writes make it,
somebody else wrote to the entry and the answer may be for his data.
"""

import errno
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.errors import EvidenceError
from cocoon.tee.files import Files, KernelFiles

REPORT_ROOT = Path("sys/kernel/config/tsm/report")
"""Below the root of the file system."""
INBLOB_BYTES = 64
MAX_OUTBLOB_BYTES = 32_768
"""What a verifier reads of a quote at most (``attestation.md`` §1.3)."""
MAX_AUXBLOB_BYTES = 65_536
MAX_ATTEMPTS = 3

_MAX_TEXT_BYTES = 256
_BUSY = (errno.EBUSY, errno.EAGAIN, errno.EINTR)
_DRIVER = "load the guest driver (tdx_guest or sev-guest) in a confidential virtual machine"
_ACCESS = "run as root, or give the service access to the report interface"
_HOST = "have the operator of the host look at its quote service"
_CAUSES = {
    errno.ENOENT: ("the kernel has no report interface", f"mount configfs; {_DRIVER}"),
    errno.ENXIO: ("no TEE driver provides reports", _DRIVER),
    errno.EACCES: ("no permission", _ACCESS),
    errno.EPERM: ("no permission", _ACCESS),
    errno.EROFS: ("the report interface is read-only", "mount configfs writable"),
    errno.ETIMEDOUT: ("the host's quote service does not answer", _HOST),
    errno.ENODEV: ("the host offers no quote service", _HOST),
    errno.EIO: ("the host's quote service failed", _HOST),
    errno.EINVAL: ("the driver does not accept the request", "update the kernel"),
}


@dataclass(frozen=True, slots=True)
class TsmReport:
    """What the kernel answered.

    Attributes:
        provider: the driver: ``tdx_guest`` or ``sev_guest``.
        outblob: the quote or report.
        auxblob: certificates that the host supplies; empty when there are none.
        generation: the kernel's count of writes when the answer was made.
    """

    provider: str
    outblob: bytes = field(repr=False)
    auxblob: bytes = field(repr=False)
    generation: int


class TsmReports:
    """Makes reports; safe to use from several threads and processes, each request on its own.

    Args:
        root: of the file system; tests put a stand-in there.
        files: how files are reached.
        provider: the driver that must answer, or None for any.
    """

    def __init__(
        self, root: Path = Path("/"), *, files: Files | None = None, provider: str | None = None
    ) -> None:
        self._folder = root / REPORT_ROOT
        self._files = files or KernelFiles()
        self._provider = provider

    def is_available(self) -> bool:
        """Whether the kernel has the interface; a driver may still be missing."""
        return self._files.exists(self._folder)

    def request(
        self, inblob: bytes, *, privilege_level: int | None = None, auxiliary: bool = False
    ) -> TsmReport:
        """Make a report; blocks for up to a few seconds.

        Args:
            inblob: what to have signed, 64 bytes.
            privilege_level: of the guest (SEV-SNP: VMPL), 0 to 3; None leaves the driver's.
            auxiliary: whether to read ``auxblob`` too.

        Raises:
            EvidenceError: there is no such interface, or no report came; says what to do.
        """
        if len(inblob) != INBLOB_BYTES:
            raise EvidenceError(f"{INBLOB_BYTES} bytes are signed, not {len(inblob)}")
        for _ in range(MAX_ATTEMPTS):
            report = self._attempt(inblob, privilege_level, auxiliary)
            if report is not None:
                return report
        raise EvidenceError(
            f"no report in {MAX_ATTEMPTS} attempts: the driver is busy or something else writes"
            " to our entries of the report interface"
        )

    def _attempt(
        self, inblob: bytes, privilege_level: int | None, auxiliary: bool
    ) -> TsmReport | None:
        """One report in an entry of its own; None when it is worth another attempt."""
        entry = self._folder / f"cocoon-{secrets.token_hex(8)}"
        try:
            self._files.mkdir(entry)
        except OSError as error:
            raise _failure("no entry in the report interface", error) from error
        try:
            return self._fill(entry, inblob, privilege_level, auxiliary)
        except OSError as error:
            if error.errno in _BUSY:
                return None
            raise _failure("the platform made no report", error) from error
        finally:
            self._remove(entry)

    def _fill(
        self, entry: Path, inblob: bytes, privilege_level: int | None, auxiliary: bool
    ) -> TsmReport | None:
        provider = self._text(entry / "provider")
        if self._provider is not None and provider != self._provider:
            raise EvidenceError(f"the kernel's driver is {provider}, not {self._provider}")
        expected = self._generation(entry)
        if privilege_level is not None:
            self._files.write(entry / "privlevel", str(privilege_level).encode())
            expected += 1
        self._files.write(entry / "inblob", inblob)
        expected += 1
        outblob = self._blob(entry / "outblob", MAX_OUTBLOB_BYTES)
        auxblob = self._auxblob(entry) if auxiliary else b""
        # Read last: what was written before or between the blobs shows in the count.
        if self._generation(entry) != expected:
            return None
        if not outblob:
            raise EvidenceError("the platform made an empty report")
        return TsmReport(provider, outblob, auxblob, expected)

    def _auxblob(self, entry: Path) -> bytes:
        path = entry / "auxblob"
        return self._blob(path, MAX_AUXBLOB_BYTES) if self._files.exists(path) else b""

    def _blob(self, path: Path, limit: int) -> bytes:
        content = self._files.read(path, limit)
        if len(content) > limit:
            raise EvidenceError(f"the platform's {path.name} has more than {limit} bytes")
        return content

    def _generation(self, entry: Path) -> int:
        text = self._text(entry / "generation")
        # isdecimal() alone would let other scripts' digits through.
        if not (text.isascii() and text.isdecimal()):
            raise EvidenceError("the report interface's generation is no number")
        return int(text)

    def _text(self, path: Path) -> str:
        raw = self._files.read(path, _MAX_TEXT_BYTES)
        try:
            return raw.decode("ascii").strip()
        except UnicodeDecodeError as error:
            raise EvidenceError(f"the report interface's {path.name} is no text") from error

    def _remove(self, entry: Path) -> None:
        try:
            self._files.rmdir(entry)
        except OSError:
            # An entry left behind costs a little kernel memory and is never used again.
            return


def _failure(what: str, error: OSError) -> EvidenceError:
    unknown = (error.strerror or "unknown cause", "look at the kernel's log")
    cause, fix = _CAUSES.get(error.errno or 0, unknown)
    return EvidenceError(f"{what}: {cause}", fix=fix)
