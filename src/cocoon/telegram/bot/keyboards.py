"""Inline keyboards; data of buttons is at most 64 bytes (core.telegram.org/bots/api)."""

from collections.abc import Iterable, Sequence

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, WebAppInfo

from cocoon.telegram.bot.failures import Help
from cocoon.telegram.bot.here import Here

STOP = "stop"
MENU = "m"
PRIVACY = "p"
MONEY = "pay"
AGAIN = "again"
MORE = "more"

_HELP_DATA: dict[Help, str] = {
    "topup": f"{MONEY}:topup",
    "model": f"{MENU}:model",
    "price": f"{MENU}:price",
    "new": f"{MENU}:new",
}


def button(text: str, data: str) -> InlineKeyboardButton:
    """Calls back with ``data``."""
    return InlineKeyboardButton(text=text, callback_data=data)


def link(text: str, url: str) -> InlineKeyboardButton:
    """Opens an address."""
    return InlineKeyboardButton(text=text, url=url)


def app_button(text: str, url: str) -> InlineKeyboardButton:
    """Opens the Mini App; only in private chats."""
    return InlineKeyboardButton(text=text, web_app=WebAppInfo(url=url))


def keyboard(rows: Iterable[Sequence[InlineKeyboardButton]]) -> InlineKeyboardMarkup | None:
    """Rows of buttons, without empty ones; None where there is no button at all."""
    full = [list(row) for row in rows if row]
    return InlineKeyboardMarkup(inline_keyboard=full) if full else None


def stop_keyboard(here: Here) -> InlineKeyboardMarkup:
    """Below an answer that grows."""
    stop = button(here.words("answer.stop"), STOP)
    return InlineKeyboardMarkup(inline_keyboard=[[stop]])


def private_link(username: str, start: str) -> str:
    """Opens the private chat with the bot (core.telegram.org/bots/features#deep-linking)."""
    return f"https://t.me/{username}?start={start}"


def help_keyboard(
    here: Here, username: str, helps: Iterable[Help], again: str = ""
) -> InlineKeyboardMarkup | None:
    """Buttons that help after an error.

    Args:
        here: where it is said; outside of private chats money is spoken about elsewhere.
        username: of the bot.
        helps: what would help.
        again: token that asks the same again; empty where that is not possible.
    """
    rows = []
    for each in helps:
        text = here.words(f"help.{each}")
        if each == "again":
            rows += [[button(text, f"{AGAIN}:{again}")]] if again else []
        elif here.where.is_private:
            rows.append([button(text, _HELP_DATA[each])])
        elif each == "topup":
            rows.append([link(text, private_link(username, "topup"))])
        elif here.where.inline is None:
            rows.append([button(text, _HELP_DATA[each])])
    return keyboard(rows)
