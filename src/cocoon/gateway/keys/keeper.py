"""Between the gate in memory and the store: leases in, usage out, changes of keys in.

One task asks, one thread does all database work. Turns come every ``FLUSH_SECONDS``, or at once
when a request waits for a lease.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from cocoon.errors import StoreError
from cocoon.gateway.keys.budgets import Budgets
from cocoon.gateway.keys.leases import Booking, BudgetName, DeclaredDeadError, Leases
from cocoon.gateway.keys.ledger import DELETE_PART, Ledger, UsageRow
from cocoon.gateway.keys.purse import Purse
from cocoon.gateway.keys.record import KeyRecord
from cocoon.gateway.keys.refusals import store_away
from cocoon.gateway.keys.registry import Registry
from cocoon.gateway.keys.settings import (
    ALIVE_SECONDS,
    FLUSH_SECONDS,
    HEARTBEAT_SECONDS,
    MAX_PENDING,
    PATIENCE_SECONDS,
    POLL_SECONDS,
    SPARE_SECONDS,
    KeysSettings,
)
from cocoon.gateway.keys.store import open_store
from cocoon.store import Database

PROCESS_ID_BYTES = 16
CLEAN_SECONDS = 600.0
"""Between two deletions of what is too old."""
LAST_USED_SECONDS = 60.0
CLOSE_TRIES = 5

T = TypeVar("T")
log = structlog.get_logger("cocoon.gateway.keys")


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is written in one transaction, tried until it is done."""

    number: int
    rows: list[UsageRow]
    bookings: dict[BudgetName, Booking]
    parts: list[tuple[Purse, Booking, int]]

    def without_leases(self) -> "_Batch":
        """The same spending, of leases that are gone."""
        parts = [(p, replace(b, taken=0), 0) for p, b, _ in self.parts]
        return replace(self, parts=parts, bookings={p.name: b for p, b, _ in parts})


class _Round:
    """Requests that wait for the next acquisition."""

    __slots__ = ("done", "failed")

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.failed = False


