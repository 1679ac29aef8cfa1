"""Persist, then promise: usage moves from memory to the store to the chain, and is signed last.

One flush at a time: take what changed and write it in one transaction. A commit of the books goes
to the chain once enough usage waits for it (its cost is set by value at risk, not by the clock);
when it was seen there, the peers whose signable amount has grown are told. A flush that fails
leaves the books as they were and is tried again; while the store cannot be written the proxy is not
healthy and takes no requests. Source: ``onchain.md`` §12, D8-D10.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

import structlog

from cocoon.accounting import Account, AccountLevel, state_root
from cocoon.accounting import Batch as LedgerBatch
from cocoon.errors import CocoonError
from cocoon.proxy.books import Books
from cocoon.proxy.store import ProxyStore, StateCommit

FLUSH_INTERVAL = 0.25
"""Seconds between flushes while something changes: what a crash can lose of unsigned usage."""

_log = structlog.get_logger(__name__)


class ChainCommitter(Protocol):
    """Makes flushes irrevocable: once committed, an older copy of the store is recognised.

    Attributes:
        is_delayed: whether a commit is seen later than it is sent, so that the store is told.
    """

    is_delayed: bool

    @property
    def confirmed(self) -> int:
        """Number of the newest commit that was seen on chain; 0 before the first."""
        ...

    def attach(self, on_confirmed: Callable[[int], None]) -> None:
        """Call this with the number of each flush whose commit was seen on chain."""
        ...

    def due(self, tokens: int, *, forced: bool) -> bool:
        """Whether so many unconfirmed tokens ask for a commit now; if ``forced``, any do."""
        ...

    def stored(self, seqno: int, commit: StateCommit | None) -> None:
        """A flush is on disk, and with it this commit if one was due: send it."""
        ...


class SimulatedChain:
    """The official simulated-TON mode: a commit acknowledges itself (``onchain.md`` §15)."""

    is_delayed = False
    confirmed = 0

    def __init__(self) -> None:
        self._on_confirmed: Callable[[int], None] = lambda _seqno: None

    def attach(self, on_confirmed: Callable[[int], None]) -> None:
        """Remember whom to tell."""
        self._on_confirmed = on_confirmed

    def due(self, tokens: int, *, forced: bool) -> bool:  # noqa: ARG002
        """Nothing is sent, so nothing is due."""
        return False

    def stored(self, seqno: int, commit: StateCommit | None) -> None:  # noqa: ARG002
        """Accept at once."""
        self._on_confirmed(seqno)


class Settlement:
    """Flushes the books of one proxy.

    Args:
        books: the accounts.
        store: where they are kept; used from one thread of our own.
        chain: where flushes are committed.
        on_signable: called with every account that more can be signed for.
        on_health: called with whether the books can be stored, whenever that changes.
        interval: seconds between flushes.
    """

    def __init__(
        self,
        books: Books,
        store: ProxyStore,
        chain: ChainCommitter,
        on_signable: Callable[[list[Account]], None],
        on_health: Callable[[bool], None],
        interval: float = FLUSH_INTERVAL,
    ) -> None:
        self._books = books
        self._store = store
        self._chain = chain
        self._on_signable = on_signable
        self._on_health = on_health
        self._interval = interval
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="proxy-store")
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.healthy = True
        chain.attach(self._confirmed)

    async def start(self) -> None:
        """Commit what a crash left unconfirmed, then flush in the background.

        Raises:
            StoreError: the first flush failed.
        """
        await self.flush(force=True, commit=True)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def flush(self, *, force: bool = False, commit: bool = False) -> None:
        """Store what has changed, and send a commit if one is due.

        Args:
            force: store even when nothing has changed.
            commit: send a commit whatever the value at risk, if anything waits for one.

        Raises:
            StoreError: nothing was written; the books still hold everything.
        """
        ledger = self._books.ledger
        async with self._lock:
            waiting = ledger.unconfirmed
            wanted = waiting > 0 and self._chain.due(waiting, forced=commit)
            if not (ledger.has_changes or self._books.has_moved or force or wanted):
                return
            batch = ledger.take_batch()
            loop = asyncio.get_running_loop()
            try:
                rows = self._books.store_batch(batch)
                if wanted:
                    levels = ledger.levels(batch)
                    state = await loop.run_in_executor(self._thread, _commit, batch, levels)
                    rows = replace(rows, commit=state, confirmed=self._chain.confirmed)
                await loop.run_in_executor(self._thread, self._store.flush, rows)
            except Exception:  # of any kind: what is not on disk must not count as stored
                ledger.failed(batch)
                self._set_health(False)
                raise
            except BaseException:
                # Cancelled: the thread may still write the batch, which the next one repeats.
                ledger.failed(batch)
                raise
            ledger.committed(batch)
            self._books.stored(rows)
            self._set_health(True)
            self._chain.stored(batch.seqno, rows.commit)

    def _confirmed(self, seqno: int) -> None:
        risen = self._books.ledger.confirmed(seqno)
        if self._chain.is_delayed:
            for account in risen:
                self._books.ledger.touch(account)
        if risen:
            self._on_signable(risen)

    def _set_health(self, healthy: bool) -> None:
        if healthy != self.healthy:
            self.healthy = healthy
            self._on_health(healthy)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.flush()
            except CocoonError as error:
                _log.error(
                    "the proxy's books cannot be stored; taking no requests", error=str(error)
                )
            except Exception as error:
                # Boundary: if this task ended, nothing would ever be stored or signed again.
                _log.error("a flush failed by a bug", error=type(error).__name__)

    async def close(self) -> None:
        """Flush a last time and release the store.

        Raises:
            StoreError: the last flush failed; usage since the flush before is lost.
        """
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self.flush()
        finally:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._store.close)
            self._thread.shutdown()


def _commit(batch: LedgerBatch, levels: list[AccountLevel]) -> StateCommit:
    return StateCommit(batch.seqno, state_root(levels))
