"""What stands below an answer: why it ended early, what is left, what is remembered."""

from dataclasses import dataclass

from aiogram.types import InlineKeyboardMarkup

from cocoon.accounting import Nano
from cocoon.errors import CocoonError
from cocoon.telegram.accounts import Account, Accounts
from cocoon.telegram.assistant.values import Facts
from cocoon.telegram.bot.amounts import ton
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.keyboards import MONEY, MORE, button, keyboard
from cocoon.telegram.bot.lanes import Running
from cocoon.telegram.settings import TelegramSettings

FEW = 5
"""Whoever can pay for fewer answers like the last one is told."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Markdown below an answer, and buttons."""

    note: str = ""
    buttons: InlineKeyboardMarkup | None = None


class Endings:
    """Endings of answers.

    Args:
        settings: of the service.
        accounts: what is left.
        remembered: messages that are remembered of a chat at most.
    """

    def __init__(self, settings: TelegramSettings, accounts: Accounts, remembered: int) -> None:
        self._settings = settings
        self._accounts = accounts
        self._remembered = remembered

    @property
    def sells(self) -> bool:
        """Whether people can top up."""
        money = self._settings.money
        has_ton = money.wallet is not None and self._settings.app.url is not None
        return money.nano_per_star > 0 or has_ton

    async def ending(
        self, here: Here, running: Running, facts: Facts | None, *, is_full_now: bool
    ) -> Ending:
        """What to say below an answer that has ended; never raises.

        Args:
            here: where it is.
            running: the answer.
            facts: who computed it, if that is known.
            is_full_now: whether as much is remembered as can be, and less was before.
        """
        words = here.words
        notes, rows = [], []
        is_long = facts is not None and facts.finish == "length" and not running.stopped
        if running.stopped == "restart":
            notes.append(words("answer.restarting"))
        elif running.stopped:
            notes.append(words("answer.stopped" if running.text else "answer.stopped_empty"))
        elif not running.text.strip():
            notes.append(words("answer.empty"))
        elif is_long:
            notes.append(words("answer.cut"))
        if (is_long or running.stopped) and running.text and here.where.inline is None:
            rows.append([button(words("answer.more"), MORE)])
        if is_full_now:
            notes.append(words("answer.full", limit=self._remembered))
        left = await self._few_left(here, facts)
        if left:
            notes.append(left)
            if self.sells and here.where.is_private:
                rows.append([button(words("help.topup"), f"{MONEY}:topup")])
        return Ending("\n\n".join(f"_{note}_" for note in notes), keyboard(rows))

    async def no_money(self, here: Here) -> str:
        """Why nothing can be asked, and what can be done."""
        try:
            account = await self._accounts.account(here.user)
        except CocoonError:
            return here.words("errors.insufficient_funds_short")
        daily = "errors.free_tomorrow" if account.free_daily else "errors.no_free"
        return "\n\n".join(
            (
                here.words("errors.insufficient_funds", balance=ton(account.balance)),
                here.words(daily, free=ton(account.free_daily)),
            )
        )

    async def _few_left(self, here: Here, facts: Facts | None) -> str:
        if facts is None or not facts.charged or not here.where.is_private:
            return ""
        try:
            account = await self._accounts.account(here.user)
        except CocoonError:
            return ""
        answers = available(account) // facts.charged
        if answers >= FEW:
            return ""
        key = "answer.few_left" if answers else "answer.none_left"
        return here.words(key, left=ton(Nano(available(account))))


def available(account: Account) -> int:
    """NanoTON that can be spent now."""
    return int(account.balance) + int(account.free_left)
