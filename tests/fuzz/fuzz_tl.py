"""Fuzz the TL decoder: any bytes either parse, and then survive a round trip, or are refused.

The first byte, unless it is 255, stands for the id of a combinator, which no search would guess.
"""

from cocoon import tl
from cocoon.errors import DecodeError

MAGICS = sorted(
    cls.ID.to_bytes(4, "little")
    for cls in vars(tl.types).values()
    if isinstance(cls, type) and issubclass(cls, tl.TLObject) and cls is not tl.TLObject
)


def boxed(data: bytes) -> bytes:
    """The bytes to decode."""
    if not data or data[0] == 255:
        return data[1:]
    return MAGICS[data[0] % len(MAGICS)] + data[1:]


def fuzz_one(data: bytes) -> None:
    """Decode; what parses must encode to a form that stays the same."""
    try:
        value = tl.decode(boxed(data))
    except DecodeError:
        return
    encoded = value.to_bytes()
    if tl.decode(encoded).to_bytes() != encoded:
        raise AssertionError(f"{value.NAME} does not survive a round trip")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
