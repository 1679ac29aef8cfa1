"""Contracts that refused a message are left alone for a while, longer each time."""

import time

from cocoon.chain.address import Address

MAX_DELAY = 3600.0
"""Seconds; a contract that refuses again and again is asked more and more rarely."""
_MAX_DOUBLINGS = 16


class Holds:
    """Who is left alone, until when.

    Args:
        delay: seconds after the first failure.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._until: dict[Address, float] = {}
        self._failures: dict[Address, int] = {}

    def is_free(self, contract: Address) -> bool:
        """Whether something may be sent there."""
        return self._until.get(contract, 0.0) <= time.monotonic()

    def failed(self, contract: Address) -> None:
        """It refused, or nobody knows."""
        failures = self._failures[contract] = self._failures.get(contract, 0) + 1
        delay = self._delay * 2 ** min(failures - 1, _MAX_DOUBLINGS)
        self._until[contract] = time.monotonic() + min(delay, MAX_DELAY)

    def pause(self, contract: Address) -> None:
        """It took something whose effect is not seen yet."""
        until = self._until.get(contract, 0.0)
        self._until[contract] = max(until, time.monotonic() + self._delay)

    def succeeded(self, contract: Address) -> None:
        """It took something."""
        self._failures.pop(contract, None)

    def forget_times(self) -> None:
        """Try everybody again now."""
        self._until.clear()
