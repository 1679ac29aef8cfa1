"""Rent of accounts: what storing them costs, and for how long their balance pays it.

Prices are those of workchain 0 in the network configuration that ships with Cocoon; the main
network's have been the same since 2024. Validators may change them by a vote.
"""

from cocoon.chain.backend import AccountState
from cocoon.chain.cells import Cell

YEAR = 365 * 86400
BIT_PRICE = 1
CELL_PRICE = 500
"""NanoTON for 65536 seconds."""
MAX_CELLS = 100_000
"""More than an account can have."""
_PERIOD = 65536
_OWN_BITS = 250
"""Of the account's own cell, beside code and data: about."""


def yearly_rent(state: AccountState) -> int:
    """What an account costs a year, nanoTON; about, since the account's own fields vary."""
    cells, bits = _size(state)
    return -(-(cells * CELL_PRICE + bits * BIT_PRICE) * YEAR // _PERIOD)


def rent_lasts(state: AccountState) -> int:
    """For how many seconds after its last transaction the balance pays the rent; 0 if it owes."""
    if state.due_payment:
        return 0
    return state.balance * YEAR // yearly_rent(state)


def _size(state: AccountState) -> tuple[int, int]:
    """Different cells and their bits, each counted once as the network does."""
    seen: set[bytes] = set()
    bits, waiting = _OWN_BITS, [cell for cell in (state.code, state.data) if cell is not None]
    while waiting and len(seen) < MAX_CELLS:
        cell: Cell = waiting.pop()
        if cell.hash not in seen:
            seen.add(cell.hash)
            bits += cell.bits
            waiting.extend(cell.refs)
    return len(seen) + 1, bits
