"""/translate and /summarize: of the message that is replied to, or of what stands behind them."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import Message

from cocoon.telegram.bot.addressed import arguments, is_nobody
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.desk import Desk, Refusals
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.material import replied
from cocoon.telegram.bot.prompts import Task, task_prompt, wanted_language

SUMMARIZE = ("summarize", "summarise", "summary")


def router(deps: BotDeps) -> Router:
    """Handlers of the two commands, in every kind of chat."""
    desk = Desk(deps)
    routes = Router(name="tasks")

    routes.message.middleware(Refusals(desk))

    @routes.message(Command("ask", "translate", *SUMMARIZE), is_nobody)
    async def nobody(_: Message, here: Here) -> None:
        """What costs something, from an anonymous administrator or a channel."""
        await desk.say(here, "group_anonymous")

    @routes.message(Command("translate"), ~F.via_bot)
    async def translate(message: Message, here: Here) -> None:
        """`/translate [language]` as a reply, or `/translate text`."""
        await task(desk, here, "translate", message)

    @routes.message(Command(*SUMMARIZE), ~F.via_bot)
    async def summarize(message: Message, here: Here) -> None:
        """`/summarize` as a reply, or `/summarize text`."""
        await task(desk, here, "summarize", message)

    return routes


async def task(desk: Desk, here: Here, kind: Task, message: Message) -> None:
    """Translate or summarize.

    Raises:
        CocoonError: as :meth:`Desk.ask`, or a file that is replied to cannot be had or read.
    """
    words = arguments(message)
    about = await replied(desk, here, message, with_own=True)
    language = wanted_language(words) if about is not None else ""
    text = about.text if about is not None else words
    if not text:
        await desk.say(here, f"{kind}_usage")
        return
    if about is not None and about.note:
        await desk.say(here, about.note, None, **about.values)
    prompt = task_prompt(kind, text[: await desk.room(here)], language or desk.language(here))
    await desk.ask(here, message, prompt, has_history=False)
