"""The conversation itself: start, help, new, plain text, "continue" and "ask again"."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from cocoon.errors import CocoonError
from cocoon.telegram.assistant.values import Turn
from cocoon.telegram.bot.amounts import ton
from cocoon.telegram.bot.asks import Ask, reference_of
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.filters import ForBot
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.keyboards import AGAIN, MENU, MORE, PRIVACY, app_button, button, keyboard
from cocoon.telegram.bot.menus import start_over
from cocoon.telegram.bot.pages import answer, without_buttons
from cocoon.telegram.bot.payments import show_topup
from cocoon.telegram.bot.privacy import is_pretended

CONTINUE = "Continue exactly where you stopped. Do not repeat anything."
"""What the model is told when somebody presses the button below an answer that was cut."""


def commands(deps: BotDeps) -> Router:
    """Commands of conversations, in every kind of chat."""
    routes = Router(name="commands")

    @routes.message(CommandStart(), F.chat.type == "private")
    async def start(_: Message, here: Here, command: CommandObject) -> None:
        """`/start`, also with the payload of a link to us."""
        if command.args == "topup":
            await show_topup(deps, here)
            return
        await hello(deps, here)

    @routes.message(CommandStart())
    @routes.message(Command("help"), ~F.via_bot)
    async def helped(_: Message, here: Here) -> None:
        """`/help`."""
        words = here.words
        text = words("help.text", name=f"@{deps.me.username}")
        await deps.delivery.send(here.where, text, _first_buttons(deps, here))

    @routes.message(Command("new", "reset", "clear"), ~F.via_bot)
    async def new(_: Message, here: Here) -> None:
        """`/new`: forgets the conversation."""
        await start_over(deps, here)

    @routes.callback_query(F.data == MORE)
    async def more(query: CallbackQuery, here: Here) -> None:
        """The button below an answer that was too long, or stopped."""
        await answer(query)
        await without_buttons(deps, query)
        if query.message is not None:
            number = query.message.message_id
            reference = reference_of(query.message.chat.id, number, "more")
            await deps.answering.reply(
                Ask(here=here, reference=reference, turn=Turn("user", CONTINUE))
            )

    @routes.callback_query(F.data.startswith(f"{AGAIN}:"))
    async def again(query: CallbackQuery, here: Here) -> None:
        """The button below an error."""
        token = (query.data or "").partition(":")[2]
        await answer(query)
        if query.inline_message_id is None:
            await without_buttons(deps, query)
        if not await deps.answering.ask_again(token, here) and here.where.chat:
            await deps.delivery.send(here.where, here.words("errors.gone"))

    return routes


def conversation(deps: BotDeps) -> Router:
    """Plain text in private chats; asked last."""
    routes = Router(name="conversation")
    is_private = F.chat.type == "private"

    @routes.message(is_private, F.text.startswith("/"))
    async def unknown(_: Message, here: Here) -> None:
        """A command that we do not know."""
        await deps.delivery.send(here.where, here.words("errors.no_command"))

    @routes.message(is_private, F.text, ForBot())
    async def text(message: Message, here: Here) -> None:
        """What people say."""
        said = (message.text or "")[: deps.settings.limits.prompt_chars]
        reference = reference_of(message.chat.id, message.message_id)
        turn = Turn("user", said)
        await deps.answering.reply(
            Ask(here=here, reference=reference, turn=turn, may_be_comment=True)
        )

    @routes.message(is_private, ForBot(), _is_something)
    async def other(_: Message, here: Here) -> None:
        """Stickers, places and other things that no model is asked about."""
        await deps.delivery.send(here.where, here.words("errors.kind"))

    return routes


async def hello(deps: BotDeps, here: Here) -> None:
    """Say who we are and what to do first."""
    words, account = here.words, await deps.accounts.account(here.user)
    free = ""
    if account.free_daily:
        free = words("start.free", free=ton(account.free_daily))
    stand_in = words("start.stand_in") if deps.settings.is_stand_in else ""
    simulated = words("privacy.simulated") if await _is_simulated(deps) else ""
    parts = (words("start.hello", title=deps.settings.app.title), simulated, free, stand_in)
    text = "\n\n".join(part for part in parts if part)
    await deps.delivery.send(here.where, text, _first_buttons(deps, here))


async def _is_simulated(deps: BotDeps) -> bool:
    """Whether the machines only pretend; a network that cannot be asked does not say."""
    try:
        models = await deps.assistant.models()
    except CocoonError:
        return False
    return any(is_pretended(kind) for model in models for kind in model.evidence)


def _first_buttons(deps: BotDeps, here: Here) -> InlineKeyboardMarkup | None:
    words, url = here.words, deps.settings.app.url
    has_app = url is not None and here.where.is_private
    return keyboard(
        (
            [button(words("start.model"), f"{MENU}:model"), button(words("start.settings"), MENU)],
            [button(words("start.privacy"), PRIVACY)],
            [app_button(words("start.app"), f"{url}/app/")] if has_app else [],
        )
    )


def _is_something(message: Message) -> bool:
    """Whether a person sent it; the rest is Telegram's own news about the chat."""
    return any(getattr(message, kind) is not None for kind in _KINDS)


_KINDS = (
    "sticker",
    "animation",
    "video",
    "location",
    "venue",
    "contact",
    "poll",
    "dice",
    "story",
    "game",
    "paid_media",
)
