"""The one way to an answer: ask, stream, stop, remember, and say what went wrong."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import cast

import structlog
from aiogram.types import InlineKeyboardMarkup

from cocoon.errors import BadRequestError, CocoonError, StoreError, where
from cocoon.telegram.accounts import Accounts
from cocoon.telegram.assistant.api import Assistant
from cocoon.telegram.assistant.values import Delta, Event, Facts, Model, Question, Turn
from cocoon.telegram.bot.conversation import fitting, room_of
from cocoon.telegram.bot.delivery import Delivery, LiveMessage
from cocoon.telegram.bot.endings import Endings
from cocoon.telegram.bot.failures import Help, failure_of
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.history import History
from cocoon.telegram.bot.keyboards import help_keyboard, stop_keyboard
from cocoon.telegram.bot.lanes import Lanes, Reason, Running
from cocoon.telegram.settings import TelegramSettings

MAX_AGAIN = 500
"""Questions that a button can ask again; they are kept in memory only."""

log = structlog.get_logger("cocoon.telegram")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Something to answer.

    Attributes:
        here: who asks, and where the answer goes (``replace(here, where=…)`` for elsewhere).
        reference: names the answer for ever: :func:`reference_of` for a message.
        turn: what the model is told, pictures included.
        remembered: what the history keeps of it instead, such as a file's name and the question;
            None keeps ``turn`` without its pictures.
        has_history: whether what was said before goes along.
        is_remembered: whether question and answer become part of the history.
        model: asked instead of the chat's; empty for the chat's.
        may_be_comment: whether it may be about messages that are forwarded with it: apps send a
            comment first, as a message of its own.
        lead: Markdown that is shown above the answer, and is no part of it: the question, where
            the answer takes its place.
    """

    here: Here
    reference: str
    turn: Turn
    remembered: Turn | None = None
    has_history: bool = True
    is_remembered: bool = True
    model: str = ""
    may_be_comment: bool = False
    lead: str = field(default="", repr=False)


def reference_of(chat: int, message: int, suffix: str = "") -> str:
    """Names the answer to a message; ``suffix`` tells apart several answers to one message."""
    return f"chat:{chat}:{message}{':' if suffix else ''}{suffix}"


