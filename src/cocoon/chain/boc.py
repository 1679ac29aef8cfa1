"""Bag of cells: cells to bytes and back, with limits that a hostile sender cannot get around.

Why not pytoniq-core: its reader loops over counts taken from the input before it has seen the
cells, slices the rest of the input for each cell (quadratic), accepts cells that refer to
themselves, and fails with whatever exception comes up; importing it costs 10 MB and 60 ms per
process. Tests compare this module with it instead.

Layout: magic, flag byte (index, CRC, cache bits, two reserved bits, byte width of numbers), byte
width of offsets, counts of cells, roots and absent cells, total size, root indices, optional index,
cells, optional CRC-32C.
"""

from typing import TypeAlias

from cocoon.chain.cells import EXOTIC, MAX_REFS, Cell
from cocoon.chain.exotic import ProofCell
from cocoon.errors import DecodeError

MAX_BOC_BYTES = 256 * 1024
MAX_BOC_CELLS = 8192

_MAGIC = bytes.fromhex("b5ee9c72")
_HAS_INDEX = 0x80
_HAS_CRC = 0x40
_RESERVED = 0x18
_STORED_HASHES = 0x10
_MAX_NUMBER_BYTES = 4
_MAX_OFFSET_BYTES = 8
_CRC_BYTES = 4
_CRC32C_POLYNOMIAL = 0x82F63B78

RawCell: TypeAlias = tuple[int, int, list[int], int]


def to_boc(root: Cell) -> bytes:
    """Serialize a tree of cells without index and CRC; equal cells are stored once."""
    order = _parents_first(root)
    width = _width(len(order))
    index = {cell.hash: number for number, cell in enumerate(order)}
    body = b"".join(
        cell.payload() + b"".join(index[ref.hash].to_bytes(width, "big") for ref in cell.refs)
        for cell in order
    )
    offset_width = _width(len(body))
    return b"".join(
        (
            _MAGIC,
            bytes((width, offset_width)),
            len(order).to_bytes(width, "big"),
            (1).to_bytes(width, "big"),
            bytes(width),  # no absent cells
            len(body).to_bytes(offset_width, "big"),
            bytes(width),  # the root is cell 0
            body,
        )
    )


def from_boc(
    data: bytes,
    *,
    max_bytes: int = MAX_BOC_BYTES,
    max_cells: int = MAX_BOC_CELLS,
    proofs: bool = False,
) -> Cell:
    """Parse a bag with one root. Index and CRC are accepted, the CRC is checked.

    Args:
        data: the whole bag, nothing after it.
        max_bytes: refuse larger input unread.
        max_cells: refuse more cells before reading any.
        proofs: accept Merkle cells and pruned branches, which strangers may put into messages;
            there is nothing to read in them.

    Raises:
        DecodeError: malformed, over a limit, or with exotic cells that are not accepted.
    """
    return from_boc_roots(
        data, max_bytes=max_bytes, max_cells=max_cells, max_roots=1, proofs=proofs
    )[0]


def from_boc_roots(
    data: bytes,
    *,
    max_bytes: int = MAX_BOC_BYTES,
    max_cells: int = MAX_BOC_CELLS,
    max_roots: int,
    proofs: bool = False,
) -> list[Cell]:
    """Parse a bag with several roots; see :func:`from_boc`.

    Raises:
        DecodeError: malformed, over a limit, or with exotic cells that are not accepted.
    """
    raw, roots = _read_bag(data, max_bytes=max_bytes, max_cells=max_cells, max_roots=max_roots)
    if proofs and any(item[3] > MAX_REFS and item[3] != EXOTIC for item in raw):
        return _with_proofs(raw, roots)
    count = len(raw)
    cells: list[Cell] = []
    # References point forwards only, so building from the end meets no unfinished cell.
    for bits_of_cell, bits, refs, descriptor in reversed(raw):
        if descriptor > MAX_REFS and descriptor != EXOTIC:
            # Bits 4 to 7: level. An exotic cell with references is part of a proof.
            raise DecodeError("bag of cells has a cell that is neither ordinary nor a library")
        children = [cells[count - 1 - ref] for ref in refs]
        cells.append(Cell(bits_of_cell, bits, children, exotic=descriptor == EXOTIC))
    return [cells[count - 1 - root] for root in roots]


