"""The three buttons below what somebody sent without a question."""

from collections.abc import Mapping
from typing import Literal

from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup

Action = Literal["summarize", "translate", "ask"]
ACTIONS: tuple[Action, ...] = ("summarize", "translate", "ask")


def choice(prefix: str, labels: Mapping[str, str]) -> InlineKeyboardMarkup:
    """Summarize, translate, ask.

    Args:
        prefix: of the data, which tells handlers apart.
        labels: words on the buttons, by action.
    """
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [
                InlineKeyboardButton(text=labels[action], callback_data=f"{prefix}:{action}")
                for action in ACTIONS
            ]
        ]
    )


def pressed(query: CallbackQuery) -> Action | None:
    """Which of the three was pressed; None for data that no button of ours has."""
    said = (query.data or "").partition(":")[2]
    return next((action for action in ACTIONS if action == said), None)
