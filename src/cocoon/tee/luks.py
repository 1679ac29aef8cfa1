"""The header of the encrypted data disk, which the host can write: checked before it is used.

Nothing in LUKS2 signs the header. A host that replaces the name of the data's cipher in it by
``cipher_null`` has everything written in plain, with the right key and without an error. So a copy
is made in the guest's memory, written again from what was understood of it, and the disk is opened
with this copy: ``python -m cocoon.tee.luks DISK COPY``.

Source: the LUKS2 on-disk format specification, version 1.1.
"""

import hashlib
import os
import struct
import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from cocoon.errors import CocoonError, ConfigError, EvidenceError

CIPHER: Final = "aes-xts-plain64"
MAX_HEADER: Final = 16 << 20
"""Bytes before the data at most; what systemd-repart leaves."""
SIZES: Final = frozenset(1 << bits for bits in range(14, 23))
"""Sizes that a header with its JSON may have."""
_BINARY: Final = 4096
_CHECKSUM: Final = slice(448, 512)
_MAGICS: Final = (b"LUKS\xba\xbe", b"SKUL\xba\xbe")
_FRONT: Final = struct.Struct(">6sHQ")
_OFFSET: Final = slice(256, 264)
_ALGORITHM: Final = slice(72, 104)

_Digits = Annotated[str, msgspec.Meta(pattern="^(0|[1-9][0-9]{0,15})$")]
_Some = Annotated[dict[str, str | int], msgspec.Meta(max_length=8)]


class _Struct(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Nothing else is understood, so nothing else may stand there."""


class _Area(_Struct):
    type: Literal["raw"]
    offset: _Digits
    size: _Digits
    encryption: Literal["aes-xts-plain64"]
    key_size: Literal[64]


class _Keyslot(_Struct):
    type: Literal["luks2"]
    key_size: Literal[64]
    af: _Some
    area: _Area
    kdf: _Some


class _Segment(_Struct):
    type: Literal["crypt"]
    offset: _Digits
    size: Literal["dynamic"]
    iv_tweak: Literal["0"]
    encryption: Literal["aes-xts-plain64"]
    sector_size: Literal[512, 4096]


class _Digest(_Struct):
    type: Literal["pbkdf2"]
    keyslots: list[Literal["0"]]
    segments: list[Literal["0"]]
    hash: str
    iterations: int
    salt: str
    digest: str


class _Config(_Struct):
    json_size: _Digits
    keyslots_size: _Digits
    flags: tuple[Literal["allow-discards"], ...] = ()


class _Metadata(_Struct):
    keyslots: dict[Literal["0"], _Keyslot]
    segments: dict[Literal["0"], _Segment]
    digests: dict[Literal["0"], _Digest]
    config: _Config
    tokens: Annotated[dict[str, str], msgspec.Meta(max_length=0)]


def header_size(data: bytes) -> int:
    """Bytes of a header with its JSON; both copies have as many.

    Args:
        data: the first 4096 bytes of a disk at least.

    Raises:
        EvidenceError: no LUKS2 header of a known size is there.
    """
    if len(data) < _BINARY:
        raise EvidenceError("data disk: no LUKS2 header")
    magic, version, size = _FRONT.unpack_from(data)
    if magic != _MAGICS[0] or version != 2 or size not in SIZES:
        raise EvidenceError("data disk: no LUKS2 header")
    return int(size)


def checked_header(data: bytes) -> bytes:
    """What stands before the data of a disk, written again from what was understood.

    Args:
        data: the first ``MAX_HEADER`` bytes of the disk, or all if it has fewer.

    Returns:
        The bytes up to the data: both copies of the header, and the key slots.

    Raises:
        EvidenceError: no LUKS2 header, or it says anything that systemd-repart would not write.
    """
    size = header_size(data)
    metadata = _metadata(data[_BINARY:size])
    end = int(metadata.segments["0"].offset)
    area = metadata.keyslots["0"].area
    first, last = int(area.offset), int(area.offset) + int(area.size)
    if not 2 * size <= first < last <= end <= len(data) or end > MAX_HEADER:
        raise EvidenceError("data disk: its header names areas that overlap")
    text = msgspec.json.encode(metadata).ljust(size - _BINARY, b"\0")
    if len(text) != size - _BINARY:
        raise EvidenceError("data disk: its header is too long")
    copies = (_binary(data, magic, at) for magic, at in zip(_MAGICS, (0, size), strict=True))
    front = b"".join(_sealed(binary, text) for binary in copies)
    return front + data[2 * size : end]


def _metadata(area: bytes) -> _Metadata:
    try:
        metadata = msgspec.json.decode(area.rstrip(b"\0"), type=_Metadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise EvidenceError(
            f"data disk: its header asks for something else than {CIPHER} with one key: the host "
            "has changed it, or made the disk; give the guest an empty one"
        ) from None
    if not metadata.keyslots or not metadata.segments or not metadata.digests:
        raise EvidenceError("data disk: its header has no key slot, no data or no digest")
    return metadata


def _binary(data: bytes, magic: bytes, offset: int) -> bytearray:
    binary = bytearray(data[:_BINARY])
    binary[: len(magic)] = magic
    binary[_ALGORITHM] = b"sha256".ljust(32, b"\0")
    binary[_OFFSET] = offset.to_bytes(8, "big")
    binary[_CHECKSUM] = bytes(64)
    return binary


def _sealed(binary: bytearray, text: bytes) -> bytes:
    """The header with its checksum, which protects from accidents only."""
    binary[_CHECKSUM] = hashlib.sha256(binary + text).digest().ljust(64, b"\0")
    return bytes(binary) + text


def copy_header(disk: Path, copy: Path) -> None:
    """Read the header of a disk once, check it, and write the copy to open it with, mode 0600.

    Raises:
        EvidenceError: the header is not one of ours.
        ConfigError: the disk cannot be read, or the copy cannot be written.
    """
    try:
        with disk.open("rb", buffering=0) as file:
            data = bytearray()
            while len(data) < MAX_HEADER and (part := file.read(MAX_HEADER - len(data))):
                data += part
        header = checked_header(bytes(data))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(copy, flags, 0o600), "wb") as target:
            target.write(header)
    except OSError as error:
        raise ConfigError(f"data disk: {error.filename}: {error.strerror}") from None


def main(arguments: list[str]) -> int:
    """Copy one header; returns the exit code."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m cocoon.tee.luks DISK COPY\n")
        return 2
    try:
        copy_header(Path(arguments[0]), Path(arguments[1]))
    except CocoonError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
