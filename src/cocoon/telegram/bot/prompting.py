"""A chat's system prompt, which people send as a reply to our question for it."""

from collections import OrderedDict

from aiogram.exceptions import TelegramAPIError
from aiogram.types import ForceReply, Message

from cocoon.telegram.bot.chats import MAX_PROMPT_CHARS
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.here import Here

MAX_ASKED = 1000
"""Questions that wait for a reply; kept in memory, asking again is easy."""


class Prompting:
    """Asks for system prompts and keeps them.

    Args:
        deps: of the bot.
    """

    def __init__(self, deps: BotDeps) -> None:
        self._deps = deps
        self._asked: OrderedDict[tuple[int, int], int] = OrderedDict()

    async def ask(self, here: Here) -> None:
        """Ask for one; the reply is for us alone."""
        try:
            sent = await self._deps.bot.send_message(
                here.where.chat,
                here.words("settings.prompt_send"),
                message_thread_id=here.where.topic,
                reply_markup=ForceReply(
                    input_field_placeholder=here.words("settings.prompt_field")[:64]
                ),
            )
        except TelegramAPIError:
            return
        self._asked[(here.where.chat, sent.message_id)] = here.user
        while len(self._asked) > MAX_ASKED:
            self._asked.popitem(last=False)

    def is_reply(self, message: Message) -> bool:
        """Whether a message is the reply that we asked its sender for."""
        said, sender = message.reply_to_message, message.from_user
        if said is None or sender is None or not message.text:
            return False
        return self._asked.get((message.chat.id, said.message_id)) == sender.id

    async def set(self, here: Here, text: str) -> None:
        """Keep a system prompt, and say so."""
        words, wanted = here.words, text.strip()
        if len(wanted) > MAX_PROMPT_CHARS:
            text = words("settings.prompt_long", limit=MAX_PROMPT_CHARS)
            await self._deps.delivery.send(here.where, text)
            return
        await self._deps.chats.change(here.chat, prompt=wanted)
        await self._deps.delivery.send(here.where, words("settings.prompt_set"))
