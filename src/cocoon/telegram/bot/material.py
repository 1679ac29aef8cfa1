"""What a message is about besides its own words: what it replies to, or quotes from elsewhere."""

from dataclasses import dataclass, field

from aiogram.types import Message

from cocoon.telegram.bot import media_kinds
from cocoon.telegram.bot.addressed import is_reply_to, text_of
from cocoon.telegram.bot.desk import Desk
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.reading import clean_name, read_document
from cocoon.telegram.bot.thread import words_of


@dataclass(frozen=True, slots=True)
class Material:
    """Something to translate, to summarize or to ask about.

    Attributes:
        title: what it is, for a model.
        text: its text; empty for a picture.
        images: data URLs of pictures.
        note: key of a sentence that tells its reader what was left out; empty for none.
        values: for that sentence.
    """

    title: str = field(repr=False)
    text: str = field(repr=False, default="")
    images: tuple[str, ...] = field(repr=False, default=())
    note: str = ""
    values: dict[str, object] = field(repr=False, default_factory=dict)


async def replied(
    desk: Desk, here: Here, message: Message, *, with_own: bool = False
) -> Material | None:
    """What a message replies to; None where that is nothing.

    A quote is all there is to it where its sender chose one, or where the message is in another
    chat, of which Telegram shows nothing else. Otherwise it is the whole message, with its file.

    Args:
        desk: fetches and reads.
        here: who pays for a transcript.
        message: the reply.
        with_own: whether the bot's own words count too; a question finds them in the history.

    Raises:
        CocoonError: its file cannot be had or read.
    """
    if message.quote is not None and message.quote.text.strip():
        return Material("A part of an earlier message", message.quote.text)
    elsewhere = message.external_reply
    if elsewhere is not None and media_kinds.kind_of(elsewhere) is not None:
        return await of_message(desk, here, message, elsewhere)
    said = message.reply_to_message
    if said is None or said.forum_topic_created is not None:
        return None
    if not with_own and is_reply_to(message, desk.me) and media_kinds.kind_of(said) is None:
        return None  # it stands in the history
    return await of_message(desk, here, message, said)


async def of_message(
    desk: Desk, here: Here, asked: Message, said: media_kinds.Sent
) -> Material | None:
    """The text, or the file, of a message that somebody asks about.

    Args:
        desk: fetches and reads.
        here: who pays for a transcript.
        asked: the request.
        said: the message that it is about.

    Raises:
        CocoonError: its file cannot be had or read.
    """
    kind = media_kinds.kind_of(said)
    if kind == "picture":
        caption = text_of(said) if isinstance(said, Message) else ""
        return Material("The picture's caption", caption, (await desk.picture(said),))
    if kind == "sound":
        return Material("A recording", await desk.transcript(here, asked, said))
    if kind == "document":
        return await document(desk, here, said)
    words = words_of(said) if isinstance(said, Message) else ""
    return Material("An earlier message", words) if words else None


async def document(desk: Desk, here: Here, said: media_kinds.Sent, parts: int = 1) -> Material:
    """The text of a message's file.

    Args:
        desk: fetches it.
        here: where it is asked about; the chat's model limits how much is read.
        said: has the file.
        parts: files that share the room of one question.

    Raises:
        CocoonError: it cannot be had or read.
    """
    assert said.document is not None
    name = clean_name(said.document.file_name or "")
    data = await desk.fetch(said.document)
    read = await read_document(name, data, await desk.room(here) // parts, owner=here.user)
    values: dict[str, object] = {
        "name": read.name,
        "pages": read.pages,
        "read": read.pages_read,
        "characters": len(read.text),
    }
    note = ""
    if read.is_cut:
        note = "document_cut_pages" if read.pages_read < read.pages else "document_cut"
    return Material(f'The file "{read.name}"', read.text, (), note, values)
