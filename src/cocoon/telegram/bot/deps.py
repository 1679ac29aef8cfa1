"""What handlers are given."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aiogram import Bot
from aiogram.types import User

from cocoon.telegram.accounts import Accounts
from cocoon.telegram.assistant.api import Assistant
from cocoon.telegram.bot.answering import Answering
from cocoon.telegram.bot.chats import Chats
from cocoon.telegram.bot.delivery import Delivery
from cocoon.telegram.bot.history import History
from cocoon.telegram.bot.texts import Texts
from cocoon.telegram.settings import TelegramSettings
from cocoon.telegram.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class BotDeps:
    """One bot's parts.

    Attributes:
        settings: of the service.
        bot: makes calls; its session keeps to the limits.
        me: the bot, as ``getMe`` tells.
        assistant: answers.
        accounts: users and money.
        history: what is remembered.
        chats: preferences of chats.
        texts: what the bot says.
        delivery: says it.
        answering: asks, streams, stops, remembers and shows errors.
        clock: Unix seconds.
    """

    settings: TelegramSettings
    bot: Bot
    me: User
    assistant: Assistant
    accounts: Accounts
    history: History
    chats: Chats
    texts: Texts
    delivery: Delivery
    answering: Answering
    clock: Callable[[], float] = time.time

    @classmethod
    def make(
        cls,
        settings: TelegramSettings,
        bot: Bot,
        me: User,
        *,
        assistant: Assistant,
        accounts: Accounts,
        delivery: Delivery,
        vault: Vault,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Put the parts together.

        Raises:
            ConfigError: a file of texts is wrong.
        """
        folder: Path | None = settings.bot.texts
        history = History(accounts.store, vault, settings.limits, clock)
        username = me.username or ""
        answering = Answering(settings, assistant, accounts, history, delivery, username)
        return cls(
            settings=settings,
            bot=bot,
            me=me,
            assistant=assistant,
            accounts=accounts,
            history=history,
            chats=Chats(accounts.store, vault, clock),
            texts=Texts(folder),
            delivery=delivery,
            answering=answering,
            clock=clock,
        )

    async def forget(self, user: int) -> None:
        """Erase what is kept about a person, ledger and balance aside; stops their answers.

        What they wrote in groups belongs to the groups: ``/new`` erases it there.

        Raises:
            StoreError: the store does not work; doing it again is safe.
        """
        await self.answering.stop_user(user)
        await self.history.forget(str(user))
        await self.chats.forget(str(user))
        await self.accounts.forget(user)
