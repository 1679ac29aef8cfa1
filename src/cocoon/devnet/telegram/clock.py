"""The clock of the stand-in: the machine's, or one that a test moves."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What limits, lives of drafts and answers in time are counted with; seconds since 1970."""

    def time(self) -> float:
        """The time now, in seconds since 1970."""
        ...

    async def until(self, when: float) -> None:
        """Returns when it is ``when`` or later."""
        ...


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        """See :class:`Clock`."""
        return time.time()

    async def until(self, when: float) -> None:
        """See :class:`Clock`."""
        await asyncio.sleep(max(0.0, when - time.time()))


class ManualClock:
    """A clock that stands still until :meth:`advance`.

    Args:
        start: what it shows first, in seconds since 1970.
    """

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self._now = start
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def time(self) -> float:
        """See :class:`Clock`."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves it on and wakes who waited for a time that has come."""
        self._now += seconds
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._now]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._now]
        for _, woken in due:
            if not woken.done():
                woken.set_result(None)

    async def until(self, when: float) -> None:
        """See :class:`Clock`."""
        if when <= self._now:
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((when, woken))
        await woken
