"""The older interface of Linux to SEV-SNP reports: ``/dev/sev-guest``.

Source: the kernel's ``include/uapi/linux/sev-guest.h`` and AMD 56860 ``MSG_REPORT_RSP``. The
request names buffers by their addresses in this process.
"""

import ctypes
import errno
import struct
from pathlib import Path

from cocoon.attestation.evidence.snp_report import REPORT_BYTES
from cocoon.attestation.measurements import REPORT_DATA_BYTES
from cocoon.errors import EvidenceError
from cocoon.tee.files import Files

DEVICE = Path("dev/sev-guest")
"""Below the root of the file system."""
SNP_GET_EXT_REPORT = 0xC020_5302
"""``_IOWR('S', 2, struct snp_guest_request_ioctl)``."""
CERTIFICATES_BYTES = 0x4000
"""The most that the driver takes, a multiple of its page."""
RESPONSE_BYTES = 4000

_MESSAGE_VERSION = 1
_REQUEST = struct.Struct("<64sI28xQI4x")
"""Report data, VMPL, address and size of the buffer for certificates."""
_CALL = struct.Struct("<B7xQQII")
"""Message version, addresses of request and response, errors of firmware and host."""
_RESPONSE = struct.Struct("<II24x")
"""Status and size of the report, which follows."""
_CAUSES = {
    errno.ENOENT: "the kernel has no SEV-SNP driver; load sev-guest",
    errno.EACCES: "no permission; run as root or give the service access to the device",
    errno.EPERM: "no permission; run as root or give the service access to the device",
    errno.EAGAIN: "the host is busy with other guests; try again",
    errno.ENOSPC: "the host's certificate table is larger than the driver allows",
    errno.EIO: "the firmware refused; have the host look at its log",
    errno.ENOTTY: "the firmware refused for good: its channel to the guest is closed",
}


def report_by_device(
    files: Files, root: Path, report_data: bytes, vmpl: int = 0
) -> tuple[bytes, bytes]:
    """Ask the device for a report; blocks for up to a second.

    Args:
        files: how the device is reached.
        root: of the file system.
        report_data: what to have signed, 64 bytes.
        vmpl: privilege level of the report, 0 to 3; not below the one we run at.

    Returns:
        The report, 1184 bytes, and the host's certificate table, which may be empty.

    Raises:
        EvidenceError: there is no device, or it made no report; says what to do.
    """
    if len(report_data) != REPORT_DATA_BYTES:
        raise EvidenceError(f"report data has {REPORT_DATA_BYTES} bytes, not {len(report_data)}")
    table = ctypes.create_string_buffer(CERTIFICATES_BYTES)
    response = ctypes.create_string_buffer(RESPONSE_BYTES)
    table_at, response_at = ctypes.addressof(table), ctypes.addressof(response)
    packed = _REQUEST.pack(report_data, vmpl, table_at, CERTIFICATES_BYTES)
    request = ctypes.create_string_buffer(packed, _REQUEST.size)
    call = _CALL.pack(_MESSAGE_VERSION, ctypes.addressof(request), response_at, 0, 0)
    try:
        answered = files.ioctl(root / DEVICE, SNP_GET_EXT_REPORT, call)
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0, error.strerror or "unknown cause")
        raise EvidenceError(f"no report from {DEVICE.name}: {cause}") from error
    *_, firmware_error, host_error = _CALL.unpack(answered)
    if firmware_error or host_error:
        raise EvidenceError(
            f"no report from {DEVICE.name}: firmware error {firmware_error:#x}, host error"
            f" {host_error:#x}"
        )
    return _report(response.raw), table.raw


def _report(response: bytes) -> bytes:
    status, size = _RESPONSE.unpack_from(response)
    if status != 0:
        raise EvidenceError(f"the firmware made no report: status {status:#x}")
    if size != REPORT_BYTES:
        raise EvidenceError(f"the firmware's report has {size} bytes, not {REPORT_BYTES}")
    return response[_RESPONSE.size : _RESPONSE.size + REPORT_BYTES]
