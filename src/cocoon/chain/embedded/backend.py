"""The embedded chain as a backend in the same process."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from cocoon.chain.address import Address
from cocoon.chain.backend import (
    MAX_TRANSACTIONS,
    AccountState,
    Head,
    MethodResult,
    TransactionRef,
)
from cocoon.chain.cells import Cell
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.records import ChainTransaction
from cocoon.chain.transaction import Transaction
from cocoon.chain.vm_stack import StackValue
from cocoon.errors import ChainDataError, ChainError, DecodeError, StoreError

T = TypeVar("T")


class EmbeddedBackend:
    """Implements ``ChainBackend`` on a chain of this process; the chain runs in a worker thread.

    What it says is what the chain did: nobody else is there who could lie.

    Args:
        chain: stays the caller's, who closes it.
    """

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain

    @property
    def name(self) -> str:
        """``embedded``."""
        return "embedded"

    @property
    def is_testnet(self) -> bool:
        """Which flag friendly addresses carry."""
        return self._chain.testnet

    async def start(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing to release; the chain is its owner's."""

    async def head(self) -> Head:
        """The newest block; makes one first if it is time."""

        def read() -> Head:
            self._chain.tick()
            block = self._chain.head()
            return Head(block.seqno, block.time)

        return await _in_thread(read)

    async def account(self, address: Address) -> AccountState:
        """An account now."""
        return await _in_thread(lambda: self._chain.account(address))

    async def transactions(
        self, address: Address, *, limit: int = 20, before: TransactionRef | None = None
    ) -> list[Transaction]:
        """Transactions of an account, newest first; see ``ChainBackend.transactions``."""

        def read() -> list[Transaction]:
            found = self._chain.transactions(
                address,
                limit=min(limit, MAX_TRANSACTIONS),
                before=None if before is None else before.lt,
            )
            return [_parsed(transaction) for transaction in found]

        return await _in_thread(read)

    async def send(self, message: Cell) -> None:
        """Run an external message; when this returns, it is in a block.

        Raises:
            MessageRejectedError: its contract does not accept it.
        """
        await _in_thread(lambda: self._chain.send(message))

    async def run(
        self, address: Address, method: str, stack: Sequence[StackValue] = ()
    ) -> MethodResult:
        """Run a get-method.

        Raises:
            ContractError: there is no such contract or method, or it failed.
        """
        return await _in_thread(lambda: self._chain.run(address, method, stack))


def _parsed(transaction: ChainTransaction) -> Transaction:
    try:
        return transaction.parsed
    except DecodeError as error:
        raise ChainDataError(f"transaction {transaction.hash.hex()}: {error}") from error


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except StoreError as error:
        raise ChainError(str(error)) from error
