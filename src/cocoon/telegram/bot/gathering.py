"""Messages that belong together but arrive one by one: albums, and what is forwarded at once.

Telegram sends each as an update of its own and does not say which is the last, so a short silence
ends them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_ITEMS = 100
"""Messages that one burst holds: as many as Telegram's apps forward at once."""
MAX_BURSTS = 2000
"""Bursts that are collected at once; beyond it the oldest ends early."""


@dataclass(slots=True)
class _Burst(Generic[T]):
    items: list[T] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


class Gathering(Generic[T]):
    """Collects what arrives under one key and hands it over after a silence.

    Args:
        quiet: seconds without a further message that end a burst.
        done: called once a burst with its key and messages, in the order in which they came.
        failed: told of what ``done`` raises.
    """

    def __init__(
        self,
        quiet: float,
        done: Callable[[Hashable, list[T]], Awaitable[None]],
        failed: Callable[[Hashable, Exception], Awaitable[None]],
    ) -> None:
        self._quiet = quiet
        self._done = done
        self._failed = failed
        self._bursts: dict[Hashable, _Burst[T]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, key: Hashable, item: T) -> None:
        """One more message; what is beyond :data:`MAX_ITEMS` is dropped."""
        if key not in self._bursts and len(self._bursts) >= MAX_BURSTS:
            self._end(next(iter(self._bursts)))
        burst = self._bursts.setdefault(key, _Burst())
        if len(burst.items) < MAX_ITEMS:
            burst.items.append(item)
        if burst.timer is not None:
            burst.timer.cancel()
        burst.timer = asyncio.get_running_loop().call_later(self._quiet, self._end, key)

    async def close(self) -> None:
        """Hand over what was collected without waiting, and wait until it is dealt with."""
        for key in list(self._bursts):
            self._end(key)
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def _end(self, key: Hashable) -> None:
        burst = self._bursts.pop(key)
        if burst.timer is not None:
            burst.timer.cancel()
        task = asyncio.get_running_loop().create_task(self._hand_over(key, burst.items))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hand_over(self, key: Hashable, items: list[T]) -> None:
        try:
            await self._done(key, items)
        except Exception as error:
            await self._failed(key, error)
