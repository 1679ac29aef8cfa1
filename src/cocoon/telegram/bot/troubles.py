"""What is said where there is no answer, and the questions that a button can ask again."""

import secrets
from collections import OrderedDict
from dataclasses import replace

import structlog
from aiogram.types import InlineKeyboardMarkup

from cocoon.errors import CocoonError, StoreError, where
from cocoon.telegram.accounts import Accounts
from cocoon.telegram.bot.asks import Ask
from cocoon.telegram.bot.delivery import Delivery
from cocoon.telegram.bot.endings import Endings
from cocoon.telegram.bot.failures import Help, failure_of
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.keyboards import help_keyboard

MAX_AGAIN = 500
"""Questions that a button can ask again; they are kept in memory only."""

log = structlog.get_logger("cocoon.telegram")


class Troubles:
    """Says what went wrong and what can be done, and counts it.

    Args:
        accounts: counts failures, knows what was charged.
        delivery: says it.
        endings: knows what is left, and whether more can be bought.
        username: of the bot, for links to it.
    """

    def __init__(
        self, accounts: Accounts, delivery: Delivery, endings: Endings, username: str
    ) -> None:
        self._accounts = accounts
        self._delivery = delivery
        self._endings = endings
        self._username = username
        self._again: OrderedDict[str, Ask] = OrderedDict()

    async def say(self, here: Here, error: Exception) -> None:
        """Tell a person about an error."""
        text, buttons = await self.told(here, error, None)
        await self.say_text(here, text, buttons)

    async def say_key(self, here: Here, key: str) -> None:
        """Say one of our texts, which also names what is counted."""
        await self.count(key)
        await self.say_text(here, here.words(key), None)

    async def say_text(
        self, here: Here, text: str, buttons: InlineKeyboardMarkup | None = None
    ) -> None:
        """Say it where the answer would be."""
        if here.where.inline is not None:
            await self._delivery.live(here.where).fail(text, buttons)
        elif here.where.chat:
            await self._delivery.send(here.where, text, buttons)

    async def told(
        self, here: Here, error: Exception, again: Ask | None
    ) -> tuple[str, InlineKeyboardMarkup | None]:
        """Words and buttons about an error; counted.

        Args:
            here: where it is said.
            error: of :mod:`cocoon.errors`; its text is not shown.
            again: what a button may ask again.
        """
        failure = failure_of(error)
        await self.count(failure.code)
        if not isinstance(error, CocoonError):
            log.error("an answer failed", error=type(error).__name__, at=where(error))
        if failure.code == "insufficient_funds":
            text = await self._endings.no_money(here)
        else:
            text = here.words(f"errors.{failure.code}")
        return text, self.help(here, failure.helps, again)

    def help(
        self, here: Here, helps: tuple[Help, ...], again: Ask | None
    ) -> InlineKeyboardMarkup | None:
        """Buttons that do something about it."""
        token = self._keep(again) if again is not None and "again" in helps else ""
        offered = tuple(each for each in helps if each != "topup" or self._endings.sells)
        return help_keyboard(here, self._username, offered, token)

    def take(self, token: str, user: int) -> Ask | None:
        """What a button asks again, once and for the same person; None when it is not kept."""
        ask = self._again.get(token)
        if ask is None or ask.here.user != user:
            return None
        return self._again.pop(token)

    def forget(self, user: int) -> None:
        """Keep nothing that a person asked."""
        for token in [token for token, ask in self._again.items() if ask.here.user == user]:
            del self._again[token]

    async def was_charged(self, reference: str) -> str:
        """What an answer was charged, in TON; empty if it was not."""
        try:
            charged = await self._accounts.charged(reference)
        except StoreError:
            return ""
        return charged.total.ton() if charged is not None else ""

    async def count(self, code: str) -> None:
        """Count a failure, for the operators."""
        try:
            await self._accounts.count_failure(code)
        except StoreError:
            log.warning("a failure was not counted", code=code)

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
