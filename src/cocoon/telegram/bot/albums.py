"""Albums in groups: one of their messages speaks to the bot, and the others belong to it.

With privacy mode on Telegram does not show bots the others; where the bot is an administrator, or
without privacy mode, it does. The caption stands below the first.
"""

from collections import OrderedDict

from aiogram.filters import BaseFilter
from aiogram.types import Message

from cocoon.telegram.bot.gathering import Gathering

MAX_KNOWN = 1000


class Addressed:
    """Albums that speak to the bot, the newest :data:`MAX_KNOWN`."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, str], None] = OrderedDict()

    def has(self, message: Message, *, is_for_bot: bool) -> bool:
        """Whether a message, or another one of its album before it, speaks to the bot.

        Args:
            message: of a group; those of one album come in order.
            is_for_bot: whether it speaks to the bot itself.
        """
        if message.media_group_id is None:
            return is_for_bot
        key = (message.chat.id, message.media_group_id)
        if is_for_bot:
            self._known[key] = None
            while len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return key in self._known


class PartOf(BaseFilter):
    """What belongs to an album that is being gathered.

    Args:
        albums: by chat and album.
    """

    def __init__(self, albums: Gathering[Message]) -> None:
        self._albums = albums

    async def __call__(self, message: Message) -> bool:
        """Whether the handler takes it."""
        return self._albums.is_open((message.chat.id, message.media_group_id))
