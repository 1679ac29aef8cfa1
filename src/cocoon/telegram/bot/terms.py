"""/terms: what is paid for, what is given back, whom to write to.

Telegram asks bots that take Stars for it: https://core.telegram.org/bots/payments-stars and
https://telegram.org/tos/bot-developers.
"""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import Message

from cocoon.telegram.bot.amounts import ton
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.here import Here
from cocoon.telegram.payments import worth


def router(deps: BotDeps) -> Router:
    """Handler of /terms; the same for everybody, so also in groups."""
    routes = Router(name="terms")

    @routes.message(Command("terms"), ~F.via_bot)
    async def terms(_: Message, here: Here) -> None:
        """`/terms`."""
        await deps.delivery.send(here.where, conditions(deps, here))

    return routes


def conditions(deps: BotDeps, here: Here) -> str:
    """The conditions, as this operator has set them."""
    words, money = here.words, deps.settings.money
    has_ton = money.wallet is not None and deps.settings.app.url is not None
    parts = [words("terms.title"), words("terms.answers")]
    if money.markup:
        parts.append(words("terms.price_markup", percent=f"{money.markup / 10:g}"))
    else:
        parts.append(words("terms.price"))
    if money.free_daily:
        parts.append(words("terms.free", free=ton(money.free_daily)))
    if money.nano_per_star > 0:
        parts.append(words("terms.stars", amount=ton(worth(1, money.nano_per_star))))
        parts.append(words("terms.refunds"))
    if has_ton:
        parts.append(words("terms.ton"))
    parts.append(words("terms.write" if deps.settings.bot.admins else "terms.write_nobody"))
    parts.append(words("terms.data"))
    return "\n\n".join(parts)
