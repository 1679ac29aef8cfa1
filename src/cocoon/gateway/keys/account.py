"""A key or an end user in memory: budgets of the present periods, rates, running requests."""

from collections.abc import Callable

from cocoon.gateway.keys.leases import BudgetName
from cocoon.gateway.keys.limits import NO_LIMITS, Limits
from cocoon.gateway.keys.periods import DAY, MONTH, TOTAL, periods
from cocoon.gateway.keys.purse import Purse
from cocoon.gateway.keys.refusals import too_fast, too_many
from cocoon.gateway.keys.window import Window

PurseOf = Callable[[BudgetName, str, int | None], Purse]
"""Finds or makes the one purse of a name."""


class Account:
    """What one key, or one end user of a key, uses now.

    Args:
        name: in the store.
        whose: for refusals, such as ``this API key``.
        purse_of: the gate's purses.
        counts: count spending also where no budget is set.

    Attributes:
        purses: of the present periods; see :meth:`roll`.
        running: requests now.
        used_at: Unix seconds of the last request.
    """

    __slots__ = (
        "_counts",
        "_next",
        "_purse_of",
        "_requests",
        "_tokens",
        "limits",
        "name",
        "purses",
        "running",
        "used_at",
        "whose",
    )

    def __init__(self, name: str, whose: str, purse_of: PurseOf, *, counts: bool) -> None:
        self.name = name
        self.whose = whose
        self._purse_of = purse_of
        self._counts = counts
        self._next = 0.0
        self._requests: Window | None = None
        self._tokens: Window | None = None
        self.limits = NO_LIMITS
        self.purses: tuple[Purse, ...] = ()
        self.running = 0
        self.used_at = 0.0

    def set_limits(self, limits: Limits) -> None:
        """Go by other limits from now on; rates start anew where theirs has changed."""
        old, self.limits = self.limits, limits
        if limits.requests != old.requests:
            self._requests = None if limits.requests is None else Window(limits.requests)
        if limits.tokens != old.tokens:
            self._tokens = None if limits.tokens is None else Window(limits.tokens)
        self._next = 0.0
        caps = self._caps()
        for purse in self.purses:  # now: what is leased before the next request goes by them too
            purse.cap = caps[purse.budget]

    def _caps(self) -> dict[str, int | None]:
        return {DAY: self.limits.day, MONTH: self.limits.month, TOTAL: self.limits.total}

    def roll(self, now: float) -> tuple[Purse, ...]:
        """The purses of the periods at ``now``."""
        self.used_at = now
        if now < self._next:
            return self.purses
        caps = self._caps()
        found = []
        for budget, period, ends_at in periods(now):
            if not self._counts and caps[budget] is None:
                continue
            purse = self._purse_of((self.name, period), budget, ends_at)
            purse.cap = caps[budget]
            found.append(purse)
            if budget == DAY:
                self._next = float(ends_at or 0)
        self.purses = tuple(found)
        if not found:
            self._next = float(periods(now)[0][2] or 0)
        return self.purses

    def enter(self, tokens: int, now: float, share: int) -> None:
        """Count a request in.

        Args:
            tokens: that it may use at most.
            now: Unix seconds.
            share: how many processes share each limit.

        Raises:
            Refusal: 429; nothing is counted.
        """
        most = self.limits.concurrency
        if most is not None and self.running >= -(-most // share):
            raise too_many(most, self.whose)
        for kind, window, amount in (
            ("requests", self._requests, 1),
            ("tokens", self._tokens, tokens),
        ):
            if window is not None:
                wait = window.wait(amount, now, share)
                if wait > 0:
                    left = int(-(-window.limit // share) - window.used(now))
                    raise too_fast(kind, window.limit, left, wait, self.whose)
        self.running += 1
        if self._requests is not None:
            self._requests.add(1, now)
        if self._tokens is not None:
            self._tokens.add(tokens, now)

    def leave(self, unused_tokens: int, at: float, now: float) -> None:
        """A request that was counted in ``at`` has ended; it used fewer tokens than it might."""
        self.running -= 1
        if self._tokens is not None and unused_tokens:
            self._tokens.take_back(unused_tokens, at, now)

    def undo(self, tokens: int, at: float, now: float) -> None:
        """A request that was counted in ``at`` was not admitted after all."""
        self.leave(tokens, at, now)
        if self._requests is not None:
            self._requests.take_back(1, at, now)

    def rates(self) -> tuple[Window | None, Window | None]:
        """Requests and tokens of the last minute, where they are limited."""
        return self._requests, self._tokens

    def is_idle(self, since: float) -> bool:
        """Whether it may be forgotten: not used since then, and nothing is open."""
        return self.used_at < since and not self.running and all(p.is_idle() for p in self.purses)
