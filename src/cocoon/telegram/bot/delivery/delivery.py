"""What handlers use to say something."""

from aiogram import Bot
from aiogram.types import InlineKeyboardMarkup

from cocoon.telegram.bot.delivery.calls import Answer
from cocoon.telegram.bot.delivery.live import RENEW_AFTER, Live
from cocoon.telegram.bot.delivery.pacer import Pacer
from cocoon.telegram.bot.delivery.sending import Post
from cocoon.telegram.bot.delivery.stream import LiveMessage
from cocoon.telegram.bot.delivery.values import Where

MAX_REMEMBERED = 10_000
"""Chats without drafts that are remembered."""


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
        self._live: set[Live] = set()
        self._without_drafts: set[int] = set()
        self._has_drafts = True

    @property
    def running(self) -> int:
        """Answers that are being shown."""
        return len(self._live)

    def live(self, where: Where, *, stop: InlineKeyboardMarkup | None = None) -> LiveMessage:
        """A message that grows; nothing is sent before its first update.

        Args:
            where: it goes.
            stop: shown below it while it grows, wherever Telegram has no Stop button of its own:
                outside private chats, and in them while so many answers are running that drafts
                would die before their next turn.
        """
        drafts = (
            where.is_private
            and where.inline is None
            and self._has_drafts
            and where.chat not in self._without_drafts
        )

        def no_drafts(answer: Answer) -> None:
            self._has_drafts = self._has_drafts and not answer.is_unknown
            if len(self._without_drafts) < MAX_REMEMBERED:
                self._without_drafts.add(where.chat)

        return Live(
            Post(self._bot, self._pacer, where),
            stop=stop,
            drafts=drafts,
            running=self._live,
            is_crowded=self._is_crowded,
            no_drafts=no_drafts,
        )

    async def send(
        self, where: Where, text: str, reply_markup: InlineKeyboardMarkup | None = None
    ) -> list[int]:
        """Send Markdown as one or more messages; buttons go below the last.

        Returns:
            Ids of the messages; empty when the chat is gone or Telegram does not answer.
        """
        post = Post(self._bot, self._pacer, where)
        return await Live(post, stop=None, drafts=False).finish(text, reply_markup)

    async def close(self) -> None:
        """Drop what has not been sent."""
        for live in list(self._live):
            await live.drop()
        self._pacer.close()

    def _is_crowded(self) -> bool:
        """Whether more answers are running than drafts can be renewed."""
        return len(self._live) > RENEW_AFTER * self._pacer.capacity()
