"""Values on the TVM stack, as arguments and results of get-methods.

Layout: the network's ``VmStack`` schema. A list of TVM programs is a chain of pairs: its head, then
the rest of it or null. :func:`as_list` turns one into a Python list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader
from cocoon.errors import DecodeError

MAX_STACK = 255
"""Values on a stack; arguments and results are a handful."""
MAX_VALUES = 4096
"""Values in all, tuples and what is in them included."""
MAX_TUPLE = 255
MAX_NESTING = 128

_NULL = 0x00
_TINY = 0x01
_CELL = 0x03
_SLICE = 0x04
_BUILDER = 0x05
_TUPLE = 0x07
_INT = 0x0100
"""A tag of 15 bits, after which 257 bits follow."""
_INT_BITS = 257
_TINY_LIMIT = 1 << 63


@dataclass(frozen=True, slots=True)
class StackSlice:
    """A slice, as the cell that holds exactly its remaining bits and references.

    Args:
        cell: its content.
    """

    cell: Cell


StackValue: TypeAlias = "int | Cell | StackSlice | tuple[StackValue, ...] | None"
"""An integer of 257 bits, a cell, a slice, a tuple or list, or null."""


def serialize_stack(values: Sequence[StackValue]) -> Cell:
    """Write a stack, bottom first.

    Raises:
        DecodeError: a value does not fit.
    """
    rest = EMPTY_CELL
    for value in values:
        # The cell of a value refers to the values below it.
        rest = _write(Builder().ref(rest), value).cell()
    return Builder().uint(len(values), 24).content(rest).cell()


def parse_stack(cell: Cell) -> tuple[StackValue, ...]:
    """Read a stack, bottom first. A builder is read as the cell that it would make.

    Raises:
        DecodeError: malformed, over a limit, or with a continuation or NaN.
    """
    read = Reader(cell)
    depth = read.uint(24)
    if depth > MAX_STACK:
        raise DecodeError(f"stack has {depth} values, at most {MAX_STACK} allowed")
    parser = _Parser()
    values: list[StackValue] = []
    for _ in range(depth):
        rest = read.ref()
        values.append(parser.value(read))
        read.end()
        read = Reader(rest)
    read.end()
    values.reverse()
    return tuple(values)


def as_list(value: StackValue) -> list[StackValue]:
    """The items of a list, which is null or a pair of its head and the rest.

    Raises:
        DecodeError: it is no list.
    """
    items: list[StackValue] = []
    while value is not None:
        if not isinstance(value, tuple) or len(value) != 2:
            raise DecodeError("value on the stack is not a list")
        head, value = value
        items.append(head)
    return items


def _write(out: Builder, value: StackValue) -> Builder:
    if value is None:
        return out.uint(_NULL, 8)
    if isinstance(value, int):
        if -_TINY_LIMIT <= value < _TINY_LIMIT:
            return out.uint(_TINY, 8).signed(value, 64)
        return out.uint(_INT, 15).signed(value, _INT_BITS)
    if isinstance(value, Cell):
        return out.uint(_CELL, 8).ref(value)
    if isinstance(value, StackSlice):
        cell = value.cell
        out.uint(_SLICE, 8).ref(cell).uint(0, 10).uint(cell.bits, 10)
        return out.uint(0, 3).uint(len(cell.refs), 3)
    if len(value) > MAX_TUPLE:
        raise DecodeError(f"tuple has {len(value)} values, at most {MAX_TUPLE} allowed")
    return _write_tuple(out.uint(_TUPLE, 8).uint(len(value), 16), value)


def _write_tuple(out: Builder, values: Sequence[StackValue]) -> Builder:
    """Head first: everything before the last value goes deeper."""
    if not values:
        return out
    head: Cell | None = None
    for number, value in enumerate(values[:-1]):
        if number == 0:
            head = _write(Builder(), value).cell()
        else:
            assert head is not None
            head = Builder().ref(head).ref(_write(Builder(), value).cell()).cell()
    if head is not None:
        out.ref(head)
    return out.ref(_write(Builder(), values[-1]).cell())


class _Parser:
    """Reads values and counts them: shared cells could otherwise stand for any number."""

    __slots__ = ("_nesting", "_values")

    def __init__(self) -> None:
        self._values = 0
        self._nesting = 0

    def value(self, read: Reader) -> StackValue:
        self._values += 1
        if self._values > MAX_VALUES:
            raise DecodeError(f"stack has more than {MAX_VALUES} values")
        tag = read.uint(8)
        if tag == _NULL:
            return None
        if tag == _TINY:
            return read.signed(64)
        if tag in (_CELL, _BUILDER):
            return read.ref()
        if tag == _SLICE:
            return StackSlice(_read_slice(read))
        if tag == _TUPLE:
            return self._tuple(read)
        if tag == _INT >> 7 and read.uint(7) == _INT & 0x7F:
            return read.signed(_INT_BITS)
        raise DecodeError("a kind of value on the stack that is not supported")

    def _tuple(self, read: Reader) -> tuple[StackValue, ...]:
        length = read.uint(16)
        if length > MAX_TUPLE or self._nesting == MAX_NESTING:
            raise DecodeError("tuple on the stack is too long or nested too deep")
        self._nesting += 1
        values: list[StackValue] = []
        reader = read
        for left in range(length, 0, -1):
            # The last value is here; those before it are deeper, a single one by itself.
            head = reader.ref() if left > 1 else None
            values.append(self._in_cell(reader.ref()))
            if reader is not read:
                reader.end()
            if left == 2 and head is not None:
                values.append(self._in_cell(head))
                break
            if head is not None:
                reader = Reader(head)
        self._nesting -= 1
        values.reverse()
        return tuple(values)

    def _in_cell(self, cell: Cell) -> StackValue:
        read = Reader(cell)
        value = self.value(read)
        read.end()
        return value


def _read_slice(read: Reader) -> Cell:
    cell = read.ref()
    first_bit, end_bit = read.uint(10), read.uint(10)
    first_ref, end_ref = read.uint(3), read.uint(3)
    bits = end_bit - first_bit
    if bits < 0 or end_bit > cell.bits or not first_ref <= end_ref <= len(cell.refs):
        raise DecodeError("slice on the stack does not lie in its cell")
    if bits == cell.bits and end_ref - first_ref == len(cell.refs):
        return cell
    data = (cell.data >> (cell.bits - end_bit)) & ((1 << bits) - 1)
    return Cell(data, bits, cell.refs[first_ref:end_ref])
