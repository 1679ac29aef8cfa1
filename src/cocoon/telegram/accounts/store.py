"""The store of a Telegram service in one thread of its own, for asyncio.

Writes that wait together are committed together, each in a savepoint of its own: a thousand chats
that begin at once cost a few waits for the disk instead of a thousand. Nobody hears of success
before the commit.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from cocoon.errors import StoreError
from cocoon.store import Database
from cocoon.telegram.store import open_store
from cocoon.telegram.store.schema import service

T = TypeVar("T")

MAX_BATCH = 128
"""Writes in one transaction."""
MAX_WAITING = 20_000
"""Jobs that may wait; beyond, something is badly wrong and callers hear it at once."""


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
        await asyncio.shield(asyncio.wrap_future(opened))

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
                _serve(database, batch, self._owner)
        finally:
            database.close()

    def _next(self) -> list[_Job]:
        """A read alone, or all writes up to the next read; empty at the end."""
        with self._changed:
            while not self._jobs and not self._closing:
                self._changed.wait()
            batch: list[_Job] = []
            while self._jobs and len(batch) < MAX_BATCH:
                if batch and not (self._jobs[0].write and batch[0].write):
                    break
                batch.append(self._jobs.popleft())
            return batch


def _serve(database: Database, batch: list[_Job], owner: str | None) -> None:
    todo = [job for job in batch if job.done.set_running_or_notify_cancel()]
    if not todo:
        return
    outcomes: list[tuple[Any, BaseException | None]] = []
    try:
        if todo[0].write:
            with database.write() as connection:
                _check_owner(connection, owner)
                outcomes = [_attempt(job, connection) for job in todo]
        else:
            with database.read() as connection:
                outcomes = [(todo[0].work(connection), None)]
    except BaseException as error:
        outcomes = [(None, error)] * len(todo)
    for job, (result, failure) in zip(todo, outcomes, strict=True):
        if failure is None:
            job.done.set_result(result)
        else:
            job.done.set_exception(failure)


def _attempt(job: _Job, connection: sa.Connection) -> tuple[Any, BaseException | None]:
    try:
        with connection.begin_nested():
            return job.work(connection), None
    except sa.exc.SQLAlchemyError as error:
        if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
            raise
        return None, StoreError(
            f"the store of the Telegram service refuses: {type(error).__name__}"
        )
    except Exception as error:
        return None, error


def _check_owner(connection: sa.Connection, owner: str | None) -> None:
    """Refuse to write beside a newer process of this service.

    The row is locked: who takes over waits until we have committed.
    """
    if owner is None:
        return
    if connection.scalar(sa.select(service.c.owner).with_for_update(read=True)) != owner:
        raise StoreError("another process of this service has taken over the store; this one ends")
