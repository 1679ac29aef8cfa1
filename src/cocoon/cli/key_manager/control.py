"""Orders to a key manager that runs, over its status interface."""

import asyncio
import json
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from cocoon.cli import layout
from cocoon.cli.screen import moment, print_whole, stdout
from cocoon.devnet.http import call
from cocoon.errors import BadRequestError, RemoteProtocolError

TIMEOUT = 30.0
MAX_REASON = 500


def order(at: str, path: str, content: bytes = b"") -> str:
    """POST, and what is answered.

    Args:
        at: base of its URL.
        path: with its query.
        content: of the request.

    Raises:
        UnavailableError: it does not answer.
        BadRequestError: it refuses; says why.
    """
    answer = asyncio.run(call("POST", at.rstrip("/") + path, TIMEOUT, content=content))
    text = "".join(
        sign for sign in answer.body.decode(errors="replace")[:MAX_REASON] if sign.isprintable()
    )
    if answer.status != 200:
        raise BadRequestError(text.removeprefix("failed: ") or f"HTTP status {answer.status}")
    return text


def status(at: str) -> dict[str, Any]:
    """What it says of itself.

    Raises:
        UnavailableError: it does not answer.
        RemoteProtocolError: what answers is no key manager.
    """
    answer = asyncio.run(call("GET", at.rstrip("/") + "/jsonstats", TIMEOUT))
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if answer.status != 200 or not isinstance(found, dict) or "keys" not in found:
        raise RemoteProtocolError(f"{at} is not the status interface of a key manager")
    return found


def show(at: str, *, as_json: bool) -> None:
    """Print it; raises as :func:`status`."""
    found = status(at)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    try:
        console = stdout()
        console.print(_head(found, layout.columns(console)))
        for table in _tables(found):
            console.print()
            print_whole(table)
    except (LookupError, TypeError, ValueError):
        raise RemoteProtocolError(f"{at} is not the status interface of a key manager") from None


def _head(found: dict[str, Any], width: int) -> Text:
    state = found["status"]
    return layout.section(
        "Key manager",
        [
            ("id", str(state["manager_id"])),
            ("active", "yes" if state["active"] else f"no, {state['successor']} took over"),
            ("root version", str(state["root_version"])),
            ("next serial", f"from {int(found['last_serial']) + 1}"),
        ],
        width,
    )


def _tables(found: dict[str, Any]) -> list[Table]:
    keys = _table("public key", "for", "valid from", "until")
    for item in found["keys"]:
        kinds = [name for name in ("proxies", "workers") if item[f"for_{name}"]]
        since, until = item["valid_since_utime"], item["valid_until_utime"]
        keys.add_row(str(item["public_key"]), ", ".join(kinds), moment(since), moment(until))
    approvals = _table("image", "serial", "opens", "over")
    for item in found["approvals"]:
        times = moment(item["opens_at"]), moment(item["not_after"])
        approvals.add_row(str(item["image_hash"]), str(item["serial"]), *times)
    return [keys, *([approvals] if found["approvals"] else [])]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table
