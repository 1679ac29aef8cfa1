"""Options of ``cocoon keys``, and what their words mean."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cocoon.cli.money.amount import parse_ton
from cocoon.errors import ConfigError

NONE = "none"
_SPAN = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhdw])", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LIMIT_NAMES = ("day", "month", "total", "requests", "tokens", "concurrency")
LIMITS_PANEL = "Limits of the key (`none` takes one away)"
USER_PANEL = "Limits of each end user (`none` takes one away)"

StoreUrl = Annotated[
    str | None,
    typer.Option("--store", help="Where the keys are: a file or a database URL.", metavar="STORE"),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="A client's TOML; its `[api_keys]`.", metavar="FILE"),
]
KeyName = Annotated[str, typer.Argument(help="Id of the key, or its name.", metavar="KEY")]
KeyFilter = Annotated[
    str | None, typer.Option("--key", help="Only this key, by id or name.", metavar="KEY")
]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help="What it may do; may be repeated.", metavar="SCOPE"),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="A model or glob it may use; may be repeated.", metavar="GLOB"),
]
Expires = Annotated[
    str | None,
    typer.Option("--expires", help="`90d`, `2027-01-31`, or `none`.", metavar="WHEN"),
]
Notes = Annotated[str | None, typer.Option("--notes", help="For people.", metavar="TEXT")]


def _limit(flag: str, text: str, panel: str) -> Any:
    return Annotated[
        str | None, typer.Option(flag, help=text, metavar="LIMIT", rich_help_panel=panel)
    ]


Day = _limit("--day", "TON in a UTC day.", LIMITS_PANEL)
Month = _limit("--month", "TON in a UTC month.", LIMITS_PANEL)
Total = _limit("--total", "TON ever.", LIMITS_PANEL)
Requests = _limit("--requests", "Requests in a minute.", LIMITS_PANEL)
Tokens = _limit("--tokens", "Tokens in a minute.", LIMITS_PANEL)
Concurrency = _limit("--concurrency", "Requests at a time.", LIMITS_PANEL)
UserDay = _limit("--user-day", "TON in a UTC day.", USER_PANEL)
UserMonth = _limit("--user-month", "TON in a UTC month.", USER_PANEL)
UserTotal = _limit("--user-total", "TON ever.", USER_PANEL)
UserRequests = _limit("--user-requests", "Requests in a minute.", USER_PANEL)
UserTokens = _limit("--user-tokens", "Tokens in a minute.", USER_PANEL)
UserConcurrency = _limit("--user-concurrency", "Requests at a time.", USER_PANEL)


def limits_from(words: tuple[str | None, ...]) -> dict[str, int | None]:
    """Limits that were given, in the order of ``LIMIT_NAMES``; ``none`` is None.

    Raises:
        ConfigError: one is not a number.
    """
    found: dict[str, int | None] = {}
    for name, word in zip(LIMIT_NAMES, words, strict=True):
        if word is not None:
            parse: Callable[[str], int] = _ton if name in LIMIT_NAMES[:3] else _whole
            found[name] = None if word == NONE else parse(word)
    return found


def span(text: str) -> int:
    """Seconds of a span such as ``90d`` or ``12h``.

    Raises:
        ConfigError: not such a span.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ConfigError(f"not a span of time: {text!r}; write it as 90d, 12h or 30m")
    return int(match["number"]) * _UNITS[match["unit"]]


def moment(text: str) -> int:
    """Unix seconds of a day or time such as ``2026-11-22`` or ``2026-11-22T18:00``, in UTC.

    Raises:
        ConfigError: not such a time.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"not a day or time: {text!r}; write it as 2026-11-22") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def expiry(text: str) -> int | None:
    """When a key expires: after a span, at a time, or never (``none``).

    Raises:
        ConfigError: none of these.
    """
    if text == NONE:
        return None
    return int(time.time()) + span(text) if _SPAN.fullmatch(text) else moment(text)


def _ton(text: str) -> int:
    return 0 if text == "0" else parse_ton(text)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise ConfigError(f"not a whole number: {text!r}")
    return int(text)
