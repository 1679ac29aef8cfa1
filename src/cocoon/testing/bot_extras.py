"""A bot of groups, files and inline mode against the stand-in, without anything that computes.

Real aiogram, real delivery, real store; what is asked is recorded, and answered with one sentence.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from aiogram import BaseMiddleware, Dispatcher
from aiogram.types import Message, TelegramObject, Update, User

from cocoon.accounting import Nano
from cocoon.devnet.telegram import StandInTelegram
from cocoon.telegram.accounts import AccountPolicy, Accounts
from cocoon.telegram.assistant.api import Assistant
from cocoon.telegram.assistant.values import Facts, Model
from cocoon.telegram.bot.answering import Answering
from cocoon.telegram.bot.asks import Ask
from cocoon.telegram.bot.delivery import Delivery, Pacer, Speed, Where
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.extras import routers
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.topics import chat_key, place, topic_of
from cocoon.telegram.settings import BotSettings, Limits, TelegramSettings
from cocoon.telegram.vault import Vault
from cocoon.testing.telegram import GENEROUS, running_bot

QUICK = Speed(per_second=10_000, chat_per_second=10_000, group_per_minute=600_000)


def model(name: str, *inputs: str, endpoints: frozenset[str] = frozenset({"chat"})) -> Model:
    """A model that is served by one worker."""
    return Model(
        name=name,
        title=name.title(),
        inputs=frozenset(inputs or ("text",)),
        endpoints=endpoints,
        context=8192,
        price=Nano(1000),
        coefficients=(1000,),
        workers=1,
        free_workers=1,
        evidence=frozenset({"tdx"}),
    )


class Served:
    """An assistant that only says which models there are."""

    def __init__(self) -> None:
        ears = model("ears", "audio", endpoints=frozenset({"transcription"}))
        self.served: tuple[Model, ...] = (model("plain"), ears)

    async def models(self) -> tuple[Model, ...]:
        """What is served."""
        return self.served


class Recorder:
    """Takes the place of :class:`Answering`.

    Attributes:
        asks: everything that was asked, in order.
        recordings: name and bytes of what was to be transcribed.
        answer: to every question.
        transcript: of every recording; None as if no transcription were served.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self.asks: list[Ask] = []
        self.recordings: list[tuple[str, str, bytes]] = []
        self.answer = "**42**"
        self.transcript: str | None = "what is said"

    async def reply(self, ask: Ask) -> Facts | None:
        """Record and answer."""
        self.asks.append(ask)
        text = f"{ask.lead}\n\n{self.answer}" if ask.lead else self.answer
        await self._delivery.live(ask.here.where).finish(text)
        return None

    def withdraw(self, chat: str, seconds: float) -> None:
        """Every question was answered at once."""

    async def transcribe(self, ask: Ask, name: str, sound: bytes) -> str | None:
        """Record and hear."""
        self.recordings.append((ask.reference, name, sound))
        return self.transcript


class Places(BaseMiddleware):
    """Puts ``here`` into the data of handlers."""

    def __init__(self, deps: BotDeps) -> None:
        self._deps = deps

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Find out who and where, and go on."""
        user: User = data["event_from_user"]
        said = getattr(event, "message", event)
        if isinstance(said, Message) and not said.guest_query_id:
            where, chat = place(said), chat_key(said.chat.id, topic_of(said))
        else:
            group = getattr(event, "chat", None)
            where = Where(group.id if group else 0, is_private=False)
            chat = str(user.id)
        data["here"] = Here(
            user=user.id,
            chat=chat,
            where=where,
            preferences=await self._deps.chats.get(chat),
            words=self._deps.texts.words(user.language_code or ""),
        )
        return await handler(event, data)


class ExtrasBot:
    """What a test holds of a running bot.

    Attributes:
        telegram: the stand-in.
        recorder: what was asked.
        models: what is served.
        deps: of the bot.
        errors: classes of what handlers raised.
    """

    def __init__(self, telegram: StandInTelegram, deps: BotDeps, served: Served) -> None:
        self.telegram = telegram
        self.deps = deps
        self.models = served
        self.recorder = cast(Recorder, deps.answering)
        self.errors: list[str] = []
        self.dispatcher = Dispatcher()
        self._tasks: set[asyncio.Task[None]] = set()
        places = Places(deps)
        for observer in self.dispatcher.observers.values():
            if observer.event_name not in {"update", "error"}:
                observer.outer_middleware(places)
        self.dispatcher.include_routers(*routers(deps))

    @property
    def asked(self) -> list[str]:
        """Texts of all questions."""
        return [ask.turn.text for ask in self.recorder.asks]

    async def feed(self, update: dict[str, Any]) -> None:
        """Handle one update now; what is raised is kept in :attr:`errors`."""
        parsed = Update.model_validate(update, context={"bot": self.deps.bot})
        try:
            await self.dispatcher.feed_update(self.deps.bot, parsed)
        except Exception as error:
            self.errors.append(type(error).__name__)

    async def run(self) -> None:
        """Ask for updates for ever, each handled in a task of its own."""
        offset = 0
        while True:
            updates = await self.deps.bot.get_updates(offset=offset, timeout=5)
            for update in updates:
                offset = update.update_id + 1
                task = asyncio.create_task(self.feed(update.model_dump(mode="json", by_alias=True)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Wait until every update that arrived was handled."""
        updates = self.telegram.world.updates
        until = asyncio.get_running_loop().time() + 10
        while self._tasks or updates.waiting:
            if asyncio.get_running_loop().time() > until:
                raise TimeoutError("handlers are still busy")
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def extras_bot(
    folder: Path,
    *,
    limits: Limits | None = None,
    privacy_mode: bool = True,
    private_topics: bool = False,
) -> AsyncIterator[ExtrasBot]:
    """A bot that runs until the end of the block.

    Args:
        folder: for its store.
        limits: of the service.
        privacy_mode: of :class:`StandInTelegram`.
        private_topics: likewise.
    """

    def stand_in() -> StandInTelegram:
        return StandInTelegram(
            rates=GENEROUS, privacy_mode=privacy_mode, private_topics=private_topics
        )

    async with running_bot(stand_in) as (telegram, bot):
        settings = TelegramSettings(
            bot=BotSettings(token=telegram.token, api=telegram.url),
            store=f"sqlite:///{folder / 'bot.sqlite'}",
            content_key=folder / "content.key",
            limits=limits or Limits(),
        )
        accounts = Accounts(settings.store, AccountPolicy(free_daily=Nano(10**9)))
        await accounts.start()
        delivery = Delivery(bot, Pacer(QUICK))
        served = Served()
        deps = BotDeps.make(
            settings,
            bot,
            await bot.me(),
            assistant=cast(Assistant, served),
            accounts=accounts,
            delivery=delivery,
            vault=Vault.open(settings.content_key),
        )
        deps = replace(deps, answering=cast(Answering, Recorder(delivery)))
        running = ExtrasBot(telegram, deps, served)
        task = asyncio.create_task(running.run())
        try:
            yield running
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await delivery.close()
            await accounts.close()
