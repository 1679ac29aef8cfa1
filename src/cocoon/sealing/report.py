"""What the seal protocol reads of a TDREPORT (``attestation.md`` §4.5)."""

from typing import Final, Protocol

from cocoon.attestation.evidence.td_report import TdReport, parse_td_report
from cocoon.errors import EvidenceError

REPORT_TYPE: Final = bytes([0x81, 0, 0, 0])
"""Type, subtype, version and reserved byte that the official enclave accepts."""
MAC_AT: Final = 224
MAC_BYTES: Final = 32
SIGNED_BYTES: Final = MAC_AT
"""The part that the processor's MAC covers here, with the hashes of everything else in it."""


class ReportSource(Protocol):
    """Makes TDREPORTs of this guest; implemented by real and simulated hardware."""

    def report(self, report_data: bytes) -> bytes:
        """A report of 1024 bytes over 64 bytes of report data.

        Raises:
            EvidenceError: this is no TDX guest, or the platform made no report.
        """
        ...


def accepted_report(data: bytes) -> TdReport:
    """Read a report as the official enclave does; its MAC only the processor can check.

    Raises:
        EvidenceError: malformed, or of a type or version that the enclave does not accept.
    """
    report = parse_td_report(data)
    if data[:4] != REPORT_TYPE:
        raise EvidenceError("a TD report of another version than 0")
    return report
