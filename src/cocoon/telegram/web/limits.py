"""What keeps one person, or all of them, from taking too much of the server."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cocoon.telegram.web.failures import ApiError, wait

MAX_USERS = 100_000
"""Users whose calls are counted at a time; the one who was away longest is forgotten."""


class Rates:
    """So many calls of a user in a minute, all at once if need be.

    Args:
        per_minute: calls.
        clock: monotonic seconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._most = float(per_minute)
        self._per_second = per_minute / 60.0
        self._clock = clock
        self._left: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def take(self, user: int) -> None:
        """Count a call.

        Raises:
            ApiError: 429, there were too many.
        """
        now = self._clock()
        left, since = self._left.pop(user, (self._most, now))
        left = min(self._most, left + (now - since) * self._per_second)
        taken = left >= 1.0
        self._left[user] = (left - 1.0 if taken else left, now)
        if len(self._left) > MAX_USERS:
            self._left.popitem(last=False)
        if not taken:
            seconds = (1.0 - left) / self._per_second if self._per_second else 60.0
            raise wait("rate_limited", "too many calls in a minute", seconds)


class Places:
    """Running answers, and memory for what is being sent to them.

    Args:
        of_one: answers of one user at a time.
        of_all: answers of all.
        memory: bytes of large request bodies at a time.
    """

    def __init__(self, of_one: int, of_all: int, memory: int) -> None:
        self._of_one = of_one
        self._of_all = of_all
        self._free = memory
        self._running: dict[int, set[str]] = {}
        self._count = 0

    @property
    def running(self) -> int:
        """Answers now."""
        return self._count

    def hold(self, size: int) -> None:
        """Take memory, or give it back (negative).

        Raises:
            ApiError: 429, there is none left.
        """
        if size > self._free:
            raise wait("busy", "the service is handling as much as it can")
        self._free -= size

    @contextmanager
    def enter(self, user: int, reference: str, size: int = 0) -> Iterator[None]:
        """Take a place for an answer whose question has ``size`` bytes.

        Raises:
            ApiError: 409, it is being answered; 429, there is no place.
        """
        mine = self._running.get(user, set())
        if reference in mine:
            raise ApiError(
                "running", "this is being answered now", status=409, action="wait", retry_after=2.0
            )
        if len(mine) >= self._of_one:
            raise wait("busy", "another answer is running; wait for it, or stop it", 2.0)
        if self._count >= self._of_all:
            raise wait("busy", "the service is answering as many as it can", 5.0)
        self.hold(size)
        self._running.setdefault(user, mine).add(reference)
        self._count += 1
        try:
            yield
        finally:
            self.hold(-size)
            self._count -= 1
            mine.discard(reference)
            if not mine:
                self._running.pop(user, None)
