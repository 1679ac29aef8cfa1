"""The connection to the Bot API."""

from aiogram import Bot

from cocoon.telegram.bot.delivery.pacer import Pacer
from cocoon.telegram.settings import BotSettings


def make_bot(settings: BotSettings, pacer: Pacer) -> Bot:
    """A bot whose calls keep to the limits; close with ``await bot.session.close()``.

    Calls that write to a chat wait for their turn at ``pacer``; all others go at once.
    """
    raise NotImplementedError