def _with_proofs(raw: list[RawCell], roots: list[int]) -> list[Cell]:
    cells: dict[int, ProofCell] = {}
    for index in range(len(raw) - 1, -1, -1):
        data, bits, refs, descriptor = raw[index]
        exotic = bool(descriptor & EXOTIC)
        cell = ProofCell(data, bits, [cells[ref] for ref in refs], exotic=exotic)
        if cell.mask != descriptor >> 5:
            raise DecodeError("cell in a bag has another level than it says")
        cells[index] = cell
    return [cells[root] for root in roots]


def _read_bag(
    data: bytes, *, max_bytes: int, max_cells: int, max_roots: int
) -> tuple[list[RawCell], list[int]]:
    """Take a bag apart without looking at what kinds of cells it has.

    Returns:
        Its cells, each as data, number of bits, indices of its references and first descriptor
        byte, parents before children; and the indices of the roots.

    Raises:
        DecodeError: malformed, or over a limit.
    """
    if len(data) > max_bytes:
        raise DecodeError(f"bag of cells has {len(data)} bytes, at most {max_bytes} allowed")
    scan = _Scanner(data)
    if scan.take(4) != _MAGIC:
        raise DecodeError("not a bag of cells")
    flags = scan.number(1)
    width = flags & 7
    offset_width = scan.number(1)
    if not 1 <= width <= _MAX_NUMBER_BYTES or not 1 <= offset_width <= _MAX_OFFSET_BYTES:
        raise DecodeError("bag of cells has impossible number widths")
    if flags & _RESERVED:
        raise DecodeError("bag of cells has unknown flags")
    cells, roots, absent = scan.number(width), scan.number(width), scan.number(width)
    size = scan.number(offset_width)
    if not 1 <= roots <= max_roots or absent != 0:
        raise DecodeError(f"bag of cells must have 1 to {max_roots} roots and no absent cells")
    if not 1 <= cells <= max_cells:
        raise DecodeError(f"bag of cells has {cells} cells, at most {max_cells} allowed")
    root_indices = [scan.number(width) for _ in range(roots)]
    if max(root_indices) >= cells:
        raise DecodeError("root of the bag is not one of its cells")
    if flags & _HAS_INDEX:
        scan.take(cells * offset_width)  # redundant: cells are read in order
    body = _Scanner(scan.take(size))
    if flags & _HAS_CRC:
        expected = int.from_bytes(scan.take(_CRC_BYTES), "little")
        if crc32c(data[:-_CRC_BYTES]) != expected:
            raise DecodeError("bag of cells has a wrong checksum")
    scan.end()
    contents = [_read_one(body, number, cells, width) for number in range(cells)]
    body.end()
    return contents, root_indices


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), which closes a bag that has the CRC flag."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


class _Scanner:
    """Takes bytes off the front, never more than there are."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._data):
            raise DecodeError("bag of cells is truncated")
        piece = self._data[self._position : end]
        self._position = end
        return piece

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def end(self) -> None:
        if self._position != len(self._data):
            raise DecodeError("bag of cells is followed by other data")


def _read_one(body: _Scanner, number: int, count: int, width: int) -> RawCell:
    descriptor, size = body.number(1), body.number(1)
    references = descriptor & 7
    if references > MAX_REFS or descriptor & _STORED_HASHES:
        raise DecodeError("bag of cells has an absent cell or one with stored hashes")
    raw = body.take((size + 1) // 2)
    data, bits = int.from_bytes(raw, "big"), len(raw) * 8
    if size & 1:
        if not raw[-1] & 0x7F:
            raise DecodeError("cell data has no end mark where it needs one")
        padding = (data & -data).bit_length()
        data >>= padding
        bits -= padding
    refs = [body.number(width) for _ in range(references)]
    if any(not number < ref < count for ref in refs):
        raise DecodeError("bag of cells is not ordered from the root down")
    return data, bits, refs, descriptor


def _parents_first(root: Cell) -> list[Cell]:
    """Each distinct cell once, parents before children, without recursion."""
    done: dict[bytes, Cell] = {}
    stack = [(root, False)]
    while stack:
        cell, children_done = stack.pop()
        if cell.hash in done:
            continue
        if children_done:
            done[cell.hash] = cell
            continue
        stack.append((cell, True))
        stack.extend((ref, False) for ref in cell.refs)
    return list(reversed(done.values()))


def _width(number: int) -> int:
    return max(1, (number.bit_length() + 7) // 8)


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_CRC32C_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


_CRC_TABLE = _crc_table()
