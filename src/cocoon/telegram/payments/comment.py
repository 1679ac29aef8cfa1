"""Texts of transfers on chain: 32 zero bits, then UTF-8, going on in the first reference.

The convention of all wallets for a transfer with a comment.
"""

import re

from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.errors import DecodeError

PREFIX = "cocoon:"
MAX_COMMENT_BYTES = 512
"""A longer text is not read: ours has 27 bytes."""
_OP_BITS = 32
_TOPUP = re.compile(r"cocoon:([a-z2-7]{20})", re.ASCII)


def comment_of(topup: str) -> str:
    """The text of a transfer for this top-up."""
    return PREFIX + topup


def comment_cell(text: str) -> Cell:
    """The body of a transfer with a text.

    Raises:
        DecodeError: more than fits one cell (123 bytes).
    """
    return Builder().uint(0, _OP_BITS).raw(text.encode()).cell()


def read_comment(body: Cell) -> str | None:
    """The text of a transfer; None where the body is something else, or longer than 512 bytes."""
    try:
        read = Reader(body)
        if read.left < _OP_BITS or read.uint(_OP_BITS):
            return None
        return _snake(read).decode()
    except (DecodeError, UnicodeDecodeError):
        return None


def topup_of(comment: str) -> str | None:
    """The top-up that a text names; people may have typed it, with spaces and capitals."""
    found = _TOPUP.fullmatch(comment.strip().lower())
    return None if found is None else found[1]


def _snake(read: Reader) -> bytes:
    """Raises DecodeError for odd bits, or a text that is too long."""
    text = b""
    while True:
        if read.left % 8:
            raise DecodeError("a text of incomplete bytes")
        text += read.raw(read.left // 8)
        if len(text) > MAX_COMMENT_BYTES:
            raise DecodeError("a text that is too long")
        rest = read.rest()
        if not rest.refs:
            return text
        if not rest.refs[0].bits:
            # Empty cells could go on for ever at no cost.
            raise DecodeError("a text that goes on without bytes")
        read = Reader(rest.refs[0])
