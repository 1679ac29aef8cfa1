"""Work that must be done even when whoever asked for it has gone."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from cocoon.errors import StoreError

T = TypeVar("T")

PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between tries; a database that restarts is back by then."""
LATER = 10.0
"""Seconds between further tries, of which nobody waits for the end."""


class Background:
    """Keeps tasks alive until they end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = asyncio.Event()

    def begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start a task that is neither forgotten nor cancelled with its caller."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it to the end; a caller that is cancelled only stops waiting."""
        return await asyncio.shield(self.begin(work))

    async def later(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Try again until it is done; no more than once after :meth:`close` was called.

        Args:
            work: raises StoreError while it cannot be done.
        """
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), LATER)
            try:
                return await work()
            except StoreError:
                if self._closing.is_set():
                    return None

    async def close(self) -> None:
        """Wait for all."""
        self._closing.set()
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._closing.clear()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits has it; nobody may


async def stubborn(work: Callable[[], Awaitable[T]], is_hopeless: Callable[[], bool]) -> T:
    """Try again while the store refuses.

    Args:
        work: raises StoreError while it does.
        is_hopeless: whether trying again is no use.

    Raises:
        StoreError: it still does after all tries.
    """
    for pause in PAUSES:
        try:
            return await work()
        except StoreError:
            if is_hopeless():
                raise
            await asyncio.sleep(pause)
    return await work()
