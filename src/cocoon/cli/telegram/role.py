"""From the file of a Telegram service to the service."""

from pathlib import Path
from typing import TYPE_CHECKING

import openai

from cocoon import AsyncClient
from cocoon.chain.backend import ChainBackend
from cocoon.cli import logging
from cocoon.cli.config.chain import backend_maker
from cocoon.cli.config.telegram_settings import read_secret, telegram_settings
from cocoon.cli.config.telegram_tables import NetworkTable, TelegramFile, load_telegram
from cocoon.errors import ConfigError
from cocoon.telegram.settings import TELEGRAM

if TYPE_CHECKING:
    from cocoon.telegram.service.service import TelegramService

EXTRA = "the Telegram service needs further packages: pip install 'cocoon[telegram]'"


def prepare(path: Path, verbosity: int | None) -> "TelegramService":
    """Read the file and everything that it names.

    Raises:
        ConfigError: something is wrong or missing, packages of the service included.
    """
    try:
        from cocoon.telegram.service.service import TelegramService  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("aiogram", "telegramify_markdown", "pypdf"):
            raise
        raise ConfigError(EXTRA) from None
    file = load_telegram(path)
    logging.configure(logging.level_of(file.log.level, verbosity))
    settings = telegram_settings(file)
    _check_public(file)
    return TelegramService(settings, connect(file.network), backend=_backend(file))


def connect(table: NetworkTable) -> openai.AsyncOpenAI:
    """The client that answers come from; nothing is connected yet.

    Raises:
        ConfigError: what is named cannot be used.
    """
    if table.gateway is None:
        return AsyncClient(config=table.config, devnet=table.devnet)
    key = "unused"
    if table.gateway_key_file is not None:
        key = read_secret(table.gateway_key_file, "gateway's key")
    return openai.AsyncOpenAI(base_url=table.gateway, api_key=key, max_retries=0)


def _backend(file: TelegramFile) -> ChainBackend | None:
    if file.money.wallet is None:
        return None
    return backend_maker(file.chain, testnet=file.is_testnet)()


def _check_public(file: TelegramFile) -> None:
    """Telegram opens Mini Apps and posts updates over HTTPS only."""
    is_telegram = (file.bot.api or TELEGRAM) == TELEGRAM
    if is_telegram and file.app.url is not None and not file.app.url.startswith("https://"):
        raise ConfigError("`app.url` must begin with https://: Telegram opens nothing else")
