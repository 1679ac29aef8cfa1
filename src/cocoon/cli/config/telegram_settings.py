"""From the file of a Telegram service to its settings."""

import secrets
from pathlib import Path

from cocoon.accounting import Nano
from cocoon.cli.config.load import read_text
from cocoon.cli.config.telegram_tables import TelegramFile
from cocoon.errors import ConfigError
from cocoon.telegram.settings import (
    PRICE_CLASSES,
    TELEGRAM,
    AppSettings,
    AssistantSettings,
    BotSettings,
    Limits,
    MoneySettings,
    TelegramSettings,
)

WEBHOOK_PATH = "/telegram/webhook"
WEBHOOK_SECRET_BYTES = 32
"""A new one at every start, told to Telegram then: who has the token alone does not know it."""


def telegram_settings(file: TelegramFile) -> TelegramSettings:
    """Settings of the service; reads the files that it names.

    Raises:
        ConfigError: one cannot be read, or holds something else.
    """
    return TelegramSettings(
        bot=_bot(file),
        store=file.store,
        content_key=file.content_key_file,
        limits=_limits(file),
        money=_money(file),
        assistant=_assistant(file),
        app=_app(file),
        grace=file.grace,
    )


def read_secret(path: Path, what: str) -> str:
    """The one line of a file.

    Raises:
        ConfigError: it cannot be read, or is empty.
    """
    lines = read_text(path, f"the {what}").split()
    if len(lines) != 1:
        raise ConfigError(f"{path}: must hold the {what} and nothing else")
    return lines[0]


def _bot(file: TelegramFile) -> BotSettings:
    token = read_secret(file.bot.token_file, "bot's token")
    url = f"{file.app.url}{WEBHOOK_PATH}" if file.bot.webhook else None
    return BotSettings(
        token=token,
        api=file.bot.api or TELEGRAM,
        webhook_url=url,
        webhook_secret=secrets.token_hex(WEBHOOK_SECRET_BYTES),
        texts=file.bot.texts,
        admins=frozenset(file.bot.admins),
    )


def _limits(file: TelegramFile) -> Limits:
    table = file.limits
    return Limits(
        messages_per_minute=table.messages_per_minute,
        answers_at_once=table.answers_at_once,
        answers_in_all=table.answers_in_all,
        queued_per_chat=table.queued_per_chat,
        prompt_chars=table.prompt_chars,
        file_bytes=table.file_bytes,
        history_turns=table.history_turns,
        history_days=table.history_days,
        api_calls_per_minute=table.api_calls_per_minute,
        calls_per_second=float(table.calls_per_second),
    )


def _money(file: TelegramFile) -> MoneySettings:
    table = file.money
    return MoneySettings(
        free_daily=Nano(table.free_daily),
        markup=table.markup,
        nano_per_star=table.per_star,
        star_packs=table.star_packs,
        wallet=table.wallet,
        min_topup=Nano(table.min_topup),
        max_topup=Nano(table.max_topup),
        poll_seconds=file.chain.poll_seconds,
    )


def _assistant(file: TelegramFile) -> AssistantSettings:
    table = file.answers
    return AssistantSettings(
        model=table.model,
        models=table.models,
        titles=table.titles or {},
        transcription=table.transcription,
        system=table.system,
        price_class=table.price_class,
        price_classes=table.price_classes or PRICE_CLASSES,
        max_tokens=table.max_tokens,
        timeout=table.timeout,
    )


def _app(file: TelegramFile) -> AppSettings:
    table = file.app
    token = table.operator_token_file
    return AppSettings(
        host=table.host,
        port=table.port,
        url=table.url,
        title=table.title,
        operator_token="" if token is None else read_secret(token, "operators' password"),
        init_data_seconds=table.login_seconds,
        session_seconds=table.session_seconds,
    )
