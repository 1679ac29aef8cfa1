"""Groups that became supergroups: a chat with another id, and the same people and conversation.

https://core.telegram.org/bots/api#message, ``migrate_to_chat_id`` and ``migrate_from_chat_id``.
"""

from aiogram import F, Router
from aiogram.types import Message

from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.topics import chat_key


def is_move(message: Message) -> bool:
    """Whether Telegram tells that a group has another id now; nobody says that."""
    return message.migrate_to_chat_id is not None or message.migrate_from_chat_id is not None


def router(deps: BotDeps) -> Router:
    """Handler of both messages that tell of it, one in each chat; the first one is enough."""
    routes = Router(name="moving")

    @routes.message(F.func(is_move))
    async def moved(message: Message) -> None:
        """What is remembered, and what was chosen, goes along; groups have no topics before."""
        old = message.migrate_from_chat_id or message.chat.id
        new = message.migrate_to_chat_id or message.chat.id
        await deps.answering.end(chat_key(old, None))
        await deps.history.move(chat_key(old, None), chat_key(new, None))
        await deps.chats.move(chat_key(old, None), chat_key(new, None))

    return routes
