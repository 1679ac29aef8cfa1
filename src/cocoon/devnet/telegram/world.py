"""Everything that the stand-in remembers: the bot, people, chats, queries, and who watches."""

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from cocoon.devnet.telegram.answers import Json, bad_request, forbidden
from cocoon.devnet.telegram.clock import Clock
from cocoon.devnet.telegram.files import FileStore
from cocoon.devnet.telegram.limits import RateLimiter, Rates
from cocoon.devnet.telegram.updates import UpdateQueue
from cocoon.devnet.telegram.values import (
    FIRST_GROUP,
    FIRST_PERSON,
    Account,
    BotProfile,
    ChatState,
    Draft,
    Event,
)

if TYPE_CHECKING:
    from cocoon.devnet.telegram.paying import Invoice, Paid

T = TypeVar("T")

MAX_EVENTS = 10_000
"""Events that wait for one watcher; a watcher that is further behind loses the oldest."""
ANYWHERE = 0
"""No chat's id."""
MAX_STOPPED = 1000
"""Stopped drafts that are remembered."""
MAX_QUERIES = 10_000
"""Queries of a kind that wait for the bot's answer; the oldest go first."""


@dataclass(slots=True)
class Query:
    """Something that the bot must answer: a pressed button, an inline query, a checkout.

    Attributes:
        expires: until when it can be answered, in seconds since 1970.
        answer: what the bot answered.
    """

    id: str
    person: int
    expires: float
    data: Json = field(repr=False)
    answer: Json | None = field(default=None, repr=False)


class World:
    """The state of one stand-in.

    Args:
        bot: the bot's profile.
        clock: for dates, limits and lives.
        rates: how often the bot may call.

    Attributes:
        drafts_died: drafts that vanished because the bot did not renew or replace them in time.
        drafts_after_stop: drafts that were sent although the person had pressed Stop.
    """

    def __init__(self, bot: BotProfile, clock: Clock, rates: Rates) -> None:
        self.bot = bot
        self.clock = clock
        self.limiter = RateLimiter(rates)
        self.updates = UpdateQueue(clock.time)
        self.files = FileStore()
        self.accounts: dict[int, Account] = {}
        self.chats: dict[int, ChatState] = {}
        self.inline_messages: dict[str, Json] = {}
        self.callbacks: dict[str, Query] = {}
        self.inline_queries: dict[str, Query] = {}
        self.guest_queries: dict[str, Query] = {}
        self.checkouts: dict[str, Query] = {}
        self.invoices: dict[str, Invoice] = {}
        self.payments: dict[str, Paid] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.about: dict[tuple[str, str], str] = {}
        self.menu_buttons: dict[int, Json] = {}
        self.stopped_drafts: deque[tuple[int, int | None, int]] = deque(maxlen=MAX_STOPPED)
        self.drafts_after_stop = 0
        self.drafts_died = 0
        self._numbers = itertools.count(1)
        self._groups = itertools.count(FIRST_GROUP, -1)
        self._people = itertools.count(FIRST_PERSON)
        self._watchers: list[tuple[deque[Event], asyncio.Event]] = []
        self._waiters: dict[int, set[asyncio.Future[None]]] = {}

    def now(self) -> int:
        """A ``date``: whole seconds since 1970."""
        return int(self.clock.time())

    def token(self, prefix: str) -> str:
        """A fresh identifier that nobody can guess."""
        return f"{prefix}{next(self._numbers)}-{secrets.token_hex(8)}"

    def add_person(self, account: Account) -> ChatState:
        """Adds a person and their chat with the bot; ``id`` 0 takes the next free one."""
        if not account.id:
            account.id = next(self._people)
        self.accounts[account.id] = account
        chat = ChatState(account.id, "private", members={account.id}, person=account)
        self.chats[account.id] = chat
        return chat

    def add_group(self, title: str, *, forum: bool) -> ChatState:
        """Adds a supergroup."""
        number = next(self._groups)
        # Message 1 is the group's creation; as a thread it is the topic "General".
        chat = ChatState(number, "supergroup", title=title, forum=forum, last_id=1)
        self.chats[number] = chat
        return chat

    def chat_for_bot(self, chat_id: int | str) -> ChatState:
        """The chat that a method names, when the bot may write there.

        Raises:
            BotApiError: the chat is unknown, the person never started or has blocked the bot, or
                the bot is not in the group.
        """
        chat = self.chats.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None:
            raise bad_request("chat not found")
        person = chat.person
        if person is None:
            if not chat.bot_in:
                raise forbidden("bot was kicked from the supergroup chat")
        elif person.blocked:
            raise forbidden("bot was blocked by the user")
        elif not person.started:
            raise bad_request("chat not found")
        return chat

    def live_drafts(self, chat: ChatState) -> list[Draft]:
        """Drafts that are still shown; the others are dropped."""
        now = self.clock.time()
        for thread in [t for t, draft in chat.drafts.items() if draft.expires <= now]:
            self.drop_draft(chat, thread, "expired")
        return list(chat.drafts.values())

    def drop_draft(self, chat: ChatState, thread: int | None, why: str) -> None:
        """Takes a draft away: ``expired``, ``replaced``, ``stopped`` or ``sent``."""
        draft = chat.drafts.pop(thread, None)
        if draft is not None:
            if draft.expires <= self.clock.time() and not draft.stopped:
                self.drafts_died += 1
                why = "expired"
            self.changed("draft_gone", chat.id, {"draft_id": draft.id, "why": why})

    def ask(self, queries: dict[str, Query], query: Query, kind: str) -> None:
        """Puts a query to the bot and remembers that it may be answered."""
        queries[query.id] = query
        while len(queries) > MAX_QUERIES:
            del queries[next(iter(queries))]
        self.updates.put(kind, query.data)

    def changed(self, kind: str, chat: int, data: Json) -> None:
        """Tells watchers and wakes waiters."""
        if self._watchers:
            event = Event(kind, chat, data)
            for events, woken in self._watchers:
                events.append(event)
                woken.set()
        for where in {chat, ANYWHERE}:
            for waiter in self._waiters.pop(where, ()):
                if not waiter.done():
                    waiter.set_result(None)

    def events(self) -> AsyncIterator[Event]:
        """What changes from this call on, until the iterator is closed."""
        mine: deque[Event] = deque(maxlen=MAX_EVENTS)
        watcher = (mine, asyncio.Event())
        self._watchers.append(watcher)
        return self._watch(watcher)

    async def _watch(self, watcher: tuple[deque[Event], asyncio.Event]) -> AsyncIterator[Event]:
        events, woken = watcher
        try:
            while True:
                while events:
                    yield events.popleft()
                woken.clear()
                await woken.wait()
        finally:
            self._watchers = [other for other in self._watchers if other is not watcher]

    async def until(
        self, find: Callable[[], T | None], timeout: float, what: str, chat: int = ANYWHERE
    ) -> T:
        """Waits for a state.

        Args:
            find: asked after every change; what it gives unless that is ``None`` or ``False``.
            timeout: seconds of real time.
            what: what is waited for, for the error's text.
            chat: changes of which chat are looked at; of all by default.

        Raises:
            TimeoutError: it did not come.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while (found := find()) is None or found is False:
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.setdefault(chat, set()).add(waiter)
            left = until - loop.time()
            try:
                done, _ = await asyncio.wait({waiter}, timeout=max(0.0, left))
            finally:
                self._waiters.get(chat, set()).discard(waiter)
            if not done:
                raise TimeoutError(f"{what} did not come within {timeout} s")
        return found
