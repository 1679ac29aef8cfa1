"""Fuzz the TL decoder: any bytes either parse, and then survive a round trip, or are refused."""

from cocoon import tl
from cocoon.errors import DecodeError


def fuzz_one(data: bytes) -> None:
    """Decode ``data``; what parses must encode to a form that stays the same."""
    try:
        value = tl.decode(data)
    except DecodeError:
        return
    encoded = value.to_bytes()
    if tl.decode(encoded).to_bytes() != encoded:
        raise AssertionError(f"{value.NAME} does not survive a round trip")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
