"""TON through an HTTP indexer."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from cocoon.chain.address import Address
from cocoon.chain.backend import (
    MAX_TRANSACTIONS,
    AccountState,
    Head,
    MethodResult,
    TransactionRef,
)
from cocoon.chain.cells import Cell
from cocoon.chain.evidence import AccountWatch, HeadWatch, check_history, check_network
from cocoon.chain.toncenter.caller import AnswerTooLargeError, Caller, Limits
from cocoon.chain.toncenter.v2 import V2, Network
from cocoon.chain.toncenter.v3 import V3
from cocoon.chain.transaction import Transaction
from cocoon.chain.vm_stack import StackValue
from cocoon.errors import ChainDataError, ChainError

MAX_PAGE = 32
"""Transactions in one request: each may bring a message of a megabyte from a stranger."""
STALE_TRIES = 6
STALE_WAIT = 1.0
"""Several servers stand behind one address; one of them may lag by a few seconds."""


class ToncenterBackend:
    """Implements ``ChainBackend`` with the toncenter API.

    **Proven**, whatever the server says:

    * a transaction is what its hash says: the hash is computed from the cells that came;
    * a list of transactions is one account's and has no gap: each names its predecessor by hash,
      so whoever trusts the newest one trusts them all;
    * within one process, an account never goes back behind a transaction already shown, never has
      two transactions at one logical time, and the chain neither jumps back nor stands still.

    **Claimed**, and believed: the newest state of an account, its code and data, which transaction
    is its last one, the newest block, and every result of a get-method. A lying server can invent
    all of these, a history from the first transaction included; whoever must not be fooled uses a
    liteserver with proofs or a node of his own. Which network it is, is checked as far as the
    server tells: it would have to lie about the zero state or the network's number to pass for the
    other public network.

    Args:
        url: ``https://host``, with or without ``/api/v2``.
        api_key: secret; sent over https, or to this machine, only.
        is_testnet: which network it must be.
        version: which API to use. ``v3`` for heads, accounts, get-methods and sending;
            transactions come from v2 of the same server even then, because only they can be
            checked.
        limits: rate, times and sizes.
        max_age: seconds that the newest block may be old; None for two minutes on the public
            networks and no limit on others, whose clock may be their own.
        name: what to call it.
        clock: monotonic seconds.
        wall: Unix seconds.
        sleep: waits so many seconds.

    Raises:
        ConfigError: the URL is wrong.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        is_testnet: bool,
        version: Literal["v2", "v3"] = "v2",
        limits: Limits | None = None,
        max_age: float | None = None,
        name: str = "toncenter",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._caller = Caller(url, api_key, limits or Limits(), clock, sleep)
        self._v2 = V2(self._caller)
        self._v3 = V3(self._caller) if version == "v3" else None
        self._is_testnet = is_testnet
        self._name = name
        self._sleep = sleep
        self._heads = HeadWatch(max_age, wall)
        self._accounts = AccountWatch()
        self._zero_state: bytes | None = None

    def __repr__(self) -> str:
        return f"ToncenterBackend({self._caller.name})"

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    @property
    def is_testnet(self) -> bool:
        """Which network it must be."""
        return self._is_testnet

    async def start(self) -> None:
        """Check that the server answers and is on the right network.

        Without it, or after it failed, the first call that reads checks the same.

        Raises:
            ChainError: it cannot be reached, or its chain stalls.
            ConfigError: it is on another network.
        """
        if self._v3 is not None:
            await self._check_network()
        await self.head()

    async def close(self) -> None:
        """Close connections."""
        await self._caller.close()

    async def head(self) -> Head:
        """The newest block.

        Raises:
            ChainError: the server cannot be reached, or the chain stalls.
            ChainDataError: it jumps back.
            ConfigError: the server is on another network.
        """
        if self._v3 is None:
            head, network = await self._v2.head(self._heads.best)
        else:
            head, network = await self._v3.head()
        self._check(network)
        return self._heads.accept(head, self._zero_state)

    async def account(self, address: Address) -> AccountState:
        """An account as the server shows it, never older than shown before.

        Raises:
            ChainError: the server cannot be reached.
            ChainDataError: its answer is malformed or goes back.
        """
        await self._check_network()
        for _ in range(STALE_TRIES):
            state = await self._account(address)
            last = TransactionRef(state.last_lt, state.last_hash)
            if not self._accounts.is_old(address, last):
                return state
            await self._sleep(STALE_WAIT)
        raise ChainDataError(f"server shows an older state of {address} than before")

    async def transactions(
        self, address: Address, *, limit: int = 20, before: TransactionRef | None = None
    ) -> list[Transaction]:
        """Transactions of an account, newest first, without a gap.

        Raises:
            ChainError: the server cannot be reached.
            ChainDataError: they are malformed, not this account's, or have a gap.
        """
        await self._check_network()
        limit = max(0, min(limit, MAX_TRANSACTIONS))
        for _ in range(STALE_TRIES):
            # The server starts with the one named, which the caller has already.
            found = await self._history(address, limit + (before is not None), before)
            if before is not None:
                return found[1:]
            newest = TransactionRef(found[0].lt, found[0].hash) if found else None
            if limit == 0 or not self._accounts.is_old(address, newest or _NONE):
                return found
            await self._sleep(STALE_WAIT)
        raise ChainDataError(f"server shows older transactions of {address} than before")

    async def send(self, message: Cell) -> None:
        """Hand over an external message.

        After an attempt without an answer the message is sent again, and a refusal then says
        nothing, because the first may have got through: what happened is seen on the account.

        Raises:
            MessageRejectedError: its contract does not accept it.
            ChainError: the server cannot be reached or does not take it.
        """
        await self._check_network()
        await (self._v3 or self._v2).send(message)

    async def run(
        self, address: Address, method: str, stack: Sequence[StackValue] = ()
    ) -> MethodResult:
        """Have the server run a get-method.

        Raises:
            ContractError: it failed, or an argument is a tuple or null.
            ChainError: the server cannot be reached.
        """
        await self._check_network()
        return await (self._v3 or self._v2).run(address, method, stack)

    async def _check_network(self) -> None:
        if self._zero_state is None:
            _, network = await self._v2.head(None)
            self._check(network)

    def _check(self, network: Network) -> None:
        zero_state = network.zero_state or self._zero_state
        if self._zero_state not in (None, zero_state):
            raise ChainDataError("server suddenly shows a chain with another beginning")
        check_network(self._is_testnet, zero_state=zero_state, network_id=network.network_id)
        self._zero_state = zero_state

    async def _account(self, address: Address) -> AccountState:
        if self._v3 is None:
            return await self._v2.account(address)
        head, _ = await self._v3.head()
        return await self._v3.account(address, head.time)

    async def _history(
        self, address: Address, limit: int, start: TransactionRef | None
    ) -> list[Transaction]:
        found: list[Transaction] = []
        page, next_one = MAX_PAGE, start
        while len(found) < limit and (next_one is None or next_one.lt):
            count = min(page, limit - len(found))
            try:
                part = await self._v2.transactions(address, count, next_one)
            except AnswerTooLargeError:
                if count == 1:
                    raise
                page = count // 2
                continue
            check_history(address, part, next_one)
            if not part and next_one is not None:
                raise ChainError(
                    f"server has no transactions of {address} up to logical time {next_one.lt}: "
                    "use one that keeps all history"
                )
            if not part:
                break
            found += part
            next_one = TransactionRef(part[-1].prev_lt, part[-1].prev_hash)
        return found


_NONE = TransactionRef(0, bytes(32))
