"""A user's ledger as a file: CSV for tables, JSON lines for programs."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cocoon.accounting import Nano
from cocoon.telegram.accounts.values import MAX_ENTRIES, Entry

if TYPE_CHECKING:
    from cocoon.telegram.accounts.accounts import Accounts

COLUMNS = ("id", "at", "kind", "reference", "amount_ton", "amount_nano", "free_nano", "detail")


def ledger_csv(entries: Iterable[Entry], *, head: bool = True) -> str:
    """CSV (RFC 4180) of entries; times are UTC in ISO 8601.

    Args:
        entries: in their order.
        head: whether to begin with the names of the columns.
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    if head:
        table.writerow(COLUMNS)
    for entry in entries:
        row = as_json(entry)
        detail = json.dumps(row["detail"], separators=(",", ":"), sort_keys=True)
        table.writerow([*(row[name] for name in COLUMNS[:-1]), detail if row["detail"] else ""])
    return out.getvalue()


def ledger_lines(entries: Iterable[Entry]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(as_json(entry), separators=(",", ":")) + "\n" for entry in entries)


def as_json(entry: Entry) -> dict[str, object]:
    """An entry with the members of :data:`COLUMNS`."""
    return {
        "id": entry.id,
        "at": datetime.fromtimestamp(entry.at, UTC).isoformat().replace("+00:00", "Z"),
        "kind": entry.kind,
        "reference": entry.reference,
        "amount_ton": signed_ton(entry.amount),
        "amount_nano": entry.amount,
        "free_nano": int(entry.free),
        "detail": dict(entry.detail),
    }


def signed_ton(nano: int) -> str:
    """An amount that may be negative, in TON, exact: ``-0.5``."""
    text = Nano(abs(nano)).ton().removesuffix(" TON")
    return f"-{text}" if nano < 0 else text


async def all_entries(accounts: "Accounts", user: int) -> AsyncIterator[list[Entry]]:
    """A user's whole ledger, oldest first, in pages of at most 1,000."""
    after = 0
    while page := await accounts.ledger(user, after=after, limit=MAX_ENTRIES):
        yield page
        after = page[-1].id
