"""What an operator decides about a Telegram service, as values; nothing here reads a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from cocoon.accounting import Nano
from cocoon.accounting.amount import NANO_PER_TON
from cocoon.errors import ConfigError

TELEGRAM = "https://api.telegram.org"
"""Telegram's own Bot API server."""
PRICE_CLASSES: Mapping[str, int | None] = MappingProxyType(
    {"economy": 1000, "standard": 2000, "any": None}
)
"""Dearest worker that each price class accepts, × 1000; None: whatever a worker asks."""
FREE_DAILY = Nano(NANO_PER_TON // 20)
MIN_TOPUP = Nano(NANO_PER_TON // 10)
MAX_TOPUP = Nano(1000 * NANO_PER_TON)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """How Telegram is reached.

    Attributes:
        token: of the bot, from BotFather.
        api: address of the Bot API server: Telegram's, one of the operator's own, or a stand-in.
        webhook_url: public HTTPS address of ``/telegram/webhook``; None asks for updates instead.
        webhook_secret: Telegram sends it with every call of the webhook; 1-256 of A-Z a-z 0-9 _ -.
        texts: folder with further languages, a TOML file each; None for none.
        admins: Telegram ids of people who get what users write with ``/paysupport``.
    """

    token: str = field(repr=False)
    api: str = TELEGRAM
    webhook_url: str | None = None
    webhook_secret: str = field(default="", repr=False)
    texts: Path | None = None
    admins: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        number, colon, rest = self.token.partition(":")
        if not (colon and number.isascii() and number.isdigit() and rest):
            raise ConfigError("the bot's token is not one: BotFather gives such as 123456:ABC-DEF")
        if self.webhook_url is not None and not self.webhook_secret:
            raise ConfigError("a webhook needs a secret, else anybody could send updates")

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot."""
        return int(self.token.partition(":")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What keeps one person, or all of them, from taking too much.

    Attributes:
        messages_per_minute: that one person may send before the bot asks for patience.
        answers_at_once: running answers of one person, over all chats.
        answers_in_all: running answers of the whole service.
        queued_per_chat: questions that wait while a chat's answer is running.
        prompt_chars: longest message, characters; a document's text included.
        file_bytes: largest file that is taken.
        history_turns: messages of a chat that are remembered, and shown to be.
        history_days: after so many days without a word a chat's history is deleted.
        api_calls_per_minute: of one person to the Mini App's server.
        calls_per_second: of the bot to Telegram, over all chats.
        calls_per_chat_second: to one private chat, on average.
        calls_per_group_minute: to one group.
    """

    messages_per_minute: int = 20
    answers_at_once: int = 2
    answers_in_all: int = 2000
    queued_per_chat: int = 3
    prompt_chars: int = 32_000
    file_bytes: int = 10 * 1024 * 1024
    history_turns: int = 40
    history_days: int = 30
    api_calls_per_minute: int = 120
    calls_per_second: float = 30.0
    calls_per_chat_second: float = 1.0
    calls_per_group_minute: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneySettings:
    """Prices and payments.

    Attributes:
        free_daily: nanoTON that everybody may use on a UTC day for nothing.
        markup: added to what the network charges, in thousandths.
        nano_per_star: nanoTON that one Telegram Star buys; 0 where Stars are not taken.
        star_packs: numbers of Stars that are offered.
        wallet: TON address, friendly form, that top-ups are paid to; None where TON is not taken.
        min_topup, max_topup: nanoTON of one top-up with TON.
        poll_seconds: between two looks at the wallet.
    """

    free_daily: Nano = FREE_DAILY
    markup: int = 0
    nano_per_star: int = 0
    star_packs: tuple[int, ...] = (50, 250, 1000)
    wallet: str | None = None
    min_topup: Nano = MIN_TOPUP
    max_topup: Nano = MAX_TOPUP
    poll_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantSettings:
    """How questions are asked.

    Attributes:
        model: default model; empty takes the first one that is served.
        models: names that are offered; empty offers all.
        titles: names for people, by model.
        transcription: model for voice notes; empty takes the first one that is served.
        system: system prompt of chats that have none of their own.
        price_class: of users who chose none, a key of ``price_classes``.
        price_classes: dearest worker that each class accepts, × 1000.
        max_tokens: longest answer.
        timeout: seconds for a whole answer.
    """

    model: str = ""
    models: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    transcription: str = ""
    system: str = ""
    price_class: str = "standard"
    price_classes: Mapping[str, int | None] = field(default_factory=lambda: PRICE_CLASSES)
    max_tokens: int = 1024
    timeout: float = 600.0

    def __post_init__(self) -> None:
        if self.price_class not in self.price_classes:
            raise ConfigError(f"there is no price class {self.price_class!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings:
    """The server of the Mini App, of the webhook and of the operators' page.

    Attributes:
        host, port: where it listens; a reverse proxy with a certificate stands before it.
        url: public address of the server, where Telegram opens ``/app/``; None: no Mini App.
        title: name of the service for people and wallets.
        operator_token: opens the operators' page; empty: there is none.
        init_data_seconds: oldest login that is taken.
        session_seconds: life of a session.
        frame_ancestors: further origins that may show the app in a frame, such as a stand-in's.
        telegram_key: Ed25519 key that signs initData in the third-party form, 32 bytes; None takes
            Telegram's.
        stand_in_wallet: address of a stand-in's wallet script; loopback only, None in production.
    """

    host: str = "127.0.0.1"
    port: int = 8090
    url: str | None = None
    title: str = "Cocoon"
    operator_token: str = field(default="", repr=False)
    init_data_seconds: float = 3600.0
    session_seconds: float = 12 * 3600.0
    frame_ancestors: tuple[str, ...] = ()
    telegram_key: bytes | None = None
    stand_in_wallet: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings:
    """A Telegram service.

    Attributes:
        store: database URL (:mod:`cocoon.store`).
        content_key: file with the key that texts at rest are encrypted under; made if missing.
        grace: seconds that running answers get when the service is told to stop.
        is_stand_in: whether the Bot API is a stand-in; everything people see then says so.
    """

    bot: BotSettings
    store: str
    content_key: Path
    limits: Limits = Limits()
    money: MoneySettings = MoneySettings()
    assistant: AssistantSettings = field(default_factory=AssistantSettings)
    app: AppSettings = AppSettings()
    grace: float = 10.0
    is_stand_in: bool = False
