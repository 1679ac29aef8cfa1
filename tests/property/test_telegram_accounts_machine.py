"""Any order of holds, charges, top-ups, refunds, crashes and days: no money appears or vanishes.

The machine keeps its own books in plain numbers and compares them after each step.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from cocoon.accounting import Nano
from cocoon.errors import (
    BadRequestError,
    BlockedError,
    InsufficientFundsError,
    LocalProtocolError,
)
from cocoon.store import Database, sqlite_url
from cocoon.telegram.accounts import Cursor, Kind, Transfer, holds, ledger, people, topup_rows
from cocoon.telegram.accounts import transfers as ton
from cocoon.telegram.accounts.overview import days
from cocoon.telegram.store import open_store, schema
from cocoon.testing.postgres import PostgresServer, postgres_binaries
from cocoon.testing.telegram_books import START, check_books

DAY = 86_400
PEOPLE = (7, 8)
WALLET = "wallet"

users = st.sampled_from(PEOPLE)
references = st.sampled_from([f"r{number}" for number in range(6)])
amounts = st.integers(0, 120)
few = st.integers(0, 7)


class Crash(BaseException):
    """The process dies before the commit."""


@dataclass
class Person:
    """What the machine thinks of somebody."""

    balance: int = 0
    free_day: int = 0
    free_used: int = 0
    blocked: bool = False


@dataclass
class Paper:
    """What the machine thinks of a top-up."""

    user: int
    method: str
    nano: int
    received: int = 0
    state: str = "open"
    taken: int = 0
    charge: str | None = None


@dataclass
class Books:
    """What the machine thinks of everything."""

    people: dict[int, Person] = field(default_factory=lambda: {one: Person() for one in PEOPLE})
    held: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    charged: dict[str, tuple[int, int]] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    topups: dict[str, Paper] = field(default_factory=dict)
    income: int = 0


class Machine(RuleBasedStateMachine):
    """Drives the functions of the store as its thread does, a transaction each."""

    url: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(ignore_cleanup_errors=True)
        path = Path(self.folder.name) / "t.sqlite"
        self.database: Database = open_store(self.url or sqlite_url(path))
        self.books = Books()
        self.now = START
        self.free = 50
        self.tickets = 0
        self.lt = 0

    @initialize()
    def begin(self) -> None:
        with self.database.write() as on:
            for table in reversed(schema.metadata.sorted_tables):
                on.execute(sa.delete(table))
            for user in PEOPLE:
                people.ensure(on, user, self.now)

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    def do(self, work: Callable[[sa.Connection], Any], *, crashes: bool = False) -> Any:
        """One transaction; with ``crashes`` first one that dies before its commit."""
        if crashes:
            try:
                with self.database.write() as on:
                    work(on)
                    raise Crash
            except (Crash, BadRequestError, InsufficientFundsError, BlockedError):
                pass
            except LocalProtocolError:
                pass
        with self.database.write() as on:
            return work(on)

    def person(self, user: int) -> tuple[Person, int, int]:
        """Somebody, the day that counts, what of its allowance is used."""
        one = self.books.people[user]
        day = max(one.free_day, self.now // DAY)
        used = one.free_used if day == one.free_day else 0
        return one, day, used

    # --- answers ---

    @rule(user=users, name=references, most=amounts, least=st.none() | amounts, dies=st.booleans())
    def hold(self, user: int, name: str, most: int, least: int | None, dies: bool) -> None:
        floor = most if least is None else least
        self.tickets += 1
        ask = holds.Ask(user, name, Nano(most), Nano(floor), str(self.tickets))
        one, day, used = self.person(user)
        left = max(0, self.free - used)

        def work(on: sa.Connection) -> Any:
            return holds.hold(on, ask, self.now, Nano(self.free))

        total = min(most, left + one.balance)
        if name in self.books.held or name in self.books.charged:
            expected: type[Exception] | None = BadRequestError
        elif one.blocked:
            expected = BlockedError
        else:
            expected = InsufficientFundsError if total < floor else None
        if expected is not None:
            with pytest.raises(expected):
                self.do(work, crashes=dies)
            return
        held = self.do(work, crashes=dies)
        free = min(total, left)
        assert (held.free, held.paid) == (free, total - free)
        one.balance -= total - free
        one.free_day, one.free_used = day, used + free
        self.books.held[name] = (user, free, total - free, day)

    @rule(name=references, cost=amounts, dies=st.booleans())
    def settle(self, name: str, cost: int, dies: bool) -> None:
        def work(on: sa.Connection) -> Any:
            return holds.settle(on, name, Nano(cost), "", self.now)

        if name in self.books.held:
            _, free, paid, _ = self.books.held[name]
            used = min(cost, free)
            spent = min(cost - used, paid)
            self.give_back(name, free - used, paid - spent)
            self.books.charged[name] = (used, spent)
            self.books.seen.add((str(Kind.CHARGE), name))
        if name in self.books.charged:
            told = self.do(work, crashes=dies)
            assert (told.free, told.paid) == self.books.charged[name]
        else:
            with pytest.raises(LocalProtocolError):
                self.do(work, crashes=dies)

    @rule(name=references, dies=st.booleans())
    def release(self, name: str, dies: bool) -> None:
        self.do(lambda on: holds.release(on, name), crashes=dies)
        if name in self.books.held:
            _, free, paid, _ = self.books.held[name]
            self.give_back(name, free, paid)

    @rule(name=references)
    def drop_another_try(self, name: str) -> None:
        self.do(lambda on: holds.drop(on, name, "never"))

    @rule()
    def another_process(self) -> None:
        self.tickets += 1
        self.do(lambda on: holds.take_over(on, str(self.tickets), self.now), crashes=True)
        for name, (_, free, paid, _) in list(self.books.held.items()):
            self.give_back(name, free, paid)

    def give_back(self, name: str, free: int, paid: int) -> None:
        user, _, _, day = self.books.held.pop(name)
        one = self.books.people[user]
        one.balance += paid
        if one.free_day == day:
            one.free_used -= free

    # --- other money ---

    @rule(user=users, name=references, amount=st.integers(-80, 120), dies=st.booleans())
    def book(self, user: int, name: str, amount: int, dies: bool) -> None:
        booking = ledger.Booking(user, Kind.CORRECTION, name, amount)

        def work(on: sa.Connection) -> bool:
            return ledger.book(on, booking, self.now)

        one, key = self.books.people[user], (str(Kind.CORRECTION), name)
        if key in self.books.seen:
            assert not self.do(work, crashes=dies)
        elif one.balance + amount < 0:
            with pytest.raises(InsufficientFundsError):
                self.do(work, crashes=dies)
        else:
            assert self.do(work, crashes=dies)
            one.balance += amount
            self.books.seen.add(key)

    @rule(user=users, nano=st.integers(1, 90), is_ton=st.booleans())
    def begin_topup(self, user: int, nano: int, is_ton: bool) -> None:
        if self.books.people[user].blocked:
            return
        method = "ton" if is_ton else "stars"
        stars = 0 if is_ton else 5
        wanted = topup_rows.Wanted(user, method, Nano(nano), stars)  # type: ignore[arg-type]
        made = self.do(lambda on: topup_rows.begin(on, wanted, self.now, 10**6))
        self.books.topups[made.id] = Paper(user, method, nano)

    @rule(picks=st.lists(st.tuples(few, few), max_size=3), dies=st.booleans())
    def transfers(self, picks: list[tuple[int, int]], dies: bool) -> None:
        """Money on chain: for a top-up of TON, for one of Stars, or for none."""
        known = list(self.books.topups)  # in the order of their making: ids are random
        found = []
        for pick, amount in picks:
            self.lt += 1
            topup = known[pick] if pick < len(known) else "unknown"
            found.append(Transfer(topup=topup, hash=f"h{self.lt}", amount=Nano(amount)))
        self.lt += 1

        def work(on: sa.Connection) -> Any:
            old = ton.cursor(on, WALLET)
            step = (WALLET, old, Cursor(lt=self.lt, hash=bytes(32)))
            told = ton.credit(on, step, found, self.now)
            # Once more, as somebody who had read the same and came later.
            assert ton.credit(on, step, found, self.now) == []
            return told

        told = self.do(work, crashes=dies)
        good = [one for one in found if self.method_of(one.topup) == "ton"]
        assert [one.id for one in told] == [one.topup for one in good]
        for one in good:
            paper = self.books.topups[one.topup]
            paper.received += int(one.amount)
            paper.state = "paid"
            self.books.people[paper.user].balance += int(one.amount)

    def method_of(self, topup: str) -> str | None:
        paper = self.books.topups.get(topup)
        return None if paper is None else paper.method

    @rule(user=users, pick=few, charge=few, dies=st.booleans())
    def stars_paid(self, user: int, pick: int, charge: int, dies: bool) -> None:
        mine = [one for one in self.books.topups if self.method_of(one) == "stars"]
        name = mine[pick] if pick < len(mine) else "unknown"
        paid = topup_rows.StarsPaid(user, name, f"c{charge}", 5, Nano(33))
        told = self.do(lambda on: topup_rows.stars_paid(on, paid, self.now), crashes=dies)
        if (str(Kind.STARS), paid.charge_id) in self.books.seen:
            assert told is None
            return
        self.books.seen.add((str(Kind.STARS), paid.charge_id))
        fits = name in self.books.topups
        fits = fits and self.books.topups[name].user == user
        fits = fits and self.books.topups[name].state == "open"
        assert (told.id == name) == fits
        if not fits:
            self.books.topups[told.id] = Paper(user, "stars", 33)
        paper = self.books.topups[told.id]
        paper.received, paper.state, paper.charge = paper.nano, "paid", paid.charge_id
        self.books.people[user].balance += paper.nano

    @rule(pick=few, ending=st.sampled_from(["finish", "fail", "leave", "telegram"]))
    def refund(self, pick: int, ending: str) -> None:
        mine = [one for one in self.books.topups if self.books.topups[one].charge]
        if pick >= len(mine):
            return
        name, paper = mine[pick], self.books.topups[mine[pick]]
        one = self.books.people[paper.user]

        def begin(on: sa.Connection) -> Any:
            return topup_rows.begin_refund(on, paper.user, name, self.now)

        if paper.state == "refunded":
            with pytest.raises(BadRequestError):
                self.do(begin)
        elif paper.state == "paid" and one.balance < paper.received:
            with pytest.raises(InsufficientFundsError):
                self.do(begin)
        else:
            assert self.do(begin, crashes=True).state == "refunding"
            if paper.state == "paid":
                paper.state, paper.taken = "refunding", paper.received
                one.balance -= paper.received
        self.end_refund(name, ending)

    def end_refund(self, name: str, ending: str) -> None:
        paper = self.books.topups[name]
        one = self.books.people[paper.user]
        if ending == "finish":
            told = self.do(lambda on: topup_rows.finish_refund(on, name), crashes=True)
            assert told == (paper.state == "refunding")
            if told:
                paper.state = "refunded"
        elif ending == "fail":
            told = self.do(lambda on: topup_rows.fail_refund(on, name, self.now), crashes=True)
            assert told == (paper.state == "refunding")
            if told:
                one.balance += paper.taken
                paper.state, paper.taken = "paid", 0
        elif ending == "telegram":
            charge = paper.charge or ""
            done = self.do(lambda on: topup_rows.refunded_by_telegram(on, charge, self.now))
            assert (done is None) == (paper.state == "refunded")
            if paper.state == "paid":
                paper.taken = min(one.balance, paper.received)
                one.balance -= paper.taken
            paper.state = "refunded"

    # --- everything else ---

    @rule(user=users, blocked=st.booleans())
    def block(self, user: int, blocked: bool) -> None:
        self.do(lambda on: people.block(on, user, self.now, blocked=blocked))
        self.books.people[user].blocked = blocked

    @rule(seconds=st.sampled_from([1, 3600, DAY, -3600, -DAY]))
    def time_passes(self, seconds: int) -> None:
        self.now = max(START, self.now + seconds)

    @rule(free=st.integers(0, 80))
    def the_operator_changes_the_allowance(self, free: int) -> None:
        self.free = free

    @invariant()
    def the_books_add_up(self) -> None:
        with self.database.read() as on:
            check_books(on)
            rows = {row.id: row for row in on.execute(sa.select(schema.users))}
            held = {row.reference: row for row in on.execute(sa.select(schema.holds))}
            papers = {row.id: row for row in on.execute(sa.select(schema.topups))}
            count = on.scalar(sa.select(sa.func.count()).select_from(schema.entries))
            totals = days(on, self.now + 10 * DAY, 366)
        for user, one in self.books.people.items():
            if user in rows:
                assert rows[user].balance == one.balance
                assert (rows[user].free_day, rows[user].free_used) == (one.free_day, one.free_used)
        assert {
            name: (row.user, row.free, row.amount, row.free_day) for name, row in held.items()
        } == self.books.held
        assert {name: (row.state, row.received) for name, row in papers.items()} == {
            name: (one.state, one.received) for name, one in self.books.topups.items()
        }
        assert sum(day.answers for day in totals) == len(self.books.charged)
        spent = sum(sum(pair) for pair in self.books.charged.values())
        assert sum(day.free + day.paid for day in totals) == spent
        assert count is not None
        assert count >= len(self.books.seen)


def test_any_order_on_sqlite() -> None:
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=15, stateful_step_count=30, deadline=None)
    )


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    binaries = postgres_binaries()
    if binaries is None:
        message = "PostgreSQL is missing: apt-get install postgresql"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with PostgresServer(binaries) as server:
        yield server


def test_any_order_on_postgresql(postgres: PostgresServer) -> None:
    class OnPostgres(Machine):
        url = postgres.new_database()

    run_state_machine_as_test(
        OnPostgres, settings=settings(max_examples=4, stateful_step_count=25, deadline=None)
    )
