"""Where a message belongs: chats, and topics in them.

Forum groups have topics, and so have private chats of bots with topics switched on
(https://core.telegram.org/bots/api#message, ``is_topic_message``). Each topic is a conversation of
its own. A group without topics also numbers threads of replies; those are not conversations.
"""

from aiogram import F, Router
from aiogram.types import Message

from cocoon.telegram.bot.delivery import Where
from cocoon.telegram.bot.deps import BotDeps


def topic_of(message: Message) -> int | None:
    """Number of the topic that a message is in; None outside of topics, and in "General"."""
    return message.message_thread_id if message.is_topic_message else None


def chat_key(chat: int, topic: int | None) -> str:
    """The name that histories and preferences of a conversation are kept under."""
    return str(chat) if topic is None else f"{chat}/{topic}"


def place(message: Message, *, is_reply: bool | None = None) -> Where:
    """Where an answer to a message goes.

    Args:
        message: that is answered.
        is_reply: whether the answer shows what it answers; by default in groups only.
    """
    is_private = message.chat.type == "private"
    shows = not is_private if is_reply is None else is_reply
    return Where(
        chat=message.chat.id,
        topic=topic_of(message),
        is_private=is_private,
        reply_to=message.message_id if shows else None,
    )


def router(deps: BotDeps) -> Router:  # noqa: ARG001 - routers are made alike
    """Takes what Telegram says about topics themselves, so that nobody answers it."""
    routes = Router(name="topics")
    news = (
        F.forum_topic_created
        | F.forum_topic_edited
        | F.forum_topic_closed
        | F.forum_topic_reopened
        | F.general_forum_topic_hidden
        | F.general_forum_topic_unhidden
    )

    @routes.message(news)
    async def ignore(message: Message) -> None:
        """A topic was opened, renamed or closed: no word for the bot."""

    return routes
