"""Forwarded messages: one burst of them is a conversation to summarize, translate or ask about.

What somebody says with them, which apps send first, as a message of its own, is the question about
them. Else their text waits in memory for a button, for an hour; it is never on disk before somebody
asks.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from cocoon.telegram.bot.buttons import pressed
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.desk import Desk, Refusals
from cocoon.telegram.bot.documents import documents
from cocoon.telegram.bot.filters import ForBot
from cocoon.telegram.bot.gathering import Gathering
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.media import pictures
from cocoon.telegram.bot.media_kinds import kind_of
from cocoon.telegram.bot.pages import answer as close_query
from cocoon.telegram.bot.prompts import question_about, task_prompt, titled
from cocoon.telegram.bot.thread import Thread, thread
from cocoon.telegram.bot.voice import transcribed

SILENCE = 1.2
"""Seconds without a further message after which a burst is over."""
KEEP_SECONDS = 3600.0
MAX_KEPT = 1000
MAX_KEPT_CHARS = 16 * 1024 * 1024
PREFIX = "fwd"
TITLE = "A forwarded conversation"


class Kept:
    """Conversations that wait for a button, the oldest dropped first.

    Args:
        clock: seconds, for their age.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._threads: OrderedDict[tuple[int, int], tuple[float, Thread]] = OrderedDict()
        self._chars = 0

    def put(self, chat: int, message: int, kept: Thread) -> None:
        """Keep the conversation that an offer is about."""
        self._threads[chat, message] = (self._clock(), kept)
        self._chars += len(kept.text)
        while len(self._threads) > MAX_KEPT or self._chars > MAX_KEPT_CHARS:
            _, (_, dropped) = self._threads.popitem(last=False)
            self._chars -= len(dropped.text)

    def get(self, chat: int, message: int) -> Thread | None:
        """The conversation of an offer; None when it is gone."""
        at, kept = self._threads.get((chat, message), (0.0, None))
        return kept if kept is not None and self._clock() - at < KEEP_SECONDS else None


def router(deps: BotDeps) -> Router:
    """Handlers of forwarded messages in private chats, and of the buttons below the offer."""
    desk = Desk(deps)
    routes = Router(name="forwards")
    bursts: Gathering[Message] = Gathering(SILENCE)
    kept = Kept()
    routes.message.middleware(Refusals(desk))
    routes.callback_query.middleware(Refusals(desk))

    @routes.message(ForBot(), F.forward_origin, F.chat.type == "private")
    async def forwarded(message: Message, here: Here) -> None:
        """One of several messages that were forwarded at once."""
        is_first = not bursts.is_open(here.chat)
        comment = deps.answering.withdraw(here.chat, SILENCE) if is_first else None
        question = comment.comment if comment is not None else ""
        try:
            await bursts.collect(
                here.chat, message, lambda items: take(desk, here, kept, items, question)
            )
        finally:
            if comment is not None:
                comment.dealt_with.set()

    @routes.callback_query(F.data.startswith(f"{PREFIX}:"))
    async def chosen(query: CallbackQuery, here: Here) -> None:
        """A button below "what shall I do with these messages?"."""
        await choose(desk, here, kept, query)

    return routes


async def take(desk: Desk, here: Here, kept: Kept, messages: list[Message], question: str) -> None:
    """Answer what was said with a burst, if anything was; else ask what to do with it.

    Raises:
        CocoonError: a file cannot be had or read.
    """
    if not question:
        await offer(desk, here, kept, messages)
        return
    last = max(messages, key=lambda each: each.message_id)
    if all(kind_of(each) == "picture" for each in messages):
        await pictures(desk, here, messages, question)
        return
    kind = kind_of(last) if len(messages) == 1 else None
    if kind == "document":
        await documents(desk, here, last, question)
        return
    if kind == "sound":
        text = await transcribed(desk, here, last)
    else:
        text = thread(messages, max(await desk.room(here) - len(question), 0)).text
    prompt = question_about(question, TITLE, text) if text else question
    await desk.ask(here, last, prompt)


async def offer(desk: Desk, here: Here, kept: Kept, messages: list[Message]) -> None:
    """Ask what to do with a burst; a single file is dealt with like one that was sent.

    Raises:
        CocoonError: a file cannot be had or read.
    """
    last = max(messages, key=lambda each: each.message_id)
    if len(messages) == 1:
        kind = kind_of(last)
        if kind == "document":
            await documents(desk, here, last)
            return
        if kind == "sound":
            await offer_thread(desk, here, kept, Thread(await transcribed(desk, here, last), 1))
            return
    found = thread(messages, await desk.room(here))
    if not found.text:
        await desk.say(here, "forward_empty")
        return
    await offer_thread(desk, here, kept, found)


async def offer_thread(desk: Desk, here: Here, kept: Kept, found: Thread) -> None:
    """Show the buttons for a conversation."""
    key = "forward_offer_cut" if found.is_cut else "forward_offer"
    ids = await desk.say(here, key, desk.choice(here, PREFIX), messages=found.messages)
    for number in ids[-1:]:
        kept.put(here.where.chat, number, found)


async def choose(desk: Desk, here: Here, kept: Kept, query: CallbackQuery) -> None:
    """Do what a button says with the conversation above it.

    Raises:
        CocoonError: as :meth:`Desk.ask`.
    """
    shown = query.message
    found = kept.get(shown.chat.id, shown.message_id) if shown is not None else None
    action = pressed(query)
    if not isinstance(shown, Message) or found is None or action is None:
        await desk.alert(here, query, "forward_gone")
        return
    await close_query(query)
    if action == "ask":
        await desk.remember(here, titled(TITLE, found.text), "forward_ready")
        return
    prompt = task_prompt(action, found.text, desk.language(here))
    await desk.ask(here, shown, prompt, suffix=query.id, has_history=False)
