"""What attestation evidence measures, and its official byte form.

Source: ``attestation.md`` §3. All integers are little-endian.
"""

import hashlib
import struct
from dataclasses import dataclass, field
from typing import ClassVar

from cocoon.errors import DecodeError, LocalProtocolError

REGISTER_BYTES = 48
REPORT_DATA_BYTES = 64
IMAGE_HASH_BYTES = 32
COLLATERAL_ROOT_HASH_BYTES = 48
RTMR_COUNT = 4

NO_IMAGE_HASH = bytes(IMAGE_HASH_BYTES)
NO_COLLATERAL_ROOT = bytes(COLLATERAL_ROOT_HASH_BYTES)

_KIND_TDX = 0
_KIND_SGX = 1
_KIND_SNP = 2
"""Ours: no official record holds it, and an official peer refuses one that does."""
_INT32 = struct.Struct("<i")


def _require_length(name: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise LocalProtocolError(f"{name} has {len(value)} bytes, not {length}")


@dataclass(frozen=True, slots=True)
class TdxMeasurements:
    """The measured part of a TDX quote, 448 bytes (``attestation.md`` §3).

    Attributes:
        mr_td: measurement of the initial memory of the trust domain, 48 bytes.
        mr_config_id: host-chosen configuration id, 48 bytes.
        mr_owner: host-chosen owner id, 48 bytes.
        mr_owner_config: host-chosen owner configuration, 48 bytes.
        rtmrs: the four run-time registers, 48 bytes each.
        report_data: what the guest asked to be signed, 64 bytes.
    """

    SIZE: ClassVar[int] = 448

    mr_td: bytes
    mr_config_id: bytes
    mr_owner: bytes
    mr_owner_config: bytes
    rtmrs: tuple[bytes, bytes, bytes, bytes]
    report_data: bytes

    def __post_init__(self) -> None:
        for name in ("mr_td", "mr_config_id", "mr_owner", "mr_owner_config"):
            _require_length(name, getattr(self, name), REGISTER_BYTES)
        if len(self.rtmrs) != RTMR_COUNT:
            raise LocalProtocolError(f"{len(self.rtmrs)} RTMRs, not {RTMR_COUNT}")
        for rtmr in self.rtmrs:
            _require_length("rtmr", rtmr, REGISTER_BYTES)
        _require_length("report_data", self.report_data, REPORT_DATA_BYTES)

    @classmethod
    def zero(cls, report_data: bytes) -> "TdxMeasurements":
        """All registers zero: what fake evidence "measures" (``attestation.md`` §1.3)."""
        none = bytes(REGISTER_BYTES)
        return cls(none, none, none, none, (none, none, none, none), report_data)

    @classmethod
    def from_bytes(cls, data: bytes) -> "TdxMeasurements":
        """Read the 448-byte form.

        Raises:
            DecodeError: ``data`` is not 448 bytes long.
        """
        if len(data) != cls.SIZE:
            raise DecodeError(f"TDX measurements of {len(data)} bytes, not {cls.SIZE}")
        registers = [data[at : at + REGISTER_BYTES] for at in range(0, 384, REGISTER_BYTES)]
        return cls(
            mr_td=registers[0],
            mr_config_id=registers[1],
            mr_owner=registers[2],
            mr_owner_config=registers[3],
            rtmrs=(registers[4], registers[5], registers[6], registers[7]),
            report_data=data[384:448],
        )

    def _registers(self) -> bytes:
        return b"".join(
            (self.mr_td, self.mr_config_id, self.mr_owner, self.mr_owner_config, *self.rtmrs)
        )

    def to_bytes(self) -> bytes:
        """The 448-byte form."""
        return self._registers() + self.report_data

    def image_hash(self) -> bytes:
        """SHA-256 of the 448 bytes with the report data zeroed, 32 bytes."""
        return hashlib.sha256(self._registers() + bytes(REPORT_DATA_BYTES)).digest()

    def is_zero(self) -> bool:
        """Whether every register is zero, as in fake evidence."""
        return not any(self._registers())


@dataclass(frozen=True, slots=True)
class SgxMeasurements:
    """The measured part of an SGX quote, 96 bytes (``attestation.md`` §3).

    Attributes:
        mr_enclave: measurement of the enclave, 32 bytes.
        report_data: what the enclave asked to be signed, 64 bytes.
    """

    SIZE: ClassVar[int] = 96

    mr_enclave: bytes
    report_data: bytes

    def __post_init__(self) -> None:
        _require_length("mr_enclave", self.mr_enclave, 32)
        _require_length("report_data", self.report_data, REPORT_DATA_BYTES)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SgxMeasurements":
        """Read the 96-byte form.

        Raises:
            DecodeError: ``data`` is not 96 bytes long.
        """
        if len(data) != cls.SIZE:
            raise DecodeError(f"SGX measurements of {len(data)} bytes, not {cls.SIZE}")
        return cls(data[:32], data[32:])

    def to_bytes(self) -> bytes:
        """The 96-byte form."""
        return self.mr_enclave + self.report_data

    def image_hash(self) -> bytes:
        """SHA-256 of the 96 bytes with the report data zeroed, 32 bytes."""
        return hashlib.sha256(self.mr_enclave + bytes(REPORT_DATA_BYTES)).digest()


SNP_IMAGE_LABEL = b"cocoon-snp-image-v1\0"
"""What the hashed image of a SEV-SNP guest begins with."""


@dataclass(frozen=True, slots=True)
class SnpMeasurements:
    """The part of a SEV-SNP report that tells one guest from another, 284 bytes.

    Not official: ``docs/reference/evidence-snp.md`` defines both the bytes and the image hash.

    Attributes:
        measurement: of the guest's initial memory and registers, 48 bytes.
        host_data: chosen by the host at launch, 32 bytes.
        id_key_digest: SHA-384 of the key that signed the ID block, 48 bytes; zero without one.
        author_key_digest: SHA-384 of the key that vouches for it, 48 bytes; zero without one.
        family_id: from the ID block, 16 bytes.
        image_id: from the ID block, 16 bytes.
        guest_policy: what the host may do with the guest, 64 bits.
        vmpl: privilege level that asked for the report, 0 to 3.
        report_data: what the guest asked to be signed, 64 bytes.
    """

    SIZE: ClassVar[int] = 284

    measurement: bytes
    host_data: bytes
    id_key_digest: bytes
    author_key_digest: bytes
    family_id: bytes
    image_id: bytes
    guest_policy: int
    vmpl: int
    report_data: bytes

    def __post_init__(self) -> None:
        for name, length in _SNP_FIELDS:
            _require_length(name, getattr(self, name), length)
        _require_length("report_data", self.report_data, REPORT_DATA_BYTES)
        if not 0 <= self.guest_policy < 1 << 64 or not 0 <= self.vmpl < 1 << 32:
            raise LocalProtocolError("guest_policy has 64 bits and vmpl 32")

    @classmethod
    def from_bytes(cls, data: bytes) -> "SnpMeasurements":
        """Read the byte form.

        Raises:
            DecodeError: ``data`` does not have :attr:`SIZE` bytes.
        """
        if len(data) != cls.SIZE:
            raise DecodeError(f"SNP measurements of {len(data)} bytes, not {cls.SIZE}")
        values, at = {}, 0
        for name, length in _SNP_FIELDS:
            values[name] = data[at : at + length]
            at += length
        guest_policy, vmpl = _SNP_NUMBERS.unpack_from(data, at)
        return cls(
            **values,
            guest_policy=guest_policy,
            vmpl=vmpl,
            report_data=data[at + _SNP_NUMBERS.size :],
        )

    def _identity(self) -> bytes:
        fields = b"".join(getattr(self, name) for name, _ in _SNP_FIELDS)
        return fields + _SNP_NUMBERS.pack(self.guest_policy, self.vmpl)

    def to_bytes(self) -> bytes:
        """Every field in order, numbers little-endian."""
        return self._identity() + self.report_data

    def image_hash(self) -> bytes:
        """SHA-256 of a label and the byte form without the report data, 32 bytes."""
        return hashlib.sha256(SNP_IMAGE_LABEL + self._identity()).digest()


_SNP_FIELDS = (
    ("measurement", 48),
    ("host_data", 32),
    ("id_key_digest", 48),
    ("author_key_digest", 48),
    ("family_id", 16),
    ("image_id", 16),
)
_SNP_NUMBERS = struct.Struct("<QI")

Measurements = TdxMeasurements | SgxMeasurements | SnpMeasurements
_KINDS: dict[int, type[Measurements]] = {
    _KIND_TDX: TdxMeasurements,
    _KIND_SGX: SgxMeasurements,
    _KIND_SNP: SnpMeasurements,
}
_INDICES = {cls: kind for kind, cls in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Attestation:
    """Official ``AttestationData``: measurements of one kind, or none (``attestation.md`` §3).

    The kind SEV-SNP (index 2) is ours: only our router tells our nodes of such a peer.

    Attributes:
        measurements: None when nothing was attested.
        collateral_root_hash: SHA-384 of the platform's root public key, 48 bytes: of Intel's key
            as a 65-byte point, of AMD's as a DER SubjectPublicKeyInfo; zero when no real quote
            was verified.
    """

    measurements: Measurements | None = None
    collateral_root_hash: bytes = field(default=NO_COLLATERAL_ROOT)

    def __post_init__(self) -> None:
        _require_length(
            "collateral_root_hash", self.collateral_root_hash, COLLATERAL_ROOT_HASH_BYTES
        )

    @property
    def image_hash(self) -> bytes:
        """The 32-byte image hash; zero when nothing was attested."""
        return NO_IMAGE_HASH if self.measurements is None else self.measurements.image_hash()

    def describe(self) -> str:
        """The official short name: None, fake TDX, TDX or SGX; SEV-SNP is ours."""
        match self.measurements:
            case None:
                return "None"
            case SgxMeasurements():
                return "SGX"
            case SnpMeasurements():
                return "SEV-SNP"
            case TdxMeasurements() as tdx:
                return "TDX" if any(tdx.rtmrs[0]) else "fake TDX"

    def to_bytes(self) -> bytes:
        """The official form: 52 bytes (none), 504 (TDX) or 152 (SGX); ours: 340 (SEV-SNP)."""
        if self.measurements is None:
            return _INT32.pack(0) + self.collateral_root_hash
        head = _INT32.pack(1) + _INT32.pack(_INDICES[type(self.measurements)])
        return head + self.measurements.to_bytes() + self.collateral_root_hash

    @classmethod
    def read(cls, data: bytes, offset: int = 0) -> tuple["Attestation", int]:
        """Read one value that starts at ``offset``; returns it and where it ends.

        Raises:
            DecodeError: the bytes are cut short or hold an unknown kind.
        """
        present, at = _read_int32(data, offset)
        measurements: Measurements | None = None
        if present == 1:
            index, at = _read_int32(data, at)
            kind = _KINDS.get(index)
            if kind is None:
                raise DecodeError(f"unknown attestation kind {index}")
            body, at = _read_bytes(data, at, kind.SIZE)
            measurements = kind.from_bytes(body)
        elif present != 0:
            raise DecodeError(f"attestation presence is {present}, not 0 or 1")
        root_hash, at = _read_bytes(data, at, COLLATERAL_ROOT_HASH_BYTES)
        return cls(measurements, root_hash), at

    @classmethod
    def from_bytes(cls, data: bytes) -> "Attestation":
        """Read a whole buffer.

        Raises:
            DecodeError: malformed, cut short, or bytes are left over.
        """
        value, end = cls.read(data)
        if end != len(data):
            raise DecodeError(f"{len(data) - end} bytes after the attestation data")
        return value


def _read_int32(data: bytes, at: int) -> tuple[int, int]:
    raw, end = _read_bytes(data, at, 4)
    return int.from_bytes(raw, "little", signed=True), end


def _read_bytes(data: bytes, at: int, length: int) -> tuple[bytes, int]:
    end = at + length
    if end > len(data):
        raise DecodeError(f"attestation data ends {end - len(data)} bytes early")
    return bytes(data[at:end]), end
