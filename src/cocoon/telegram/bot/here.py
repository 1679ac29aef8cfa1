"""Who is talking, where, and in which language: handlers get it as ``here``."""

from dataclasses import dataclass

from cocoon.telegram.bot.chats import Preferences
from cocoon.telegram.bot.delivery import Where
from cocoon.telegram.bot.texts import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """The place of an update; middleware puts it into the data of every handler.

    Attributes:
        user: Telegram's id of who acts; pays for what is asked.
        chat: chat key, ``CHAT`` or ``CHAT/TOPIC``. Of inline queries: the user's private chat.
        where: answers go. Of inline queries ``Where(0)``; the handler sets ``inline``.
        preferences: of the chat.
        words: the bot's texts in the chat's language, else the user's.
    """

    user: int
    chat: str
    where: Where
    preferences: Preferences
    words: Words
