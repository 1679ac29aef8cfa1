"""Budgets in the store, shared by processes: what is spent, and what is leased to whom.

Of every budget the store knows ``spent`` and ``leased``; ``spent + leased`` never grows beyond its
cap here. A process takes a lease in one transaction and promises requests no more than it holds, so
nothing that it does, its death included, can exceed a cap. See ``docs/adr`` 15.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from cocoon.errors import StoreError
from cocoon.gateway.keys.ledger import UsageRow, write_usage
from cocoon.gateway.keys.schema import budget, lease, process
from cocoon.gateway.keys.settings import CHUNK_PART, DEAD_SECONDS
from cocoon.store import Database

BudgetName = tuple[str, str]
"""Account and period."""


@dataclass(frozen=True, slots=True)
class Want:
    """A process needs more of a budget.

    Attributes:
        name: of the budget.
        ends_at: Unix seconds at which its period ends, or None.
        cap: nanoTON.
        need: nanoTON that requests wait for.
    """

    name: BudgetName
    ends_at: int | None
    cap: int
    need: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a process got.

    Attributes:
        held: its whole lease now.
        free: what nobody has spent or leased, after this.
        spent: of the budget.
        chunk: how much more than needed a lease is made.
    """

    held: int
    free: int
    spent: int
    chunk: int


@dataclass(frozen=True, slots=True)
class Booking:
    """What one batch changes in one budget.

    Attributes:
        ends_at: of the period.
        spent: nanoTON that were spent.
        taken: nanoTON by which our lease shrinks: what was spent of it, and what is returned.
    """

    ends_at: int | None
    spent: int
    taken: int


class DeclaredDeadError(StoreError):
    """Somebody reconciled our leases because we were silent for too long."""


