"""What every chain backend can do: read accounts, transactions and get-methods, and send messages.

Three kinds exist: the embedded chain, HTTP indexers of the toncenter kind, and liteservers. Code
above this line does not know which one it has. What a backend says is a claim of a server; which
parts of it are proven is written in each backend's docstring.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.transaction import Transaction
from cocoon.chain.vm_stack import StackValue

MAX_TRANSACTIONS = 100
"""The most that one call of :meth:`ChainBackend.transactions` returns."""


class AccountStatus(Enum):
    """Life of an account."""

    NONEXISTENT = "nonexistent"
    UNINIT = "uninit"
    ACTIVE = "active"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block that the backend knows.

    Args:
        seqno: number of the masterchain block.
        time: its time, Unix seconds.
    """

    seqno: int
    time: int


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account at some block.

    Args:
        address: whose.
        status: ``NONEXISTENT`` and ``UNINIT`` have neither code nor data.
        balance: nanoTON.
        code: code cell of an active account.
        data: data cell of an active account.
        last_lt: logical time of its last transaction, 0 if it has none.
        last_hash: hash of that transaction, 32 bytes.
        time: Unix seconds of the block that this was read at.
        due_payment: nanoTON of rent that it owes and could not pay.
        frozen_hash: of a frozen account, hash of the state that revives it.
    """

    address: Address
    status: AccountStatus
    balance: int
    code: Cell | None = None
    data: Cell | None = None
    last_lt: int = 0
    last_hash: bytes = bytes(32)
    time: int = 0
    due_payment: int = 0
    frozen_hash: bytes | None = None

    @property
    def is_active(self) -> bool:
        """Whether the contract is deployed and can run."""
        return self.status is AccountStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class TransactionRef:
    """A place in an account's list of transactions.

    Args:
        lt: logical time.
        hash: 32 bytes.
    """

    lt: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class MethodResult:
    """What a get-method returned.

    Args:
        stack: results, first is the bottom of the stack.
        gas_used: gas units.
    """

    stack: tuple[StackValue, ...]
    gas_used: int


class ChainBackend(Protocol):
    """A connection to TON; every method raises ``ChainError`` classes only."""

    @property
    def name(self) -> str:
        """What the backend is, for people: ``embedded``, ``toncenter``, ``liteserver``."""
        ...

    @property
    def is_testnet(self) -> bool:
        """Which flag friendly addresses carry on this network."""
        ...

    async def start(self) -> None:
        """Connect and check that this is the network it should be.

        Raises:
            ChainError: it cannot be reached, or is another network.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...

    async def head(self) -> Head:
        """The newest block."""
        ...

    async def account(self, address: Address) -> AccountState:
        """An account now; one that does not exist is a state, not an error."""
        ...

    async def transactions(
        self, address: Address, *, limit: int = 20, before: TransactionRef | None = None
    ) -> list[Transaction]:
        """Transactions of an account, newest first.

        Args:
            address: whose.
            limit: at most so many, at most ``MAX_TRANSACTIONS``.
            before: only those older than this one; None for the newest.

        Raises:
            ChainDataError: they do not form a chain of hashes.
        """
        ...

    async def send(self, message: Cell) -> None:
        """Hand over an external message; acceptance here does not mean inclusion in a block.

        Raises:
            MessageRejectedError: its contract does not accept it.
        """
        ...

    async def run(
        self, address: Address, method: str, stack: Sequence[StackValue] = ()
    ) -> MethodResult:
        """Run a get-method on the account's newest state.

        Raises:
            ContractError: there is no such contract or method, or it failed.
        """
        ...
