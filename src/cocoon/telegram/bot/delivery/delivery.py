"""What handlers use to say something."""

from aiogram import Bot
from aiogram.types import InlineKeyboardMarkup

from cocoon.telegram.bot.delivery.pacer import Pacer
from cocoon.telegram.bot.delivery.stream import LiveMessage
from cocoon.telegram.bot.delivery.values import Where


class Delivery:
    """Messages of one bot, within Telegram's limits.

    Args:
        bot: made by :func:`cocoon.telegram.bot.session.make_bot` with the same pacer, so that calls
            that handlers make themselves (``message.answer(…)``) keep to the limits too.
        pacer: of this bot; one per process.
    """

    def __init__(self, bot: Bot, pacer: Pacer) -> None:
        self._bot = bot
        self._pacer = pacer

    def live(self, where: Where, *, stop: InlineKeyboardMarkup | None = None) -> LiveMessage:
        """A message that grows; nothing is sent before its first update.

        Args:
            where: it goes.
            stop: shown below it while it grows, wherever Telegram has no Stop button of its own.
        """
        raise NotImplementedError

    async def send(
        self, where: Where, text: str, reply_markup: InlineKeyboardMarkup | None = None
    ) -> list[int]:
        """Send Markdown as one or more messages; buttons go below the last.

        Returns:
            Ids of the messages; empty when the chat is gone or Telegram does not answer.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Drop what has not been sent."""
        raise NotImplementedError
