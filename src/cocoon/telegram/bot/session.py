"""The connection to the Bot API."""

import asyncio
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from cocoon.telegram.bot.delivery.pacer import Pacer, has_turn
from cocoon.telegram.bot.delivery.values import Rank
from cocoon.telegram.settings import BotSettings

TIMEOUT = 30.0
"""Seconds for one call; asking for updates takes its own on top."""
MIN_CONNECTIONS = 100
MAX_TRIES = 5
"""How often a call is made that Telegram wants later."""
MAX_WAIT = 60.0
"""Longest ``retry_after``, seconds, that a call of a handler waits for."""

_FREE = ("get", "answer", "setChatMenuButton")
"""Methods with a chat whose names begin so change nothing that people see there."""
_MESSAGES = ("send", "edit", "forward", "copy")
"""Of the others, those that count for their chat; the rest counts for the bot as a whole."""


class PacingMiddleware(BaseRequestMiddleware):
    """Makes every call that writes to a chat wait for its turn, whoever makes it.

    Args:
        pacer: of the bot.
    """

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make a call in its turn.

        Raises:
            aiogram.exceptions.TelegramAPIError: as Telegram answers; "too many requests" only when
                it says so again and again.
        """
        if has_turn() or not is_counted(method):
            return await make_request(bot, method)
        key = _key(method)
        for _ in range(MAX_TRIES - 1):
            try:
                async with self._pacer.turn(key, Rank.FINAL):
                    return await make_request(bot, method)
            except TelegramRetryAfter as error:
                self._pacer.refused(key, float(error.retry_after))
                if error.retry_after > MAX_WAIT:
                    raise
                if key is None:
                    await asyncio.sleep(error.retry_after)
        async with self._pacer.turn(key, Rank.FINAL):
            return await make_request(bot, method)


def is_counted(method: TelegramMethod[Any]) -> bool:
    """Whether Telegram's limits for messages apply to a call."""
    has_place = getattr(method, "chat_id", None) or getattr(method, "inline_message_id", None)
    return bool(has_place) and not method.__api_method__.startswith(_FREE)


def _key(method: TelegramMethod[Any]) -> int | str | None:
    """The chat that a call counts for."""
    name = method.__api_method__
    if name == "sendChatAction" or not name.startswith(_MESSAGES):
        return None
    inline: str | None = getattr(method, "inline_message_id", None)
    chat: int | str = getattr(method, "chat_id", 0)
    key = inline or chat
    return int(key) if isinstance(key, str) and key.lstrip("-").isdecimal() else key


def make_bot(settings: BotSettings, pacer: Pacer) -> Bot:
    """A bot whose calls keep to the limits; close with ``await bot.session.close()``.

    Calls that write to a chat wait for their turn at ``pacer``; all others go at once.
    """
    session = AiohttpSession(
        api=TelegramAPIServer.from_base(settings.api),
        timeout=TIMEOUT,
        limit=max(MIN_CONNECTIONS, int(pacer.speed.per_second)),
    )
    session.middleware(PacingMiddleware(pacer))
    return Bot(settings.token, session=session)
