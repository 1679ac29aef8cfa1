"""The embedded chain: accounts, messages between them, blocks and a clock that can be set."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState, MethodResult
from cocoon.chain.cells import EMPTY_CELL, Cell
from cocoon.chain.embedded.emulator import Emulator
from cocoon.chain.embedded.records import Block, ChainTransaction
from cocoon.chain.vm_stack import StackValue

FAUCET = Address(bytes([0x11]) * 32)
"""Where coins come from; no account lives there and messages to it stay without an answer."""
DEFAULT_MAX_HOPS = 1000
"""Transactions in one block; messages beyond wait for the next."""


class Snapshot:
    """A whole chain at one moment, made by :meth:`EmbeddedChain.snapshot`."""


class EmbeddedChain:
    """A TON chain with one shard, no validators and no proofs.

    Every method may be called from any thread and raises ``ChainError`` or ``StoreError`` only.

    Args:
        path: database file, made if it does not exist; None keeps everything in memory.
        emulator: the virtual machine; None shares one of this process.
        now: freeze the clock of a new chain at this time, Unix seconds; None follows real time.
        testnet: flag of friendly addresses on a new chain.
        max_hops: transactions in one block.

    Raises:
        ConfigError: the emulator is not built.
        StoreError: the file is in use, of another version, or no chain.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        emulator: Emulator | None = None,
        now: int | None = None,
        testnet: bool = True,
        max_hops: int = DEFAULT_MAX_HOPS,
    ) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Release the file; twice does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Clock

    @property
    def now(self) -> int:
        """Time of the next block, Unix seconds."""
        raise NotImplementedError

    def advance(self, seconds: int) -> Block:
        """Move the clock forward, and make a block at the new time."""
        raise NotImplementedError

    def freeze(self, at: int | None = None) -> None:
        """Stop the clock, now or at a later time."""
        raise NotImplementedError

    def unfreeze(self) -> None:
        """Let the clock run on from where it stands."""
        raise NotImplementedError

    # Doing

    def send(self, message: Cell) -> tuple[ChainTransaction, ...]:
        """Run an external message and all that it causes, as one block.

        Returns:
            The block's transactions, first the one of the message.

        Raises:
            MessageRejectedError: its contract did not accept it; nothing was stored.
        """
        raise NotImplementedError

    def faucet(
        self,
        dest: Address,
        value: int,
        *,
        body: Cell = EMPTY_CELL,
        init: Cell | None = None,
        bounce: bool = False,
        source: Address = FAUCET,
    ) -> tuple[ChainTransaction, ...]:
        """Make coins out of nothing and run the message that brings them, as one block.

        Args:
            dest: receiver.
            value: nanoTON.
            body: body of the message.
            init: state that deploys the receiver.
            bounce: whether a failure sends the coins back to ``source``.
            source: whose message the receiver shall see; the devnet's way to play any sender.
        """
        raise NotImplementedError

    def tick(self) -> tuple[ChainTransaction, ...]:
        """Make a block of the messages that wait, or an empty one if it is time for one."""
        raise NotImplementedError

    # Reading

    def head(self) -> Block:
        """The newest block."""
        raise NotImplementedError

    def block(self, seqno: int) -> Block | None:
        """A block by its number."""
        raise NotImplementedError

    def account(self, address: Address) -> AccountState:
        """An account now."""
        raise NotImplementedError

    def transactions(
        self, address: Address, *, limit: int = 20, before: int | None = None
    ) -> list[ChainTransaction]:
        """Transactions of an account, newest first, older than the logical time ``before``."""
        raise NotImplementedError

    def recent_transactions(
        self, *, limit: int = 20, before: int | None = None
    ) -> list[ChainTransaction]:
        """Transactions of all accounts, newest first, older than the logical time ``before``."""
        raise NotImplementedError

    def block_transactions(self, seqno: int) -> list[ChainTransaction]:
        """Transactions of a block, in order."""
        raise NotImplementedError

    def transaction_by_hash(self, transaction_hash: bytes) -> ChainTransaction | None:
        """A transaction by its hash."""
        raise NotImplementedError

    def transaction_by_message(self, message_hash: bytes) -> ChainTransaction | None:
        """The newest transaction that a message with this hash caused."""
        raise NotImplementedError

    def run(
        self, address: Address, method: str | int, stack: Sequence[StackValue] = ()
    ) -> MethodResult:
        """Run a get-method on the account's newest state.

        Args:
            address: contract.
            method: name, or number.
            stack: arguments, first is the bottom of the stack.

        Raises:
            ContractError: there is no such contract or method, or it failed.
        """
        raise NotImplementedError

    # Controls

    def publish_library(self, cell: Cell) -> bytes:
        """Make a cell available to contracts by its hash, which is returned."""
        raise NotImplementedError

    def snapshot(self) -> Snapshot:
        """The whole chain as it is now, in memory."""
        raise NotImplementedError

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this chain; the numbers of its blocks go back too."""
        raise NotImplementedError

    def save(self, name: str) -> None:
        """Keep a snapshot under a name, beside the database file."""
        raise NotImplementedError

    def load(self, name: str) -> None:
        """Go back to the snapshot of that name."""
        raise NotImplementedError

    def saved(self) -> list[str]:
        """Names of the snapshots."""
        raise NotImplementedError

    def subscribe(self, notify: Callable[[Block], None]) -> Callable[[], None]:
        """Call ``notify`` after each block, from the thread that made it; returns how to stop."""
        raise NotImplementedError

    def wait(self, seqno: int, seconds: float) -> Block:
        """Block this thread until there is a block after ``seqno``, at most so long."""
        raise NotImplementedError
