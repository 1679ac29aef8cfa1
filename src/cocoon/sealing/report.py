"""What the seal protocol reads of a TDREPORT (``attestation.md`` §4.5)."""

from dataclasses import dataclass
from typing import Final, Protocol

from cocoon.errors import EvidenceError
from cocoon.sealing.messages import REPORT_BYTES

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


@dataclass(frozen=True, slots=True)
class TdReport:
    """The fields that a persistent key depends on.

    Attributes:
        tee_tcb_info_hash: SHA-384 over the TDX module's identity and patch level, 48 bytes.
        tee_info_hash: SHA-384 over the guest's attributes and measurements, 48 bytes.
        report_data: what the guest asked to be reported, 64 bytes.
    """

    tee_tcb_info_hash: bytes
    tee_info_hash: bytes
    report_data: bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> "TdReport":
        """Read a report; its MAC can be checked only by the processor that made it.

        Raises:
            EvidenceError: not 1024 bytes, or of a type that the enclave does not accept.
        """
        if len(data) != REPORT_BYTES:
            raise EvidenceError(f"a TD report has {REPORT_BYTES} bytes, not {len(data)}")
        if data[:4] != REPORT_TYPE:
            raise EvidenceError("a TD report of another type or version than 81/0/0")
        return cls(bytes(data[32:80]), bytes(data[80:128]), bytes(data[128:192]))
