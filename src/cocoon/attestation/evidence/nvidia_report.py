"""NVIDIA attestation reports: an SPDM request and the signed answer to it.

A report is an SPDM 1.1 GET_MEASUREMENTS request (37 bytes: version, code E0, two parameters, nonce
of 32 bytes, slot) and the MEASUREMENTS response (version, code 60, two parameters, u8 number of
blocks, u24 length of the record, the record, nonce of 32 bytes, u16 length of the opaque data, the
opaque data, ECDSA P-384 signature r || s of 96 bytes over SHA-384 of everything before it).
Integers are little-endian (``attestation.md`` §11.2, DSP0274).

A measurement block: u8 index from 1, u8 specification 1 (DMTF), u16 size, then u8 type, u16 size of
the value, the value. Opaque data: u16 type, u16 length, content, repeated.
"""

import re
import struct
from dataclasses import dataclass, field
from enum import IntEnum

from cocoon.errors import EvidenceError

MAX_REPORT_BYTES = 8192
"""What the driver's interface can return at most."""
REQUEST_BYTES = 37
NONCE_BYTES = 32
SIGNATURE_BYTES = 96
MAX_MEASUREMENT_BYTES = 64
MAX_OPAQUE_FIELDS = 64

SPDM_VERSION = 0x11
_GET_MEASUREMENTS = bytes([SPDM_VERSION, 0xE0, 0x01, 0xFF])
"""All measurements, with a signature."""
_MEASUREMENTS = bytes([SPDM_VERSION, 0x60])
_RESPONSE_HEAD = struct.Struct("<4sB3s")
_BLOCK_HEAD = struct.Struct("<BBHBH")
_FIELD_HEAD = struct.Struct("<HH")
_DMTF = 1

_VERSION = re.compile(r"[0-9]{1,5}(\.[0-9]{1,5}){1,3}")
_WORD = re.compile(r"[0-9A-Za-z]{1,16}")


class OpaqueField(IntEnum):
    """Types of the opaque fields that are read; others are kept and not interpreted."""

    DRIVER_VERSION = 3
    VBIOS_VERSION = 6
    NVDEC0_STATUS = 11
    BOARD_ID = 14
    CHIP_SKU = 15
    PROJECT = 17
    PROJECT_SKU = 18
    FWID = 20
    PROTECTED_PCIE = 21
    DATA_VERSION = 34
    CHIP_INFO = 35
    FEATURE_FLAG = 36


class Switch(IntEnum):
    """A state in one byte of opaque data."""

    ON = 0xAA
    OFF = 0x55


class Passthrough(IntEnum):
    """How GPUs are given to the guest (opaque field 36)."""

    SINGLE = 0
    MULTI = 1
    PROTECTED_PCIE = 2


