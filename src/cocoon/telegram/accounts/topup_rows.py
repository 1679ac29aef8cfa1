"""Rows of top-ups and the money that belongs to them, within a transaction of the store."""

import base64
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from cocoon.accounting import NO_NANO, Nano
from cocoon.errors import BadRequestError, BlockedError, OverloadedError
from cocoon.telegram.accounts import ledger
from cocoon.telegram.accounts.checks import check_reference
from cocoon.telegram.accounts.people import ensure
from cocoon.telegram.accounts.values import Kind, Method, Topup
from cocoon.telegram.store.schema import topups, users

HOUR = 3600
ID_BYTES = 12
MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user wants to pay in."""

    user: int
    method: Method
    nano: Nano
    stars: int


@dataclass(frozen=True, slots=True)
class StarsPaid:
    """A payment with Stars as Telegram tells of it; ``nano`` is what it is worth today."""

    user: int
    topup: str
    charge_id: str
    stars: int
    nano: Nano


def begin(on: sa.Connection, wanted: Wanted, now: int, most_an_hour: int) -> Topup:
    """Write down a new one; errors as :meth:`Accounts.new_topup`."""
    ensure(on, wanted.user, now)
    is_ton = wanted.method == "ton" and wanted.stars == 0
    is_stars = wanted.method == "stars" and wanted.stars > 0
    if wanted.nano == NO_NANO or not (is_ton or is_stars):
        raise BadRequestError("a top-up brings more than nothing, and Stars only if it is of Stars")
    if on.scalar(sa.select(users.c.blocked).where(users.c.id == wanted.user)):
        raise BlockedError("the operator of this service has turned you away")
    recent = sa.and_(topups.c.user == wanted.user, topups.c.created > now - HOUR)
    begun = on.scalar(sa.select(sa.func.count()).select_from(topups).where(recent))
    if (begun or 0) >= most_an_hour:
        raise OverloadedError("you have begun many top-ups; wait an hour")
    return _insert(on, wanted, now)


def get(on: sa.Connection, topup: str) -> Topup | None:
    """One by its id; any text may be asked."""
    if not topup.isascii() or len(topup) > 32 or "\0" in topup:
        return None
    return _one(on, topups.c.id == topup)


def of_user(on: sa.Connection, user: int, limit: int) -> list[Topup]:
    """The newest first."""
    newest = topups.c.created.desc(), topups.c.id
    query = sa.select(topups).where(topups.c.user == user).order_by(*newest)
    return [_topup(row) for row in on.execute(query.limit(min(limit, MAX_SHOWN))).mappings()]


def stars_paid(on: sa.Connection, paid: StarsPaid, now: int) -> Topup | None:
    """Credit once; errors as :meth:`Accounts.stars_paid`."""
    check_reference(paid.charge_id)
    ensure(on, paid.user, now)
    if ledger.is_booked(on, Kind.STARS, paid.charge_id):
        return None
    found = get(on, paid.topup)
    if found is None or not _fits(found, paid):
        found = _insert(on, Wanted(paid.user, "stars", paid.nano, paid.stars), now)
    detail = ledger.detail_text({"topup": found.id, "stars": paid.stars})
    booking = ledger.Booking(paid.user, Kind.STARS, paid.charge_id, int(found.nano), detail)
    ledger.book(on, booking, now)
    return _change(
        on, found, state="paid", received=int(found.nano), paid_at=now, charge_id=paid.charge_id
    )


def begin_refund(on: sa.Connection, user: int, topup: str, now: int) -> Topup:
    """Take the money off; errors as :meth:`Accounts.begin_refund`."""
    ensure(on, user, now)
    found = get(on, topup)
    if found is None or found.user != user or found.charge_id is None:
        raise BadRequestError("there is no such payment with Stars of yours")
    if found.state == "refunding":
        return found
    if found.state != "paid":
        raise BadRequestError("this payment was given back already")
    return _take_back(on, found, int(found.received), now)


def finish_refund(on: sa.Connection, topup: str) -> bool:
    """The Stars are with the user again."""
    found = get(on, topup)
    if found is None or found.state != "refunding":
        return False
    _change(on, found, state="refunded")
    return True


def fail_refund(on: sa.Connection, topup: str, now: int) -> bool:
    """The Stars stay with us: the money goes back to the balance."""
    found = _locked(on, topup, now)
    if found is None or found.state != "refunding":
        return False
    times, nano = _refunds(on, found)
    back = ledger.Booking(found.user, Kind.REFUND_FAILED, _reference(found, times), nano)
    ledger.book(on, back, now)
    _change(on, found, state="paid", refund_nano=0)
    return True


def refunded_by_telegram(on: sa.Connection, charge_id: str, now: int) -> Topup | None:
    """Note a refund that Telegram tells of, and take off what is still there."""
    check_reference(charge_id)
    found = _one(on, topups.c.charge_id == charge_id)
    found = None if found is None else _locked(on, found.id, now)
    if found is None or found.state not in ("paid", "refunding"):
        return None
    if found.state == "paid":
        balance = ensure(on, found.user, now)
        found = _take_back(on, found, min(balance, int(found.received)), now)
    return _change(on, found, state="refunded")


def refunding(on: sa.Connection) -> list[Topup]:
    """Those that Telegram must be asked about."""
    query = sa.select(topups).where(topups.c.state == "refunding").order_by(topups.c.created)
    return [_topup(row) for row in on.execute(query).mappings()]


def oldest(on: sa.Connection, method: Method) -> int | None:
    """When the first was begun."""
    first: int | None = on.scalar(
        sa.select(sa.func.min(topups.c.created)).where(topups.c.method == method)
    )
    return first


def add_received(on: sa.Connection, topup: Topup, nano: int, now: int) -> Topup:
    """A transfer came for it."""
    return _change(on, topup, state="paid", received=int(topup.received) + nano, paid_at=now)


def _take_back(on: sa.Connection, found: Topup, nano: int, now: int) -> Topup:
    """Take money off the balance and remember how much and for which try."""
    times = _refunds(on, found)[0] + 1
    missing = int(found.received) - nano
    detail = {"topup": found.id, "stars": found.stars} | ({"missing": missing} if missing else {})
    reference = _reference(found, times)
    text = ledger.detail_text(detail)
    ledger.book(on, ledger.Booking(found.user, Kind.REFUND, reference, -nano, text), now)
    return _change(on, found, state="refunding", refunds=times, refund_nano=nano)


def _fits(topup: Topup, paid: StarsPaid) -> bool:
    is_same = (topup.user, topup.stars) == (paid.user, paid.stars)
    return is_same and topup.method == "stars" and topup.state == "open"


def _reference(topup: Topup, times: int) -> str:
    return f"{topup.id}/{times}"


def _refunds(on: sa.Connection, topup: Topup) -> tuple[int, int]:
    row = on.execute(
        sa.select(topups.c.refunds, topups.c.refund_nano).where(topups.c.id == topup.id)
    ).one()
    return row.refunds, row.refund_nano


def _locked(on: sa.Connection, topup: str, now: int) -> Topup | None:
    """A top-up whose user's row is locked."""
    found = get(on, topup)
    if found is None:
        return None
    ensure(on, found.user, now)
    return get(on, topup)


