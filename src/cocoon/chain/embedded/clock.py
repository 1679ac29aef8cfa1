"""The chain's clock: real time, or real time and an offset, or standing still."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from cocoon.errors import ChainError

LAST_TIME = (1 << 32) - 1
"""Times on the network have 32 bits."""


@dataclass(frozen=True, slots=True)
class ChainClock:
    """A setting of the clock; changing it makes another one.

    Args:
        offset: seconds added to real time.
        frozen: Unix seconds at which it stands still; None if it runs.
        real: reads real time, Unix seconds.
    """

    offset: int = 0
    frozen: int | None = None
    real: Callable[[], float] = time.time

    @property
    def now(self) -> int:
        """Unix seconds."""
        if self.frozen is not None:
            return self.frozen
        return int(self.real()) + self.offset

    def advanced(self, seconds: int) -> "ChainClock":
        """A clock that is ahead of this one.

        Raises:
            ChainError: backwards, or beyond what 32 bits can hold.
        """
        if seconds < 0:
            raise ChainError("the clock only goes forward")
        self._check(self.now + seconds)
        if self.frozen is not None:
            return ChainClock(self.offset, self.frozen + seconds, self.real)
        return ChainClock(self.offset + seconds, None, self.real)

    def stopped(self, at: int | None) -> "ChainClock":
        """A clock that stands still, now or at a later time.

        Raises:
            ChainError: in the past, or beyond what 32 bits can hold.
        """
        now = self.now
        if at is not None and at < now:
            raise ChainError(f"the clock is at {now} and only goes forward")
        self._check(at or now)
        return ChainClock(self.offset, now if at is None else at, self.real)

    def running(self) -> "ChainClock":
        """A clock that runs on from where this one stands."""
        return ChainClock(self.now - int(self.real()), None, self.real)

    @staticmethod
    def _check(value: int) -> None:
        if value > LAST_TIME:
            raise ChainError("the clock cannot go beyond the year 2106")
