"""Messages that belong together but arrive one by one: albums, long texts, forwarded ones.

Telegram sends each as an update of its own and does not say which is the last, so a short silence
ends them. Every update stays in its handler until all of them were dealt with: what was not when
the process died is handled again (:mod:`cocoon.telegram.service.inbox`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_ITEMS = 100
"""Messages that one burst holds: as many as Telegram's apps forward at once."""
MAX_SILENCES = 20
"""A burst ends after so many times its silence, even if messages keep coming."""


@dataclass(slots=True)
class _Burst(Generic[T]):
    items: list[T] = field(default_factory=list)
    last: float = 0.0
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Gathering(Generic[T]):
    """Collects what arrives under one key and deals with it together after a silence.

    Args:
        quiet: seconds without a further message that end a burst.
    """

    def __init__(self, quiet: float) -> None:
        self.quiet = quiet
        self._bursts: dict[Hashable, _Burst[T]] = {}

    def is_open(self, key: Hashable) -> bool:
        """Whether a burst waits for more under this key."""
        return key in self._bursts

    async def collect(
        self, key: Hashable, item: T, done: Callable[[list[T]], Awaitable[None]]
    ) -> None:
        """Add one more; returns when the whole burst was dealt with.

        Args:
            key: what the burst is known by.
            item: dropped if the burst holds :data:`MAX_ITEMS` already.
            done: deals with the burst; only the first caller's is called, and what it raises only
                the first caller gets.
        """
        loop = asyncio.get_running_loop()
        if (burst := self._bursts.get(key)) is not None:
            burst.last = loop.time()
            if len(burst.items) < MAX_ITEMS:
                burst.items.append(item)
            await burst.ended.wait()
            return
        burst = self._bursts[key] = _Burst([item], loop.time())
        try:
            try:
                await self._silence(burst)
            finally:
                del self._bursts[key]
            await done(burst.items)
        finally:
            burst.ended.set()

    async def _silence(self, burst: _Burst[T]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + MAX_SILENCES * self.quiet
        while True:
            left = min(burst.last + self.quiet, end) - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(left)
