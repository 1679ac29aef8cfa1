"""The stack of get-methods in the three JSON forms that indexers use.

* v2: pairs ``["num", "0x1f"]``, with ``@type`` entries inside tuples;
* v2 "Std": ``@type`` entries throughout;
* v3: ``{"type": "num", "value": "0x1f"}``.

As at the public indexers, null and chains of pairs come out as ``list``; null is an empty one.
"""

import base64
from collections.abc import Sequence
from typing import Any

from cocoon.chain.boc import to_boc
from cocoon.chain.cells import Cell
from cocoon.chain.embedded.http.arguments import read_cell, read_integer
from cocoon.chain.embedded.http.refusal import RefusedCallError
from cocoon.chain.vm_stack import MAX_STACK, StackSlice, StackValue, as_list
from cocoon.errors import DecodeError

MAX_TOTAL = 4096
"""Values of one stack, those inside tuples included."""
MAX_NESTING = 16
_INT_LIMIT = 1 << 256

_NUMBERS = ("num", "number", "int")
_CELLS = ("cell", "tvm.Cell", "tvm.cell")
_SLICES = ("slice", "tvm.Slice", "tvm.slice")
_TUPLES = ("tuple", "tvm.Tuple", "tvm.tuple")
_LISTS = ("list", "tvm.List", "tvm.list")


def read_stack(value: object) -> tuple[StackValue, ...]:
    """A stack in any of the forms, first its bottom; None is an empty one.

    Raises:
        RefusedCallError: malformed or too large.
    """
    if value is None:
        return ()
    return _Reading().items(value, 0)


class _Reading:
    """Counts values while they are read, so that no short text makes a large stack."""

    def __init__(self) -> None:
        self._left = MAX_TOTAL

    def items(self, value: object, depth: int) -> tuple[StackValue, ...]:
        if not isinstance(value, list):
            raise RefusedCallError("a stack must be a list")
        if len(value) > MAX_STACK:
            raise RefusedCallError(f"a stack or tuple has at most {MAX_STACK} values")
        if depth > MAX_NESTING:
            raise RefusedCallError(f"tuples are nested deeper than {MAX_NESTING}")
        return tuple(self._item(item, depth) for item in value)

    def _item(self, item: object, depth: int) -> StackValue:
        self._left -= 1
        if self._left < 0:
            raise RefusedCallError(f"a stack has at most {MAX_TOTAL} values")
        if isinstance(item, list) and 1 <= len(item) <= 2:
            return self._value(item[0], item[1] if len(item) == 2 else None, depth)
        if isinstance(item, dict) and "@type" in item:
            kind, content = _entry(item)
            return self._value(kind, content, depth)
        if isinstance(item, dict) and "type" in item:
            return self._value(item["type"], item.get("value"), depth)
        raise RefusedCallError('a value of a stack must be like ["num", "1"]')

    def _value(self, kind: object, content: Any, depth: int) -> StackValue:
        if kind in _NUMBERS:
            return _integer(content)
        if kind in _CELLS:
            return _cell(content)
        if kind in _SLICES:
            return StackSlice(_cell(content))
        if kind == "null":
            return None
        if kind in _TUPLES or kind in _LISTS:
            inner = content.get("elements") if isinstance(content, dict) else content
            values = self.items(inner, depth + 1)
            return values if kind in _TUPLES else _to_list(values)
        raise RefusedCallError("a value of a stack has an unknown kind")


def _entry(item: dict[str, Any]) -> tuple[str, Any]:
    """Kind and content of a ``@type`` entry."""
    kind = item["@type"]
    if not isinstance(kind, str) or not kind.startswith("tvm.stackEntry"):
        raise RefusedCallError("a value of a stack has an unknown @type")
    name = kind.removeprefix("tvm.stackEntry").lower()
    content = item.get(name)
    if name == "number" and isinstance(content, dict):
        content = content.get("number")
    return name, content


def _integer(content: object) -> int:
    number = read_integer(content, "stack")
    if not -_INT_LIMIT <= number < _INT_LIMIT:
        raise RefusedCallError("a number of a stack has more than 257 bits")
    return number


def _cell(content: object) -> Cell:
    return read_cell(content.get("bytes") if isinstance(content, dict) else content, "stack")


def _to_list(values: Sequence[StackValue]) -> StackValue:
    """A list as the virtual machine knows it: pairs of head and rest, null at the end."""
    result: StackValue = None
    for value in reversed(values):
        result = (value, result)
    return result


def _as_list(value: StackValue) -> list[StackValue] | None:
    """The members of such a list; None for anything else."""
    try:
        return as_list(value)
    except DecodeError:
        return None


def boc_text(cell: Cell) -> str:
    """A bag of cells in Base64."""
    return base64.b64encode(to_boc(cell)).decode()


def pairs(stack: Sequence[StackValue]) -> list[Any]:
    """The v2 form."""
    return [_pair(value) for value in stack]


def _pair(value: StackValue) -> list[Any]:
    if isinstance(value, int):
        return ["num", hex(value)]
    if isinstance(value, Cell):
        return ["cell", _cell_object(value)]
    if isinstance(value, StackSlice):
        return ["slice", _cell_object(value.cell)]
    entry_value = entry(value)
    name = "list" if "list" in entry_value else "tuple"
    return [name, entry_value[name]]


def _cell_object(cell: Cell) -> dict[str, Any]:
    size = (cell.bits + 7) // 8
    data = (cell.data << (size * 8 - cell.bits)).to_bytes(size, "big")
    return {
        "bytes": boc_text(cell),
        "object": {"data": {"b64": base64.b64encode(data).decode(), "len": cell.bits}, "refs": []},
    }


def entries(stack: Sequence[StackValue]) -> list[dict[str, Any]]:
    """The "Std" form."""
    return [entry(value) for value in stack]


def entry(value: StackValue) -> dict[str, Any]:
    """One ``@type`` entry."""
    if isinstance(value, int):
        number = {"@type": "tvm.numberDecimal", "number": str(value)}
        return {"@type": "tvm.stackEntryNumber", "number": number}
    if isinstance(value, Cell):
        cell = {"@type": "tvm.cell", "bytes": boc_text(value)}
        return {"@type": "tvm.stackEntryCell", "cell": cell}
    if isinstance(value, StackSlice):
        piece = {"@type": "tvm.slice", "bytes": boc_text(value.cell)}
        return {"@type": "tvm.stackEntrySlice", "slice": piece}
    members = _as_list(value)
    if members is not None:
        content = {"@type": "tvm.list", "elements": entries(members)}
        return {"@type": "tvm.stackEntryList", "list": content}
    content = {"@type": "tvm.tuple", "elements": entries(value or ())}
    return {"@type": "tvm.stackEntryTuple", "tuple": content}


def typed(stack: Sequence[StackValue]) -> list[dict[str, Any]]:
    """The v3 form."""
    return [_typed(value) for value in stack]


def _typed(value: StackValue) -> dict[str, Any]:
    if isinstance(value, int):
        return {"type": "num", "value": hex(value)}
    if isinstance(value, Cell):
        return {"type": "cell", "value": boc_text(value)}
    if isinstance(value, StackSlice):
        return {"type": "slice", "value": boc_text(value.cell)}
    members = _as_list(value)
    if members is not None:
        return {"type": "list", "value": typed(members)}
    return {"type": "tuple", "value": typed(value or ())}
