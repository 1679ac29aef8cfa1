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

    def moved_to(self, at: int) -> "ChainClock":
        """A clock that shows this time now.

        Raises:
            ChainError: beyond what 32 bits can hold.
        """
        _check(at)
        if self.frozen is not None:
            return ChainClock(self.offset, at, self.real)
        return ChainClock(at - int(self.real()), None, self.real)

    def stopped_at(self, at: int) -> "ChainClock":
        """A clock that stands still at this time.

        Raises:
            ChainError: beyond what 32 bits can hold.
        """
        _check(at)
        return ChainClock(self.offset, at, self.real)

    def running(self) -> "ChainClock":
        """A clock that runs on from where this one stands."""
        return ChainClock(self.now - int(self.real()), None, self.real)


def _check(at: int) -> None:
    if at > LAST_TIME:
        raise ChainError("the clock cannot go beyond the year 2106")
