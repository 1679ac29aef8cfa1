"""The store of a Telegram service in one thread of its own, for asyncio.

What waits together is committed together, each job in a savepoint of its own: a thousand chats that
begin at once cost a few waits for the disk instead of a thousand. Nobody hears of anything before
the commit.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa

from cocoon.errors import CocoonError, StoreError
from cocoon.store import Database
from cocoon.telegram.store import open_store
from cocoon.telegram.store.schema import service

T = TypeVar("T")
_Outcome: TypeAlias = "tuple[Any, Exception | None]"

MAX_BATCH = 128
"""Writes in one transaction."""
MAX_WAITING = 20_000
"""Jobs that may wait; beyond, something is badly wrong and callers hear it at once."""

_AWAY = (sa.exc.OperationalError, sa.exc.InternalError, sa.exc.InterfaceError)
"""Disk full, connection lost, time limits and the like; the rest is one statement's own fault."""


@dataclass(slots=True)
class _Job:
    work: Callable[[sa.Connection], Any]
    write: bool
    done: "Future[Any]"


class Store:
    """Runs functions over a connection of the store, one after the other.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``.
        create: whether a SQLite file that is not there is made.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._url = url
        self._create = create
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._owner: str | None = None
        self._taken_over = False

    @property
    def is_hopeless(self) -> bool:
        """Whether writing will never work again: it is closed, or another process took it over."""
        return self._taken_over or self._closing or self._thread is None

    async def open(self) -> None:
        """Open the database and bring its schema up to date.

        Raises:
            ConfigError: not such a URL.
            StoreError: it cannot be opened, or is newer than this program.
        """
        opened: Future[None] = Future()
        self._closing = False
        self._thread = threading.Thread(
            target=self._main, args=(opened,), name="telegram-store", daemon=True
        )
        self._thread.start()
        try:
            await asyncio.shield(asyncio.wrap_future(opened))
        except CocoonError:
            self._thread = None
            raise

    async def close(self) -> None:
        """Finish what waits, then close; may be called twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(thread.join)

    def fence(self, owner: str | None) -> None:
        """From now on write only while the store still names this process as its service.

        Args:
            owner: what ``telegram_service`` must say; None writes always.
        """
        self._owner = owner

    async def run(self, work: Callable[[sa.Connection], T], *, write: bool = False) -> T:
        """Call ``work`` in the store's thread, within a transaction.

        What it raises undoes what it did, and nothing else. If the caller is cancelled the work is
        done all the same, unless it had not begun.

        Args:
            work: must not keep the connection, nor take long.
            write: whether it changes anything; True returns when it is on disk.

        Raises:
            StoreError: the database refuses or is away, or another process took the store over.
            Exception: whatever ``work`` raises.
        """
        return await asyncio.wrap_future(self.submit(work, write=write))

    def submit(self, work: Callable[[sa.Connection], T], *, write: bool = False) -> "Future[T]":
        """As :meth:`run`, but returns at once; the order of calls is the order of work."""
        job = _Job(work, write, Future())
        with self._changed:
            if self._thread is None or self._closing or len(self._jobs) >= MAX_WAITING:
                job.done.set_exception(StoreError("the store of the Telegram service is closed"))
            else:
                self._jobs.append(job)
                self._changed.notify()
        return job.done

    # --- in the thread ---

    def _main(self, opened: "Future[None]") -> None:
        try:
            database = open_store(self._url, create=self._create)
        except BaseException as error:
            opened.set_exception(error)
            return
        opened.set_result(None)
        try:
            while batch := self._next():
                self._serve(database, batch)
        finally:
            database.close()

    def _next(self) -> list[_Job]:
        """All that waits, within limits; empty at the end."""
        with self._changed:
            while not self._jobs and not self._closing:
                self._changed.wait()
            return [self._jobs.popleft() for _ in range(min(len(self._jobs), MAX_BATCH))]

    def _serve(self, database: Database, batch: list[_Job]) -> None:
        todo = [job for job in batch if job.done.set_running_or_notify_cancel()]
        outcomes: list[_Outcome] = []
        try:
            if any(job.write for job in todo):
                with database.write() as connection:
                    self._check_owner(connection)
                    outcomes = [_attempt(job, connection) for job in todo]
            elif todo:
                with database.read() as connection:
                    outcomes = [_attempt(job, connection) for job in todo]
        except Exception as error:
            outcomes = [(None, StoreError(str(error)))] * len(todo)
        for job, (result, failure) in zip(todo, outcomes, strict=True):
            if failure is None:
                job.done.set_result(result)
            else:
                job.done.set_exception(failure)

    def _check_owner(self, connection: sa.Connection) -> None:
        """Refuse to write beside a newer process of this service.

        The row is locked: who takes over waits until we have committed.
        """
        if self._owner is None:
            return
        row = sa.select(service.c.owner).with_for_update(read=True)
        if connection.scalar(row) != self._owner:
            self._taken_over = True
            raise StoreError("another process of this service has taken over the store")


def _attempt(job: _Job, connection: sa.Connection) -> _Outcome:
    """Do one job; if it fails, only what it did is undone."""
    try:
        with connection.begin_nested():
            return job.work(connection), None
    except _AWAY:
        # The database may have undone the work of others too: nobody is told of success.
        raise
    except sa.exc.SQLAlchemyError as error:
        name = type(error).__name__
        return None, StoreError(f"the store of the Telegram service refuses: {name}")
    except Exception as error:
        return None, error
