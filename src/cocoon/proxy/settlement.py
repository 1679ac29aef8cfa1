"""Persist, then promise: usage moves from memory to the store to the chain, and is signed last.

One flush at a time: take what changed, write it in one transaction, commit it to the chain, and
tell the peers whose signable amount has grown. A flush that fails leaves the books as they were and
is tried again; while the store cannot be written the proxy is not healthy and takes no requests.
Source: ``onchain.md`` §12.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import structlog

from cocoon.accounting import Account
from cocoon.errors import CocoonError
from cocoon.proxy.books import Books
from cocoon.proxy.store import ProxyStore

FLUSH_INTERVAL = 0.25
"""Seconds between flushes while something changes: what a crash can lose of unsigned usage."""

_log = structlog.get_logger(__name__)


class ChainCommitter(Protocol):
    """Makes a flush irrevocable: once committed, an older copy of the store is recognised."""

    async def commit(self, seqno: int) -> None:
        """Return once the commit of this flush has been seen on chain."""
        ...


class SimulatedChain:
    """The official simulated-TON mode: a commit acknowledges itself (``onchain.md`` §15)."""

    async def commit(self, seqno: int) -> None:
        """Accept at once."""


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

    async def start(self) -> None:
        """Commit what a crash left unconfirmed, then flush in the background.

        Raises:
            StoreError: the first flush failed.
        """
        await self.flush(force=True)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def flush(self, *, force: bool = False) -> None:
        """Store, commit and announce what has changed; with ``force`` even when nothing has.

        Raises:
            StoreError: nothing was written; the books still hold everything.
        """
        ledger = self._books.ledger
        async with self._lock:
            if not ledger.has_changes and not force:
                return
            batch = ledger.take_batch()
            loop = asyncio.get_running_loop()
            try:
                rows = self._books.store_batch(batch)
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
            await self._chain.commit(batch.seqno)
            risen = ledger.confirmed(batch.seqno)
            self._set_health(True)
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
