"""TDREPORTs of this guest from the kernel's ``/dev/tdx_guest`` (``attestation.md`` §4.5).

Such a report can be checked on this machine only; the seal service asks for one.
"""

import errno
from pathlib import Path
from typing import Final

from cocoon.errors import EvidenceError
from cocoon.tee.files import Files, KernelFiles
from cocoon.tee.platform import TDX_DEVICE

REPORT_DATA_BYTES: Final = 64
REPORT_BYTES: Final = 1024
GET_REPORT: Final = 0xC440_5401
"""``TDX_CMD_GET_REPORT0``: ``_IOWR('T', 1, struct tdx_report_req)``, 64 + 1024 bytes."""

_CAUSES = {
    errno.ENOENT: "this is no TDX guest, or its kernel has no driver; load tdx_guest",
    errno.EACCES: "no permission; run as root or give the service access to the device",
    errno.EPERM: "no permission; run as root or give the service access to the device",
}


class TdxDevice:
    """Makes reports by the kernel driver.

    Args:
        root: of the file system; tests put a stand-in there.
        files: how the device is reached.
    """

    def __init__(self, root: Path = Path("/"), *, files: Files | None = None) -> None:
        self._device = root / TDX_DEVICE
        self._files = files or KernelFiles()

    def report(self, report_data: bytes) -> bytes:
        """A report of 1024 bytes over 64 bytes of report data; takes microseconds.

        Raises:
            EvidenceError: this is no TDX guest, or the driver made no report; says what to do.
        """
        if len(report_data) != REPORT_DATA_BYTES:
            raise EvidenceError(f"report data has {REPORT_DATA_BYTES} bytes")
        try:
            answer = self._files.ioctl(self._device, GET_REPORT, report_data + bytes(REPORT_BYTES))
        except OSError as error:
            cause = _CAUSES.get(error.errno or 0, error.strerror)
            text = f"{self._device} made no report: {cause}"
            raise EvidenceError(text, fix=_CAUSES.get(error.errno or 0, "")) from error
        if len(answer) != REPORT_DATA_BYTES + REPORT_BYTES:
            raise EvidenceError(f"{self._device} made a report of another size")
        return bytes(answer[REPORT_DATA_BYTES:])
