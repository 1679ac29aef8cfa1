"""What the embedded chain knows: its newest state in memory, its past in the database."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState, MethodResult
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Cell
from cocoon.chain.embedded.accounts import AccountCache
from cocoon.chain.embedded.clock import ChainClock
from cocoon.chain.embedded.emulator import Emulator
from cocoon.chain.embedded.libraries import pack_libraries
from cocoon.chain.embedded.methods import run_method
from cocoon.chain.embedded.records import (
    MAX_RECORD_BYTES,
    MAX_RECORD_CELLS,
    Block,
    ChainTransaction,
)
from cocoon.chain.embedded.store import ChainStore
from cocoon.chain.vm_stack import StackValue
from cocoon.errors import ChainError, DecodeError

MAX_LISTED = 1000
"""The most that one call of a listing returns."""


class Ledger:
    """Everything about the embedded chain that only reads; see ``EmbeddedChain`` for the rest.

    Args:
        path: database file; None for memory.
        emulator: the virtual machine, for get-methods.
        real_time: reads real time, Unix seconds.

    Raises:
        StoreError: the file is in use, of another version, or no chain.
    """

    def __init__(
        self, path: Path | None, emulator: Emulator, real_time: Callable[[], float]
    ) -> None:
        self._emulator = emulator
        self._real_time = real_time
        self._changed = threading.Condition(threading.RLock())
        self._store = ChainStore(path)

    def close(self) -> None:
        """Release the file; twice does nothing."""
        with self._changed:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _load(self) -> None:
        """Take over what the database says; after opening, and after going back."""
        meta = self._store.meta()
        head = self._store.head()
        if head is None or "config" not in meta:
            raise ChainError("the chain's database has no first block")
        self._head = head
        self._config = bytes(meta["config"])
        self._testnet = bool(meta["testnet"])
        self._clock = ChainClock(meta["offset"], meta["frozen"], self._real_time)
        self._libraries = pack_libraries(self._store.libraries())
        self._waiting = [_own_cell(boc) for boc in self._store.queue()]
        self._accounts = AccountCache(self._store.account)

    @property
    def testnet(self) -> bool:
        """Which flag friendly addresses carry."""
        return self._testnet

    def config(self) -> Cell:
        """The network configuration, a dictionary of its parameters."""
        return _own_cell(self._config)

    @property
    def now(self) -> int:
        """Time of the next block, Unix seconds."""
        with self._changed:
            return max(self._clock.now, self._head.time)

    @property
    def waiting(self) -> int:
        """Messages that wait for the next block."""
        return len(self._waiting)

    def head(self) -> Block:
        """The newest block."""
        return self._head

    def block(self, seqno: int) -> Block | None:
        """A block by its number."""
        with self._changed:
            return self._store.block(seqno)

    def blocks(self, *, limit: int = 20, before: int | None = None) -> list[Block]:
        """Blocks, newest first, with numbers below ``before``."""
        with self._changed:
            return self._store.blocks(_listed(limit), before)

    def account(self, address: Address) -> AccountState:
        """An account now."""
        with self._changed:
            return self._accounts.state(address, self._head.time)

    def accounts(self, *, limit: int = 20) -> list[AccountState]:
        """Accounts that ever had a transaction, the most recently active first."""
        with self._changed:
            found = self._store.active_accounts(_listed(limit))
            return [self._accounts.state(address, self._head.time) for address in found]

    def transactions(
        self, address: Address, *, limit: int = 20, before: int | None = None
    ) -> list[ChainTransaction]:
        """Transactions of an account, newest first, older than the logical time ``before``."""
        with self._changed:
            return self._store.transactions(address, _listed(limit), before)

    def recent_transactions(
        self, *, limit: int = 20, before: int | None = None
    ) -> list[ChainTransaction]:
        """Transactions of all accounts, newest first, older than the logical time ``before``."""
        with self._changed:
            return self._store.recent(_listed(limit), before)

    def block_transactions(self, seqno: int) -> list[ChainTransaction]:
        """Transactions of a block, in order; none if there is no such block."""
        with self._changed:
            block = self._store.block(seqno)
            return [] if block is None else self._store.of_block(block)

    def transaction_by_hash(self, transaction_hash: bytes) -> ChainTransaction | None:
        """A transaction by its hash."""
        with self._changed:
            return self._store.by_hash(transaction_hash)

    def transaction_by_message(self, message_hash: bytes) -> ChainTransaction | None:
        """The newest transaction that a message with this hash caused."""
        with self._changed:
            return self._store.by_message(message_hash)

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
        with self._changed:
            contract = self._accounts.contract(address, self._head.time)
            config, libraries = self._config, self._libraries
            now, seed = self.now, self._head.hash
        return run_method(
            self._emulator, contract, method, stack,
            config=config, libraries=libraries, now=now, seed=seed,
        )  # fmt: skip

    def library(self, cell_hash: bytes) -> Cell | None:
        """A published cell by its hash."""
        with self._changed:
            boc = self._store.library(cell_hash)
        return None if boc is None else _own_cell(boc)

    def wait(self, seqno: int, seconds: float) -> Block:
        """Block this thread until there is a block after ``seqno``, at most so long.

        Returns:
            The newest block, whatever its number.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._head.seqno > seqno, seconds)
            return self._head


def _listed(limit: int) -> int:
    return max(0, min(limit, MAX_LISTED))


def _own_cell(boc: bytes) -> Cell:
    try:
        return from_boc(boc, max_bytes=MAX_RECORD_BYTES, max_cells=MAX_RECORD_CELLS, proofs=True)
    except DecodeError as error:
        raise ChainError(f"a cell in the chain's database is damaged: {error}") from error
