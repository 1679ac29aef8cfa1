"""All handlers of the bot, in the order in which they are asked."""

from aiogram import Dispatcher

from cocoon.telegram.bot import menus, payments, privacy, private, stop
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.extras import routers
from cocoon.telegram.bot.middleware import Gate


def build_dispatcher(deps: BotDeps) -> Dispatcher:
    """The bot's dispatcher; feed it updates that are new (``feed_raw_update``).

    Handlers run until what they say has been said, which takes as long as an answer does: updates
    must be fed concurrently, or nobody could stop one.
    """
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.update.outer_middleware(Gate(deps))
    dispatcher.include_routers(
        payments.router(deps),
        stop.router(deps),
        menus.router(deps),
        privacy.router(deps),
        private.commands(deps),
        *routers(deps),
        private.conversation(deps),
    )
    return dispatcher
