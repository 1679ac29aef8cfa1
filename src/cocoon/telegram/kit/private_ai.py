"""Private AI in anybody's aiogram bot, paid for by each of its users."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import openai
from aiogram import Bot, Router
from aiogram.types import Message, MessageGenerationStopped

from cocoon import AsyncClient
from cocoon.accounting import Nano
from cocoon.errors import CocoonError, ConfigError
from cocoon.store import sqlite_url
from cocoon.telegram.accounts import AccountPolicy, Accounts
from cocoon.telegram.assistant.network import NetworkAssistant
from cocoon.telegram.assistant.values import Delta, Event, Facts, Finished, Question, Turn
from cocoon.telegram.bot.delivery import Delivery, LiveMessage, Pacer, Where
from cocoon.telegram.settings import FREE_DAILY, AssistantSettings

MAX_CHATS = 10_000
"""Chats that are remembered, in memory; the longest silent one is forgotten first."""


@dataclass(slots=True)
class _Running:
    task: "asyncio.Task[Any]"
    live: LiveMessage


class PrivateAI:
    """Answers messages of a bot over the network, and charges who asked.

    ::

        ai = PrivateAI(store="bot.sqlite")


        @dispatcher.message(F.text)
        async def answer(message: Message) -> None:
            await ai.reply(message)

    Answers stream, keep to Telegram's limits and can be stopped (``include_router(ai.router)``).
    Every user has ``free_daily`` a day; what they pay in is ``ai.accounts.credit(…)``. A message is
    charged once, however often Telegram sends it.

    Args:
        ai: :class:`cocoon.AsyncClient`, or ``openai.AsyncOpenAI`` for a Cocoon gateway; it stays
            the caller's to close. None makes an ``AsyncClient()`` and closes it at the end.
        store: SQLite file or database URL for accounts.
        free_daily: nanoTON that everybody may use on a UTC day.
        markup: on what the network charges, in thousandths.
        model: default model; empty takes the first that is served.
        system: system prompt.
        remember: messages of a chat that go along with the next one; 0 for none. They are kept in
            memory only.
        max_tokens: longest answer.

    Raises:
        ConfigError: a value makes no sense.
    """

    def __init__(
        self,
        ai: openai.AsyncOpenAI | None = None,
        *,
        store: str | Path = "private-ai.sqlite",
        free_daily: Nano = FREE_DAILY,
        markup: int = 0,
        model: str = "",
        system: str = "",
        remember: int = 20,
        max_tokens: int = 1024,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if remember < 0 or markup < 0:
            raise ConfigError("remember and markup cannot be negative")
        network = AsyncClient() if ai is None else ai
        self._own = network if ai is None else None
        url = store if isinstance(store, str) and "://" in store else sqlite_url(Path(store))
        self._remember = remember
        self._chats: OrderedDict[str, deque[Turn]] = OrderedDict()
        self._running: dict[str, _Running] = {}
        self._delivery: dict[int, Delivery] = {}
        self._starting: asyncio.Task[None] | None = None
        self._accounts = Accounts(url, AccountPolicy(free_daily=free_daily), clock=clock)
        settings = AssistantSettings(model=model, system=system, max_tokens=max_tokens)
        self._assistant = NetworkAssistant(
            network, self._accounts, settings, markup=markup, clock=clock
        )
        self.router = Router(name="cocoon")
        self.router.stopped_message_generation.register(self._stopped)

    @property
    def accounts(self) -> Accounts:
        """Balances, ledger and top-ups of the users; started by the first use of this object."""
        return self._accounts

    @property
    def assistant(self) -> NetworkAssistant:
        """What answers: models, facts of answers, verification."""
        return self._assistant

    async def start(self) -> None:
        """Open the store; the first use does it too. Idempotent.

        Raises:
            ConfigError, StoreError: the store cannot be used.
        """
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._accounts.start())
        await asyncio.shield(self._starting)

    async def close(self) -> None:
        """Stop what runs, settle it, close the store."""
        tasks = [one.task for one in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._assistant.close()
        for delivery in self._delivery.values():
            await delivery.close()
        if self._starting is not None:
            await self._accounts.close()
        if self._own is not None:
            await self._own.close()

    async def answer(self, question: Question) -> AsyncIterator[Event]:
        """Stream an answer and its :class:`Facts`, for a Mini App's server or anything else.

        Raises:
            InsufficientFundsError: the user's money does not cover it.
            CocoonError: as :meth:`cocoon.telegram.assistant.api.Assistant.answer`.
        """
        await self.start()
        async with aclosing(self._assistant.answer(question)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event

    async def reply(self, message: Message, text: str | None = None) -> Facts | None:
        """Answer a message in its chat; what goes wrong is said there.

        Args:
            message: what was asked; its sender pays.
            text: asked instead of the message's text or caption.

        Returns:
            Who computed the answer and what it cost; None where there is no answer.

        Raises:
            ConfigError: the message has no sender, or came without a bot.
            StoreError: the store cannot be opened.
        """
        asked = text or message.text or message.caption or ""
        if message.from_user is None or message.bot is None or not asked:
            raise ConfigError("only a message with text, from a person, can be answered")
        await self.start()
        where = _where(message)
        chat = f"{where.chat}/{where.topic}" if where.topic else str(where.chat)
        turns = self._chats.get(chat, ())
        question = Question(
            user=message.from_user.id,
            reference=f"chat:{where.chat}:{message.message_id}",
            chat=chat,
            turns=(*turns, Turn("user", asked)),
        )
        live = self._deliver(message.bot).live(where)
        task = asyncio.ensure_future(self._show(question, live))
        key = f"{chat}:{live.draft_id}"
        self._running[key] = _Running(task, live)
        try:
            return await task
        finally:
            task.cancel()
            self._running.pop(key, None)

    def forget(self, chat: int, topic: int | None = None) -> None:
        """Begin a chat anew."""
        self._chats.pop(f"{chat}/{topic}" if topic else str(chat), None)

    async def _show(self, question: Question, live: LiveMessage) -> Facts | None:
        text = ""
        try:
            await live.update("")
            async with aclosing(self._assistant.answer(question)) as events:  # type: ignore[type-var]
                async for event in events:
                    if isinstance(event, Delta):
                        text += event.text
                        await live.update(text)
                    elif isinstance(event, Finished):
                        await live.finish(text or "…")
                        self._keep(question, text)
                        return event.facts
        except asyncio.CancelledError:
            await live.finish(text) if text else await live.drop()
            self._keep(question, text)
            return await self._assistant.facts(question.reference)
        except CocoonError as error:
            await live.fail(str(error))
        return None

    def _keep(self, question: Question, text: str) -> None:
        if not self._remember or not text:
            return
        turns = self._chats.setdefault(question.chat, deque(maxlen=self._remember))
        turns += (question.turns[-1], Turn("assistant", text))
        self._chats.move_to_end(question.chat)
        while len(self._chats) > MAX_CHATS:
            self._chats.popitem(last=False)

    def _deliver(self, bot: Bot) -> Delivery:
        if bot.id not in self._delivery:
            self._delivery[bot.id] = Delivery(bot, Pacer())
        return self._delivery[bot.id]

    async def _stopped(self, stopped: MessageGenerationStopped) -> None:
        """The person pressed Stop below a draft."""
        for key, one in list(self._running.items()):
            same_chat = key.partition(":")[0].partition("/")[0] == str(stopped.chat.id)
            if same_chat and one.live.draft_id == stopped.draft_id:
                one.task.cancel()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _where(message: Message) -> Where:
    topic = message.message_thread_id if message.is_topic_message else None
    is_private = message.chat.type == "private"
    reply_to = None if is_private else message.message_id
    return Where(message.chat.id, topic, is_private, reply_to)
