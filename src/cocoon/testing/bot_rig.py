"""The whole Telegram bot, with real aiogram, a real store and a scripted assistant."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiogram import Dispatcher

from cocoon.accounting import Nano
from cocoon.devnet.telegram import StandInTelegram
from cocoon.store import sqlite_url
from cocoon.telegram.accounts import AccountPolicy, Accounts
from cocoon.telegram.bot.delivery import Delivery, Pacer, Speed
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.dispatcher import build_dispatcher
from cocoon.telegram.bot.session import make_bot
from cocoon.telegram.settings import BotSettings, MoneySettings, TelegramSettings
from cocoon.telegram.vault import Vault
from cocoon.testing.scripted_assistant import ScriptedAssistant
from cocoon.testing.telegram import GENEROUS

FAST = Speed(
    per_second=100_000,
    burst=100_000,
    chat_per_second=10_000,
    chat_burst=10_000,
    group_per_minute=100_000,
)
MONEY = MoneySettings(free_daily=Nano(50_000_000), nano_per_star=10_000_000)


@dataclass
class BotRig:
    """A running bot.

    Attributes:
        telegram: the stand-in.
        assistant: answers what a test tells it to; charges nobody.
        deps: the bot's parts.
        dispatcher: of the bot; updates of the stand-in reach it by themselves.
    """

    telegram: StandInTelegram
    assistant: ScriptedAssistant
    deps: BotDeps
    dispatcher: Dispatcher

    async def feed(self, update: dict[str, Any]) -> None:
        """Hand the bot an update that the stand-in does not know of; returns when it is handled."""
        await self.dispatcher.feed_raw_update(self.deps.bot, update)


async def until(check: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Wait for something to be true; returns it.

    Raises:
        TimeoutError: it does not become true.
    """
    end = asyncio.get_running_loop().time() + seconds
    while not (found := check()):
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError("what was waited for did not happen")
        await asyncio.sleep(0.01)
    return found


@asynccontextmanager
async def bot_rig(
    folder: Path,
    change: Callable[[TelegramSettings], TelegramSettings] = lambda settings: settings,
    make: Callable[[], StandInTelegram] = lambda: StandInTelegram(rates=GENEROUS),
    setup: Callable[[BotDeps], Awaitable[None]] | None = None,
) -> AsyncIterator[BotRig]:
    """Start a stand-in and a bot that asks it for updates.

    Args:
        folder: for the store.
        change: of the settings.
        make: the stand-in.
        setup: is called before the first update.
    """
    async with make() as telegram:
        settings = change(
            TelegramSettings(
                bot=BotSettings(token=telegram.token, api=telegram.url),
                store=sqlite_url(folder / "bot.db"),
                content_key=folder / "content.key",
                money=MONEY,
                is_stand_in=True,
            )
        )
        accounts = Accounts(settings.store, AccountPolicy(free_daily=settings.money.free_daily))
        await accounts.start()
        pacer = Pacer(FAST)
        bot = make_bot(settings.bot, pacer)
        delivery = Delivery(bot, pacer)
        assistant = ScriptedAssistant()
        deps = BotDeps.make(
            settings,
            bot,
            await bot.me(),
            assistant=assistant,
            accounts=accounts,
            delivery=delivery,
            vault=Vault.open(settings.content_key),
        )
        if setup is not None:
            await setup(deps)
        dispatcher = build_dispatcher(deps)
        tasks: set[asyncio.Task[Any]] = set()
        polling = asyncio.create_task(_poll(deps, dispatcher, tasks))
        try:
            yield BotRig(telegram, assistant, deps, dispatcher)
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await delivery.close()
            await bot.session.close()
            await accounts.close()


async def _poll(deps: BotDeps, dispatcher: Dispatcher, tasks: set[asyncio.Task[Any]]) -> None:
    offset = None
    while True:
        for update in await deps.bot.get_updates(offset=offset, timeout=5):
            offset = update.update_id + 1
            task = asyncio.create_task(dispatcher.feed_update(deps.bot, update))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
