"""Who is next: all calls of a bot that wait, in an order that is fair. Pure; no clock, no asyncio.

1. What must arrive goes first, except that every fourth call belongs to those who wait for the
   first words of an answer: else many ends would leave beginners in the dark.
2. Then first words, in the order they came.
3. Then updates.

Of what must arrive, and of updates, the chat that saw something longest ago comes first, which is
also the one whose draft dies first. So with more chats than calls everybody's interval grows alike.

No chat has more than one call on its way, so messages arrive in order.
"""

import heapq
from collections import deque
from dataclasses import dataclass, field
from itertools import count

from cocoon.telegram.bot.delivery.rates import SECOND, ChatRate, Spacing, Window
from cocoon.telegram.bot.delivery.values import Rank, Speed

FIRST_SHARE = 4
"""Every how-manieth call goes to first words, if any wait."""
TOGETHER = 10.0
"""Seconds in which refusals of two chats mean that Telegram refuses the whole bot."""
LONGEST_GUESS = 60.0
"""Seconds for which the whole bot waits, at most, because of that; then it tries again."""
SLOWEST = 5.0
"""How many times slower than allowed the bot gets after refusals."""
RECOVERY = 0.02
"""What it becomes faster again in a second."""
LONG_AGO = 30.0
"""Seconds after which it does not matter any more when a chat saw something: its draft is gone."""
NEW = float("-inf")
LATENCY_WEIGHT = 0.02
"""How much one call says about how long Telegram takes to answer."""
SWEEP = 1000
"""Calls between two looks for chats that can be forgotten."""


@dataclass(slots=True, eq=False)
class Ticket:
    """One call that waits.

    Attributes:
        key: of its chat; None for a call that only counts for the bot as a whole.
        rank: how important.
        number: in the order of arrival.
        at: time of arrival.
        is_withdrawn: whether nobody waits for it any more.
    """

    key: int | str | None
    rank: Rank
    number: int
    at: float
    is_withdrawn: bool = False
    before: float = 0.0
    begun: float = 0.0


def _order_of(ticket: Ticket, served: float) -> float:
    """Which of two calls of a rank goes first: the one with the smaller number.

    A chat that saw nothing for a while, or ever, is not put before all that come in the meantime.
    """
    if ticket.rank is Rank.FIRST:
        return ticket.number
    return max(served, ticket.at - LONG_AGO)


def is_group(key: int | str) -> bool:
    """Whether Telegram's limit for groups applies: ids of groups and channels are negative."""
    return key < 0 if isinstance(key, int) else key.startswith("@")


@dataclass(slots=True)
class Counters:
    """What happened so far.

    Attributes:
        calls: begun.
        refused: answered with 429.
        refused_all: times that the whole bot stood still because of them.
    """

    calls: int = 0
    refused: int = 0
    refused_all: int = 0


_Heap = list[tuple[float, int, Ticket]]


