"""Values in an indexer's JSON: cells, hashes, numbers and stacks, read with limits."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from cocoon.chain.address import HASH_BYTES
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.cells import Cell
from cocoon.chain.vm_stack import MAX_NESTING, MAX_VALUES, StackSlice, StackValue
from cocoon.errors import ChainDataError, ContractError, DecodeError

MAX_CELL_BYTES = 4 * 1024 * 1024
MAX_CELLS = 64 * 1024
"""The network's limit for one account; messages have at most 8192 cells."""
MAX_DIGITS = 90
"""257 bits have 78 decimal digits."""

T = TypeVar("T")


def decode(body: bytes, kind: type[T]) -> T:
    """JSON of a known form.

    Raises:
        ChainDataError: it is not.
    """
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ChainDataError(f"server's answer is not what was asked for: {error}") from None


def read_base64(text: str, what: str) -> bytes:
    """Bytes in Base64 of either alphabet.

    Raises:
        ChainDataError: malformed.
    """
    standard = text.translate({ord("-"): "+", ord("_"): "/"})
    try:
        return base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError):
        raise ChainDataError(f"server's {what} is not Base64") from None


def read_hash(text: str, what: str) -> bytes:
    """A hash of 32 bytes in Base64.

    Raises:
        ChainDataError: malformed.
    """
    value = read_base64(text, what)
    if len(value) != HASH_BYTES:
        raise ChainDataError(f"server's {what} has {len(value)} bytes, not {HASH_BYTES}")
    return value


def read_cell(text: str, what: str) -> Cell:
    """A bag of cells in Base64.

    Raises:
        ChainDataError: malformed.
    """
    try:
        data = read_base64(text, what)
        return from_boc(data, max_bytes=MAX_CELL_BYTES, max_cells=MAX_CELLS, proofs=True)
    except DecodeError as error:
        raise ChainDataError(f"server's {what} is malformed: {error}") from None


def cell_text(cell: Cell) -> str:
    """A bag of cells in Base64."""
    return base64.b64encode(to_boc(cell)).decode()


def read_number(value: object, what: str = "number") -> int:
    """A whole number: JSON, decimal text, or hexadecimal text after ``0x`` or ``-0x``.

    Raises:
        ChainDataError: malformed.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= MAX_DIGITS and value.isascii():
        digits = value.removeprefix("-")
        base = 16 if digits.startswith("0x") else 10
        try:
            return int(value, base)
        except ValueError:
            pass
    raise ChainDataError(f"server's {what} is not a whole number")


def write_v2(stack: Sequence[StackValue]) -> list[list[Any]]:
    """Arguments of a get-method for the v2 API.

    Raises:
        ContractError: a kind of value that this API cannot take.
    """
    kinds = {"num": "num", "cell": "tvm.Cell", "slice": "tvm.Slice"}
    return [[kinds[kind], value] for kind, value in map(_argument, stack)]


def write_v3(stack: Sequence[StackValue]) -> list[dict[str, Any]]:
    """Arguments of a get-method for the v3 API.

    Raises:
        ContractError: a kind of value that this API cannot take.
    """
    return [{"type": kind, "value": value} for kind, value in map(_argument, stack)]


def _argument(value: StackValue) -> tuple[str, str]:
    if isinstance(value, int):
        return "num", hex(value)
    if isinstance(value, Cell):
        return "cell", cell_text(value)
    if isinstance(value, StackSlice):
        return "slice", cell_text(value.cell)
    raise ContractError("an indexer takes numbers, cells and slices as arguments only")


def read_stack(items: object) -> tuple[StackValue, ...]:
    """Results of a get-method, of the v2 or the v3 API. Null and an empty list are the same there.

    Raises:
        ChainDataError: malformed, or over a limit.
    """
    return _Reading().items(items, 0)


class _Reading:
    """Counts values, so that a short text cannot stand for many."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def items(self, items: object, depth: int) -> tuple[StackValue, ...]:
        if not isinstance(items, list) or depth > MAX_NESTING:
            raise ChainDataError("server's stack is malformed")
        return tuple(self._item(item, depth) for item in items)

    def _item(self, item: object, depth: int) -> StackValue:
        self._left -= 1
        if self._left < 0:
            raise ChainDataError(f"server's stack has more than {MAX_VALUES} values")
        kind, content = _kind_and_content(item)
        if kind in ("num", "number"):
            return _integer(content)
        if kind == "cell":
            return read_cell(_boc_of(content), "cell on the stack")
        if kind == "slice":
            return StackSlice(read_cell(_boc_of(content), "slice on the stack"))
        if kind == "null":
            return None
        if kind in ("tuple", "list"):
            inner = content.get("elements") if isinstance(content, dict) else content
            values = self.items(inner, depth + 1)
            return values if kind == "tuple" else _pairs(values)
        raise ChainDataError("server's stack has a value of a kind that is not supported")


def _kind_and_content(item: object) -> tuple[str, Any]:
    """``["num", "0x1"]``, ``{"type": "num", "value": "0x1"}`` or a ``tvm.stackEntryNumber``."""
    kind: object = None
    content: Any = None
    if isinstance(item, list) and item:
        kind, content = item[0], item[1] if len(item) > 1 else None
    elif isinstance(item, dict) and isinstance(item.get("@type"), str):
        kind = item["@type"].removeprefix("tvm.stackEntry").lower()
        content = item.get(kind)
    elif isinstance(item, dict):
        kind, content = item.get("type"), item.get("value")
    if not isinstance(kind, str):
        raise ChainDataError("server's stack is malformed")
    return kind, content


def _integer(content: Any) -> int:
    number = content.get("number") if isinstance(content, dict) else content
    value = read_number(number, "number on the stack")
    if not -(1 << 256) <= value < 1 << 256:
        raise ChainDataError("server's stack has a number of more than 257 bits")
    return value


def _boc_of(content: Any) -> str:
    text = content.get("bytes") if isinstance(content, dict) else content
    if not isinstance(text, str):
        raise ChainDataError("server's stack has a cell without its content")
    return text


def _pairs(values: Sequence[StackValue]) -> StackValue:
    """A list as the virtual machine knows it."""
    rest: StackValue = None
    for value in reversed(values):
        rest = (value, rest)
    return rest
