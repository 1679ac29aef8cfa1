"""What the embedded chain keeps of its past: blocks and transactions."""

from dataclasses import dataclass, field
from functools import cached_property

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Cell
from cocoon.chain.transaction import Transaction, parse_transaction

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""Of a transaction or an account; what comes from the emulator is large only if we made it so."""
MAX_RECORD_CELLS = 1 << 17


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the embedded chain.

    Args:
        seqno: number, from 1.
        time: Unix seconds of the chain's clock, never less than the block before.
        start_lt: logical time of its first transaction, or of its end if it has none.
        end_lt: logical time of its last transaction.
        hash: 32 bytes, over the block before and the transactions.
        transactions: how many.
    """

    seqno: int
    time: int
    start_lt: int
    end_lt: int
    hash: bytes
    transactions: int


@dataclass(frozen=True)
class ChainTransaction:
    """A transaction as the chain stores it; parsed when somebody asks.

    Args:
        address: whose.
        lt: logical time, unique in the whole chain.
        hash: 32 bytes.
        boc: the transaction as a bag of cells.
        block: number of its block.
        time: Unix seconds.
        in_hash: hash of the message cell that caused it, 32 bytes.
        vm_log: what the virtual machine did, if the emulator was told to write it down; not stored.
    """

    address: Address
    lt: int
    hash: bytes
    boc: bytes = field(repr=False)
    block: int
    time: int
    in_hash: bytes
    vm_log: str = field(default="", compare=False, repr=False)

    @cached_property
    def cell(self) -> Cell:
        """The transaction as a cell."""
        return from_boc(
            self.boc, max_bytes=MAX_RECORD_BYTES, max_cells=MAX_RECORD_CELLS, proofs=True
        )

    @cached_property
    def parsed(self) -> Transaction:
        """The transaction as a value.

        Raises:
            DecodeError: of a kind that Cocoon does not know.
        """
        return parse_transaction(self.cell)

    @property
    def success(self) -> bool:
        """Whether the contract ran and all it wanted to do was done."""
        return self.parsed.success

    @property
    def exit_code(self) -> int | None:
        """Exit code of the contract; None if it did not run."""
        compute = self.parsed.compute
        return None if compute is None or compute.skipped else compute.exit_code

    @property
    def gas_used(self) -> int:
        """Gas units of the contract; 0 if it did not run."""
        compute = self.parsed.compute
        return 0 if compute is None else compute.gas_used
