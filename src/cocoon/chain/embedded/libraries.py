"""Library cells: code that contracts name by its hash instead of carrying it."""

from collections.abc import Iterable

from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.embedded.records import MAX_RECORD_BYTES, MAX_RECORD_CELLS
from cocoon.chain.hashmap import write_hashmap
from cocoon.errors import ChainError, DecodeError


def pack_libraries(bocs: Iterable[bytes]) -> bytes:
    """The dictionary that the virtual machine looks in, as a bag of cells; empty for none.

    Raises:
        ChainError: one of the bags cannot be read.
    """
    values: dict[int, Cell] = {}
    for boc in bocs:
        try:
            cell = from_boc(boc, max_bytes=MAX_RECORD_BYTES, max_cells=MAX_RECORD_CELLS)
        except DecodeError as error:
            raise ChainError(f"a library of the embedded chain cannot be read: {error}") from error
        values[int.from_bytes(cell.hash, "big")] = Builder().ref(cell).cell()
    root = write_hashmap(values, 256)
    return b"" if root is None else to_boc(root)
