"""Find a proof-of-work nonce.

Imports the standard library only, because a bare child process runs this file by its path (see
:mod:`cocoon.net.pow_solver`).
"""

from hashlib import sha256
from struct import Struct

_NONCE = Struct("<q")


def search(salt: bytes, difficulty: int, start: int, count: int) -> int | None:
    """Return the first nonce in ``start .. start + count - 1`` that solves the challenge, or None.

    ``difficulty`` counts the leading zero bits of the first 8 hash bytes read as a little-endian
    number, so the zeros begin at byte 7 (``wire-protocol.md`` §2.2).
    """
    pack = _NONCE.pack
    limit = 1 << (64 - difficulty)
    # Most candidates are refused by one byte; the full comparison runs for 1 in 256.
    top = 0 if difficulty >= 8 else 255 >> difficulty
    for nonce in range(start, start + count):
        digest = sha256(salt + pack(nonce)).digest()
        if digest[7] <= top and int.from_bytes(digest[:8], "little") < limit:
            return nonce
    return None
