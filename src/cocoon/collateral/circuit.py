"""When a service in trouble is left alone, and how long waits are."""

from collections.abc import Callable

from cocoon.errors import CollateralError

FAILURES_TO_OPEN = 3
"""Failed operations in a row, each with all its retries."""
FIRST_PAUSE = 60.0
MAX_PAUSE = 3600.0
"""Seconds that a service is left alone; doubles from the first to the longest."""
MAX_RETRY_AFTER = 6 * 3600.0
"""Longest wait that we let a service order, in seconds."""


class Circuit:
    """Opens after several failures or at the service's own word; then nothing is asked for a while.

    After the pause one operation is tried; its failure opens the circuit again, for twice as long.

    Args:
        name: of the service.
        uniform: returns a random number in [0, 1).
    """

    def __init__(self, name: str, uniform: Callable[[], float]) -> None:
        self._name = name
        self._uniform = uniform
        self._failures = 0
        self._open_until = 0.0

    def require_closed(self, now: float) -> None:
        """Raise while the service is left alone.

        Args:
            now: monotonic seconds.

        Raises:
            CollateralError: it is; says for how long.
        """
        left = self._open_until - now
        if left > 0:
            raise CollateralError(f"{self._name} is left alone for another {left:.0f} s", left)

    def success(self) -> None:
        """An operation has succeeded."""
        self._failures = 0
        self._open_until = 0.0

    def failure(self, now: float, retry_after: float) -> None:
        """An operation has failed.

        Args:
            now: monotonic seconds.
            retry_after: seconds that the service asked for, or 0.
        """
        self._failures += 1
        pause = min(retry_after, MAX_RETRY_AFTER)
        if self._failures >= FAILURES_TO_OPEN:
            longest = min(
                FIRST_PAUSE * 2.0 ** min(self._failures - FAILURES_TO_OPEN, 16), MAX_PAUSE
            )
            pause = max(pause, longest * (0.5 + self._uniform() / 2))
        self._open_until = now + pause


def full_jitter(longest: float, uniform: Callable[[], float]) -> float:
    """A wait between nothing and ``longest`` seconds: many that failed at once come back apart."""
    return longest * uniform()
