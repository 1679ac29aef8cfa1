"""TON through liteservers."""

import asyncio
import binascii
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from cocoon.chain.account import parse_account
from cocoon.chain.address import Address
from cocoon.chain.backend import (
    MAX_TRANSACTIONS,
    AccountState,
    AccountStatus,
    Head,
    MethodResult,
    TransactionRef,
)
from cocoon.chain.boc import from_boc, from_boc_roots, to_boc
from cocoon.chain.cells import Cell
from cocoon.chain.evidence import HeadWatch, check_history, check_network
from cocoon.chain.liteserver import tl
from cocoon.chain.liteserver.adnl import LiteserverError, UnreachableError
from cocoon.chain.liteserver.newest import ContradictionError, NewestBlock, Timing
from cocoon.chain.liteserver.pool import Pool
from cocoon.chain.liteserver.proofs import check_shard, prove_account
from cocoon.chain.liteserver.servers import Servers
from cocoon.chain.refusals import exit_code_in, is_duplicate, is_rejection
from cocoon.chain.transaction import Transaction, parse_transaction
from cocoon.chain.vm_stack import StackValue, parse_stack, serialize_stack
from cocoon.errors import (
    ChainDataError,
    ChainError,
    ConfigError,
    ContractError,
    DecodeError,
    MessageRejectedError,
)

_random = random.SystemRandom()  # leaves the state of the shared generator alone

MAX_PAGE = 16
"""Transactions in one answer of a liteserver."""
MAX_BYTES = 8 * 1024 * 1024
MAX_CELLS = 128 * 1024
METHOD_DONE = (0, 1)
"""Exit codes of a get-method that went well."""
METHOD_FLAG = 0x10000

T = TypeVar("T")


