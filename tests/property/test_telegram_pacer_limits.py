"""Whatever a bot wants to say, and however slow the way is: Telegram never says "too many"."""

import heapq
import itertools
import random

import hypothesis.strategies as st
from hypothesis import given, settings

from cocoon.devnet.telegram.limits import Cost, RateLimiter, Rates
from cocoon.telegram.bot.delivery.schedule import Schedule, Ticket, is_group
from cocoon.telegram.bot.delivery.values import Rank, Speed

SECONDS = 90.0


class Way:
    """A bot with a schedule, Telegram's limits, and calls that take their time between them."""

    def __init__(self, speed: Speed, rates: Rates, slowest: float, seed: int) -> None:
        self.schedule = Schedule(speed)
        self.limiter = RateLimiter(rates)
        self.slowest = slowest
        self.random = random.Random(seed)
        self.now = 0.0
        self.events: list[tuple[float, int, str, object]] = []
        self.arrived: dict[int | str | None, list[float]] = {}
        self.number = 0

    def at(self, when: float, kind: str, what: object) -> None:
        self.number += 1
        heapq.heappush(self.events, (when, self.number, kind, what))

    def want(self, when: float, key: int | str | None, rank: Rank) -> None:
        self.at(when, "want", (key, rank))

    def run(self, until: float) -> None:
        while True:
            wake = self.schedule.wake(self.now)
            at = self.events[0][0] if self.events else None
            times = [t for t in (wake, at) if t is not None]
            if not times or min(times) > until:
                return
            self.now = max(self.now, min(times))
            while self.events and self.events[0][0] <= self.now:
                self.happen(*heapq.heappop(self.events)[2:])
            while (ticket := self.schedule.next(self.now)) is not None:
                took = self.random.uniform(0, self.slowest)
                self.at(self.now + self.random.uniform(0, took), "arrive", ticket)
                self.at(self.now + took, "answer", ticket)

    def happen(self, kind: str, what: object) -> None:
        if kind == "want":
            key, rank = what
            self.schedule.add(key, rank, self.now)
            return
        assert isinstance(what, Ticket)
        if kind == "answer":
            self.schedule.end(what, self.now)
            return
        key = what.key
        group = key is not None and is_group(key)
        cost = Cost.CALL if key is None else Cost.MESSAGE
        self.limiter.admit(1000 + self.now, cost, key, group=group)  # raises: a violation
        self.arrived.setdefault(key, []).append(self.now)


wishes = st.lists(
    st.tuples(
        st.floats(0, SECONDS / 2),
        st.one_of(st.integers(1, 6), st.integers(-3, -1), st.sampled_from(["inline", None])),
        st.sampled_from(list(Rank)),
        st.integers(1, 40),
    ),
    max_size=12,
)


@given(wishes, st.sampled_from([0.0, 0.05, 0.4, 3.0]), st.integers(0, 2**32))
@settings(max_examples=60)
def test_no_delay_squeezes_calls_beyond_the_limits(wished, slowest, seed):
    way = Way(Speed(), Rates(), slowest, seed)
    count = 0
    for at, key, rank, times in wished:
        count += times
        for _ in range(times):
            way.want(at, key, rank)
    way.run(10_000)
    assert sum(len(times) for times in way.arrived.values()) == count
    assert way.schedule.waiting() == 0


@given(st.integers(2, 60), st.integers(0, 2**32))
@settings(max_examples=20)
def test_other_limits_are_kept_as_well(per_second, seed):
    way = Way(Speed(per_second=per_second), Rates(everywhere=per_second), 0.1, seed)
    for chat in range(1, 200):
        way.want(0, chat, Rank.UPDATE)
    way.run(10_000)
    assert len(way.arrived) == 199


def test_a_thousand_chats_get_their_first_words_in_the_time_that_the_limit_needs():
    way = Way(Speed(), Rates(), 0.1, 1)
    for chat in range(1, 1001):
        way.want(0, chat, Rank.FIRST)
    for chat in range(1, 31):
        for _ in range(5):
            way.want(0, chat, Rank.UPDATE)
    way.run(10_000)
    firsts = sorted(times[0] for times in way.arrived.values())
    assert firsts[-1] < 1000 / 30 * 1.25


def test_updates_go_round():
    way = Way(Speed(), Rates(), 0.05, 2)
    for chat in range(1, 121):
        for second in range(60):
            way.want(second, chat, Rank.UPDATE)
    way.run(60)
    counts = [len(times) for times in way.arrived.values()]
    assert len(counts) == 120
    assert max(counts) - min(counts) <= 2
    gaps = [b - a for times in way.arrived.values() for a, b in itertools.pairwise(times)]
    assert max(gaps) < 120 / 30 * 1.5


def test_what_must_arrive_goes_before_updates_but_leaves_first_words_a_share():
    way = Way(Speed(), Rates(), 0.0, 3)
    for chat in range(1, 301):
        way.want(0, chat, Rank.FINAL)
    for chat in range(301, 401):
        way.want(0, chat, Rank.FIRST)
    for chat in range(401, 501):
        way.want(0, chat, Rank.UPDATE)
    way.run(10_000)
    ends = {chat: times[0] for chat, times in way.arrived.items()}
    finals = max(ends[chat] for chat in range(1, 301))
    early = sum(ends[chat] < finals for chat in range(301, 401))
    assert 90 <= early <= 100
    assert min(ends[chat] for chat in range(401, 501)) >= finals


def test_a_group_keeps_some_of_its_minute_for_the_end():
    way = Way(Speed(), Rates(), 0.0, 4)
    for _ in range(30):
        way.want(0, -1, Rank.UPDATE)
    way.want(30, -1, Rank.FINAL)
    way.want(30, -1, Rank.FINAL)
    way.run(40)
    assert len([at for at in way.arrived[-1] if at < 30]) == 16
    assert len([at for at in way.arrived[-1] if 30 <= at < 33]) == 2
