"""Voice notes and other recordings: what is said in them is shown, then answered like text."""

from aiogram import F, Router
from aiogram.types import Message

from cocoon.telegram.bot.addressed import without_mention
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.desk import Desk, Refusals, plain, replying
from cocoon.telegram.bot.filters import ForBot
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.prompts import question_about

SHOWN_CHARS = 3000
"""Of a transcript; the rest is answered, not repeated."""


def router(deps: BotDeps) -> Router:
    """Handlers of voice notes, round videos and audio files."""
    desk = Desk(deps)
    routes = Router(name="voice")
    routes.message.middleware(Refusals(desk))
    is_sound = F.voice | F.audio | F.video_note | F.document.mime_type.startswith("audio/")

    @routes.message(ForBot(), is_sound)
    async def recording(message: Message, here: Here) -> None:
        """A recording that somebody made, or sent along with a question."""
        said = await transcribed(desk, here, message)
        question = without_mention(message, desk.me)
        if question:
            said = question_about(question, "A recording", said)
        await desk.ask(here, message, said)

    return routes


async def transcribed(desk: Desk, here: Here, message: Message) -> str:
    """What is said in a message's recording; shown as a quotation.

    Raises:
        CocoonError: as :meth:`Desk.transcript`.
    """
    said = await desk.transcript(here, message, message)
    shown = said if len(said) <= SHOWN_CHARS else f"{said[:SHOWN_CHARS]}…"
    quoted = "\n".join(f"> {plain(line)}" for line in shown.split("\n"))
    await desk.deps.delivery.send(replying(here, message).where, f"🎙\n{quoted}")
    return said
