"""Everything beyond plain conversation, in the order in which handlers are asked."""

from aiogram import Router

from cocoon.telegram.bot import documents, forwards, groups, inline, media, tasks, topics, voice
from cocoon.telegram.bot.deps import BotDeps


def routers(deps: BotDeps) -> list[Router]:
    """Routers of topics, files, tasks, groups and inline mode.

    They go before the handlers of plain private text. Forwarded messages come before the files in
    them, and pictures and recordings that were sent as files before documents.
    """
    return [
        part.router(deps)
        for part in (topics, forwards, media, voice, documents, tasks, inline, groups)
    ]
