"""Any bytes as a bag of cells: parsed within the limits, or DecodeError."""

from cocoon.chain.boc import from_boc, to_boc
from cocoon.errors import DecodeError


def fuzz_one(data: bytes) -> None:
    try:
        cell = from_boc(data, max_bytes=4096, max_cells=64)
    except DecodeError:
        return
    if from_boc(to_boc(cell)) != cell:
        raise AssertionError("bag of cells does not round-trip")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
