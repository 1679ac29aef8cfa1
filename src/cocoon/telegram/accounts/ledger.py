"""The ledger: rows that are added and never changed, and balances that follow from them.

Functions here work within a transaction of the store. For every user at any time: the sum of the
amounts in the ledger is the balance together with what holds took off it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from cocoon.accounting import Nano
from cocoon.accounting.amount import MAX_AMOUNT
from cocoon.errors import InsufficientFundsError, LocalProtocolError, PaymentError
from cocoon.telegram.accounts.checks import check_reference
from cocoon.telegram.accounts.people import ensure
from cocoon.telegram.accounts.values import MAX_DETAIL_BYTES, Charged, Entry, Kind
from cocoon.telegram.store.schema import entries, users


@dataclass(frozen=True, slots=True)
class Booking:
    """A movement of money: ``amount`` nanoTON, below zero where it goes."""

    user: int
    kind: Kind
    reference: str
    amount: int
    detail: str = ""
    free: int = 0


def detail_text(detail: Mapping[str, object]) -> str:
    """What the ledger keeps beside an entry, as JSON.

    Raises:
        LocalProtocolError: not JSON, or more than 4 KiB.
    """
    if not detail:
        return ""
    try:
        text = json.dumps(detail, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        raise LocalProtocolError("an entry's detail is not JSON") from None
    if len(text) > MAX_DETAIL_BYTES:
        raise LocalProtocolError(f"an entry's detail is longer than {MAX_DETAIL_BYTES} bytes")
    return text


def is_booked(on: sa.Connection, kind: Kind, reference: str) -> bool:
    """Whether this was booked before."""
    same = sa.and_(entries.c.kind == str(kind), entries.c.reference == reference)
    return on.scalar(sa.select(entries.c.id).where(same)) is not None


def book(on: sa.Connection, booking: Booking, now: int) -> bool:
    """Change a balance and write it down; False where it was done before.

    Raises:
        BadRequestError: no user or no reference.
        InsufficientFundsError: the balance does not cover it.
        PaymentError: the balance would leave 63 bits.
    """
    check_reference(booking.reference)
    balance = ensure(on, booking.user, now)
    if is_booked(on, booking.kind, booking.reference):
        return False
    after = balance + booking.amount
    if after < 0:
        raise too_little(-after)
    if after > MAX_AMOUNT:
        raise PaymentError("the balance would be larger than any amount")
    on.execute(sa.update(users).where(users.c.id == booking.user).values(balance=after))
    write(on, booking, now)
    return True


def write(on: sa.Connection, booking: Booking, now: int) -> None:
    """Add a line; whoever calls has moved the money."""
    on.execute(
        sa.insert(entries).values(
            user=booking.user,
            at=now,
            kind=str(booking.kind),
            reference=booking.reference,
            amount=booking.amount,
            free=booking.free,
            detail=booking.detail,
        )
    )


def too_little(missing: int) -> InsufficientFundsError:
    """What to raise, and what to say."""
    error = InsufficientFundsError(f"{Nano(missing).ton()} are missing")
    error.missing = missing
    return error


def entries_of(on: sa.Connection, user: int, after: int, limit: int) -> list[Entry]:
    """Oldest first."""
    query = (
        sa.select(entries)
        .where(entries.c.user == user, entries.c.id > after)
        .order_by(entries.c.id)
        .limit(limit)
    )
    return [_entry(row) for row in on.execute(query).mappings()]


def charged(on: sa.Connection, reference: str) -> Charged | None:
    """What an answer was charged."""
    same = sa.and_(entries.c.kind == str(Kind.CHARGE), entries.c.reference == reference)
    row = on.execute(sa.select(entries.c.amount, entries.c.free).where(same)).first()
    return None if row is None else Charged(free=Nano(row.free), paid=Nano(-row.amount))


def _entry(row: sa.RowMapping) -> Entry:
    return Entry(
        id=row["id"],
        user=row["user"],
        at=row["at"],
        kind=row["kind"],
        reference=row["reference"],
        amount=row["amount"],
        free=Nano(row["free"]),
        detail=json.loads(row["detail"]) if row["detail"] else {},
    )