class Keeper:
    """Keeps purses, ledger and keys in step with the store.

    Args:
        settings: of the gate.
        apply: takes keys that are new or have changed.
        forget_users: drops end users who have nothing open; gets the time.

    Attributes:
        share: how many living processes share each rate limit.
    """

    def __init__(
        self,
        settings: KeysSettings,
        apply: Callable[[KeyRecord], None],
        forget_users: Callable[[float], None],
    ) -> None:
        self._settings = settings
        self._apply = apply
        self._forget_users = forget_users
        self._pool = ThreadPoolExecutor(1, "cocoon-keys")
        self._database: Database | None = None
        self._leases: Leases | None = None
        self._task: asyncio.Task[None] | None = None
        self._urgent = asyncio.Event()
        self._round = _Round()
        self._purses: dict[BudgetName, Purse] = {}
        self._wants: set[Purse] = set()
        self._dirty: list[Purse] = []
        self._rows: list[UsageRow] = []
        self._used: dict[str, int] = {}
        self._batch: _Batch | None = None
        self._number = 0
        self._version = 0
        self._contact = 0.0
        self._is_closing = False
        self._due = dict.fromkeys(("flush", "poll", "heartbeat", "sweep", "used", "clean"), 0.0)
        self.share = 1

    # What the gate and its permits call; nothing here waits but :meth:`more`.

    def is_away(self) -> bool:
        """Whether the store has not answered for so long that nothing may be believed."""
        return time.monotonic() - self._contact > PATIENCE_SECONDS

    def is_full(self) -> bool:
        """Whether too much waits for the store."""
        return len(self._rows) >= MAX_PENDING or self._is_closing or self.is_away()

    def purse(self, name: BudgetName, budget: str, ends_at: int | None) -> Purse:
        """The one purse of a budget."""
        found = self._purses.get(name)
        if found is None:
            found = self._purses[name] = Purse(name, budget, ends_at)
        return found

    def forget(self, purses: tuple[Purse, ...]) -> None:
        """Drop purses that nobody refers to any more; callers invent end users without end."""
        for purse in purses:
            if purse.is_idle():
                self._purses.pop(purse.name, None)

    def changed(self, purse: Purse) -> None:
        """See :class:`~cocoon.gateway.keys.permit.Books`."""
        if not purse.dirty:
            purse.dirty = True
            self._dirty.append(purse)

    def note(self, row: UsageRow) -> None:
        """See :class:`~cocoon.gateway.keys.permit.Books`."""
        self._rows.append(row)
        self._used[row.key_id] = row.at // 1000

    def lease_ahead(self, purse: Purse, now: float) -> None:
        """Ask for more before somebody must wait for it."""
        if purse not in self._wants and (purse.free or now >= purse.known_until):
            self._wants.add(purse)

    async def more(self, purses: list[Purse], amount: int) -> None:
        """Wait until the store was asked for ``amount`` more in each of ``purses``.

        Raises:
            Refusal: 503, it did not answer.
        """
        if self._is_closing:
            raise store_away()
        this = self._round
        for purse in purses:
            purse.wanted += amount
            self._wants.add(purse)
        self._urgent.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):  # a store can also hang
                await this.done.wait()
        except TimeoutError:
            raise store_away() from None
        finally:
            for purse in purses:
                purse.wanted -= amount
        if this.failed:
            raise store_away()

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Run what blocks in the thread of the database."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    @property
    def database(self) -> Database:
        """The store, for what runs in :meth:`in_thread`."""
        assert self._database is not None
        return self._database

    # Start and end.

    async def start(self) -> bytes:
        """Open the store, read all keys; returns the salt of pseudonyms.

        Raises:
            ConfigError: the store's address is wrong.
            StoreError: it does not work.
        """
        self._database = await self.in_thread(lambda: open_store(self._settings.store))
        try:
            await self._join()
            await self._poll()
            salt = await self.in_thread(Registry(self.database).salt)
        except BaseException:
            self._database.close()
            self._pool.shutdown()
            raise
        self._task = asyncio.create_task(self._work())
        return salt

    async def close(self) -> None:
        """Write what is left, give leases back, close the store.

        What cannot be written is lost for the ledger, and stays counted as leased in budgets.
        """
        self._is_closing = True
        self._urgent.set()
        if self._task is not None:
            await self._task
        try:
            await self._leave()
        finally:
            if self._database is not None:
                await self.in_thread(self._database.close)
            self._pool.shutdown()

    async def _leave(self) -> None:
        for _ in range(CLOSE_TRIES):
            try:
                while self._batch or self._rows or self._dirty:
                    await self._flush()
                if self._leases is not None:
                    await self.in_thread(self._leases.leave)
            except StoreError as error:
                log.warning("the store of API keys fails at the end", error=str(error))
                await asyncio.sleep(FLUSH_SECONDS)
            else:
                return
        log.error("usage could not be written", rows=len(self._rows))

    # The task.

    async def _work(self) -> None:
        down = False
        while not self._is_closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), FLUSH_SECONDS)
            self._urgent.clear()
            try:
                await self._turn()
                down = False
            except DeclaredDeadError:
                await self._lose_leases()
            except StoreError as error:
                if not down:
                    log.error("the store of API keys does not work", error=str(error))
                down = True
            except Exception as error:  # a bug of ours must not end all accounting
                log.error("accounting of API keys failed", error=type(error).__name__)
        self._end_round(failed=True)

    async def _turn(self) -> None:
        if self._wants:
            await self._acquire()
        if self._is_due("flush", FLUSH_SECONDS) and (self._batch or self._rows or self._dirty):
            await self._flush()
        if self._is_due("poll", POLL_SECONDS):
            await self._poll()
        if self._is_due("sweep", SPARE_SECONDS):
            self._sweep()
        if self._is_due("used", LAST_USED_SECONDS) and self._used:
            used, self._used = self._used, {}
            await self._ask(lambda: Registry(self.database).used(used))
        if self._is_due("clean", CLEAN_SECONDS):
            await self._clean()

    def _is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + every
        return True

    async def _ask(self, function: Callable[[], T]) -> T:
        """Have the store write, and note that it has.

        What only reads does not count: a full disk is read as well as ever, and nothing that is
        promised on it can be kept.
        """
        began = time.monotonic()
        answer = await self.in_thread(function)
        self._contact = began
        return answer

    async def _acquire(self) -> None:
        purses, self._wants = self._wants, set()
        wants = {p.name: want for p in purses if (want := p.want()) is not None}
        failed = True
        try:
            if wants:
                leases = self._leases
                assert leases is not None
                grants = await self._ask(lambda: leases.acquire(list(wants.values())))
                now = time.time()
                for purse in purses:
                    if purse.name in grants:
                        purse.take(grants[purse.name], now)
            failed = False
        finally:
            # Who has come meanwhile has asked for more than this brought, and asks again.
            self._end_round(failed=failed)

    def _end_round(self, *, failed: bool) -> None:
        ended, self._round = self._round, _Round()
        ended.failed = failed
        ended.done.set()

    async def _flush(self) -> None:
        batch = self._batch or self._next_batch()
        self._batch = batch
        leases = self._leases
        assert leases is not None
        holds_leases = await self._ask(
            lambda: leases.flush(batch.number, batch.rows, batch.bookings, time.time())
        )
        self._batch = None
        for purse, booking, returned in batch.parts:
            purse.booked(booking, returned)
        if not holds_leases:
            await self._lose_leases()

    def _next_batch(self) -> _Batch:
        rows, self._rows = self._rows, []
        dirty, self._dirty = self._dirty, []
        parts = []
        for purse in dirty:
            purse.dirty = False
            parts.append((purse, purse.booking(), purse.returning))
        self._number += 1
        return _Batch(self._number, rows, {p.name: b for p, b, _ in parts}, parts)

    async def _poll(self) -> None:
        registry, version, leases = Registry(self.database), self._version, self._leases
        assert leases is not None
        self._version, changed = await self.in_thread(lambda: registry.changed_since(version))
        for record in changed:
            self._apply(record)
        if self._is_due("heartbeat", HEARTBEAT_SECONDS):
            now = time.time()
            if not await self._ask(lambda: leases.heartbeat(now)):
                await self._lose_leases()
            self.share = max(1, await self.in_thread(lambda: leases.alive(now - ALIVE_SECONDS)))

    def _sweep(self) -> None:
        """Give back leases that nobody uses, forget budgets whose period is over."""
        now = time.time()
        for name, purse in list(self._purses.items()):
            over = purse.ends_at is not None and now >= purse.ends_at
            unused = not purse.touched or purse.cap is None or over
            purse.touched = False
            if unused and not purse.wanted and purse.return_spare():
                self.changed(purse)
            if over and purse.is_idle():
                del self._purses[name]
        self._forget_users(now)

    async def _clean(self) -> None:
        now = time.time()
        await self._ask(lambda: Budgets(self.database).forget(now))
        if self._settings.retention_days:
            before = int(now) - self._settings.retention_days * 86_400
            ledger = Ledger(self.database)
            if await self._ask(lambda: ledger.forget(before)) == DELETE_PART:
                self._due["clean"] = 0.0  # more of it in the next turn

    async def _join(self) -> None:
        """Become a process that the store has never seen."""
        self._leases = Leases(self.database, secrets.token_hex(PROCESS_ID_BYTES))
        leases = self._leases
        await self._ask(lambda: leases.register(time.time()))

    async def _lose_leases(self) -> None:
        """Go on without the leases that somebody took from us while we were silent."""
        log.warning("the leases of this process were reconciled while it was silent")
        for purse in self._purses.values():
            purse.lose_lease()
        if self._batch is not None:
            self._batch = self._batch.without_leases()
        with contextlib.suppress(StoreError):
            await self._join()
