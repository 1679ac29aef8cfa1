"""Sums over the ledger: for one user, and for operators over all."""

import re
from typing import Any

import sqlalchemy as sa

from cocoon.accounting import Nano
from cocoon.telegram.accounts.values import DAY_SECONDS, DayUsage, Kind, Overview, UserRow
from cocoon.telegram.store.schema import entries, failures, holds, topups, users

MAX_DAYS = 366
MAX_FAILURES = 500
"""Lines that operators see."""
_code = re.compile(r"[a-z0-9_.-]{1,48}")


def days(on: sa.Connection, now: int, count: int, user: int | None = None) -> list[DayUsage]:
    """Sums of each of the last UTC days that has any entry, the newest first.

    Args:
        on: a transaction.
        now: Unix seconds.
        count: days, today included; 1…366.
        user: of one; None of all.
    """
    since = _first_day(now, count) * DAY_SECONDS
    day = entries.c.at.op("/")(DAY_SECONDS).label("day")
    is_charge = entries.c.kind == str(Kind.CHARGE)
    query = (
        sa.select(
            day,
            sa.func.sum(sa.case((is_charge, 1), else_=0)).label("answers"),
            sa.func.sum(entries.c.free).label("free"),
            sa.func.sum(sa.case((is_charge, -entries.c.amount), else_=0)).label("paid"),
            sa.func.sum(sa.case((is_charge, 0), else_=entries.c.amount)).label("moved"),
        )
        .where(entries.c.at >= since)
        .group_by(sa.text("day"))
        .order_by(sa.text("day DESC"))
    )
    if user is not None:
        query = query.where(entries.c.user == user)
    return [
        DayUsage(
            day=int(row.day),
            answers=int(row.answers),
            free=Nano(int(row.free)),
            paid=Nano(int(row.paid)),
            topped_up=Nano(max(0, int(row.moved))),
        )
        for row in on.execute(query)
    ]


def overview(on: sa.Connection, now: int, count: int) -> Overview:
    """What operators see."""
    day_start = now // DAY_SECONDS * DAY_SECONDS
    people = on.execute(
        sa.select(
            sa.func.count().label("users"),
            sa.func.coalesce(sa.func.sum(sa.case((users.c.blocked, 1), else_=0)), 0).label("out"),
            sa.func.coalesce(
                sa.func.sum(sa.case((users.c.last_seen >= day_start, 1), else_=0)), 0
            ).label("active"),
            sa.func.coalesce(sa.func.sum(users.c.balance), 0).label("balances"),
        )
    ).one()
    held = on.execute(
        sa.select(
            sa.func.count().label("holds"),
            sa.func.coalesce(sa.func.sum(holds.c.amount + holds.c.free), 0).label("held"),
        )
    ).one()
    by_state = sa.select(topups.c.method, topups.c.state, sa.func.count()).group_by(
        topups.c.method, topups.c.state
    )
    return Overview(
        users=people.users,
        blocked=int(people.out),
        active_today=int(people.active),
        balances=int(people.balances),
        holds=held.holds,
        held=int(held.held),
        days=tuple(days(on, now, count)),
        topups={f"{method}/{state}": number for method, state, number in on.execute(by_state)},
        failures=_failures(on, _first_day(now, count)),
    )


def users_page(on: sa.Connection, after: int, limit: int) -> list[UserRow]:
    """Users by id, with what their answers cost in all."""
    chosen = sa.select(users).where(users.c.id > after).order_by(users.c.id).limit(limit)
    people = list(on.execute(chosen).mappings())
    if not people:
        return []
    spent = sa.select(
        entries.c.user,
        sa.func.count().label("answers"),
        sa.func.sum(entries.c.free).label("free"),
        sa.func.sum(-entries.c.amount).label("paid"),
    ).where(entries.c.kind == str(Kind.CHARGE), entries.c.user.in_([row["id"] for row in people]))
    sums = {row.user: row for row in on.execute(spent.group_by(entries.c.user))}
    return [_user(row, sums.get(row["id"])) for row in people]


def count_failure(on: sa.Connection, code: str, now: int) -> None:
    """One more of these today; what is no short code counts as ``other``."""
    key = {"day": now // DAY_SECONDS, "code": code if _code.fullmatch(code) else "other"}
    same = sa.and_(failures.c.day == key["day"], failures.c.code == key["code"])
    more = sa.update(failures).where(same).values(count=failures.c.count + 1)
    if not on.execute(more).rowcount:
        on.execute(sa.insert(failures).values(count=1, **key))


def _failures(on: sa.Connection, first_day: int) -> tuple[tuple[int, str, int], ...]:
    query = (
        sa.select(failures.c.day, failures.c.code, failures.c.count)
        .where(failures.c.day >= first_day)
        .order_by(failures.c.day.desc(), failures.c.count.desc(), failures.c.code)
        .limit(MAX_FAILURES)
    )
    return tuple((row[0], row[1], row[2]) for row in on.execute(query))


def _user(row: sa.RowMapping, sums: "sa.Row[Any] | None") -> UserRow:
    return UserRow(
        user=row["id"],
        created=row["created"],
        last_seen=row["last_seen"],
        balance=Nano(row["balance"]),
        blocked=bool(row["blocked"]),
        answers=0 if sums is None else int(sums.answers),
        free=Nano(0 if sums is None else int(sums.free)),
        paid=Nano(0 if sums is None else int(sums.paid)),
    )


def _first_day(now: int, count: int) -> int:
    return now // DAY_SECONDS - max(1, min(count, MAX_DAYS)) + 1
