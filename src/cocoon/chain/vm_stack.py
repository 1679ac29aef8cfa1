"""Values on the TVM stack, as arguments and results of get-methods."""

from dataclasses import dataclass
from typing import TypeAlias

from cocoon.chain.cells import Cell


@dataclass(frozen=True, slots=True)
class StackSlice:
    """A slice, as the cell that holds exactly its remaining bits and references.

    Args:
        cell: its content.
    """

    cell: Cell


StackValue: TypeAlias = "int | Cell | StackSlice | tuple[StackValue, ...] | None"
"""An integer of 257 bits, a cell, a slice, a tuple or list, or null."""
