"""Tables about keys and what they use."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from cocoon.cli import screen
from cocoon.gateway.keys.budgets import BudgetState
from cocoon.gateway.keys.ledger import Summary
from cocoon.gateway.keys.limits import Limits
from cocoon.gateway.keys.record import KeyRecord
from cocoon.gateway.keys.scopes import ADMIN

DAY = len("2026-11-22")


def when(seconds: int | None, never: str = "never") -> str:
    """A time for people."""
    return never if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def keys_table(records: Sequence[KeyRecord], now: float) -> Table:
    """One line a key where there is room for it; the rest of a key is what `show` is for."""
    table = Table(box=None, pad_edge=False)
    for name in ("id", "name", "state", "limits", "expires", "last used"):
        table.add_column(name, no_wrap=name != "limits")
    for record in records:
        admin = ", admin" if ADMIN in record.scopes else ""
        table.add_row(
            record.key_id,
            record.name,
            record.state(now) + admin,
            limits_text(record.limits),
            when(record.expires_at)[:DAY],
            when(record.last_used_at)[:DAY],
        )
    return table


def key_facts(
    record: KeyRecord, budgets: Sequence[BudgetState], limits: Limits, now: float
) -> list[tuple[str, str]]:
    """Everything about a key but its secret."""
    rows = [
        ("id", record.key_id),
        ("name", record.name),
        ("state", record.state(now)),
        ("scopes", " ".join(record.scopes)),
        ("models", " ".join(record.models) or "all"),
        ("limits", limits_text(limits)),
        ("of each end user", limits_text(record.user_limits)),
        ("created", when(record.created_at)),
        ("expires", when(record.expires_at)),
        ("last used", when(record.last_used_at)),
    ]
    if record.old_until is not None and now < record.old_until:
        rows.append(("old secret works until", when(record.old_until)))
    if record.notes:
        rows.append(("notes", record.notes))
    caps = {"day": limits.day, "month": limits.month, "total": limits.total}
    for one in budgets:
        cap = caps[one.budget]
        of = "" if cap is None else f" of {screen.ton(cap)}"
        held = f", {screen.ton(one.leased)} leased" if one.leased else ""
        rows.append((f"spent, {one.period}", f"{screen.ton(one.spent)}{of}{held}"))
    return rows


def usage_table(rows: Sequence[Summary], by: Sequence[str], names: dict[str, str]) -> Table:
    """Sums, one line a group."""
    table = Table(box=None, pad_edge=False)
    columns = {"day": "day", "key": "key", "model": "model"}
    for name in by:
        table.add_column(columns[name])
    for name in ("requests", "failed", "prompt", "completion", "TON", "cost unknown"):
        table.add_column(name, justify="right")
    for row in rows:
        shown = {"day": row.day, "key": names.get(row.key_id, row.key_id), "model": row.model}
        numbers: tuple[Any, ...] = (
            row.requests,
            row.failed,
            row.prompt_tokens,
            row.completion_tokens,
            screen.decimals(row.cost),
            row.untold,
        )
        table.add_row(*(shown[name] for name in by), *map(str, numbers))
    return table


def limits_text(limits: Limits) -> str:
    """Limits on one line."""
    parts = [
        f"{screen.ton(value)} {words}"
        for value, words in (
            (limits.day, "a day"),
            (limits.month, "a month"),
            (limits.total, "in all"),
        )
        if value is not None
    ]
    parts += [
        f"{value} {words}"
        for value, words in (
            (limits.requests, "requests/min"),
            (limits.tokens, "tokens/min"),
            (limits.concurrency, "at a time"),
        )
        if value is not None
    ]
    return ", ".join(parts) or "none"
