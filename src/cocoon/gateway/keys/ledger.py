"""The ledger: one row a request, without content, and sums of each day that outlive the rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import sqlalchemy as sa

from cocoon.gateway.keys.periods import day_of
from cocoon.gateway.keys.schema import usage, usage_day
from cocoon.store import Database

MAX_MODEL = 128
MAX_ENDPOINT = 64
MAX_REQUEST_ID = 64
PAGE = 1000
"""Rows that an export reads at a time."""
DELETE_PART = 5000
"""Rows that go in one transaction when they are too old."""


class UsageRow(NamedTuple):
    """One request.

    Attributes:
        at: Unix milliseconds at which it was admitted.
        request_id: the gateway's name for it.
        key_id: whose key.
        end_user: pseudonym of the end user, 32 hex digits, or empty.
        endpoint, model: what was called.
        status: HTTP status of the answer; 499 where the caller had gone.
        prompt_tokens, completion_tokens: adjusted tokens.
        cost: nanoTON; where ``told`` is false, the most that it may have been.
        told: whether the network told the cost.
        duration_ms: from admission until the cost was known and the answer had ended.
    """

    at: int
    request_id: str
    key_id: str
    end_user: str
    endpoint: str
    model: str
    status: int
    prompt_tokens: int
    completion_tokens: int
    cost: int
    told: bool
    duration_ms: int


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which rows; None is all.

    Attributes:
        since, until: Unix seconds, the second one exclusive.
        key_id: of one key.
        end_user: pseudonym of one end user.
    """

    since: int | None = None
    until: int | None = None
    key_id: str | None = None
    end_user: str | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """As SQL."""
        found = []
        if self.since is not None:
            found.append(usage.c.at >= self.since * 1000)
        if self.until is not None:
            found.append(usage.c.at < self.until * 1000)
        if self.key_id is not None:
            found.append(usage.c.key_id == self.key_id)
        if self.end_user is not None:
            found.append(usage.c.end_user == self.end_user)
        return found


class Summary(NamedTuple):
    """Sums over requests; columns that are not grouped by are empty."""

    day: str
    key_id: str
    model: str
    requests: int
    failed: int
    untold: int
    prompt_tokens: int
    completion_tokens: int
    cost: int


_SUMS = ("requests", "failed", "untold", "prompt_tokens", "completion_tokens", "cost")
_SUMMARY = ("day", "key_id", "model", *_SUMS)
ROWS_AT_ONCE = 200
"""Rows of one statement; databases limit its parameters (SQLite: 32,766)."""
DAY_SECONDS = 86_400
DAY_MS = 1000 * DAY_SECONDS
GROUPS = ("day", "key", "model")
_COLUMN = {"day": "day", "key": "key_id", "model": "model"}


def write_usage(database: Database, connection: sa.Connection, rows: Sequence[UsageRow]) -> None:
    """Add rows, and add them to the sums of their days, in the caller's transaction."""
    if not rows:
        return
    _insert(database, connection, rows)
    sums: dict[tuple[int, str, str], list[int]] = {}
    for row in rows:
        # Names that callers made up must not fill the table of sums.
        model = row.model if row.status < 400 or row.cost else ""
        name = (row.at // DAY_MS, row.key_id, model)
        total = sums.get(name)
        if total is None:
            total = sums[name] = [0] * len(_SUMS)
        total[0] += 1
        total[1] += row.status >= 400
        total[2] += not row.told
        total[3] += row.prompt_tokens
        total[4] += row.completion_tokens
        total[5] += row.cost
    insert = database.insert(usage_day)
    changes = {name: usage_day.c[name] + insert.excluded[name] for name in _SUMS}
    statement = insert.on_conflict_do_update(
        index_elements=["day", "key_id", "model"], set_=changes
    )
    values = [
        dict(zip(_SUMMARY, (day_of(name[0] * DAY_SECONDS), *name[1:], *sums[name]), strict=True))
        for name in sorted(sums)
    ]
    connection.execute(statement, values)


def _insert(database: Database, connection: sa.Connection, rows: Sequence[UsageRow]) -> None:
    """Write rows, many with one statement.

    Straight to the driver, and not as `executemany`: that gives up the interpreter for each row
    and waits for it again, while the event loop is busy.
    """
    mark = "?" if database.is_sqlite else "%s"
    columns = ", ".join(UsageRow._fields)
    one = f"({', '.join([mark] * len(UsageRow._fields))})"
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        values = ", ".join([one] * len(part))
        connection.exec_driver_sql(
            f"INSERT INTO {usage.name} ({columns}) VALUES {values}",  # noqa: S608 - our own words
            tuple(chain.from_iterable(part)),
        )


class Ledger:
    """Reads of the ledger, and its retention.

    Args:
        database: the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: UsageFilter, limit: int, after: int = 0) -> list[tuple[int, UsageRow]]:
        """Rows with their numbers, from the one after number ``after``.

        Raises:
            StoreError: the store does not work.
        """
        statement = sa.select(usage).where(usage.c.id > after, *wanted.conditions())
        with self._database.read() as connection:
            found = connection.execute(statement.order_by(usage.c.id).limit(limit)).all()
        return [(row[0], UsageRow(*row[1:])) for row in found]

    def rows(self, wanted: UsageFilter) -> Iterator[UsageRow]:
        """All rows, ``PAGE`` at a time; raises as :meth:`page`."""
        after = 0
        while True:
            found = self.page(wanted, PAGE, after)
            for after, row in found:  # noqa: B007 - the last one is needed
                yield row
            if len(found) < PAGE:
                return

    def summary(
        self,
        by: Sequence[str],
        *,
        first_day: str = "",
        last_day: str = "9",
        key_id: str | None = None,
        limit: int = PAGE,
    ) -> list[Summary]:
        """Sums by any of ``day``, ``key`` and ``model``.

        Args:
            by: of ``GROUPS``.
            first_day: such as ``2026-11-22``.
            last_day: the last one that counts.
            key_id: of one key only.
            limit: most rows.

        Raises:
            StoreError: the store does not work.
        """
        groups = [usage_day.c[_COLUMN[name]] for name in GROUPS if name in by]
        conditions = [usage_day.c.day >= first_day, usage_day.c.day <= last_day]
        if key_id is not None:
            conditions.append(usage_day.c.key_id == key_id)
        sums = [sa.func.sum(usage_day.c[name]).label(name) for name in _SUMS]
        statement = sa.select(*groups, *sums).where(*conditions)
        if groups:
            statement = statement.group_by(*groups).order_by(*groups)
        with self._database.read() as connection:
            found = connection.execute(statement.limit(limit)).all()
        return [_summary(row._mapping) for row in found if row.requests is not None]

    def forget(self, before: int) -> int:
        """Delete some rows that are older than ``before`` (Unix seconds); how many.

        Call it again until it returns less than ``DELETE_PART``. Raises as :meth:`page`.
        """
        old = sa.select(usage.c.id).where(usage.c.at < before * 1000).limit(DELETE_PART)
        with self._database.write() as connection:
            return connection.execute(sa.delete(usage).where(usage.c.id.in_(old))).rowcount


def _summary(row: Any) -> Summary:
    texts = (row.get("day", ""), row.get("key_id", ""), row.get("model", ""))
    return Summary(*texts, *(int(row[name]) for name in _SUMS))
