"""Accounts of a Telegram service in tests: a clock that stands, and whether the books add up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from cocoon.accounting import NO_NANO, Nano
from cocoon.telegram.accounts import AccountPolicy, Accounts
from cocoon.telegram.store.schema import entries, holds, topups, users

START = 1_800_000_000
"""Where a test's clock stands, Unix seconds."""


class StandingClock:
    """A clock that tests move.

    Attributes:
        at: Unix seconds.
    """

    def __init__(self, at: float = START) -> None:
        self.at = at

    def __call__(self) -> float:
        """The time."""
        return self.at


@asynccontextmanager
async def open_accounts(
    url: str, *, free: int = 0, clock: StandingClock | None = None, serve: bool = True
) -> AsyncIterator[Accounts]:
    """Accounts over a store, started and closed; ``free`` is nanoTON of allowance a day."""
    policy = AccountPolicy(free_daily=Nano(free) if free else NO_NANO)
    accounts = Accounts(url, policy, clock=clock or StandingClock())
    await accounts.start(serve=serve)
    try:
        yield accounts
    finally:
        await accounts.close()


def check_books(on: sa.Connection) -> None:
    """Money neither appears nor vanishes.

    Raises:
        AssertionError: it did.
    """
    booked = _sums(on, entries, entries.c.user, entries.c.amount)
    held = _sums(on, holds, holds.c.user, holds.c.amount)
    for user, balance in on.execute(sa.select(users.c.id, users.c.balance)):
        expected = booked.get(user, 0)
        if balance + held.get(user, 0) != expected:
            raise AssertionError(f"user {user}: {balance} + {held.get(user, 0)} != {expected}")
    _check_allowances(on)
    _check_topups(on)


def _check_allowances(on: sa.Connection) -> None:
    """What is used of a day's allowance is what was charged and is held on that day."""
    for row in on.execute(sa.select(users.c.id, users.c.free_day, users.c.free_used)):
        mine = sa.and_(holds.c.user == row.id, holds.c.free_day == row.free_day)
        held = on.scalar(sa.select(sa.func.sum(holds.c.free)).where(mine)) or 0
        if row.free_used < held:
            raise AssertionError(f"user {row.id} holds more allowance than is used")


def _check_topups(on: sa.Connection) -> None:
    """What top-ups brought, and what of it went back, is what the ledger says."""
    of_kinds = entries.c.kind.in_(["ton", "stars", "refund", "refund_failed"])
    booked = on.scalar(sa.select(sa.func.sum(entries.c.amount)).where(of_kinds)) or 0
    received = on.scalar(sa.select(sa.func.sum(topups.c.received))) or 0
    gone = on.scalar(sa.select(sa.func.sum(topups.c.refund_nano))) or 0
    if booked != received - gone:
        raise AssertionError(f"top-ups brought {received}, {gone} went, the ledger has {booked}")


def _sums(
    on: sa.Connection, table: sa.Table, key: sa.Column[int], amount: sa.Column[int]
) -> dict[int, int]:
    query = sa.select(key, sa.func.sum(amount)).select_from(table).group_by(key)
    return {user: int(total) for user, total in on.execute(query)}
