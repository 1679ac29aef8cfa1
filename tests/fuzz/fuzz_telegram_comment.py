"""Any bytes as the body of a transfer, and as its text: a top-up's id, or nothing.

The first byte chooses: even, the rest is a bag of cells; odd, the rest is text in a chain of cells.
"""

import re

from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Builder, Cell
from cocoon.errors import DecodeError
from cocoon.telegram.payments.comment import MAX_COMMENT_BYTES, read_comment, topup_of


def fuzz_one(data: bytes) -> None:
    try:
        body = _chain(data[1:]) if data[:1] and data[0] & 1 else from_boc(data[1:])
    except DecodeError:
        return
    text = read_comment(body)
    if text is None:
        return
    if len(text.encode()) > MAX_COMMENT_BYTES:
        raise AssertionError("a text that is too long was read")
    topup = topup_of(text)
    if topup is not None and not re.fullmatch("[a-z2-7]{20}", topup):
        raise AssertionError("that is no id of a top-up")


def _chain(text: bytes, at_once: int = 100) -> Cell:
    """The text in as many cells as it takes, the last one first."""
    pieces = [text[at : at + at_once] for at in range(0, len(text), at_once)] or [b""]
    cell: Cell | None = None
    for number, piece in reversed(list(enumerate(pieces[:600]))):
        out = Builder()
        if not number:
            out.uint(0, 32)
        out.raw(piece)
        cell = (out if cell is None else out.ref(cell)).cell()
    assert cell is not None
    return cell


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
