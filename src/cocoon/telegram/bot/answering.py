"""The one way to an answer: ask, stream, stop, remember, and say what went wrong."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import cast

import structlog

from cocoon.errors import BadRequestError, CocoonError, StoreError
from cocoon.telegram.accounts import Accounts
from cocoon.telegram.assistant.api import Assistant
from cocoon.telegram.assistant.values import Delta, Event, Facts, Question, Turn
from cocoon.telegram.bot.asks import Ask
from cocoon.telegram.bot.delivery import Delivery, LiveMessage
from cocoon.telegram.bot.endings import Endings
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.history import History
from cocoon.telegram.bot.keyboards import stop_keyboard
from cocoon.telegram.bot.lanes import Lanes, Reason, Running
from cocoon.telegram.bot.questions import Questions
from cocoon.telegram.bot.troubles import Troubles
from cocoon.telegram.settings import TelegramSettings

log = structlog.get_logger("cocoon.telegram")


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
        self._history = history
        self._delivery = delivery
        self._lanes = Lanes(settings.limits)
        self._questions = Questions(settings, assistant)
        self._endings = Endings(settings, accounts, history.limit)
        self._troubles = Troubles(accounts, delivery, self._endings, username)
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
                await self._troubles.say_key(ask.here, f"busy.{refusal}")
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
            question = await self._questions.question(ask, ())
            return await self._assistant.transcribe(question, name, sound)
        except BadRequestError as error:
            charged = await self._troubles.was_charged(ask.reference)
            if charged:  # before a restart
                text = ask.here.words("answer.heard", cost=charged)
                await self._troubles.say_text(ask.here, text)
            else:
                await self.say_error(ask.here, error)
        except CocoonError as error:
            await self.say_error(ask.here, error)
        return None

    async def say_error(self, here: Here, error: Exception) -> None:
        """Tell a person what went wrong and what to do, with buttons that do it; counted.

        Args:
            here: where to say it.
            error: of :mod:`cocoon.errors`; its text is not shown.
        """
        await self._troubles.say(here, error)

    async def ask_again(self, token: str, here: Here) -> bool:
        """Ask what failed once more, for the same person; False when it is not kept any more."""
        ask = self._troubles.take(token, here.user)
        if ask is None:
            return False
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
        self._troubles.forget(user)

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
            question = await self._questions.question(ask, history)
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
            charged = await self._troubles.was_charged(ask.reference)
            if charged:
                text = ask.here.words("answer.interrupted", cost=charged)
                await live.fail(text, self._troubles.help(ask.here, ("again",), ask))
                return
        if running.text:
            await self._remember(ask, running.text)
        text, buttons = await self._troubles.told(ask.here, error, ask)
        await live.fail(text, buttons)

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

    async def _stop(self, running: list[Running], reason: Reason) -> None:
        for each in reversed(running):
            each.stop(reason)
        for each in running:
            await each.ended.wait()


def lane_of(here: Here) -> str:
    """Answers of one lane follow each other; inline messages have one each."""
    return here.where.inline or here.chat


def joined(*parts: str) -> str:
    """Paragraphs, without empty ones."""
    return "\n\n".join(part for part in parts if part)
