"""Keys, budgets and usage as JSON and CSV: the admin API and the command show the same."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from cocoon.gateway.keys.budgets import BudgetState
from cocoon.gateway.keys.ledger import Summary, UsageRow
from cocoon.gateway.keys.limits import Limits
from cocoon.gateway.keys.record import KeyRecord

USAGE_COLUMNS = (
    "time",
    "request_id",
    "key_id",
    "end_user",
    "endpoint",
    "model",
    "status",
    "prompt_tokens",
    "completion_tokens",
    "cost_nanoton",
    "cost_known",
    "duration_ms",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_encoder = msgspec.json.Encoder()


def key_object(record: KeyRecord, now: float) -> dict[str, Any]:
    """A key without its secret."""
    return {
        "object": "cocoon.api_key",
        "id": record.key_id,
        "name": record.name,
        "state": record.state(now),
        "scopes": list(record.scopes),
        "models": list(record.models),
        "limits": msgspec.to_builtins(record.limits),
        "user_limits": msgspec.to_builtins(record.user_limits),
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
        "old_secret_until": record.old_until,
        "disabled": record.disabled,
        "last_used_at": record.last_used_at,
        "notes": record.notes,
    }


def budget_objects(states: Iterable[BudgetState], limits: Limits) -> list[dict[str, Any]]:
    """Budgets with their caps; ``leased`` is held by gateways for requests."""
    caps = {"day": limits.day, "month": limits.month, "total": limits.total}
    return [
        {
            "budget": state.budget,
            "period": state.period,
            "resets_at": state.ends_at,
            "cap_nanoton": caps[state.budget],
            "spent_nanoton": state.spent,
            "leased_nanoton": state.leased,
        }
        for state in states
    ]


def summary_object(row: Summary) -> dict[str, Any]:
    """Sums; columns that were not asked for are left out."""
    shown = {name: value for name, value in row._asdict().items() if value != ""}
    cost = shown.pop("cost")
    return {**shown, "cost_nanoton": cost}


def usage_object(row: UsageRow) -> dict[str, Any]:
    """One request."""
    return dict(zip(USAGE_COLUMNS, _values(row), strict=True))


def usage_csv(rows: Iterable[UsageRow], *, header: bool) -> str:
    """Lines of CSV; texts that a spreadsheet would take for a formula get a quote in front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(USAGE_COLUMNS)
    writer.writerows([_harmless(value) for value in _values(row)] for row in rows)
    return text.getvalue()


def usage_json_lines(rows: Iterable[UsageRow]) -> str:
    """One JSON object a line."""
    return b"".join(_encoder.encode(usage_object(row)) + b"\n" for row in rows).decode()


def _values(row: UsageRow) -> tuple[Any, ...]:
    when = datetime.fromtimestamp(row.at / 1000, UTC).isoformat(timespec="milliseconds")
    return (when.replace("+00:00", "Z"), *row[1:])


def _harmless(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
