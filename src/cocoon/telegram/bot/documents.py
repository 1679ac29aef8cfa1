"""Documents: a question in the caption is answered; without one, people choose what to do."""

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from cocoon.telegram.bot.addressed import without_mention
from cocoon.telegram.bot.albums import PartOf
from cocoon.telegram.bot.buttons import pressed
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.desk import Desk, Refusals, replying
from cocoon.telegram.bot.filters import ForBot
from cocoon.telegram.bot.gathering import Gathering
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.material import Material, document
from cocoon.telegram.bot.media_kinds import kind_of
from cocoon.telegram.bot.pages import answer as close_query
from cocoon.telegram.bot.prompts import question_about, task_prompt, titled

PREFIX = "doc"
ALBUM_SILENCE = 0.7
"""Seconds; files that are sent at once arrive together."""


def router(deps: BotDeps) -> Router:
    """Handlers of documents and of the buttons below them."""
    desk = Desk(deps)
    routes = Router(name="documents")
    routes.message.middleware(Refusals(desk))
    albums: Gathering[Message] = Gathering(ALBUM_SILENCE)
    routes.callback_query.middleware(Refusals(desk))

    @routes.message(ForBot(), F.media_group_id, F.document)
    @routes.message(PartOf(albums), F.document)
    async def album(message: Message, here: Here) -> None:
        """One file of several that were sent at once."""
        key = (message.chat.id, message.media_group_id)
        await albums.collect(key, message, lambda items: several(desk, here, items))

    @routes.message(ForBot(), F.document, ~F.animation)
    async def sent(message: Message, here: Here) -> None:
        """A file: pictures and recordings have handlers of their own, before this one."""
        await documents(desk, here, message)

    @routes.callback_query(F.data.startswith(f"{PREFIX}:"))
    async def chosen(query: CallbackQuery, here: Here) -> None:
        """A button below "what shall I do with this file?"."""
        await choose(desk, here, query)

    return routes


async def documents(desk: Desk, here: Here, message: Message, question: str = "") -> None:
    """Answer a question about a file, else its caption's, else ask what to do with it.

    Raises:
        UnreadableError: there is no text in it.
        TooLargeError, UnavailableError: it cannot be had.
    """
    read = await document(desk, here, message)
    if message.forward_origin is None:
        question = question or without_mention(message, desk.me)
    if not question:
        key = "document_offer_pages" if read.values["pages"] else "document_offer"
        shown = replying(here, message)  # the buttons find the file by what they reply to
        await desk.say(shown, key, desk.choice(here, PREFIX), **read.values)
        return
    await note(desk, here, read)
    await desk.ask(here, message, question_about(question, read.title, read.text))


async def several(desk: Desk, here: Here, messages: list[Message]) -> None:
    """Answer a caption's question about several files, or make them part of the conversation.

    Raises:
        UnreadableError, TooLargeError, UnavailableError: as :func:`documents`.
    """
    if len(messages) == 1:
        await documents(desk, here, messages[0])
        return
    messages = sorted(messages, key=lambda each: each.message_id)
    files = [each for each in messages if kind_of(each) == "document"]
    parts = [await document(desk, here, each, len(files)) for each in files]
    material = "\n\n".join(titled(part.title, part.text) for part in parts)
    asked = next((each for each in messages if each.caption), messages[0])
    for part in parts:
        await note(desk, here, part)
    if question := without_mention(asked, desk.me):
        await desk.ask(here, asked, f"{question}\n\n{material}")
        return
    names = ", ".join(str(part.values["name"]) for part in parts)
    await desk.remember(here, material, "document_ready", name=names)


async def choose(desk: Desk, here: Here, query: CallbackQuery) -> None:
    """Do what a button says with the file that its message replies to.

    Raises:
        UnreadableError, TooLargeError, UnavailableError: as :func:`documents`.
    """
    offer = query.message
    said = offer.reply_to_message if isinstance(offer, Message) else None
    action = pressed(query)
    if said is None or kind_of(said) != "document" or action is None:
        await desk.alert(here, query, "document_gone")
        return
    await close_query(query)
    read = await document(desk, here, said)
    await note(desk, here, read)
    if action == "ask":
        material = titled(read.title, read.text)
        await desk.remember(here, material, "document_ready", name=read.values["name"])
        return
    prompt = task_prompt(action, read.text, desk.language(here))
    await desk.ask(here, said, prompt, suffix=query.id, has_history=False)


async def note(desk: Desk, here: Here, read: Material) -> None:
    """Say what of a long file was left out, before the answer."""
    if read.note:
        await desk.say(here, read.note, None, **read.values)
