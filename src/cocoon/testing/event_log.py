"""Writes event logs of the form that TDX firmware leaves (``attestation.md`` §8.5)."""

import hashlib
import struct

SHA384 = 0x0C


def ccel_table(length: int, *, kind: int = 2, start: int = 0x7F000000) -> bytes:
    """The ACPI table that points to a log of ``length`` bytes."""
    return b"CCEL".ljust(36, b"\0") + struct.pack("<BBHQQ", kind, 0, 0, length, start)


def log_header(algorithms: tuple[tuple[int, int], ...] = ((SHA384, 48),)) -> bytes:
    """The first record: algorithms with their digest sizes."""
    content = b"Spec ID Event03\0" + bytes(4) + bytes([0, 2, 0, 2])
    content += struct.pack("<I", len(algorithms))
    content += b"".join(struct.pack("<HH", *item) for item in algorithms) + b"\0"
    return struct.pack("<II", 1, 3) + bytes(20) + struct.pack("<I", len(content)) + content


def log_event(index: int, kind: int, data: bytes, digest: bytes | None = None) -> bytes:
    """One event; its digest is that of the data where none is given.

    Args:
        index: of the register: 0 is MRTD, 1 to 4 are RTMR0 to RTMR3.
        kind: the TCG's number of its type.
        data: what it says.
        digest: what was extended, 48 bytes.
    """
    extended = hashlib.sha384(data).digest() if digest is None else digest
    head = struct.pack("<III", index, kind, 1) + struct.pack("<H", SHA384) + extended
    return head + struct.pack("<I", len(data)) + data
