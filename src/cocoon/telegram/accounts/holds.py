"""Holds: money put aside before an answer is asked for, and what becomes of it.

Functions here work within a transaction of the store. A hold is a row; whoever deletes the row
decides what becomes of the money, so that happens exactly once.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from cocoon.accounting import Nano
from cocoon.errors import BadRequestError, BlockedError, LocalProtocolError
from cocoon.telegram.accounts import ledger
from cocoon.telegram.accounts.checks import check_reference, check_user
from cocoon.telegram.accounts.people import allowance_day, ensure
from cocoon.telegram.accounts.values import Charged, Hold, Kind
from cocoon.telegram.store.schema import entries, holds, service, users


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be held; ``ticket`` tells it from other tries under the same reference."""

    user: int
    reference: str
    most: Nano
    least: Nano
    ticket: str


def take_over(on: sa.Connection, owner: str, now: int) -> None:
    """Become the process that serves this store; nobody will settle what others held."""
    mine = {"owner": owner, "since": now}
    if not on.execute(sa.update(service).values(mine)).rowcount:
        on.execute(sa.insert(service).values(id=1, **mine))
    for reference in on.scalars(sa.select(holds.c.reference)).all():
        release(on, reference)


def hold(on: sa.Connection, ask: Ask, now: int, free_daily: Nano) -> Hold:
    """Take the money off allowance and balance.

    Raises:
        BadRequestError: charged or held already; no user or no reference.
        BlockedError: the user was turned away.
        InsufficientFundsError: there is too little.
    """
    check_reference(ask.reference)
    row = _payer(on, ask, now)
    if row["is_charged"]:
        raise BadRequestError("this answer was charged already; it is not made twice")
    if row["is_held"]:
        raise BadRequestError("this answer is being made already")
    if row["blocked"]:
        raise BlockedError("the operator of this service has turned you away")
    day, used = allowance_day(row, now)
    free_left = max(0, int(free_daily) - used)
    total = min(int(ask.most), free_left + row["balance"])
    if total < ask.least:
        raise ledger.too_little(int(ask.least) - total)
    free = min(total, free_left)
    paid = total - free
    change = {"balance": row["balance"] - paid, "free_day": day, "free_used": used + free}
    on.execute(sa.update(users).where(users.c.id == ask.user).values(change))
    on.execute(
        sa.insert(holds).values(
            reference=ask.reference,
            user=ask.user,
            at=now,
            ticket=ask.ticket,
            amount=paid,
            free=free,
            free_day=day,
        )
    )
    return Hold(reference=ask.reference, user=ask.user, free=Nano(free), paid=Nano(paid))


def settle(on: sa.Connection, reference: str, cost: Nano, detail: str, now: int) -> Charged:
    """Charge, and give back what is left.

    Raises:
        LocalProtocolError: neither held nor charged.
    """
    row = _take(on, reference)
    if row is None:
        before = ledger.charged(on, reference)
        if before is None:
            raise LocalProtocolError("nothing is held for this answer")
        return before
    free = min(int(cost), row["free"])
    paid = min(int(cost) - free, row["amount"])
    _give_back(on, row, free=row["free"] - free, paid=row["amount"] - paid)
    ledger.write(on, ledger.Booking(row["user"], Kind.CHARGE, reference, -paid, detail, free), now)
    return Charged(free=Nano(free), paid=Nano(paid))


def release(on: sa.Connection, reference: str) -> None:
    """Give all of it back; nothing where there is no hold."""
    row = _take(on, reference)
    if row is not None:
        _give_back(on, row, free=row["free"], paid=row["amount"])


def tickets(on: sa.Connection, reference: str) -> list[str]:
    """Of the hold under a reference, if there is one."""
    return list(on.scalars(sa.select(holds.c.ticket).where(holds.c.reference == reference)))


def drop(on: sa.Connection, reference: str, ticket: str) -> None:
    """Release the hold of this very try, not that of a later one."""
    if ticket in tickets(on, reference):
        release(on, reference)


def _payer(on: sa.Connection, ask: Ask, now: int) -> sa.RowMapping:
    """The user's row, locked, and what is known of the reference: one question to the database."""
    booked = sa.and_(entries.c.kind == str(Kind.CHARGE), entries.c.reference == ask.reference)
    query = (
        sa.select(
            users,
            sa.exists().where(booked).label("is_charged"),
            sa.exists().where(holds.c.reference == ask.reference).label("is_held"),
        )
        .where(users.c.id == ask.user)
        .with_for_update()
    )
    check_user(ask.user)
    row = on.execute(query).mappings().first()
    if row is None:
        ensure(on, ask.user, now)
        row = on.execute(query).mappings().one()
    return row


def _take(on: sa.Connection, reference: str) -> sa.RowMapping | None:
    """Delete a hold; only one caller gets its row."""
    gone = sa.delete(holds).where(holds.c.reference == reference).returning(*holds.c)
    return on.execute(gone).mappings().first()


def _give_back(on: sa.Connection, row: sa.RowMapping, *, free: int, paid: int) -> None:
    """Add to the balance, and to the allowance if its day is still the user's."""
    is_same_day = users.c.free_day == row["free_day"]
    change = {
        users.c.balance: users.c.balance + paid,
        users.c.free_used: users.c.free_used - sa.case((is_same_day, free), else_=0),
    }
    on.execute(sa.update(users).where(users.c.id == row["user"]).values(change))
