"""Pages of menus: one message whose words and buttons change as they are pressed."""

from contextlib import suppress

from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, InlineKeyboardMarkup

from cocoon.telegram.bot.delivery import calls
from cocoon.telegram.bot.delivery.formatting import render
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.here import Here


async def show(
    deps: BotDeps,
    here: Here,
    text: str,
    buttons: InlineKeyboardMarkup | None = None,
    *,
    pressed: CallbackQuery | None = None,
) -> None:
    """Show a page: in the message whose button was pressed, else in a new one.

    Args:
        deps: of the bot.
        here: where.
        text: Markdown, short enough for one message.
        buttons: below it.
        pressed: the button's query; it is answered.
    """
    if pressed is None or pressed.message is None:
        await deps.delivery.send(here.where, text, buttons)
        return
    await answer(pressed)
    page = calls.edit(here.where, pressed.message.message_id, render(text), buttons)
    try:
        await deps.bot(page)
    except TelegramAPIError as error:
        if "not modified" not in str(error):
            await deps.delivery.send(here.where, text, buttons)


async def answer(query: CallbackQuery, text: str = "", *, is_alert: bool = False) -> None:
    """Answer a pressed button; one that was pressed long ago takes no answer any more."""
    with suppress(TelegramAPIError):
        await query.answer(text[:200] or None, show_alert=is_alert)


async def without_buttons(deps: BotDeps, query: CallbackQuery) -> None:
    """Take the buttons off the message that one was pressed on."""
    if query.message is not None:
        with suppress(TelegramAPIError):
            await deps.bot.edit_message_reply_markup(
                chat_id=query.message.chat.id,
                message_id=query.message.message_id,
                reply_markup=None,
            )
