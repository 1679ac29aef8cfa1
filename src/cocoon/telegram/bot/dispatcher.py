"""All handlers of the bot, in the order in which they are asked."""

from typing import Any

from aiogram import Dispatcher
from aiogram.dispatcher.event.handler import FilterObject

from cocoon.telegram.bot import menus, moving, payments, privacy, private, stop, terms
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.extras import routers
from cocoon.telegram.bot.middleware import Gate
from cocoon.telegram.bot.parts import Parts


def build_dispatcher(deps: BotDeps) -> Dispatcher:
    """The bot's dispatcher; feed it updates that are new (``feed_raw_update``).

    Handlers run until what they say has been said, which takes as long as an answer does: updates
    must be fed concurrently, or nobody could stop one. Fed in order they reach their handlers in
    order, as long as they are of one chat.
    """
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.update.outer_middleware(Gate(deps))
    dispatcher.message.outer_middleware(Parts())
    dispatcher.include_routers(
        moving.router(deps),
        payments.router(deps),
        terms.router(deps),
        stop.router(deps),
        menus.router(deps),
        privacy.router(deps),
        private.commands(deps),
        *routers(deps),
        private.conversation(deps),
    )
    for router in dispatcher.chain_tail:
        for observer in router.observers.values():
            for handler in observer.handlers:
                for each in handler.filters or ():
                    _without_thread(each)
    return dispatcher


def _without_thread(found: FilterObject) -> None:
    """Call a plain filter right here.

    aiogram gives each to a thread, ``F`` too: some fifty hops for one message, and a message may
    overtake the one before it.
    """
    if found.awaitable:
        return
    plain = found.callback

    async def call(*args: Any, **kwargs: Any) -> Any:
        return plain(*args, **kwargs)

    found.callback, found.awaitable = call, True
