"""Rows of users, within a transaction of the store."""

from dataclasses import dataclass

import sqlalchemy as sa

from cocoon.accounting import Nano
from cocoon.telegram.accounts.checks import check_user, clean_language
from cocoon.telegram.accounts.values import DAY_SECONDS, Account
from cocoon.telegram.store.schema import holds, users

SEEN_EVERY = 3600
"""Seconds; a user who writes more often is not written down each time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Who came when, with which language."""

    user: int
    language: str
    now: int


def look_up(on: sa.Connection, seen: Seen, free_daily: Nano) -> Account | None:
    """The account, unless something about it must be written first."""
    check_user(seen.user)
    row = on.execute(_with_held(seen.user)).mappings().first()
    if row is None:
        return None
    language = clean_language(seen.language)
    if language and language != row["language"]:
        return None
    is_recent = row["last_seen"] + SEEN_EVERY > seen.now
    if not is_recent or row["last_seen"] // DAY_SECONDS != seen.now // DAY_SECONDS:
        return None
    return _account(row, seen.now, free_daily)


def note(on: sa.Connection, seen: Seen, free_daily: Nano) -> Account:
    """Make the account if there is none, and write down who came."""
    ensure(on, seen.user, seen.now)
    new: dict[str, object] = {"last_seen": seen.now}
    if language := clean_language(seen.language):
        new["language"] = language
    on.execute(sa.update(users).where(users.c.id == seen.user).values(new))
    row = on.execute(_with_held(seen.user)).mappings().one()
    return _account(row, seen.now, free_daily)


def ensure(on: sa.Connection, user: int, now: int) -> int:
    """The balance of a user whose row is locked until the transaction ends; made if missing.

    Raises:
        BadRequestError: not the id of a user.
    """
    check_user(user)
    query = sa.select(users.c.balance).where(users.c.id == user).with_for_update()
    balance: int | None = on.scalar(query)
    if balance is None:
        # Another process may insert at the same moment; then this one must not fail.
        insert = sa.text(
            "INSERT INTO telegram_user (id, created, last_seen, language, balance, free_day,"
            " free_used, blocked) VALUES (:user, :now, :now, '', 0, 0, 0, :no)"
            " ON CONFLICT DO NOTHING"
        )
        on.execute(insert, {"user": user, "now": now, "no": False})
        balance = on.scalar(query)
    return int(balance or 0)


def block(on: sa.Connection, user: int, now: int, *, blocked: bool) -> None:
    """Turn away, or take back."""
    ensure(on, user, now)
    on.execute(sa.update(users).where(users.c.id == user).values(blocked=blocked))


def allowance_day(row: sa.RowMapping, now: int) -> tuple[int, int]:
    """The UTC day that counts for a user, and what of its allowance is used.

    A clock that was set back does not bring an allowance again.
    """
    today = now // DAY_SECONDS
    if today > row["free_day"]:
        return today, 0
    return row["free_day"], row["free_used"]


def _with_held(user: int) -> sa.Select[tuple[object, ...]]:
    held = sa.select(sa.func.coalesce(sa.func.sum(holds.c.amount + holds.c.free), 0))
    mine = held.where(holds.c.user == user).scalar_subquery().label("held")
    return sa.select(users, mine).where(users.c.id == user)


def _account(row: sa.RowMapping, now: int, free_daily: Nano) -> Account:
    used = allowance_day(row, now)[1]
    return Account(
        user=row["id"],
        balance=Nano(row["balance"]),
        free_left=Nano(max(0, int(free_daily) - used)),
        free_daily=free_daily,
        held=Nano(int(row["held"])),
        blocked=bool(row["blocked"]),
        language=row["language"],
        created=row["created"],
    )
