"""The proof of work that opens every connection to a router (``wire-protocol.md`` §2.2).

The listening side sends a :class:`Challenge` at once, the connecting side a :class:`Response`;
TLS follows. Both are raw bytes of fixed size. Nothing here draws randomness: the salt comes in.
"""

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Self

from cocoon.errors import DecodeError, LocalProtocolError
from cocoon.wire.pow_search import search

DEFAULT_DIFFICULTY = 20
"""Zero bits that an official listener asks for."""
DEFAULT_MAX_DIFFICULTY = 28
"""Zero bits above which an official connector gives up."""
MAX_DIFFICULTY = 64
"""Only 64 bits of the hash are looked at."""
SALT_SIZE = 16

_CHALLENGE_MAGIC = 0x418E1291
_RESPONSE_MAGIC = 0x01827319
_CHALLENGE = Struct("<Ii16s")
_RESPONSE = Struct("<Iq")
_NONCE = Struct("<q")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the listener asks for.

    Attributes:
        difficulty: zero bits, as sent: any int32; see :func:`check` for those that have meaning.
        salt: 16 random bytes.
    """

    SIZE = 24

    difficulty: int
    salt: bytes

    def to_bytes(self) -> bytes:
        """Encode as 24 bytes.

        Raises:
            LocalProtocolError: difficulty outside 0..64 or a salt that is not 16 bytes.
        """
        if not 0 <= self.difficulty <= MAX_DIFFICULTY:
            raise LocalProtocolError(f"difficulty {self.difficulty} is outside 0..{MAX_DIFFICULTY}")
        if len(self.salt) != SALT_SIZE:
            raise LocalProtocolError(f"a salt has {SALT_SIZE} bytes, not {len(self.salt)}")
        return _CHALLENGE.pack(_CHALLENGE_MAGIC, self.difficulty, self.salt)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode exactly 24 bytes.

        Raises:
            DecodeError: wrong size or magic, or a difficulty outside 0..64.
        """
        if len(data) != _CHALLENGE.size:
            raise DecodeError(f"a challenge has {_CHALLENGE.size} bytes, not {len(data)}")
        magic, difficulty, salt = _CHALLENGE.unpack(data)
        if magic != _CHALLENGE_MAGIC:
            raise DecodeError(f"not a proof-of-work challenge: magic {magic:#010x}")
        if not 0 <= difficulty <= MAX_DIFFICULTY:
            raise DecodeError(f"difficulty {difficulty} is outside 0..{MAX_DIFFICULTY}")
        return cls(difficulty, salt)


@dataclass(frozen=True, slots=True)
class Response:
    """The connector's solution: a signed 64-bit nonce."""

    SIZE = 12

    nonce: int

    def to_bytes(self) -> bytes:
        """Encode as 12 bytes."""
        return _RESPONSE.pack(_RESPONSE_MAGIC, self.nonce)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode exactly 12 bytes.

        Raises:
            DecodeError: wrong size or magic.
        """
        if len(data) != _RESPONSE.size:
            raise DecodeError(f"a response has {_RESPONSE.size} bytes, not {len(data)}")
        magic, nonce = _RESPONSE.unpack(data)
        if magic != _RESPONSE_MAGIC:
            raise DecodeError(f"not a proof-of-work response: magic {magic:#010x}")
        return cls(nonce)


def check(salt: bytes, nonce: int, difficulty: int) -> bool:
    """Tell whether ``nonce`` (int64) solves the challenge; False for a difficulty above 64."""
    if difficulty > MAX_DIFFICULTY:
        return False
    digest = sha256(salt + _NONCE.pack(nonce)).digest()
    return int.from_bytes(digest[:8], "little") >> max(0, MAX_DIFFICULTY - difficulty) == 0


def solve(salt: bytes, difficulty: int, start: int, count: int) -> int | None:
    """Try ``count`` nonces from ``start`` up; the official solver starts at 0.

    Raises:
        LocalProtocolError: difficulty outside 0..64.
    """
    if not 0 <= difficulty <= MAX_DIFFICULTY:
        raise LocalProtocolError(f"difficulty {difficulty} is outside 0..{MAX_DIFFICULTY}")
    return search(salt, difficulty, start, count)
