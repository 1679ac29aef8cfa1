"""Authenticode hash of a PE file: what firmware measures of a kernel that it starts.

Everything is hashed except the checksum, the entry that points to the signatures, and the
signatures. Source: Microsoft "Windows Authenticode Portable Executable Signature Format";
UEFI and TCG "PC Client Platform Firmware Profile" use it for EV_EFI_BOOT_SERVICES_APPLICATION.
"""

import hashlib
import struct
from dataclasses import dataclass

from cocoon.errors import ConfigError

MAX_PE_BYTES = 256 << 20
MAX_SECTIONS = 96
"""What the Windows loader accepts; kernels have fewer than ten."""

_SECTION_HEADER = 40
_PE32 = 0x10B
_PE32_PLUS = 0x20B
_SECURITY_DIRECTORY = 4


@dataclass(frozen=True, slots=True)
class _Layout:
    checksum: int
    security: int
    headers: int
    sections: tuple[tuple[int, int], ...]
    signatures: tuple[int, int]


def authenticode_sha384(image: bytes) -> bytes:
    """The SHA-384 Authenticode hash of a PE file, 48 bytes.

    Raises:
        ConfigError: not a PE file, or malformed.
    """
    if len(image) > MAX_PE_BYTES:
        raise ConfigError(f"the kernel has {len(image)} bytes; more than 256 MiB are not measured")
    layout = _read(image)
    view = memoryview(image)
    digest = hashlib.sha384()
    digest.update(view[: layout.checksum])
    digest.update(view[layout.checksum + 4 : layout.security])
    digest.update(view[layout.security + 8 : layout.headers])
    hashed = layout.headers
    for offset, size in sorted(layout.sections):
        digest.update(view[offset : offset + size])
        hashed += size
    _hash_rest(digest, view, hashed, layout.signatures[1])
    return digest.digest()


def _hash_rest(digest: "hashlib._Hash", view: memoryview, hashed: int, signed: int) -> None:
    """What follows the sections, without the signatures, padded to eight bytes."""
    end = len(view) - signed
    if hashed > end:
        raise ConfigError("the kernel's PE sections overlap or reach into its signatures")
    digest.update(view[hashed:end])
    digest.update(bytes(-len(view) % 8))


def _read(image: bytes) -> _Layout:
    start = _number(image, 0x3C, "<I")
    if image[:2] != b"MZ" or image[start : start + 4] != b"PE\0\0":
        raise ConfigError("the kernel is not a PE file: it has no EFI stub to measure")
    count = _number(image, start + 6, "<H")
    optional_size = _number(image, start + 20, "<H")
    optional = start + 24
    magic = _number(image, optional, "<H")
    if magic not in {_PE32, _PE32_PLUS}:
        raise ConfigError(f"the kernel's PE header is of unknown kind {magic:#x}")
    directories = optional + (112 if magic == _PE32_PLUS else 96)
    entries = _number(image, directories - 4, "<I")
    if entries <= _SECURITY_DIRECTORY or directories + 8 * entries > optional + optional_size:
        raise ConfigError("the kernel's PE header does not hold an entry for signatures")
    security = directories + 8 * _SECURITY_DIRECTORY
    headers = _number(image, optional + 60, "<I")
    table = optional + optional_size
    if count > MAX_SECTIONS or not security + 8 <= table + _SECTION_HEADER * count <= headers:
        raise ConfigError("the kernel's PE headers do not hold what they announce")
    if headers > len(image):
        raise ConfigError("the kernel's PE headers are longer than the file")
    sections = tuple(_section(image, table + _SECTION_HEADER * index) for index in range(count))
    signatures = (_number(image, security, "<I"), _number(image, security + 4, "<I"))
    _check_signatures(image, signatures)
    return _Layout(
        optional + 64, security, headers, tuple(part for part in sections if part[1]), signatures
    )


def _section(image: bytes, at: int) -> tuple[int, int]:
    size, offset = _number(image, at + 16, "<I"), _number(image, at + 20, "<I")
    if offset + size > len(image):
        raise ConfigError("a PE section of the kernel lies outside the file")
    return offset, size


def _check_signatures(image: bytes, signatures: tuple[int, int]) -> None:
    offset, size = signatures
    if size and offset + size != len(image):
        raise ConfigError("the kernel's signatures are not at the end of the file")


def _number(image: bytes, at: int, form: str) -> int:
    if at < 0 or at + struct.calcsize(form) > len(image):
        raise ConfigError("the kernel is cut short")
    value: int = struct.unpack_from(form, image, at)[0]
    return value
