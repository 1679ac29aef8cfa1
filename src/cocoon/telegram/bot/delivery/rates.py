"""How soon a chat, or the whole bot, may be written to again. Pure: times come in as arguments.

A call reaches Telegram at some moment between its sending and its answer. What is counted here is
the answer, so that no delay on the way can squeeze more calls into Telegram's second than allowed.
"""

from collections import deque
from dataclasses import dataclass, field

from cocoon.telegram.bot.delivery.values import Rank

SECOND = 1.0
MINUTE = 60.0
MARGIN = 0.02
"""Seconds that every wait is longer, for clocks that do not agree."""


@dataclass(slots=True)
class Window:
    """At most so many calls within any period; those on their way count."""

    most: int
    seconds: float
    under_way: int = 0
    ended: deque[float] = field(default_factory=deque)

    def ready(self, now: float, keep: int = 0) -> float | None:
        """When the next call may begin, leaving some for others; None: when one has ended."""
        while self.ended and self.ended[0] <= now - self.seconds:
            self.ended.popleft()
        over = len(self.ended) + self.under_way - max(1, self.most - keep)
        if over < 0:
            return now
        if over >= len(self.ended):
            return None
        return self.ended[over] + self.seconds

    def begin(self) -> None:
        """Count a call."""
        self.under_way += 1

    def end(self, now: float) -> None:
        """Its answer is there."""
        self.under_way -= 1
        self.ended.append(now + MARGIN)


@dataclass(slots=True)
class Spacing:
    """One call every so often, with a few at once after a pause (a token bucket)."""

    interval: float
    burst: int
    theoretical: float = 0.0

    def ready(self, keep: int = 0) -> float:
        """When the next call may begin, leaving some of those at once for others."""
        return self.theoretical - max(0, self.burst - 1 - keep) * self.interval

    def take(self, now: float, slower: float = 1.0) -> float:
        """Count a call; returns what :meth:`later` needs. ``slower`` stretches the interval."""
        before = self.theoretical
        self.theoretical = max(now, before) + self.interval * slower
        return before

    def later(self, before: float, now: float) -> None:
        """The call counted is taken to have happened only now."""
        self.theoretical = max(self.theoretical, max(now + MARGIN, before) + self.interval)


@dataclass(slots=True)
class ChatRate:
    """What one chat was sent, and when it may be sent more.

    Attributes:
        spacing: of its calls.
        minute: Telegram's limit for groups; None for others.
        reserve: calls of a group's minute that are kept for what must arrive.
        blocked: until when Telegram refuses everything.
        served: when it was sent something last.
        is_busy: whether a call is on its way; the next one waits for its answer.
    """

    spacing: Spacing
    minute: Window | None
    reserve: int
    blocked: float = 0.0
    served: float = float("-inf")
    is_busy: bool = False

    def ready(self, now: float, rank: Rank) -> float | None:
        """When the next call may begin; None: after the one that is on its way.

        What is less important leaves room for what is more: an answer's end need not wait because
        an update has just been shown.
        """
        if self.is_busy:
            return None
        at = max(now, self.blocked, self.spacing.ready(keep=int(rank)))
        if self.minute is not None:
            window = self.minute.ready(now, 0 if rank is Rank.FINAL else self.reserve)
            at = max(at, window) if window is not None else at
        return at

    def begin(self, now: float) -> float:
        """Count a call; returns what :meth:`end` needs."""
        self.is_busy, self.served = True, now
        if self.minute is not None:
            self.minute.begin()
        return self.spacing.take(now)

    def end(self, before: float, now: float) -> None:
        """Its answer is there."""
        self.is_busy = False
        self.spacing.later(before, now)
        if self.minute is not None:
            self.minute.end(now)

    def is_idle(self, now: float) -> bool:
        """Whether nothing about it needs to be remembered."""
        quiet = max(self.blocked, self.spacing.theoretical, self.served + MINUTE)
        return not self.is_busy and quiet < now