class LiteserverBackend:
    """Implements ``ChainBackend`` with liteservers, over ADNL.

    **Agreed**: the newest masterchain block counts only if ``agreement`` servers, each known by
    its key, name the same one. That validators signed it is *not* checked. So everything below is
    as true as that these servers do not lie together; with ``agreement`` 1, as that one does not.

    **Proven** against that block, by Merkle proofs:

    * the state of an account, its code, data and balance, its last transaction, or that there is
      no such account, in the shard block that the masterchain block names as newest;
    * its transactions: each is named by the hash of the one after it, the last one by the state;
    * the time of blocks, and which network it is, as far as block headers and the state that the
      chain started from tell.

    **Claimed** by one server, and believed: results of get-methods, which run at that server; and
    that it passed on a message. Whoever must not be fooled reads a contract's data from its
    account instead of calling a method.

    Args:
        servers: of the network's global configuration.
        is_testnet: which network it must be.
        agreement: how many servers must name the same block.
        timing: how long.
        max_age: seconds that the newest block may be old; None for two minutes on the public
            networks and no limit on others, whose clock may be their own.
        clock: monotonic seconds.
        wall: Unix seconds.
        sleep: waits so many seconds.

    Raises:
        ConfigError: fewer servers than must agree.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        is_testnet: bool,
        agreement: int = 2,
        timing: Timing | None = None,
        max_age: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # One that is listed twice must not agree with itself.
        distinct = tuple({server.key: server for server in servers.servers}.values())
        count = len(distinct)
        if not 1 <= agreement <= count:
            raise ConfigError(
                f"{agreement} liteservers shall agree, but the configuration names {count}: "
                "name more, or set agreement lower"
            )
        check_network(is_testnet, zero_state=servers.zero_state)
        self._is_testnet = is_testnet
        self._timing = timing or Timing()
        self._sleep = sleep
        first = _random.randrange(count)
        self._pool = Pool(distinct, first, self._timing.timeout)
        self._heads = HeadWatch(max_age, wall)
        self._newest = NewestBlock(
            self._pool,
            is_testnet=is_testnet,
            agreement=agreement,
            zero_state=servers.zero_state,
            timing=self._timing,
            heads=self._heads,
            clock=clock,
        )

    @property
    def name(self) -> str:
        """``liteserver``."""
        return "liteserver"

    @property
    def is_testnet(self) -> bool:
        """Which network it must be."""
        return self._is_testnet

    async def start(self) -> None:
        """Connect, and check that this is the network it should be.

        Raises:
            ChainError: too few servers can be reached, or the chain stalls.
            ConfigError: they are on another network.
        """
        await self.head()

    async def close(self) -> None:
        """Close connections."""
        await self._pool.close()

    async def head(self) -> Head:
        """The newest block that enough servers agree on.

        Raises:
            ChainError: too few servers can be reached, or the chain stalls.
            ChainDataError: they contradict each other, or the chain jumps back.
            ConfigError: they are on another network.
        """
        await self._try(self._newest.get)
        assert self._heads.best is not None
        return self._heads.best

    async def account(self, address: Address) -> AccountState:
        """An account, proven; see above.

        Raises:
            ChainError: the servers cannot be reached.
            ChainDataError: a proof is wrong.
        """
        return await self._try(lambda: self._account(address))

    async def transactions(
        self, address: Address, *, limit: int = 20, before: TransactionRef | None = None
    ) -> list[Transaction]:
        """Transactions, newest first, proven from the account's state or from the one given.

        Raises:
            ChainError: the servers cannot be reached, or keep no history so old.
            ChainDataError: a transaction is not the one named by the one after it.
        """
        limit = max(0, min(limit, MAX_TRANSACTIONS))
        start = before
        if start is None:
            state = await self.account(address)
            start = TransactionRef(state.last_lt, state.last_hash)
        # A server begins with the one named, which the caller has already.
        skip = int(before is not None)
        found: list[Transaction] = []
        while start.lt and len(found) < limit + skip:
            count = min(MAX_PAGE, limit + skip - len(found))
            page = await self._page(address, count, start)
            found += page
            start = TransactionRef(page[-1].prev_lt, page[-1].prev_hash)
        return found[skip:]

    async def send(self, message: Cell) -> None:
        """Hand an external message to a server.

        Raises:
            MessageRejectedError: its contract does not accept it.
            ChainError: the servers cannot be reached.
        """
        query = tl.send_message(to_boc(message))
        uncertain = False

        async def send() -> None:
            nonlocal uncertain
            await self._newest.get()
            try:
                (await self._pool.ask(query)).expect(tl.SEND_STATUS).number()
            except LiteserverError as error:
                if is_duplicate(error.text) or (uncertain and is_rejection(error.text)):
                    return  # an attempt before got through
                if is_rejection(error.text):
                    code = exit_code_in(error.text)
                    raise MessageRejectedError(str(error), code) from None
                raise
            except ChainError as error:
                uncertain = uncertain or not isinstance(error, UnreachableError)
                raise

        await self._try(send)

    async def run(
        self, address: Address, method: str, stack: Sequence[StackValue] = ()
    ) -> MethodResult:
        """Have a server run a get-method; it does not say how much gas that took.

        Raises:
            ContractError: it failed.
            ChainError: the servers cannot be reached.
        """
        method_id = binascii.crc_hqx(method.encode(), 0) | METHOD_FLAG
        params = to_boc(serialize_stack(stack))

        async def run() -> MethodResult:
            block = await self._newest.get()
            answer = await self._pool.ask(tl.run_method(block, address, method_id, params))
            answer.expect(tl.METHOD_RESULT)
            if answer.unsigned() != tl.WITH_RESULT:
                raise DecodeError("liteserver answers with another mode")
            answer.block()
            answer.block()
            code = answer.number()
            if code not in METHOD_DONE:
                text = f"get-method {method} of {address} fails with exit code {code}"
                raise ContractError(text, code)
            return MethodResult(parse_stack(_cell(answer.text())), 0)

        return await self._try(run)

    async def _account(self, address: Address) -> AccountState:
        block = await self._newest.get()
        answer = await self._pool.ask(tl.get_account(block, address))
        if answer.expect(tl.ACCOUNT_STATE).block() != block:
            raise DecodeError("liteserver answers for another block")
        shard = answer.block()
        shard_proof, proof, state = answer.text(), answer.text(), answer.text()
        check_shard(shard_proof, block, shard, address)
        proven = prove_account(proof, shard, address)
        if proven.cell_hash is None:
            return AccountState(address, AccountStatus.NONEXISTENT, 0, time=proven.time)
        cell = _cell(state)
        if cell.hash != proven.cell_hash:
            raise DecodeError("account is not the one that its proof shows")
        account = parse_account(cell, address, proven.time)
        return replace(account, last_lt=proven.last_lt, last_hash=proven.last_hash)

    async def _page(self, address: Address, count: int, start: TransactionRef) -> list[Transaction]:
        async def ask() -> list[Transaction]:
            await self._newest.get()
            query = tl.get_transactions(address, count, start.lt, start.hash)
            answer = (await self._pool.ask(query)).expect(tl.TRANSACTION_LIST)
            number = answer.unsigned()
            if not 1 <= number <= count:
                raise ChainError(
                    f"liteserver has no transactions of {address} up to logical time {start.lt}: "
                    "use one that keeps all history"
                )
            for _ in range(number):
                answer.block()
            cells = from_boc_roots(
                answer.text(),
                max_bytes=MAX_BYTES,
                max_cells=MAX_CELLS,
                max_roots=number,
                proofs=True,
            )
            page = [parse_transaction(cell) for cell in cells]
            check_history(address, page, start)
            return page

        return await self._try(ask)

    async def _try(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it with one server after the other until one serves."""
        last: ChainError | None = None
        for attempt in range(self._timing.attempts):
            if attempt:
                self._pool.rotate()
                await self._sleep(self._timing.retry_delay)
            try:
                return await work()
            except (MessageRejectedError, ContractError, ContradictionError):
                raise
            except DecodeError as error:
                last = ChainDataError(f"liteserver {self._pool.first} is not believed: {error}")
            except ChainError as error:
                last = error
        assert last is not None
        self._pool.rotate()
        raise last


def _cell(data: bytes) -> Cell:
    return from_boc(data, max_bytes=MAX_BYTES, max_cells=MAX_CELLS, proofs=True)
