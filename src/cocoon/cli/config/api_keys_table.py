"""What an ``[api_keys]`` table says, and the gate's settings that follow from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cocoon.cli.config.reader import Context, key
from cocoon.cli.config.values import text, ton, whole
from cocoon.errors import ConfigError

if TYPE_CHECKING:
    from cocoon.gateway.keys import KeysSettings

MAX_RATE = 2**40
LIMITS = ("day", "month", "total", "requests", "tokens", "concurrency")


def store_url(value: object, context: Context) -> str:
    """A database URL, or a path: then it is a SQLite file there."""
    written = text(value, context)
    scheme, separator, rest = written.partition("://")
    if not separator:
        return f"sqlite:///{context.folder / Path(written).expanduser()}"
    if scheme == "sqlite":
        if not rest.removeprefix("/"):
            raise context.error("must name a file: sqlite:///FILE")
        return f"sqlite:///{context.folder / rest.removeprefix('/')}"
    if scheme.partition("+")[0] != "postgresql":
        raise context.error("must be a file, or a URL that begins with postgresql://")
    return written


def _money(help_text: str) -> int | None:
    return key(ton, help_text, default=None)  # type: ignore[no-any-return]


def _rate(help_text: str) -> int | None:
    return key(whole(0, MAX_RATE), help_text, default=None)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeysTable:
    """API keys, budgets and limits of the gateway. Amounts are in TON, such as `"0.5"`."""

    store: str | None = key(
        store_url,
        "where keys and usage are kept: a SQLite file, or `postgresql://USER@HOST/NAME`, which "
        "several gateways may share; without it no keys are kept",
        default=None,
        secret=True,
    )
    retention_days: int = key(
        whole(0, 36_500), "rows of the ledger that are older are deleted; 0 keeps them", default=0
    )
    day: int | None = _money("a key's budget for a UTC day, unless the key says otherwise")
    month: int | None = _money("for a UTC month")
    total: int | None = _money("for ever")
    requests: int | None = _rate("requests of a key in a minute")
    tokens: int | None = _rate("tokens of a key in a minute")
    concurrency: int | None = _rate("requests of a key at a time")
    user_day: int | None = _money("an end user's budget for a UTC day, unless the key says")
    user_month: int | None = _money("for a UTC month")
    user_total: int | None = _money("for ever")
    user_requests: int | None = _rate("requests of an end user in a minute")
    user_tokens: int | None = _rate("tokens of an end user in a minute")
    user_concurrency: int | None = _rate("requests of an end user at a time")

    def __post_init__(self) -> None:
        limits = [name for name in LIMITS if getattr(self, name) is not None]
        limits += [f"user_{n}" for n in LIMITS if getattr(self, f"user_{n}") is not None]
        if self.store is None and (limits or self.retention_days):
            raise ConfigError("limits need the key `store`")


def keys_settings(table: ApiKeysTable) -> "KeysSettings | None":
    """Settings of the gate; None where no keys are kept."""
    if table.store is None:
        return None
    from cocoon.gateway.keys import KeysSettings, Limits  # noqa: PLC0415 - loads SQLAlchemy

    return KeysSettings(
        store=table.store,
        key_limits=Limits(*(getattr(table, name) for name in LIMITS)),
        user_limits=Limits(*(getattr(table, f"user_{name}") for name in LIMITS)),
        retention_days=table.retention_days,
    )