class Leases:
    """One process' part of the budgets.

    Args:
        database: the store.
        process_id: names this process; never used again by another one.
    """

    def __init__(self, database: Database, process_id: str) -> None:
        self._database = database
        self._id = process_id

    def register(self, now: float) -> None:
        """Begin to exist.

        Raises:
            StoreError: the store does not work.
        """
        row = {"process_id": self._id, "started_at": int(now), "seen_at": int(now), "batch": 0}
        with self._database.write() as connection:
            insert = self._database.insert(process).values(row)
            connection.execute(insert.on_conflict_do_nothing())

    def heartbeat(self, now: float) -> bool:
        """Say that we live; False when somebody has declared us dead.

        Raises:
            StoreError: the store does not work.
        """
        with self._database.write() as connection:
            return self._update_process(connection, {"seen_at": int(now)}) == 1

    def alive(self, since: float) -> int:
        """How many processes were seen since then.

        Raises:
            StoreError: the store does not work.
        """
        count = sa.select(sa.func.count()).select_from(process)
        with self._database.read() as connection:
            return connection.scalar(count.where(process.c.seen_at >= int(since))) or 0

    def acquire(self, wants: Sequence[Want]) -> dict[BudgetName, Grant]:
        """Lease what is needed, or what there is.

        Raises:
            DeclaredDeadError: our leases are gone.
            StoreError: the store does not work; then nothing may be promised.
        """
        grants: dict[BudgetName, Grant] = {}
        with self._database.write() as connection:
            if self._batch(connection) is None:
                raise DeclaredDeadError("this process was declared dead")
            # All processes lock in this order.
            for want in sorted(wants, key=lambda want: want.name):
                grants[want.name] = self._acquire(connection, want)
        return grants

    def _acquire(self, connection: sa.Connection, want: Want) -> Grant:
        self._make_budget(connection, want.name, want.ends_at)
        row = connection.execute(
            sa.select(budget.c.spent, budget.c.leased)
            .where(_is(budget, want.name))
            .with_for_update()
        ).one()
        free = max(0, want.cap - row.spent - row.leased)
        chunk = min(want.cap // CHUNK_PART, free // 8)
        amount = min(free, max(want.need, chunk))
        if amount:
            connection.execute(
                sa.update(budget)
                .where(_is(budget, want.name))
                .values(leased=budget.c.leased + amount)
            )
            account, period = want.name
            values = {"process_id": self._id, "account": account, "period": period}
            insert = self._database.insert(lease).values(**values, amount=amount)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=list(values), set_={"amount": lease.c.amount + amount}
                )
            )
        held = connection.scalar(
            sa.select(lease.c.amount).where(lease.c.process_id == self._id, _is(lease, want.name))
        )
        return Grant(held or 0, free - amount, row.spent, chunk)

    def flush(
        self,
        number: int,
        rows: Sequence[UsageRow],
        bookings: Mapping[BudgetName, Booking],
        now: float,
    ) -> bool:
        """Write a batch of usage in one transaction, exactly once however often it is tried.

        Args:
            number: of the batch, one more than of the one before.
            rows: of the ledger.
            bookings: by budget.
            now: Unix seconds.

        Returns:
            False when this process was declared dead: what was spent is booked nevertheless, but
            its leases are gone.

        Raises:
            StoreError: the store does not work; try the same batch again.
        """
        with self._database.write() as connection:
            known = self._batch(connection)
            if known is not None and known >= number:
                return True  # a commit whose answer was lost
            if known is not None:
                self._update_process(connection, {"batch": number, "seen_at": int(now)})
            self._book(connection, bookings, holds_leases=known is not None)
            write_usage(self._database, connection, rows)
            return known is not None

    def _book(
        self, connection: sa.Connection, bookings: Mapping[BudgetName, Booking], holds_leases: bool
    ) -> None:
        for name in sorted(bookings):
            booking = bookings[name]
            taken = booking.taken if holds_leases else 0
            changed = connection.execute(_booked(name, booking.spent, taken))
            if changed.rowcount != 1:
                self._make_budget(connection, name, booking.ends_at)
                connection.execute(_booked(name, booking.spent, taken))
            if taken:
                connection.execute(
                    sa.update(lease)
                    .where(lease.c.process_id == self._id, _is(lease, name))
                    .values(amount=lease.c.amount - taken)
                )

    def leave(self) -> None:
        """Give every lease back and cease to exist; after the last flush.

        Raises:
            StoreError: the store does not work.
        """
        with self._database.write() as connection:
            drop_process(connection, self._id)

    def _batch(self, connection: sa.Connection) -> int | None:
        """Number of our last batch; our row is locked. None when we were declared dead."""
        ours = sa.select(process.c.batch).where(process.c.process_id == self._id)
        return connection.scalar(ours.with_for_update())

    def _make_budget(
        self, connection: sa.Connection, name: BudgetName, ends_at: int | None
    ) -> None:
        row = {"account": name[0], "period": name[1], "ends_at": ends_at}
        insert = self._database.insert(budget).values(**row, spent=0, leased=0)
        connection.execute(insert.on_conflict_do_nothing())

    def _update_process(self, connection: sa.Connection, values: dict[str, int]) -> int:
        return connection.execute(
            sa.update(process).where(process.c.process_id == self._id).values(values)
        ).rowcount


def drop_process(connection: sa.Connection, process_id: str, *, as_spent: bool = False) -> int:
    """End the leases of a process; returns how many nanoTON they held.

    Args:
        connection: in a transaction that writes.
        process_id: which process.
        as_spent: book them as spent instead of giving them back.
    """
    connection.execute(
        sa.select(process.c.batch).where(process.c.process_id == process_id).with_for_update()
    )
    held = connection.execute(
        sa.select(lease)
        .where(lease.c.process_id == process_id)
        .order_by(lease.c.account, lease.c.period)
    ).all()
    for row in held:
        if row.amount:
            spent = row.amount if as_spent else 0
            connection.execute(_booked((row.account, row.period), spent, row.amount))
    connection.execute(sa.delete(lease).where(lease.c.process_id == process_id))
    connection.execute(sa.delete(process).where(process.c.process_id == process_id))
    return sum(row.amount for row in held)


def dead_processes(connection: sa.Connection, now: float) -> list[str]:
    """Processes that have been silent so long that they admit nothing any more."""
    silent = process.c.seen_at < int(now - DEAD_SECONDS)
    return list(connection.scalars(sa.select(process.c.process_id).where(silent)))


def _is(table: sa.Table, name: BudgetName) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.account == name[0], table.c.period == name[1])


def _booked(name: BudgetName, spent: int, taken: int) -> sa.Update:
    return (
        sa.update(budget)
        .where(_is(budget, name))
        .values(spent=budget.c.spent + spent, leased=budget.c.leased - taken)
    )
