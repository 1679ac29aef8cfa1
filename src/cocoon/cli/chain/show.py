"""What ``cocoon chain …`` prints: lists of transactions, one of them, an account, the clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from cocoon.cli import screen

COMMENT = 16
"""Characters of a comment in a list."""


def time(seconds: int) -> str:
    """A time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def transactions(items: list[dict[str, Any]]) -> Table:
    """A list of transactions, newest first."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("time", "account", "operation", "value", "fees", "outcome", "hash"):
        right = name in ("value", "fees")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for item in items:
        table.add_row(
            time(item["time"])[5:],
            short(item["account"]),
            _operation(item),
            _ton(item["value"]),
            _ton(item["fees"]),
            item["outcome"],
            item["hash"][:10],
            style=None if item["outcome"] in ("ok", "received") else "red",
        )
    return table


def transaction(item: dict[str, Any]) -> list[RenderableType]:
    """Everything about one transaction."""
    rows = [
        ("hash", item["hash"]),
        ("account", item["account"]),
        ("time", f"{time(item['time'])}, block {item['block']}, logical time {item['lt']}"),
        ("outcome", item["outcome"]),
        ("status", f"{item['status_before']} → {item['status_after']}"),
        ("fees", _ton(item["fees"])),
        *_phases(item["phases"]),
    ]
    parts: list[RenderableType] = [screen.facts("Transaction", rows)]
    if item["in_message"] is not None:
        parts.append(_message("Received", item["in_message"]))
    for number, sent in enumerate(item["out_messages"], 1):
        parts.append(_message(f"Sent {number}", sent))
    return parts


def account(item: dict[str, Any]) -> list[RenderableType]:
    """An account and its newest transactions."""
    rows = [
        ("address", f"{item['friendly']}\n{item['address']}"),
        ("status", item["status"]),
        ("balance", screen.ton(item["balance"])),
        ("code hash", item["code_hash"] or "none"),
    ]
    if item["due_payment"]:
        rows.append(("owes rent", screen.ton(item["due_payment"])))
    parts: list[RenderableType] = [screen.facts("Account", rows)]
    if item["transactions"]:
        parts.append(transactions(item["transactions"]))
    return parts


def clock(item: dict[str, Any]) -> Table:
    """The chain's clock."""
    state = "stopped" if item["frozen"] else "running"
    ahead = item["offset"]
    rows = [
        ("chain", f"{time(item['now'])} UTC ({item['now']}), {state}"),
        ("real", f"{time(item['real'])} UTC"),
        ("difference", f"{ahead:+d} s"),
    ]
    return screen.facts("Clock", rows)


def short(address: str) -> str:
    """An address that fits a column."""
    return f"{address[:8]}…{address[-4:]}"


def safe(text: str) -> str:
    """A text that a stranger chose: neither markup nor commands to the terminal."""
    return escape("".join(char if char.isprintable() else "·" for char in text))


def _message(title: str, item: dict[str, Any]) -> Table:
    rows = [
        ("kind", item["kind"] + (", bounced" if item["bounced"] else "")),
        ("from", item["source"] or "outside"),
        ("to", item["destination"] or "outside"),
        ("value", screen.ton(item["value"])),
        ("operation", " ".join(filter(None, (item["name"], item["operation"]))) or "none"),
    ]
    if item["comment"] is not None:
        rows.append(("comment", safe(item["comment"])))
    rows += [(name, safe(str(value))) for name, value in _decoded(item["decoded"])]
    if item.get("transaction"):
        rows.append(("executed in", item["transaction"]))
    return screen.facts(title, rows)


def _decoded(fields: dict[str, Any] | None, prefix: str = "  ") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in (fields or {}).items():
        if isinstance(value, dict):
            rows.append((prefix + name, ""))
            rows += _decoded(value, prefix + "  ")
        elif name != "operation" or prefix != "  ":
            rows.append((prefix + name, value))
    return rows


def _phases(item: dict[str, Any]) -> list[tuple[str, str]]:
    shown: dict[str, Callable[[dict[str, Any]], str]] = {
        "storage_ph": lambda it: f"{_ton(int(it['storage_fees_collected']))} of rent",
        "credit_ph": lambda it: f"{_ton(int(it['credit']))} received",
        "compute_ph": _compute,
        "action": _action,
        "bounce": lambda it: it["type"],
    }
    return [
        (name.removesuffix("_ph"), tell(item[name])) for name, tell in shown.items() if name in item
    ]


def _compute(item: dict[str, Any]) -> str:
    if item["skipped"]:
        return f"skipped: {item['reason']}"
    gas = f"{item['gas_used']} gas for {_ton(int(item['gas_fees']))}"
    return f"exit code {item['exit_code']}, {item['vm_steps']} steps, {gas}"


def _action(item: dict[str, Any]) -> str:
    forward = _ton(int(item.get("total_fwd_fees", 0)))
    return f"code {item['result_code']}, {item['msgs_created']} messages, {forward} to forward them"


def _operation(item: dict[str, Any]) -> str:
    if item["comment"] is not None:
        return f"“{safe(item['comment'][:COMMENT])}”"
    return item["operation"] or {"external-in": "external"}.get(item["kind"] or "", "transfer")


def _ton(nano: int) -> str:
    return screen.ton(nano).removesuffix(" TON")