@dataclass(slots=True)
class Schedule:
    """Calls that wait, and what Telegram was sent in the last minute."""

    speed: Speed
    counters: Counters = field(default_factory=Counters)
    _numbers: "count[int]" = field(default_factory=count)
    _chats: dict[int | str, ChatRate] = field(default_factory=dict)
    _ready: dict[Rank, _Heap] = field(default_factory=lambda: {rank: [] for rank in Rank})
    _later: _Heap = field(default_factory=list)
    _parked: dict[int | str, list[Ticket]] = field(default_factory=dict)
    _refusals: deque[tuple[float, int | str]] = field(default_factory=lambda: deque(maxlen=8))
    _second: Window = field(init=False)
    _spacing: Spacing = field(init=False)
    _blocked: float = 0.0
    _slower: float = 1.0
    _slower_at: float = 0.0
    _latency: float = 0.0

    def __post_init__(self) -> None:
        self._second = Window(max(1, int(self.speed.per_second)), SECOND)
        self._spacing = Spacing(1 / self.speed.per_second, self.speed.burst)

    def add(self, key: int | str | None, rank: Rank, now: float) -> Ticket:
        """Let a call wait."""
        ticket = Ticket(key, rank, next(self._numbers), now)
        self._place(ticket, now)
        return ticket

    def withdraw(self, ticket: Ticket) -> None:
        """Nobody waits for it any more."""
        ticket.is_withdrawn = True

    def next(self, now: float) -> Ticket | None:
        """The call that begins now, or None; every one returned is ended with :meth:`end`."""
        at = self._bot_ready(now)
        if at is None or at > now:
            return None
        while self._later and self._later[0][0] <= now:
            self._place(heapq.heappop(self._later)[2], now)
        for rank in self._order():
            ticket = self._take(rank, now)
            if ticket is not None:
                self._begin(ticket, now)
                return ticket
        return None

    def wake(self, now: float) -> float | None:
        """When to ask :meth:`next` again; None: after the next :meth:`add` or :meth:`end`."""
        bot = self._bot_ready(now)
        if bot is None:
            return None
        if any(self._ready.values()):
            return bot
        return max(bot, self._later[0][0]) if self._later else None

    def end(self, ticket: Ticket, now: float) -> None:
        """Telegram has answered a call, or never will."""
        self._second.end(now)
        self._latency += (now - ticket.begun - self._latency) * LATENCY_WEIGHT
        if ticket.key is None:
            return
        self._chats[ticket.key].end(ticket.before, now)
        for waiting in self._parked.pop(ticket.key, ()):
            self._place(waiting, now)

    def refused(self, key: int | str | None, seconds: float, now: float) -> None:
        """Telegram said "too many requests" and how long to wait.

        It does not say whether it means the chat or the bot. When calls of two chats are refused
        shortly after each other, or one that belongs to none, it is taken to mean the bot, which
        waits as a whole, up to a minute, and is slower for a while.
        """
        self.counters.refused += 1
        until = now + seconds
        if key is not None:
            chat = self._chat(key)
            chat.blocked = max(chat.blocked, until)
            others = {other for at, other in self._refusals if other != key and now - at < TOGETHER}
            self._refusals.append((now, key))
            if not others:
                return
            until = min(until, now + LONGEST_GUESS)
        if until > self._blocked:
            self.counters.refused_all += 1
            self._slower = min(SLOWEST, self._pace(now) * 1.5)
            self._slower_at = until
            self._blocked = until

    def capacity(self, now: float) -> float:
        """Calls that can be made in a second as things are: less while Telegram answers slowly."""
        return self.speed.per_second / (1 + self._latency) / self._pace(now)

    def waiting(self) -> int:
        """Calls that wait."""
        heaps = [*self._ready.values(), self._later]
        found = sum(not entry[2].is_withdrawn for heap in heaps for entry in heap)
        return found + sum(not t.is_withdrawn for parked in self._parked.values() for t in parked)

    def _chat(self, key: int | str) -> ChatRate:
        chat = self._chats.get(key)
        if chat is None:
            speed = self.speed
            minute = Window(speed.group_per_minute, 60.0) if is_group(key) else None
            spacing = Spacing(1 / speed.chat_per_second, speed.chat_burst)
            reserve = min(speed.group_reserve, speed.group_per_minute - 1)
            chat = self._chats[key] = ChatRate(spacing, minute, reserve)
        return chat

    def _place(self, ticket: Ticket, now: float) -> None:
        """Put a call where it waits: for its turn, for a time, or for the chat's other call."""
        if ticket.is_withdrawn:
            return
        if ticket.key is None:
            order = _order_of(ticket, NEW)
            heapq.heappush(self._ready[ticket.rank], (order, ticket.number, ticket))
            return
        chat = self._chat(ticket.key)
        at = chat.ready(now, ticket.rank)
        if at is None:
            self._parked.setdefault(ticket.key, []).append(ticket)
        elif at > now:
            heapq.heappush(self._later, (at, ticket.number, ticket))
        else:
            order = _order_of(ticket, chat.served)
            heapq.heappush(self._ready[ticket.rank], (order, ticket.number, ticket))

    def _take(self, rank: Rank, now: float) -> Ticket | None:
        """The first call of a rank whose chat can be written to."""
        heap = self._ready[rank]
        while heap:
            order, _, ticket = heapq.heappop(heap)
            if ticket.is_withdrawn:
                continue
            if ticket.key is None:
                return ticket
            chat = self._chat(ticket.key)
            at = chat.ready(now, rank)
            moved = order != _order_of(ticket, chat.served)
            if at is not None and at <= now and not moved:
                return ticket
            self._place(ticket, now)
        return None

    def _order(self) -> tuple[Rank, ...]:
        if self.counters.calls % FIRST_SHARE == FIRST_SHARE - 1:
            return Rank.FIRST, Rank.FINAL, Rank.UPDATE
        return Rank.FINAL, Rank.FIRST, Rank.UPDATE

    def _begin(self, ticket: Ticket, now: float) -> None:
        self.counters.calls += 1
        ticket.begun = now
        self._second.begin()
        self._spacing.take(now, self._pace(now))
        if ticket.key is not None:
            ticket.before = self._chat(ticket.key).begin(now)
        if self.counters.calls % SWEEP == 0:
            self._forget(now)

    def _bot_ready(self, now: float) -> float | None:
        window = self._second.ready(now)
        return None if window is None else max(window, self._blocked, self._spacing.ready())

    def _pace(self, now: float) -> float:
        """How many times slower than allowed the bot is now; recovers with time."""
        return max(1.0, self._slower - RECOVERY * max(0.0, now - self._slower_at))

    def _forget(self, now: float) -> None:
        idle = [key for key, chat in self._chats.items() if chat.is_idle(now)]
        for key in idle:
            if key not in self._parked:
                del self._chats[key]
