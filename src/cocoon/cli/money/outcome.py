"""What came of an order: lines for people, one object for programs."""

import json
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from cocoon.cli import screen

SHORT_HASH = 16
Json = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """What was done and how things stand.

    Attributes:
        lines: sentences.
        done: what was sent: ``step``, ``amount``, ``transaction``, ``fees``.
        document: what programs get beyond that.
        tables: to be shown after the sentences.
    """

    lines: list[str]
    done: list[Json] = field(default_factory=list)
    document: Json = field(default_factory=dict)
    tables: list[Table | str] = field(default_factory=list)

    def show(self, *, as_json: bool) -> None:
        """Print it: sentences and tables, or one JSON object."""
        if as_json:
            print(json.dumps({"done": self.done, **self.document}))  # noqa: T201 - the result
            return
        console: Console = screen.stdout()
        for line in self.lines:
            console.print(line, markup=False)
        for table in self.tables:
            console.print(table, soft_wrap=isinstance(table, str), markup=False)


def step_line(receipt: Json) -> str:
    """One step that was carried out."""
    amount = f" {screen.ton(receipt['amount'])}" if receipt["amount"] else ""
    fees = f", fees {screen.ton(receipt['fees'])}" if receipt["fees"] else ""
    short = receipt["transaction"][:SHORT_HASH]
    return f"done: {receipt['step']}{amount}  (transaction {short}…{fees})"
