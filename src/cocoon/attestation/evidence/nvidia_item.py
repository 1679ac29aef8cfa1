"""The evidence of one GPU as it travels: report, certificates and, if there is room, OCSP answers.

Layout (integers little-endian): u8 version 1; u16 length and the report of
:mod:`cocoon.attestation.evidence.nvidia_report`; u8 number of certificates, then u16 length and
DER of each, the one that signs the report first, NVIDIA's root last; u8 number of OCSP answers,
then u16 length and DER of each. OCSP answers are optional: with them a verifier need not ask
NVIDIA about this one GPU.
"""

import struct
from dataclasses import dataclass

from cocoon.attestation.evidence.nvidia_report import MAX_REPORT_BYTES
from cocoon.errors import EvidenceError, LocalProtocolError

VERSION = 1
MAX_ITEM_BYTES = 16_384
MAX_CERTIFICATE_BYTES = 2048
MIN_CERTIFICATES, MAX_CERTIFICATES = 3, 8
MAX_STAPLED = 6
MAX_STAPLED_BYTES = 4096


@dataclass(frozen=True, slots=True)
class GpuItem:
    """Parts of an item, not parsed any further.

    Attributes:
        report: SPDM request and response.
        certificates: DER, leaf first, 3 to 8.
        ocsp: DER of OCSP answers about them, at most 6.
    """

    report: bytes
    certificates: tuple[bytes, ...]
    ocsp: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        """The form in which it travels.

        Raises:
            LocalProtocolError: something is too long.
        """
        data = bytes([VERSION]) + _sized([self.report])
        data += bytes([len(self.certificates)]) + _sized(self.certificates)
        data += bytes([len(self.ocsp)]) + _sized(self.ocsp)
        try:
            self.from_bytes(data)
        except EvidenceError as error:
            raise LocalProtocolError(str(error)) from error
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> "GpuItem":
        """Parse an item.

        Raises:
            EvidenceError: malformed, of another version, too long, or with bytes behind it.
        """
        if len(data) > MAX_ITEM_BYTES:
            raise EvidenceError(f"GPU evidence of {len(data)} bytes, at most {MAX_ITEM_BYTES}")
        reader = _Reader(data)
        version = reader.byte()
        if version != VERSION:
            raise EvidenceError(f"GPU evidence of version {version}; update to read it")
        report = reader.sized(MAX_REPORT_BYTES)
        count = reader.byte()
        if not MIN_CERTIFICATES <= count <= MAX_CERTIFICATES:
            raise EvidenceError(f"GPU evidence with {count} certificates")
        certificates = tuple(reader.sized(MAX_CERTIFICATE_BYTES) for _ in range(count))
        count = reader.byte()
        if count > MAX_STAPLED:
            raise EvidenceError(f"GPU evidence with {count} OCSP answers")
        ocsp = tuple(reader.sized(MAX_STAPLED_BYTES) for _ in range(count))
        reader.require_end()
        return cls(report, certificates, ocsp)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        return self._take(1)[0]

    def sized(self, limit: int) -> bytes:
        (size,) = struct.unpack("<H", self._take(2))
        if not 0 < size <= limit:
            raise EvidenceError(f"GPU evidence: a part of {size} bytes")
        return self._take(size)

    def require_end(self) -> None:
        if self._at != len(self._data):
            raise EvidenceError("GPU evidence: bytes behind it")

    def _take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise EvidenceError("GPU evidence is cut short")
        self._at += size
        return part


def _sized(parts: "tuple[bytes, ...] | list[bytes]") -> bytes:
    if any(len(part) > 0xFFFF for part in parts):
        raise LocalProtocolError("GPU evidence: a part is too long")
    return b"".join(struct.pack("<H", len(part)) + part for part in parts)
