"""Pictures: shown to a model that looks at them, or a sentence about which could."""

import hashlib

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from cocoon.telegram.assistant.values import Model
from cocoon.telegram.bot.addressed import text_of, without_mention
from cocoon.telegram.bot.albums import PartOf
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.desk import Desk, Refusals, replying
from cocoon.telegram.bot.filters import ForBot
from cocoon.telegram.bot.gathering import Gathering
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.media_kinds import PICTURE_TYPES, kind_of
from cocoon.telegram.bot.pages import answer as close_query

ALBUM_SILENCE = 0.7
"""Seconds; an album's messages arrive together."""
MAX_PICTURES = 10
"""Of one question: as many as an album has."""
MAX_OTHERS = 4
"""Models that are offered instead."""
PREFIX = "pic"


def router(deps: BotDeps) -> Router:
    """Handlers of pictures, albums included, and of the buttons that ask another model."""
    desk = Desk(deps)
    routes = Router(name="media")
    routes.message.middleware(Refusals(desk))
    routes.callback_query.middleware(Refusals(desk))
    albums: Gathering[Message] = Gathering(ALBUM_SILENCE)
    is_picture = F.photo | F.document.mime_type.in_(PICTURE_TYPES)

    @routes.message(ForBot(), F.media_group_id, F.photo)
    @routes.message(PartOf(albums), F.photo)
    async def album(message: Message, here: Here) -> None:
        """One picture of several that were sent at once."""
        key = (message.chat.id, message.media_group_id)
        await albums.collect(key, message, lambda items: pictures(desk, here, items))

    @routes.message(ForBot(), is_picture, ~F.animation)
    async def picture(message: Message, here: Here) -> None:
        """A single picture, as a photo or as a file."""
        await pictures(desk, here, [message])

    @routes.callback_query(F.data.startswith(f"{PREFIX}:"))
    async def other(query: CallbackQuery, here: Here) -> None:
        """The button that has another model look, this once."""
        await look_again(desk, here, query)

    return routes


async def pictures(desk: Desk, here: Here, messages: list[Message], question: str = "") -> None:
    """Answer about pictures; without a question, the caption is it, whichever of them has it.

    Raises:
        UnavailableError: Telegram does not give a picture, or nobody knows which models look.
        UnreadableError, TooLargeError: as :meth:`Desk.picture`.
    """
    messages = sorted(messages, key=lambda each: each.message_id)
    asked = next((each for each in messages if text_of(each)), messages[0])
    if not await can_look(desk, here, asked):
        return
    messages = messages[:MAX_PICTURES]
    images = tuple([await desk.picture(each, len(messages) - 1) for each in messages])
    question = question or without_mention(asked, desk.me) or here.words("media.picture_question")
    await desk.ask(here, asked, question, images=images)


async def can_look(desk: Desk, here: Here, message: Message) -> bool:
    """Whether the chat's model takes pictures; says which models could if it does not.

    Raises:
        UnavailableError: the network cannot be asked.
    """
    found = await desk.lookers(here)
    if found is None:
        return True
    blind, others = found[0], found[1][:MAX_OTHERS]
    if not others:
        await desk.say(here, "picture_none", model=blind.title)
        return False
    names = ", ".join(each.title for each in others)
    rows = [
        [
            InlineKeyboardButton(
                text=here.words("media.picture_button", model=each.title),
                callback_data=f"{PREFIX}:{_short(each)}",
            )
        ]
        for each in others
    ]
    buttons = InlineKeyboardMarkup(inline_keyboard=rows)
    shown = replying(here, message)
    await desk.say(shown, "picture_others", buttons, model=blind.title, others=names)
    return False


async def look_again(desk: Desk, here: Here, query: CallbackQuery) -> None:
    """Ask another model about the picture that the button's message replies to.

    Raises:
        CocoonError: as :func:`pictures`.
    """
    offer = query.message
    said = offer.reply_to_message if isinstance(offer, Message) else None
    wanted = (query.data or "").partition(":")[2]
    models = await desk.deps.assistant.models()
    model = next((each for each in models if _short(each) == wanted), None)
    if said is None or model is None or kind_of(said) != "picture":
        await desk.alert(here, query, "picture_gone")
        return
    await close_query(query)
    question = without_mention(said, desk.me) or here.words("media.picture_question")
    image = await desk.picture(said)
    await desk.ask(here, said, question, images=(image,), suffix=query.id, model=model.name)


def _short(model: Model) -> str:
    """A model's name in the few bytes that a button may hold."""
    return hashlib.sha256(model.name.encode()).hexdigest()[:16]
