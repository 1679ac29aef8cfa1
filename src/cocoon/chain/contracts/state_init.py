"""Contract addresses: workchain 0 and the hash of code and initial data (``onchain.md`` §1)."""

from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.cells import Cell, HashedCell, representation_hash

_STATE_INIT = 0b00110
"""No split depth, not special, code, data, no library."""
_STATE_INIT_BITS = 5


@dataclass(frozen=True, slots=True)
class CodeHash:
    """A code cell that is known by hash and depth only: enough to derive addresses."""

    hash: bytes
    depth: int


def contract_address(code: HashedCell, data: Cell) -> Address:
    """Where a contract with this code and initial data lives."""
    return Address(representation_hash(_STATE_INIT, _STATE_INIT_BITS, (code, data)))


def state_init(code: Cell, data: Cell) -> Cell:
    """The cell that deploys such a contract; its hash is the address."""
    return Cell(_STATE_INIT, _STATE_INIT_BITS, (code, data))
