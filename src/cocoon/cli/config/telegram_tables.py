# ruff: noqa: RUF009 - key() and table() declare fields, as dataclasses.field() does
"""The configuration file of ``cocoon telegram up``."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cocoon.cli.config.api_keys_table import store_url
from cocoon.cli.config.load import read_text
from cocoon.cli.config.reader import Context, key, read, table
from cocoon.cli.config.tables import ChainTable, LogTable
from cocoon.cli.config.values import (
    address,
    any_text,
    flag,
    http_url,
    list_of,
    path,
    port,
    seconds,
    text,
    ton,
    whole,
)
from cocoon.errors import ConfigError
from cocoon.telegram.settings import PRICE_CLASSES

TELEGRAM_PORT: Final = 8090
MAX_USER: Final = 2**52
MAX_STARS: Final = 100_000  # as cocoon.telegram.payments, which is heavier to load
_HIGHEST: Final = 2**31 - 1
_CLASS_NAME = re.compile(r"[a-z][a-z0-9_-]{0,15}")


def _classes(value: object, context: Context) -> Mapping[str, int | None]:
    """A table from a class to the dearest worker that it accepts; 0: whatever workers ask."""
    if not isinstance(value, Mapping) or not value:
        raise context.error("must be a table of at least one price class")
    found: dict[str, int | None] = {}
    for name, number in value.items():
        if not _CLASS_NAME.fullmatch(str(name)):
            raise context.error("names are lower-case letters and digits, 16 at most")
        most = whole(0, _HIGHEST)(number, context.inner(str(name)))
        found[str(name)] = most or None
    return found


def _titles(value: object, context: Context) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise context.error("must be a table from a model's name to its title")
    return {str(name): text(title, context.inner(str(name))) for name, title in value.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTable:
    """How the network is reached; give one of the first three keys."""

    config: Path | None = key(
        path,
        "configuration file of a client, as for `cocoon client`: the client runs inside",
        default=None,
    )
    devnet: Path | None = key(path, "folder of a devnet that `cocoon up` runs", default=None)
    gateway: str | None = key(
        http_url, "a Cocoon gateway elsewhere, such as `https://HOST/v1`", default=None
    )
    gateway_key_file: Path | None = key(path, "file with the key for that gateway", default=None)

    def __post_init__(self) -> None:
        if sum(item is not None for item in (self.config, self.devnet, self.gateway)) != 1:
            raise ConfigError("give one of the keys `config`, `devnet` and `gateway`")
        if self.gateway_key_file is not None and self.gateway is None:
            raise ConfigError("`gateway_key_file` goes with `gateway`")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotTable:
    """The bot, as BotFather made it."""

    token_file: Path = key(path, "file with the bot's token; nobody else may read it")
    api: str | None = key(
        http_url, "Bot API server of your own; without it Telegram's", default=None
    )
    webhook: bool = key(
        flag, "let Telegram post updates to `app.url`; else they are asked for", default=False
    )
    texts: Path | None = key(path, "folder with further languages, a TOML file each", default=None)
    admins: tuple[int, ...] = key(
        list_of(whole(1, MAX_USER)),
        "Telegram ids of people who get what users write with `/paysupport`",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AppTable:
    """The server of Mini App, webhook and operators' page; a reverse proxy with TLS before it."""

    host: str = key(text, "address to listen on", default="127.0.0.1")
    port: int = key(port, "port; 0 lets the system choose", default=TELEGRAM_PORT)
    url: str | None = key(
        http_url,
        "public `https://` address of the server; without it there is no Mini App",
        default=None,
    )
    title: str = key(text, "name of the service for people and wallets", default="Cocoon")
    operator_token_file: Path | None = key(
        path,
        "file with the password of the operators' page; without it there is none",
        default=None,
    )
    login_seconds: float = key(seconds, "oldest login from Telegram that is taken", default=3600.0)
    session_seconds: float = key(seconds, "life of a session", default=43_200.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyTable:
    """What people pay. Amounts are in TON, such as `"0.5"`."""

    free_daily: int = key(ton, "everybody may use so much a UTC day", default=50_000_000)
    markup: int = key(
        whole(0, 100_000), "on what the network charges, in thousandths of it", default=0
    )
    wallet: str | None = key(
        address, "TON wallet that top-ups go to; without it TON is not taken", default=None
    )
    min_topup: int = key(ton, "least top-up with TON", default=100_000_000)
    max_topup: int = key(ton, "largest top-up with TON", default=1_000_000_000_000)
    per_star: int = key(ton, "what one Telegram Star buys; 0: Stars are not taken", default=0)
    star_packs: tuple[int, ...] = key(
        list_of(whole(1, MAX_STARS)),
        "numbers of Stars that are offered",
        default=(50, 250, 1000),
    )

    def __post_init__(self) -> None:
        if self.min_topup > self.max_topup or self.min_topup < 1:
            raise ConfigError("`min_topup` must be above 0 and at most `max_topup`")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersTable:
    """How questions are asked."""

    model: str = key(any_text, "default model; empty takes the first that is served", default="")
    models: tuple[str, ...] = key(
        list_of(text),
        "models that are offered; empty offers all",
        default=(),
    )
    titles: Mapping[str, str] | None = key(_titles, "names for people, by model", default=None)
    transcription: str = key(
        any_text, "model for voice notes; empty takes the first that is served", default=""
    )
    system: str = key(any_text, "system prompt of chats without one of their own", default="")
    price_class: str = key(text, "of people who chose none", default="standard")
    price_classes: Mapping[str, int | None] | None = key(
        _classes,
        "dearest worker that each class accepts, × 1000; 0 accepts all. Without it "
        "`{ economy = 1000, standard = 2000, any = 0 }`",
        default=None,
    )
    max_tokens: int = key(whole(16, 1_000_000), "longest answer", default=1024)
    timeout: float = key(seconds, "for a whole answer", default=600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsTable:
    """What keeps one person, or all of them, from taking too much."""

    messages_per_minute: int = key(whole(1, 10_000), "of one person", default=20)
    answers_at_once: int = key(whole(1, 1000), "of one person", default=2)
    answers_in_all: int = key(whole(1, 100_000), "of everybody", default=2000)
    queued_per_chat: int = key(whole(0, 100), "questions that wait in one chat", default=3)
    prompt_chars: int = key(
        whole(100, 2_000_000), "longest message, a document's text included", default=32_000
    )
    file_bytes: int = key(whole(1024, 20 * 1024 * 1024), "largest file", default=10_485_760)
    history_turns: int = key(whole(2, 1000), "messages that a chat remembers", default=40)
    history_days: int = key(
        whole(1, 3650), "a chat without a word for so long is forgotten", default=30
    )
    api_calls_per_minute: int = key(
        whole(1, 100_000), "of one person to the Mini App's server", default=120
    )
    calls_per_second: int = key(
        whole(1, 1000), "of the bot to Telegram; more only if Telegram allows it", default=30
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramFile:
    """Configuration of ``cocoon telegram up``."""

    store: str = key(
        store_url,
        "accounts and history: a SQLite file, or `postgresql://USER@HOST/NAME`",
        secret=True,
    )
    content_key_file: Path = key(
        path, "key that texts in the store are encrypted with; made if it is missing"
    )
    grace: float = key(
        seconds, "running answers get so long when the service is stopped", default=10.0
    )
    is_testnet: bool = key(flag, "whether TON is its test network", default=False)
    network: NetworkTable = table(NetworkTable, "how the network is reached")
    bot: BotTable = table(BotTable, "the bot")
    app: AppTable = table(AppTable, "Mini App, webhook and operators' page")
    money: MoneyTable = table(MoneyTable, "prices and payments")
    answers: AnswersTable = table(AnswersTable, "how questions are asked")
    limits: LimitsTable = table(LimitsTable, "what one person may take")
    chain: ChainTable = table(ChainTable, "how TON is read, for top-ups")
    log: LogTable = table(LogTable, "logging to stderr")

    def __post_init__(self) -> None:
        if self.money.wallet is not None and self.chain.kind == "simulated":
            raise ConfigError("`money.wallet` needs a chain to watch: give a table [chain]")
        if self.bot.webhook and self.app.url is None:
            raise ConfigError("`bot.webhook` needs `app.url`, where Telegram posts to")
        classes = self.answers.price_classes or PRICE_CLASSES
        if self.answers.price_class not in classes:
            raise ConfigError("`answers.price_class` is not among `answers.price_classes`")


def load_telegram(source: Path) -> TelegramFile:
    """Read the configuration of a Telegram service.

    Raises:
        ConfigError: the file cannot be read, or says which key is wrong.
    """
    if source.suffix != ".toml":
        raise ConfigError(f"{source}: the name must end with .toml")
    try:
        document = tomllib.loads(read_text(source, "configuration file"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{source}: not valid TOML: {error}") from None
    return read(TelegramFile, document, Context(source.parent, str(source)))
