"""TON dictionaries: binary trees of cells, with limits that a hostile sender cannot get around.

Every edge has a label in one of three forms, ``hml_short``, ``hml_long`` or ``hml_same``. Reading
accepts any form, as the network does; writing chooses as the network does, so that a dictionary has
the same hash whoever wrote it.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.errors import DecodeError

T = TypeVar("T")


def read_hashmap(
    root: Cell | None, key_bits: int, read: Callable[[Reader], T], *, max_entries: int
) -> dict[int, T]:
    """Read a whole dictionary.

    Args:
        root: its root cell; None if it is empty.
        key_bits: width of the keys, which are unsigned.
        read: reads one value, which must be all that its leaf holds.
        max_entries: refuse more.

    Returns:
        Values by key, in ascending order.

    Raises:
        DecodeError: malformed, or over the limit.
    """
    found: dict[int, T] = {}
    stack = [(root, 0, key_bits)] if root is not None else []
    while stack:
        cell, key, left = stack.pop()
        reader = Reader(cell)
        length, label = _read_label(reader, left)
        key, left = key << length | label, left - length
        if left:
            # A fork: one more bit of the key chooses the branch.
            zero, one = reader.ref(), reader.ref()
            stack += ((one, key << 1 | 1, left - 1), (zero, key << 1, left - 1))
        elif len(found) == max_entries:
            raise DecodeError(f"dictionary has more than {max_entries} entries")
        else:
            found[key] = read(reader)
        reader.end()
    return found


def find_in_hashmap(root: Cell | None, key: int, key_bits: int) -> Reader | None:
    """Look up one value; works in dictionaries with sums too, where the sum precedes the value.

    Args:
        root: its root cell; None if it is empty.
        key: what to look for, unsigned.
        key_bits: width of the keys.

    Returns:
        A reader at the leaf's content, or None if there is no such key.

    Raises:
        DecodeError: malformed, or what decides is cut off by a proof.
    """
    left = key_bits
    while root is not None:
        reader = Reader(root)
        length, label = _read_label(reader, left)
        left -= length
        if label != (key >> left) & ((1 << length) - 1):
            return None
        if not left:
            return reader
        zero, one = reader.ref(), reader.ref()
        left -= 1
        root = one if key >> left & 1 else zero
    return None


def write_hashmap(values: Mapping[int, Cell], key_bits: int) -> Cell | None:
    """Write a dictionary.

    Args:
        values: by key; each value is the content of its cell, inline in the leaf.
        key_bits: width of the keys, which are unsigned.

    Returns:
        The root cell; None if there are no values.

    Raises:
        DecodeError: a key or a value does not fit.
    """
    if not values:
        return None
    keys = sorted(values)
    if keys[0] < 0 or keys[-1] >> key_bits:
        raise DecodeError(f"a key of the dictionary does not fit {key_bits} bits")
    return _write_edge(values, keys, key_bits)


def _write_edge(values: Mapping[int, Cell], keys: list[int], left: int) -> Cell:
    """The edge that leads to these sorted keys, of which ``left`` low bits are not yet written."""
    mask = (1 << left) - 1
    first, last = keys[0] & mask, keys[-1] & mask
    rest = (first ^ last).bit_length()
    out = Builder()
    _write_label(out, first >> rest, left - rest, left)
    if not rest:
        return out.content(values[keys[0]]).cell()
    bit = 1 << (rest - 1)
    zeros = [key for key in keys if not key & bit]
    ones = [key for key in keys if key & bit]
    out.ref(_write_edge(values, zeros, rest - 1)).ref(_write_edge(values, ones, rest - 1))
    return out.cell()


def _read_label(reader: Reader, limit: int) -> tuple[int, int]:
    """Length and bits of a label, at most ``limit`` long."""
    width = limit.bit_length()
    if not reader.uint(1):
        length = 0
        while reader.uint(1):
            length += 1
        label = reader.uint(length)
    elif not reader.uint(1):
        length = reader.uint(width)
        label = reader.uint(length)
    else:
        bit, length = reader.uint(1), reader.uint(width)
        label = (1 << length) - 1 if bit else 0
    if length > limit:
        raise DecodeError("label in a dictionary is longer than its key")
    return length, label


def _write_label(out: Builder, label: int, length: int, limit: int) -> None:
    width = limit.bit_length()
    if length > 1 and label in (0, (1 << length) - 1) and width < 2 * length - 1:
        out.uint(0b110 | (label & 1), 3).uint(length, width)
    elif width < length:
        out.uint(0b10, 2).uint(length, width).uint(label, length)
    else:
        out.uint(0, 1).uint(((1 << length) - 1) << 1, length + 1).uint(label, length)
