"""Rates over the last minute, without a list of what happened in it."""

MINUTE = 60.0


class Window:
    """A sliding minute: this minute's count, and the share of the last one that still overlaps.

    Args:
        limit: in a minute.
    """

    __slots__ = ("_current", "_minute", "_previous", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._minute = 0
        self._current = 0
        self._previous = 0

    def _roll(self, now: float) -> float:
        """Seconds into the minute of ``now``."""
        minute = int(now / MINUTE)
        if minute != self._minute:
            self._previous = self._current if minute == self._minute + 1 else 0
            self._current = 0
            self._minute = minute
        return now - minute * MINUTE

    def used(self, now: float) -> float:
        """What counts at ``now``."""
        into = self._roll(now)
        return self._current + self._previous * (1.0 - into / MINUTE)

    def wait(self, amount: int, now: float, share: int = 1) -> float:
        """Seconds until ``amount`` more fit; 0 is now.

        Args:
            amount: what is wanted.
            now: Unix seconds.
            share: how many processes share the limit.
        """
        limit = -(-self.limit // share)
        into = self._roll(now)
        free = limit - self._current - amount
        if self._previous * (1.0 - into / MINUTE) <= free:
            return 0.0
        if free >= 0:  # enough of the last minute must have passed by
            return max(0.001, MINUTE * (1.0 - free / self._previous) - into)
        rest = max(0, limit - amount)
        over = 1.0 - rest / self._current if self._current else 0.0
        return MINUTE - into + MINUTE * max(0.0, over)

    def reset(self, now: float) -> float:
        """Seconds until nothing that was counted so far counts any more."""
        into = self._roll(now)
        if self._current:
            return 2 * MINUTE - into
        return MINUTE - into if self._previous else 0.0

    def add(self, amount: int, now: float) -> None:
        """Count ``amount``."""
        self._roll(now)
        self._current += amount

    def take_back(self, amount: int, at: float, now: float) -> None:
        """Of what was counted ``at`` that time, ``amount`` was too much.

        It goes from the minute that it was counted in: else long requests that end would make room
        for more than the limit in another one.
        """
        self._roll(now)
        age = self._minute - int(at / MINUTE)
        if age <= 0:
            self._current = max(0, self._current - amount)
        elif age == 1:
            self._previous = max(0, self._previous - amount)
