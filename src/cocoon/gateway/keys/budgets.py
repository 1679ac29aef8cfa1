"""What people want to know of budgets: how much is spent, and what dead processes hold."""

from dataclasses import dataclass

import sqlalchemy as sa

from cocoon.gateway.keys.leases import dead_processes, drop_process
from cocoon.gateway.keys.periods import periods
from cocoon.gateway.keys.schema import budget, lease
from cocoon.store import Database

KEPT_SECONDS = 90 * 86_400
"""Budgets of periods that ended so long ago are forgotten."""


def key_account(key_id: str) -> str:
    """The account of a key's own budgets."""
    return key_id


def user_account(key_id: str, end_user: str) -> str:
    """The account of one end user of a key.

    Args:
        key_id: of the key.
        end_user: pseudonym, 32 hex digits.
    """
    return f"{key_id}/{end_user}"


@dataclass(frozen=True, slots=True)
class BudgetState:
    """One budget now.

    Attributes:
        budget: ``day``, ``month`` or ``total``.
        period: its name, such as ``2026-11``.
        ends_at: Unix seconds, or None.
        spent: nanoTON.
        leased: nanoTON that gateways hold for requests that run or will come.
    """

    budget: str
    period: str
    ends_at: int | None
    spent: int
    leased: int


class Budgets:
    """Reads of budgets, and what a person may decide about them.

    Args:
        database: the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, account: str, now: float) -> list[BudgetState]:
        """The three budgets of an account.

        Raises:
            StoreError: the store does not work.
        """
        statement = sa.select(budget.c.period, budget.c.spent, budget.c.leased)
        with self._database.read() as connection:
            found = connection.execute(statement.where(budget.c.account == account)).all()
        known = {row.period: (row.spent, row.leased) for row in found}
        return [
            BudgetState(name, period, ends_at, *known.get(period, (0, 0)))
            for name, period, ends_at in periods(now)
        ]

    def dead(self, now: float) -> dict[str, int]:
        """NanoTON leased to dead processes, by process.

        Raises:
            StoreError: the store does not work.
        """
        with self._database.read() as connection:
            gone = dead_processes(connection, now)
            rows = connection.execute(
                sa.select(lease.c.process_id, sa.func.sum(lease.c.amount))
                .where(lease.c.process_id.in_(gone))
                .group_by(lease.c.process_id)
            ).all()
        return dict.fromkeys(gone, 0) | {row[0]: int(row[1]) for row in rows}

    def reconcile(self, now: float, *, as_spent: bool) -> int:
        """End the leases of dead processes; how many nanoTON they were, summed over budgets.

        Args:
            now: Unix seconds.
            as_spent: book them as spent; else they are free again, and what those processes had
                spent without writing it down is never counted.

        Raises:
            StoreError: the store does not work.
        """
        with self._database.write() as connection:
            gone = dead_processes(connection, now)
            return sum(drop_process(connection, one, as_spent=as_spent) for one in gone)

    def forget(self, now: float) -> None:
        """Delete budgets of periods that ended long ago; raises as :meth:`state`."""
        with self._database.write() as connection:
            connection.execute(
                sa.delete(budget).where(
                    budget.c.ends_at < int(now - KEPT_SECONDS), budget.c.leased == 0
                )
            )