def _insert(on: sa.Connection, wanted: Wanted, now: int) -> Topup:
    new = base64.b32encode(secrets.token_bytes(ID_BYTES)).decode().lower().rstrip("=")
    row = {
        "id": new,
        "user": wanted.user,
        "method": wanted.method,
        "created": now,
        "nano": int(wanted.nano),
        "stars": wanted.stars,
        "state": "open",
    }
    on.execute(sa.insert(topups).values(**row))
    found = get(on, new)
    assert found is not None
    return found


def _change(on: sa.Connection, topup: Topup, **values: Any) -> Topup:
    same = topups.c.id == topup.id
    on.execute(sa.update(topups).where(same).values(**values))
    found = _one(on, same)
    assert found is not None
    return found


def _one(on: sa.Connection, which: sa.ColumnElement[bool]) -> Topup | None:
    row = on.execute(sa.select(topups).where(which)).mappings().first()
    return None if row is None else _topup(row)


def _topup(row: sa.RowMapping) -> Topup:
    return Topup(
        id=row["id"],
        user=row["user"],
        method=row["method"],
        created=row["created"],
        nano=Nano(row["nano"]),
        stars=row["stars"],
        state=row["state"],
        received=Nano(row["received"]),
        paid_at=row["paid_at"],
        charge_id=row["charge_id"],
    )
