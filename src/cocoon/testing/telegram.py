"""Bots against the stand-in for Telegram, for tests."""

import contextlib
from collections.abc import AsyncIterator, Callable

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from cocoon.devnet.telegram import Rates, StandInTelegram

GENEROUS = Rates(everywhere=100_000, chat=10_000.0, chat_burst=100_000, group_minute=100_000)
"""Rates for tests of something else than limits."""


class QuickSession(AiohttpSession):
    """A session that closes at once: aiogram's waits a quarter of a second for TLS to close."""

    async def close(self) -> None:
        """Closes it."""
        if self._session is not None and not self._session.closed:
            await self._session.close()


def bot_for(telegram: StandInTelegram) -> Bot:
    """A real aiogram bot that talks to the stand-in; close its ``session`` after use."""
    server = TelegramAPIServer.from_base(telegram.url)
    return Bot(telegram.token, session=QuickSession(api=server))


@contextlib.asynccontextmanager
async def running_bot(
    make: Callable[[], StandInTelegram] = lambda: StandInTelegram(rates=GENEROUS),
) -> AsyncIterator[tuple[StandInTelegram, Bot]]:
    """A started stand-in and a bot for it."""
    async with make() as telegram:
        bot = bot_for(telegram)
        try:
            yield telegram, bot
        finally:
            await bot.session.close()