@dataclass(frozen=True, slots=True)
class GpuReport:
    """A report, parsed; nothing in it is verified.

    Attributes:
        nonce: of the request, 32 bytes.
        measurements: values by index as manifests count them, from 0: the SPDM index less one.
        opaque: the opaque fields by type.
        signed: everything that the signature is over.
        signature: r || s, 96 bytes.
    """

    nonce: bytes
    measurements: dict[int, bytes] = field(repr=False)
    opaque: dict[int, bytes] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> "GpuReport":
        """Parse a report.

        Raises:
            EvidenceError: malformed; trailing bytes are.
        """
        if len(data) > MAX_REPORT_BYTES:
            raise EvidenceError(f"GPU report of {len(data)} bytes, at most {MAX_REPORT_BYTES}")
        request, response = data[:REQUEST_BYTES], data[REQUEST_BYTES:]
        if len(request) != REQUEST_BYTES or request[:4] != _GET_MEASUREMENTS:
            raise EvidenceError("GPU report: no SPDM 1.1 request for all measurements, signed")
        if len(response) < _RESPONSE_HEAD.size or response[:2] != _MEASUREMENTS:
            raise EvidenceError("GPU report: the request is not followed by measurements")
        _, blocks, record_size = _RESPONSE_HEAD.unpack_from(response)
        record_end = _RESPONSE_HEAD.size + int.from_bytes(record_size, "little")
        opaque_start = record_end + NONCE_BYTES + 2
        opaque_size = int.from_bytes(response[opaque_start - 2 : opaque_start], "little")
        if opaque_start + opaque_size + SIGNATURE_BYTES != len(response):
            raise EvidenceError("GPU report: its lengths do not add up")
        return cls(
            nonce=request[4:36],
            measurements=_blocks(response[_RESPONSE_HEAD.size : record_end], blocks),
            opaque=opaque_fields(response[opaque_start:-SIGNATURE_BYTES]),
            signed=data[:-SIGNATURE_BYTES],
            signature=data[-SIGNATURE_BYTES:],
        )

    @property
    def driver_version(self) -> str:
        """Such as ``550.90.07``.

        Raises:
            EvidenceError: absent or malformed; the other properties raise the same.
        """
        return _text(self.opaque, OpaqueField.DRIVER_VERSION, _VERSION)

    @property
    def vbios_version(self) -> str:
        """Such as ``96.00.9F.00.01``: five bytes, of which the report holds the first four last."""
        data = _required(self.opaque, OpaqueField.VBIOS_VERSION)
        if len(data) != 8 or any(data[5:]):
            raise EvidenceError("GPU report: malformed VBIOS version")
        return ".".join(f"{byte:02X}" for byte in (*data[3::-1], data[4]))

    @property
    def board(self) -> tuple[str, str, str]:
        """Project, project SKU and chip SKU, upper case: with the VBIOS they name its manifest."""
        kinds = (OpaqueField.PROJECT, OpaqueField.PROJECT_SKU, OpaqueField.CHIP_SKU)
        project, sku, chip_sku = (_text(self.opaque, kind, _WORD).upper() for kind in kinds)
        return project, sku, chip_sku

    @property
    def chip(self) -> str | None:
        """Such as ``GB100``; None in reports of Hopper, which do not name it."""
        if OpaqueField.CHIP_INFO not in self.opaque:
            return None
        return _text(self.opaque, OpaqueField.CHIP_INFO, _WORD)

    @property
    def fwid(self) -> bytes:
        """Hash of the firmware that holds the signing key."""
        return _required(self.opaque, OpaqueField.FWID)

    @property
    def protected_pcie(self) -> Switch | None:
        """Whether links to other GPUs are trusted unencrypted; None where the report is silent."""
        if OpaqueField.PROTECTED_PCIE not in self.opaque:
            return None
        try:
            return Switch(_number(self.opaque, OpaqueField.PROTECTED_PCIE, 1))
        except ValueError as error:
            raise EvidenceError("GPU report: unknown state of protected PCIe") from error

    @property
    def passthrough(self) -> Passthrough | None:
        """How the GPU is given to the guest; None where the report is silent, as Hopper's is."""
        if OpaqueField.FEATURE_FLAG not in self.opaque:
            return None
        size = len(self.opaque[OpaqueField.FEATURE_FLAG])
        try:
            return Passthrough(_number(self.opaque, OpaqueField.FEATURE_FLAG, min(max(size, 1), 4)))
        except ValueError as error:
            raise EvidenceError("GPU report: unknown kind of passthrough") from error


def opaque_fields(data: bytes) -> dict[int, bytes]:
    """The fields of a report's opaque data by type.

    Raises:
        EvidenceError: malformed, a type comes twice, or there are too many.
    """
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        if len(fields) == MAX_OPAQUE_FIELDS or at + _FIELD_HEAD.size > len(data):
            raise EvidenceError("GPU report: malformed opaque data")
        kind, size = _FIELD_HEAD.unpack_from(data, at)
        at += _FIELD_HEAD.size
        if kind in fields or at + size > len(data):
            raise EvidenceError("GPU report: malformed opaque data")
        fields[kind] = data[at : at + size]
        at += size
    return fields


def _blocks(record: bytes, count: int) -> dict[int, bytes]:
    values: dict[int, bytes] = {}
    at = 0
    for _ in range(count):
        if at + _BLOCK_HEAD.size > len(record):
            raise EvidenceError("GPU report: measurement blocks are cut short")
        index, specification, size, _, value_size = _BLOCK_HEAD.unpack_from(record, at)
        at += _BLOCK_HEAD.size
        value = record[at : at + value_size]
        if specification != _DMTF or size != value_size + 3 or len(value) != value_size:
            raise EvidenceError(f"GPU report: malformed measurement block {index}")
        if index == 0 or index - 1 in values or not 0 < value_size <= MAX_MEASUREMENT_BYTES:
            raise EvidenceError(f"GPU report: malformed measurement block {index}")
        values[index - 1] = value
        at += value_size
    if at != len(record) or not values:
        raise EvidenceError("GPU report: no measurement blocks, or bytes behind them")
    return values


def _required(fields: dict[int, bytes], kind: OpaqueField) -> bytes:
    if kind not in fields:
        raise EvidenceError(
            f"GPU report: no {kind.name.lower()} in the opaque data", fix="update the VBIOS"
        )
    return fields[kind]


def _number(fields: dict[int, bytes], kind: OpaqueField, size: int) -> int:
    data = _required(fields, kind)
    if len(data) != size:
        raise ValueError(kind)
    return int.from_bytes(data, "little")


def _text(fields: dict[int, bytes], kind: OpaqueField, form: re.Pattern[str]) -> str:
    """A text that zeros may follow."""
    data = _required(fields, kind).rstrip(b"\0")
    text = data.decode("ascii", "replace").strip(" ")
    if not form.fullmatch(text):
        raise EvidenceError(f"GPU report: malformed {kind.name.lower()} in the opaque data")
    return text
