"""What people see on the terminal: progress, notices, tables."""

import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

# Notices fit a terminal of 80 columns; terminals break longer ones in the middle of a word.
SIMULATED = "TEE hardware and TON are SIMULATED here: nothing is confidential."
LOCAL_CHAIN = (
    "TEE hardware is SIMULATED here: nothing is confidential. The chain is a private one:\n"
    "contracts and their fees are real, the coins are worth nothing. One owner, no delay."
)
SMALL_MODEL = "This is a small demonstration model (135 million parameters), often wrong."
NANO = 10**9
WIDEST = 500

_MARKS = {"starting": ("…", "yellow"), "ready": ("✓", "green"), "stopped": ("·", "dim")}


def stderr() -> Console:
    """Console for everything that is not a result."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def stdout() -> Console:
    """Console for results."""
    return Console(highlight=False, soft_wrap=True)


def ton(nano: int) -> str:
    """An amount in TON with all the decimals that matter."""
    whole, rest = divmod(abs(nano), NANO)
    sign = "-" if nano < 0 else ""
    return f"{sign}{whole}.{f'{rest:09d}'.rstrip('0') or '0'} TON"


def decimals(nano: int) -> str:
    """An amount in TON with all nine decimals and without a unit, for columns."""
    whole, rest = divmod(abs(nano), NANO)
    return f"{'-' if nano < 0 else ''}{whole}.{rest:09d}"


def moment(seconds: int) -> str:
    """A time of the chain, as all that look at it can compare it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def about_network(simulated_ton: bool) -> str:
    """What a devnet is not."""
    return SIMULATED if simulated_ton else LOCAL_CHAIN


def print_whole(part: RenderableType) -> None:
    """Print a result; a list is as wide as it is, for no number in it may be cut."""
    console = stdout()
    if isinstance(part, Table) and part.box is None:
        wide = console.options.update(max_width=WIDEST)
        console.width = max(console.width, Measurement.get(console, wide, part).maximum)
    console.print(part, soft_wrap=False)


class StartProgress:
    """Shows processes as they start: a live line on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._states: dict[str, str] = {}
        self._began = time.monotonic()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._line,
                console=self._console,
                refresh_per_second=8,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def report(self, name: str, state: str) -> None:
        """Take what happens to a process."""
        self._states[name] = state
        if self._live is None and state != "stopped":
            self._console.print(f"{name}: {state} ({time.monotonic() - self._began:.1f} s)")

    def _line(self) -> Text:
        line = Text(f"Starting the network, {time.monotonic() - self._began:4.1f} s ")
        for name, state in self._states.items():
            mark, style = _MARKS.get(state, ("?", "red"))
            line.append(f"  {mark} {name}", style)
        return line


def facts(title: str, rows: list[tuple[str, str]]) -> Table:
    """A two-column table."""
    table = Table(title=title, show_header=False, title_justify="left", title_style="bold")
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table
