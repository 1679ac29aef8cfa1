"""Transactions: what one message did to one account."""

from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.message import Message


@dataclass(frozen=True, slots=True)
class ComputePhase:
    """What the virtual machine did.

    Args:
        skipped: why it did not run (``no state``, ``bad state``, ``no gas``, ``suspended``), or
            None if it did.
        success: whether it ended well.
        exit_code: its exit code; 0 if skipped.
        gas_used: gas units.
        gas_fees: nanoTON.
    """

    skipped: str | None
    success: bool
    exit_code: int
    gas_used: int = 0
    gas_fees: int = 0


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction.

    Args:
        address: whose.
        lt: logical time.
        hash: representation hash, 32 bytes.
        time: Unix seconds.
        prev_lt: logical time of the account's transaction before, 0 if it is the first.
        prev_hash: its hash.
        in_message: what caused it.
        out_messages: what it sent, in order.
        total_fees: nanoTON, without forwarding fees of its messages.
        compute: what the virtual machine did; None for kinds without that phase.
        action_code: result of the action phase, 0 = well; None if it had none.
        aborted: whether its effects were undone.
        bounced: whether the incoming message was sent back.
        boc: the transaction as it came, for explorers.
    """

    address: Address
    lt: int
    hash: bytes
    time: int
    prev_lt: int
    prev_hash: bytes
    in_message: Message | None
    out_messages: tuple[Message, ...] = ()
    total_fees: int = 0
    compute: ComputePhase | None = None
    action_code: int | None = None
    aborted: bool = False
    bounced: bool = False
    boc: bytes = b""

    @property
    def success(self) -> bool:
        """Whether the contract ran and all it wanted to do was done."""
        return not self.aborted


def parse_transaction(cell: Cell) -> Transaction:
    """Read a transaction.

    Raises:
        DecodeError: malformed.
    """
    raise NotImplementedError
