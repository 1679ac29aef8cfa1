"""What came in on chain, within a transaction of the store."""

from collections.abc import Sequence

import sqlalchemy as sa

from cocoon.errors import PaymentError
from cocoon.telegram.accounts import ledger, topup_rows
from cocoon.telegram.accounts.overview import count_failure
from cocoon.telegram.accounts.people import ensure
from cocoon.telegram.accounts.values import Cursor, Kind, Topup, Transfer
from cocoon.telegram.store.schema import cursors

Step = tuple[str, Cursor | None, Cursor]
"""An account's address, how far it was read before, and how far now."""


def cursor(on: sa.Connection, address: str) -> Cursor | None:
    """How far an account was read."""
    row = on.execute(sa.select(cursors).where(cursors.c.address == address)).first()
    return None if row is None else Cursor(lt=row.lt, hash=bytes(row.hash))


def credit(on: sa.Connection, step: Step, found: Sequence[Transfer], now: int) -> list[Topup]:
    """Credit what came in and move the cursor; nothing where somebody else moved it."""
    address, expected, new = step
    if cursor(on, address) != expected:
        return []
    _move(on, address, new)
    paid = (_credit_one(on, transfer, now) for transfer in found)
    return [topup for topup in paid if topup is not None]


def _credit_one(on: sa.Connection, transfer: Transfer, now: int) -> Topup | None:
    topup = topup_rows.get(on, transfer.topup)
    if topup is None or topup.method != "ton":
        count_failure(on, "topup_unknown", now)
        return None
    ensure(on, topup.user, now)
    detail = ledger.detail_text({"topup": topup.id})
    amount = int(transfer.amount)
    booking = ledger.Booking(topup.user, Kind.TON, transfer.hash, amount, detail)
    try:
        if not ledger.book(on, booking, now):
            return None
    except PaymentError:  # no such amounts exist; the other transfers shall not wait for it
        count_failure(on, "topup_too_large", now)
        return None
    fresh = topup_rows.get(on, topup.id)  # an earlier transfer of this batch may be for it too
    assert fresh is not None
    return topup_rows.add_received(on, fresh, amount, now)


def _move(on: sa.Connection, address: str, new: Cursor) -> None:
    place = {"lt": new.lt, "hash": new.hash}
    if not on.execute(
        sa.update(cursors).where(cursors.c.address == address).values(**place)
    ).rowcount:
        on.execute(sa.insert(cursors).values(address=address, **place))
