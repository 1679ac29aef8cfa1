"""A Telegram bot with private AI; everybody who writes to it pays for their own answers.

Start a network first (``cocoon up``), ask BotFather for a token, then:

    BOT_TOKEN=123456:ABC python examples/telegram_bot.py
"""

import asyncio
import os

from aiogram import Bot, Dispatcher, F
from aiogram.filters import Command
from aiogram.types import Message

import cocoon
from cocoon.telegram import PrivateAI


def private_bot(ai: PrivateAI) -> Dispatcher:
    """Its handlers."""
    dispatcher = Dispatcher()
    dispatcher.include_router(ai.router)  # the Stop button

    @dispatcher.message(Command("balance"))
    async def balance(message: Message) -> None:
        account = await ai.accounts.account(message.from_user.id)
        await message.answer(f"{account.free_left.ton()} free today, {account.balance.ton()} paid.")

    @dispatcher.message(F.text)
    async def answer(message: Message) -> None:
        await ai.reply(message)

    return dispatcher


async def main() -> None:
    bot = Bot(os.environ["BOT_TOKEN"])
    async with cocoon.AsyncClient() as client, PrivateAI(client, store="bot.sqlite") as ai:
        await private_bot(ai).start_polling(bot)


if __name__ == "__main__":
    asyncio.run(main())
