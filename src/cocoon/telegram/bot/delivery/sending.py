"""Messages that must arrive."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from aiogram import Bot
from aiogram.methods import TelegramMethod
from aiogram.types import InlineKeyboardMarkup

from cocoon.telegram.bot.delivery import calls
from cocoon.telegram.bot.delivery.calls import Answer, Outcome
from cocoon.telegram.bot.delivery.entities import Rendered
from cocoon.telegram.bot.delivery.pacer import Pacer
from cocoon.telegram.bot.delivery.values import Rank, Where

PATIENCE = 300.0
"""Seconds for which a message is tried again while Telegram does not take it."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class Post:
    """What was sent to one place for one answer.

    Attributes:
        bot: sends.
        pacer: says when.
        where: it goes; changes when a group becomes a supergroup.
        ids: messages that were sent.
        current: the one of them that is still edited.
        is_gone: whether nothing can be written there any more.
    """

    bot: Bot
    pacer: Pacer
    where: Where
    ids: list[int] = field(default_factory=list)
    current: int | None = None
    is_gone: bool = False

    async def deliver(self, content: Rendered, buttons: InlineKeyboardMarkup | None) -> bool:
        """Put a page into the current message, or send it as a new one; tries again as needed.

        What Telegram refuses is sent without its formatting, then without its buttons. A message
        that Telegram took without saying so, because the connection broke, is sent twice: the Bot
        API has no way to tell.

        Returns:
            Whether it arrived.
        """
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + PATIENCE, FIRST_PAUSE
        simpler = _simpler(content, buttons)
        while not self.is_gone and loop.time() < until:
            async with self.pacer.turn(self.where.key, Rank.FINAL):
                answer = await self.put(content, buttons)
            if answer.outcome is Outcome.DONE:
                self.current = None
                return True
            if answer.outcome is Outcome.REFUSED:
                if not simpler:
                    return False
                content, buttons = simpler.pop(0)
            elif answer.outcome is Outcome.LOST and self.where.inline is not None:
                return False
            elif answer.outcome is Outcome.BROKEN:
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
        return False

    async def put(self, content: Rendered, buttons: InlineKeyboardMarkup | None) -> Answer:
        """One try of that; needs a turn. Remembers what the answer says about the place."""
        is_edit = self.current is not None or self.where.inline is not None
        if is_edit:
            call: TelegramMethod[Any] = calls.edit(self.where, self.current, content, buttons)
        else:
            call = calls.message(self.where, content, buttons, is_reply=not self.ids)
        answer = await calls.ask(self.bot, call)
        self.learn(answer)
        if answer.outcome is Outcome.DONE and not is_edit and answer.message is not None:
            self.ids.append(answer.message)
            self.current = answer.message
        return answer

    def learn(self, answer: Answer) -> None:
        """Remember what an answer says about the place."""
        if answer.moved is not None:
            self.where = replace(self.where, chat=answer.moved, reply_to=None)
            self._forget_current()
        elif answer.outcome is Outcome.LATER:
            self.pacer.refused(self.where.key, answer.wait)
        elif answer.outcome is Outcome.GONE:
            self.is_gone = True
        elif answer.outcome is Outcome.LOST:
            self._forget_current()

    def _forget_current(self) -> None:
        if self.current is not None:
            self.ids.remove(self.current)
            self.current = None


def _simpler(
    content: Rendered, buttons: InlineKeyboardMarkup | None
) -> list[tuple[Rendered, InlineKeyboardMarkup | None]]:
    """What is tried when Telegram refuses a message."""
    simple = Rendered(content.text)
    tries = [(simple, buttons)] if content.entities else []
    return [*tries, (simple, None)] if buttons is not None else list(tries)