class Answering:
    """Answers of one bot; one at a time in a chat, others wait for their turn.

    Args:
        settings: of the service.
        assistant: answers.
        accounts: to see what is left, and what was charged before.
        history: is read before, and written after.
        delivery: shows it.
        username: of the bot, for links to it.
    """

    def __init__(
        self,
        settings: TelegramSettings,
        assistant: Assistant,
        accounts: Accounts,
        history: History,
        delivery: Delivery,
        username: str = "",
    ) -> None:
        self._settings = settings
        self._assistant = assistant
        self._accounts = accounts
        self._history = history
        self._delivery = delivery
        self._username = username
        self._lanes = Lanes(settings.limits)
        self._endings = Endings(settings, accounts, history.limit)
        self._again: OrderedDict[str, Ask] = OrderedDict()
        self._closing = False

    async def reply(self, ask: Ask) -> Facts | None:
        """Answer, or say why not; returns when all has been said.

        Nothing is said twice: an ask whose reference is running, or was answered, is passed over.
        Raises nothing but what cancels it.

        Returns:
            Who computed it; None where there is no answer.
        """
        running = Running(
            ask.here.user,
            lane_of(ask.here),
            ask.reference,
            asyncio.get_running_loop().time(),
            ask.turn.text if ask.may_be_comment else "",
        )
        if self._closing:
            return None
        refusal = self._lanes.enter(running)
        if refusal is not None:
            if refusal != "duplicate":
                await self._say(ask.here, f"busy.{refusal}")
            return None
        try:
            await running.turn.wait()
            return None if running.stopped else await self._answer(ask, running)
        finally:
            self._lanes.leave(running)
            if running.stopped == "withdrawn":
                await running.dealt_with.wait()

    async def transcribe(self, ask: Ask, name: str, sound: bytes) -> str | None:
        """What is said in a recording, charged under ``ask.reference``; ``ask.turn`` is not used.

        Says why not where there is no text, and returns None then. Waits for no turn.
        """
        try:
            question = await self._question(ask, ())
            return await self._assistant.transcribe(question, name, sound)
        except BadRequestError as error:
            charged = await self._was_charged(ask.reference)
            if charged:  # before a restart
                await self._say_text(ask.here, ask.here.words("answer.heard", cost=charged), None)
            else:
                await self.say_error(ask.here, error)
        except CocoonError as error:
            await self.say_error(ask.here, error)
        return None

    async def say_error(self, here: Here, error: Exception, *, again: Ask | None = None) -> None:
        """Tell a person what went wrong and what to do, with buttons that do it; counted.

        Args:
            here: where to say it.
            error: of :mod:`cocoon.errors`; its text is not shown.
            again: what a button may ask again.
        """
        text, buttons = await self._failed(here, error, again)
        await self._say_text(here, text, buttons)

    async def ask_again(self, token: str, here: Here) -> bool:
        """Ask what failed once more, for the same person; False when it is not kept any more."""
        ask = self._again.get(token)
        if ask is None or ask.here.user != here.user:
            return False
        del self._again[token]
        await self.reply(replace(ask, here=replace(ask.here, preferences=here.preferences)))
        return True

    def withdraw(self, chat: str, seconds: float) -> Running | None:
        """Take back a chat's last question if it may be about what was forwarded with it.

        Args:
            chat: its key.
            seconds: a question that was asked longer ago stays, and so does one that words answer.

        Returns:
            The question, of which nothing is shown or remembered; set ``dealt_with`` in the end.
            None if there is none.
        """
        last = next(reversed(self._lanes.of_chat(chat)), None)
        if last is None or not last.comment or last.stopped or last.text:
            return None
        if asyncio.get_running_loop().time() - last.at > seconds:
            return None
        last.stop("withdrawn")
        return last

    def stop(self, chat: str, draft: int | None = None, user: int | None = None) -> bool:
        """Stop a chat's running answer, and forget those that wait; whether there was one.

        Args:
            chat: its key.
            draft: only the answer with this ``draft_id``.
            user: only what this person asked for.
        """
        found = [
            each
            for each in self._lanes.of_chat(chat)
            if (draft is None or (each.live is not None and each.live.draft_id == draft))
            and (user is None or each.user == user)
        ]
        for each in reversed(found):
            each.stop("person")
        return bool(found)

    async def end(self, chat: str) -> None:
        """Stop what runs and waits in a chat, and wait until nothing of it is remembered later."""
        await self._stop(self._lanes.of_chat(chat), "person")

    async def stop_user(self, user: int) -> None:
        """Stop what a person asked for, wait for its end, and forget what failed."""
        await self._stop(self._lanes.of_user(user), "person")
        for token in [token for token, ask in self._again.items() if ask.here.user == user]:
            del self._again[token]

    async def close(self, grace: float) -> None:
        """Take no more; stop what still runs after so many seconds, and say so."""
        self._closing = True
        running = self._lanes.all
        waits = [asyncio.ensure_future(each.ended.wait()) for each in running]
        if waits:
            _, late = await asyncio.wait(waits, timeout=grace)
            for wait in late:
                wait.cancel()
        await self._stop([each for each in running if not each.ended.is_set()], "restart")

    # --- one answer ---

    async def _answer(self, ask: Ask, running: Running) -> Facts | None:
        history: list[Turn] = []
        running.live = live = self._delivery.live(ask.here.where, stop=stop_keyboard(ask.here))
        try:
            await live.update(ask.lead)
            if ask.has_history:
                history = await self._history.turns(ask.here.chat)
            question = await self._question(ask, history)
            facts = await self._stream(ask, question, running)
        except CocoonError as error:
            if not await self._withdrawn(running, live):
                await self._broke(ask, running, live, error)
            return None
        if await self._withdrawn(running, live):
            return None
        remembered = await self._remember(ask, running.text)
        is_full_now = len(history) < self._history.limit <= remembered
        ending = await self._endings.ending(ask.here, running, facts, is_full_now=is_full_now)
        await live.finish(joined(ask.lead, running.text, ending.note), ending.buttons)
        return facts

    async def _withdrawn(self, running: Running, live: LiveMessage) -> bool:
        """Whether somebody else answers; nothing more is shown then."""
        if running.stopped != "withdrawn":
            return False
        await live.drop()
        return True

    async def _stream(self, ask: Ask, question: Question, running: Running) -> Facts | None:
        """Read the answer to its end, or until it is stopped; who computed it, if that is known."""
        work = asyncio.ensure_future(self._read(ask, question, running))
        running.work = work
        if running.stopped:
            work.cancel()
        try:
            return await work
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not running.stopped or (task is not None and task.cancelling()):
                raise
            return await self._assistant.facts(ask.reference)

    async def _read(self, ask: Ask, question: Question, running: Running) -> Facts | None:
        assert running.live is not None
        live = running.live
        answer = cast("AsyncGenerator[Event, None]", self._assistant.answer(question))
        async with aclosing(answer) as events:
            async for event in events:
                if not isinstance(event, Delta):
                    return event.facts
                running.text += event.text
                await live.update(joined(ask.lead, running.text))
                if live.is_gone:
                    break
        return await self._assistant.facts(ask.reference)

    async def _broke(self, ask: Ask, running: Running, live: LiveMessage, error: Exception) -> None:
        if isinstance(error, BadRequestError) and not running.text:
            charged = await self._was_charged(ask.reference)
            if charged:
                text = ask.here.words("answer.interrupted", cost=charged)
                await live.fail(text, self._help(ask.here, ("again",), ask))
                return
        if running.text:
            await self._remember(ask, running.text)
        text, buttons = await self._failed(ask.here, error, ask)
        await live.fail(text, buttons)

    async def _question(self, ask: Ask, history: Sequence[Turn]) -> Question:
        settings = self._settings.assistant
        chosen = ask.here.preferences
        name = ask.model or chosen.model
        classes = settings.price_classes
        limit = classes.get(chosen.price_class, classes[settings.price_class])
        model = await self._model(name) if history or limit is None else None
        room = room_of(model, settings.max_tokens, self._settings.limits.prompt_chars)
        return Question(
            user=ask.here.user,
            reference=ask.reference,
            chat=ask.here.chat,
            turns=fitting(history, ask.turn, room - len(chosen.prompt)),
            model=name,
            system=chosen.prompt,
            max_coefficient=dearest(model) if limit is None else limit,
        )

    async def _model(self, name: str) -> Model | None:
        models = [each for each in await self._assistant.models() if "chat" in each.endpoints]
        named = next((each for each in models if each.name == name), None)
        return named or next(iter(models), None)

    async def _remember(self, ask: Ask, text: str) -> int:
        """How many messages are remembered now; 0 where nothing was added."""
        if not (ask.is_remembered and text.strip()):
            return 0
        said = ask.remembered or Turn("user", ask.turn.text)
        try:
            return await self._history.add(ask.here.chat, said, Turn("assistant", text))
        except StoreError as error:
            log.warning("an answer was not remembered", error=type(error).__name__)
            return 0

    # --- saying ---

    async def _failed(
        self, here: Here, error: Exception, again: Ask | None
    ) -> tuple[str, InlineKeyboardMarkup | None]:
        failure = failure_of(error)
        await self._count(failure.code)
        if not isinstance(error, CocoonError):
            log.error("an answer failed", error=type(error).__name__, at=where(error))
        if failure.code == "insufficient_funds":
            text = await self._endings.no_money(here)
        else:
            text = here.words(f"errors.{failure.code}")
        return text, self._help(here, failure.helps, again)

    def _help(
        self, here: Here, helps: tuple[Help, ...], again: Ask | None
    ) -> InlineKeyboardMarkup | None:
        token = self._keep(again) if again is not None and "again" in helps else ""
        offered = tuple(each for each in helps if each != "topup" or self._endings.sells)
        return help_keyboard(here, self._username, offered, token)

    def _keep(self, ask: Ask) -> str:
        if ask.turn.images:
            return ""  # too large to keep
        base, _, number = ask.reference.partition(":again")
        again = f"{base}:again{int(number or 0) + 1}"
        token = secrets.token_urlsafe(9)
        self._again[token] = replace(ask, reference=again)
        while len(self._again) > MAX_AGAIN:
            self._again.popitem(last=False)
        return token

    async def _say(self, here: Here, key: str) -> None:
        await self._count(key)
        await self._say_text(here, here.words(key), None)

    async def _say_text(self, here: Here, text: str, buttons: InlineKeyboardMarkup | None) -> None:
        if here.where.inline is not None:
            await self._delivery.live(here.where).fail(text, buttons)
        elif here.where.chat:
            await self._delivery.send(here.where, text, buttons)

    async def _was_charged(self, reference: str) -> str:
        """What an answer was charged, in TON; empty if it was not."""
        try:
            charged = await self._accounts.charged(reference)
        except StoreError:
            return ""
        return charged.total.ton() if charged is not None else ""

    async def _count(self, code: str) -> None:
        try:
            await self._accounts.count_failure(code)
        except StoreError:
            log.warning("a failure was not counted", code=code)

    async def _stop(self, running: list[Running], reason: Reason) -> None:
        for each in reversed(running):
            each.stop(reason)
        for each in running:
            await each.ended.wait()


def dearest(model: Model | None) -> int | None:
    """The limit of price classes without one: what the dearest worker asks now.

    Money is set aside for the dearest worker that is accepted; no limit at all would set aside more
    than anybody has.
    """
    return max(model.coefficients, default=None) if model is not None else None


def lane_of(here: Here) -> str:
    """Answers of one lane follow each other; inline messages have one each."""
    return here.where.inline or here.chat


def joined(*parts: str) -> str:
    """Paragraphs, without empty ones."""
    return "\n\n".join(part for part in parts if part)
