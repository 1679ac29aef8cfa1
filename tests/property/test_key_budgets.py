"""Any order of requests, flushes, returns and crashes keeps every budget within its cap."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.gateway.keys.budgets import Budgets
from cocoon.gateway.keys.changes import read_changes, read_rotation
from cocoon.gateway.keys.leases import Grant, Leases
from cocoon.gateway.keys.purse import Purse
from cocoon.gateway.keys.secret import split_key
from cocoon.gateway.keys.store import open_store
from cocoon.gateway.keys.window import Window
from cocoon.gateway.refusal import Refusal
from cocoon.store import Database, sqlite_url

NAME = ("k", "total")
CAP = 1000

steps = st.lists(
    st.tuples(
        st.sampled_from(("admit", "settle", "flush", "repeat", "return", "crash", "leave")),
        st.integers(0, 2),
        st.integers(0, 400),
    ),
    max_size=40,
)


class Process:
    """One gateway's side of the protocol, driven step by step."""

    def __init__(self, database: Database, name: str) -> None:
        self.leases = Leases(database, name)
        self.leases.register(1000.0)
        self.purse = Purse(NAME, "total", None)
        self.purse.cap = CAP
        self.permits: list[int] = []
        self.number = 0

    def admit(self, amount: int) -> None:
        purse = self.purse
        if purse.lacks(amount):
            purse.wanted += amount
            want = purse.want()
            assert want is not None
            purse.take(self.leases.acquire([want])[NAME], 0.0)
            purse.wanted -= amount
        if not purse.lacks(amount):
            purse.reserved += amount
            self.permits.append(amount)

    def settle(self, part: int) -> int:
        if not self.permits:
            return 0
        amount = self.permits.pop()
        cost = min(amount, part)
        self.purse.reserved -= amount
        self.purse.unflushed += cost
        return cost

    def flush(self, times: int = 1) -> None:
        booking, returned = self.purse.booking(), self.purse.returning
        self.number += 1
        for _ in range(times):
            assert self.leases.flush(self.number, [], {NAME: booking}, 1000.0)
        self.purse.booked(booking, returned)


@settings(max_examples=15)
@given(steps)
def test_no_order_of_events_exceeds_a_cap(plan: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        database = open_store(sqlite_url(Path(folder) / "keys.sqlite"))
        try:
            _run(database, plan)
        finally:
            database.close()


def _run(database: Database, plan: list[tuple[str, int, int]]) -> None:
    started, spent = 3, 0
    processes = [Process(database, str(n)) for n in range(3)]
    budgets = Budgets(database)
    for what, which, amount in plan:
        process = processes[which]
        if what == "admit":
            process.admit(amount)
        elif what == "settle":
            spent += process.settle(amount)
        elif what in ("flush", "repeat"):
            process.flush(1 + (what == "repeat"))
        elif what == "return":
            process.purse.return_spare()
        else:
            if what == "leave":
                while process.permits:
                    spent += process.settle(CAP)
                process.flush()
                process.leases.leave()
            processes[which] = Process(database, str(started))
            started += 1
        state = budgets.state("k", 0.0)[2]
        open_now = sum(one.purse.unflushed + one.purse.reserved for one in processes)
        assert state.spent + state.leased <= CAP
        assert spent + sum(one.purse.reserved for one in processes) <= CAP
        assert state.spent + open_now <= CAP
        for one in processes:
            assert one.purse.room() >= 0
    assert spent <= state_total(budgets)


def state_total(budgets: Budgets) -> int:
    """What is spent, or held by somebody living or dead."""
    state = budgets.state("k", 0.0)[2]
    return state.spent + state.leased


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(1, 20), st.floats(0, 90)), max_size=60))
def test_a_wait_that_is_told_is_enough(limit: int, calls: list[tuple[int, float]]) -> None:
    window, now = Window(limit), 1_000_000.0
    for amount, pause in calls:
        now += pause
        wait = window.wait(amount, now)
        assert wait >= 0
        if wait == 0:
            window.add(amount, now)
            assert window.used(now) <= limit + 1e-6
        elif amount <= limit:
            assert wait <= 121
            now += wait + 0.01
            assert window.wait(amount, now) == 0


@given(st.binary(max_size=200))
def test_bodies_and_keys_are_read_or_refused(data: bytes) -> None:
    split_key(data)
    split_key(b"sk-cocoon-" + data)
    for read in (read_changes, read_rotation):
        try:
            read(data)
        except Refusal as refusal:
            assert refusal.status == 400  # noqa: PT017 - either outcome is right


def test_what_a_long_request_did_not_use_makes_no_room_in_another_minute() -> None:
    window = Window(100)
    window.add(90, 0.0)  # a long request
    window.add(90, 150.0)
    window.take_back(90, 0.0, 151.0)
    assert window.used(151.0) == 90
    window.add(5, 181.0)
    window.take_back(50, 150.0, 182.0)
    assert window.used(180.0) == 45
    window.take_back(50, 150.0, 183.0)
    assert window.used(180.0) == 5
    window.take_back(50, 181.0, 184.0)
    assert window.used(180.0) == 0


def test_a_purse_asks_for_what_is_missing_and_waits_for_what_it_gives_back() -> None:
    purse = Purse(NAME, "total", None)
    purse.cap = CAP
    purse.take(Grant(300, 0, 0, 0), 0.0)
    purse.wanted = 400
    want = purse.want()
    assert want is not None
    assert want.need == 100
    assert purse.is_refused(301, 0.1)
    assert not purse.is_refused(300, 0.1)
    assert not purse.is_refused(301, 1.0)  # what the store said is too old
    assert purse.return_spare()
    assert not purse.is_refused(300, 0.1)
    assert purse.is_refused(301, 0.1)
    assert not purse.return_spare()


def test_a_purse_keeps_apart_what_is_in_a_batch_and_what_comes_meanwhile() -> None:
    purse = Purse(NAME, "total", None)
    purse.cap = CAP
    purse.take(Grant(300, 0, 0, 0), 0.0)
    purse.reserved = 200
    assert not purse.is_idle()
    assert purse.return_spare()
    booking, returned = purse.booking(), purse.returning
    assert (booking.spent, booking.taken, returned) == (0, 100, 100)
    purse.reserved, purse.unflushed = 50, 120  # one of two requests has ended
    assert purse.return_spare()
    assert purse.returning == 130
    purse.booked(booking, returned)
    assert (purse.held, purse.returning, purse.unflushed, purse.room()) == (200, 30, 120, 0)
    purse.lose_lease()
    assert (purse.held, purse.returning, purse.room()) == (0, 0, -170)
    purse.unflushed = 0
    assert not purse.is_idle()  # a request is still running
    purse.reserved = 0
    assert purse.is_idle()
