"""Fuzz target: the header of the data disk, which the host can write."""

import contextlib

from cocoon.errors import EvidenceError
from cocoon.tee.luks import checked_header

_SIZE = 16384
_FRONT = b"LUKS\xba\xbe" + (2).to_bytes(2, "big") + _SIZE.to_bytes(8, "big")


def fuzz_one(data: bytes) -> None:
    """One input: as a disk, and as the text in a header."""
    text = data[: _SIZE - 4096].ljust(_SIZE - 4096, b"\0")
    for disk in (data, _FRONT.ljust(4096, b"\0") + text + bytes(1 << 16)):
        with contextlib.suppress(EvidenceError):
            header = checked_header(disk)
            assert checked_header(header) == header


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
