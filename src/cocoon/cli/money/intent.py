"""Say what will happen, and ask, before money moves."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console

from cocoon.cli import screen
from cocoon.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Intent:
    """What a command is about to do.

    Attributes:
        title: in a few words.
        what: what happens, a sentence.
        fee: network fees in nanoTON, estimated from measurements; what is attached beyond them
            comes back.
        arrival: when the money is where it should be.
        rows: further facts, name and value.
    """

    title: str
    what: str
    fee: int
    arrival: str
    rows: tuple[tuple[str, str], ...] = ()

    def document(self) -> dict[str, Any]:
        """The JSON object of ``--json``."""
        return {"what": self.what, "fee_estimate_nanoton": self.fee, "arrival": self.arrival}


def announce(intent: Intent, console: Console, *, yes: bool) -> None:
    """Show it, and ask unless ``yes``.

    Raises:
        ConfigError: nobody can be asked.
        typer.Abort: the answer was no.
    """
    rows = [
        ("what happens", intent.what),
        *intent.rows,
        ("network fees", f"about {screen.ton(intent.fee)}"),
        ("arrives", intent.arrival),
    ]
    console.print(screen.facts(intent.title, rows), soft_wrap=False)
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("this moves money: give --yes where nobody can be asked")
    try:
        with _interruptible():
            agreed = typer.confirm("Go on?", err=True)
    except typer.Abort:  # Ctrl-C, which leaves the cursor behind the question
        console.print("\nNothing was done.")
        raise
    if not agreed:
        console.print("Nothing was done.")
        raise typer.Abort


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends the question; asyncio would only note it and go on waiting for an answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
