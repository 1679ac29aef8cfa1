"""What Telegram is told about the bot: where updates go, its commands, the Mini App's button."""

from collections.abc import Sequence

import structlog
from aiogram.exceptions import TelegramAPIError
from aiogram.types import BotCommand, MenuButtonDefault, MenuButtonWebApp, WebAppInfo

from cocoon.errors import ConfigError, UnavailableError
from cocoon.telegram.bot.commands import COMMANDS
from cocoon.telegram.bot.deps import BotDeps

MAX_CONNECTIONS = 100
"""Webhook calls at a time; Telegram's most (core.telegram.org/bots/api#setwebhook)."""

log = structlog.get_logger("cocoon.telegram")


async def register(deps: BotDeps, kinds: Sequence[str]) -> None:
    """Tell Telegram.

    Args:
        deps: of the bot.
        kinds: kinds of updates that are wanted.

    Raises:
        ConfigError: Telegram does not take the webhook.
        UnavailableError: Telegram does not answer.
    """
    settings = deps.settings
    try:
        if settings.bot.webhook_url is None:
            await deps.bot.delete_webhook(drop_pending_updates=False)
        else:
            await _set_webhook(deps, kinds)
        await _commands(deps)
        await _menu(deps)
    except TelegramAPIError as error:
        raise UnavailableError(f"Telegram does not answer: {type(error).__name__}") from None


async def _set_webhook(deps: BotDeps, kinds: Sequence[str]) -> None:
    bot = deps.settings.bot
    try:
        await deps.bot.set_webhook(
            bot.webhook_url or "",
            secret_token=bot.webhook_secret,
            allowed_updates=list(kinds),
            max_connections=MAX_CONNECTIONS,
            drop_pending_updates=False,
        )
    except TelegramAPIError as error:
        raise ConfigError(f"Telegram does not take the webhook: {error.message}") from None


async def _commands(deps: BotDeps) -> None:
    """The list that Telegram shows behind ``/``, in every language of ours."""
    for language in deps.texts.languages:
        words = deps.texts.words(language)
        listed = [
            BotCommand(command=name, description=words(f"commands.{name}")) for name in COMMANDS
        ]
        # English is for everybody whose language has no list of its own.
        await deps.bot.set_my_commands(listed, language_code=None if language == "en" else language)


async def _menu(deps: BotDeps) -> None:
    url = deps.settings.app.url
    button: MenuButtonDefault | MenuButtonWebApp = MenuButtonDefault()
    if url is not None:
        app = WebAppInfo(url=f"{url}/app/")
        button = MenuButtonWebApp(text=deps.settings.app.title[:16], web_app=app)
    await deps.bot.set_chat_menu_button(menu_button=button)
