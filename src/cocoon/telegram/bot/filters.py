"""Which messages handlers of this package take."""

from aiogram import Bot
from aiogram.filters import BaseFilter
from aiogram.types import Message

from cocoon.telegram.bot.addressed import is_for_bot, is_nobody, is_reply_to
from cocoon.telegram.bot.media_kinds import kind_of

GROUPS = frozenset({"group", "supergroup"})


class ForBot(BaseFilter):
    """What people say to the bot: everything in private, what is addressed to it in groups.

    Not what nobody can be charged for: channels, anonymous administrators, other bots.
    """

    async def __call__(self, message: Message, bot: Bot) -> bool:
        """Whether the handler takes it."""
        if is_nobody(message):
            return False
        if message.chat.type == "private":
            return message.via_bot is None
        return message.chat.type in GROUPS and is_for_bot(message, await bot.me())


class FromNobody(BaseFilter):
    """What is addressed to the bot in a group by somebody whom Telegram does not name."""

    async def __call__(self, message: Message, bot: Bot) -> bool:
        """Whether the handler takes it."""
        return (
            message.chat.type in GROUPS
            and not message.is_automatic_forward
            and is_nobody(message)
            and message.sender_chat is not None
            and is_for_bot(message, await bot.me())
        )


class AboutSomething(BaseFilter):
    """What replies to something that the bot does not remember by itself.

    A reply to the bot's own words is none: handlers that asked for one wait for it.
    """

    async def __call__(self, message: Message, bot: Bot) -> bool:
        """Whether the handler takes it."""
        if message.quote is not None or message.external_reply is not None:
            return True
        said = message.reply_to_message
        if said is None:
            return False
        return kind_of(said) is not None or not is_reply_to(message, await bot.me())
