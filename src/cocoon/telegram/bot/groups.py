"""Questions in groups, and questions anywhere that reply to something.

In a group the bot answers who speaks to it, by its name, a reply or a command, and ignores all else
that it may see. What the question replies to goes along, because that is what it is about.
"""

from aiogram import F, Router
from aiogram.filters import IS_MEMBER, IS_NOT_MEMBER, ChatMemberUpdatedFilter, Command
from aiogram.types import ChatMemberUpdated, Message

from cocoon.telegram.bot.addressed import arguments, without_mention
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.desk import Desk, Refusals
from cocoon.telegram.bot.filters import GROUPS, AboutSomething, ForBot, FromNobody
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.material import replied
from cocoon.telegram.bot.media import can_look
from cocoon.telegram.bot.prompts import question_about


def router(deps: BotDeps) -> Router:
    """Handlers of text in groups, and of private text that replies to something."""
    desk = Desk(deps)
    routes = Router(name="groups")
    routes.message.middleware(Refusals(desk))
    in_group = F.chat.type.in_(GROUPS)
    is_question = F.text & ~F.text.startswith("/")

    @routes.my_chat_member(in_group, ChatMemberUpdatedFilter(IS_NOT_MEMBER >> IS_MEMBER))
    async def added(_: ChatMemberUpdated, here: Here) -> None:
        """Somebody added the bot to a group: how it is spoken to, and what it reads."""
        await desk.say(here, "group_hello", name=f"@{desk.me.username}")

    @routes.message(Command("ask"), ~F.via_bot)
    async def ask(message: Message, here: Here) -> None:
        """`/ask question`, which needs no name in a group."""
        await answer(desk, here, message, arguments(message))

    @routes.message(FromNobody())
    async def nobody(_: Message, here: Here) -> None:
        """An anonymous administrator or a channel: nobody who could be charged."""
        await desk.say(here, "group_anonymous")

    @routes.message(in_group, is_question, ForBot())
    async def addressed(message: Message, here: Here) -> None:
        """A question in a group."""
        await answer(desk, here, message, without_mention(message, desk.me))

    @routes.message(F.chat.type == "private", is_question, AboutSomething(), ForBot())
    async def about(message: Message, here: Here) -> None:
        """A question in private that replies to something."""
        await answer(desk, here, message, message.text or "")

    return routes


async def answer(desk: Desk, here: Here, message: Message, question: str) -> None:
    """Answer a question together with what it replies to.

    Raises:
        CocoonError: as :meth:`Desk.ask`, or a file that is replied to cannot be had or read.
    """
    about = await replied(desk, here, message)
    if about is None:
        if question:
            await desk.ask(here, message, question)
        else:
            await desk.say(here, "group_usage", name=f"@{desk.me.username}")
        return
    if about.images and not await can_look(desk, here, message):
        return
    if about.note:
        await desk.say(here, about.note, None, **about.values)
    question = question or here.words("media.about_question")
    if about.text:
        question = question_about(question, about.title, about.text)
    await desk.ask(here, message, question, images=about.images)
