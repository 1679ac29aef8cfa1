"""Stopping: Telegram's own button on drafts, ours below messages, and ``/stop``."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message, MessageGenerationStopped

from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.keyboards import STOP
from cocoon.telegram.bot.menus import may_change
from cocoon.telegram.bot.pages import answer
from cocoon.telegram.bot.topics import chat_key


def router(deps: BotDeps) -> Router:
    """Handlers of what stops an answer."""
    routes = Router(name="stop")

    @routes.stopped_message_generation()
    async def draft(stopped: MessageGenerationStopped) -> None:
        """The button that Telegram shows on a draft; only in private chats."""
        key = chat_key(stopped.chat.id, stopped.message_thread_id)
        if not deps.answering.stop(key, stopped.draft_id):
            deps.answering.stop(chat_key(stopped.chat.id, None), stopped.draft_id)

    @routes.callback_query(F.data == STOP)
    async def pressed(query: CallbackQuery, here: Here) -> None:
        """Our own button; in groups only who asked, or an administrator, stops an answer."""
        lane = query.inline_message_id or here.chat
        is_done = deps.answering.stop(lane, user=here.user)
        if not is_done and query.inline_message_id is None and await may_change(deps, here):
            is_done = deps.answering.stop(lane)
        await answer(query, here.words("answer.stopping" if is_done else "answer.not_yours"))

    @routes.message(Command("stop"), ~F.via_bot)
    async def command(_: Message, here: Here) -> None:
        """`/stop`."""
        is_done = deps.answering.stop(here.chat, user=here.user)
        if not is_done and await may_change(deps, here):
            is_done = deps.answering.stop(here.chat)
        if not is_done:
            await deps.delivery.send(here.where, here.words("answer.nothing_runs"))

    return routes
