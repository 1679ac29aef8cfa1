"""A stand-in for Telegram's Bot API server, on loopback.

It cannot be mistaken for Telegram: it listens on loopback only, its bot's id and token say what
they are, and ``getMe`` names the bot a stand-in.
"""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self

from aiohttp import web

from cocoon.devnet.telegram.answers import BotApiError
from cocoon.devnet.telegram.api import Api, CallRecord
from cocoon.devnet.telegram.clock import Clock, SystemClock
from cocoon.devnet.telegram.groups import Group
from cocoon.devnet.telegram.http import (
    LOOPBACK_NAMES,
    MAX_BODY,
    BotApiRoutes,
    loopback_only,
)
from cocoon.devnet.telegram.init_data import InitDataSigner
from cocoon.devnet.telegram.limits import Rates
from cocoon.devnet.telegram.people import Person
from cocoon.devnet.telegram.values import (
    STAND_IN_BOT_ID,
    TOKEN_MARK,
    Account,
    BotProfile,
    Event,
)
from cocoon.devnet.telegram.views import ChatView
from cocoon.devnet.telegram.webhook import Webhook
from cocoon.devnet.telegram.world import World
from cocoon.errors import ConfigError

NOTE = " (stand-in, not Telegram)"


class StandInTelegram:
    """One Bot API server with one bot and the people who talk to it.

    Args:
        name: the bot's; a note that this is no Telegram is added.
        username: the bot's.
        clock: dates, limits and lives count with it.
        rates: how often the bot may call.
        privacy_mode: whether the bot sees in groups only what is meant for it.
        private_topics: whether private chats have topics.
        host: a loopback address.
        port: 0 for any free one.
        token: a token of an earlier stand-in, for bots that were set up with it.

    Attributes:
        token: the bot's token; holds :data:`TOKEN_MARK`.
        signer: signs what Mini Apps are told of who opened them.
        world: everything that is kept.
        app: the server's routes; more can be added before :meth:`start`.

    Raises:
        ConfigError: ``host`` is not loopback, or ``token`` is not a stand-in's.
    """

    def __init__(
        self,
        *,
        name: str = "Cocoon",
        username: str = "cocoon_stand_in_bot",
        clock: Clock | None = None,
        rates: Rates | None = None,
        privacy_mode: bool = True,
        private_topics: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str = "",
    ) -> None:
        if host not in LOOPBACK_NAMES:
            raise ConfigError("the stand-in for Telegram listens on loopback only")
        if token and not is_stand_in_token(token):
            raise ConfigError("the token is not one of a stand-in for Telegram")
        bot = BotProfile(
            name + NOTE, username, privacy_mode=privacy_mode, private_topics=private_topics
        )
        self.token = token or f"{STAND_IN_BOT_ID}:{TOKEN_MARK}{secrets.token_hex(12)}"
        self.world = World(bot, clock or SystemClock(), rates or Rates())
        self.signer = InitDataSigner(self.token)
        self._webhook = Webhook(self.world)
        self._api = Api(self.world, self._webhook)
        self._webhook.call = self._api.call
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None
        self._people: dict[int, Person] = {}
        self.app = web.Application(client_max_size=MAX_BODY, middlewares=[loopback_only])
        BotApiRoutes(self.token, self._api.call, self.world.files).add_to(self.app)

    @property
    def url(self) -> str:
        """What a bot's API address is set to, such as ``http://127.0.0.1:1234``."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def start(self) -> None:
        """Begins to answer."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Stops answering; what is kept stays, and :meth:`start` goes on with it."""
        await self._webhook.close()
        self.world.updates.end_poll()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def person(
        self,
        first_name: str = "Alice",
        *,
        id: int = 0,  # noqa: A002 -- Telegram's word
        username: str = "",
        language: str = "en",
        stars: int = 0,
        started: bool = False,
    ) -> Person:
        """Adds a person.

        Args:
            first_name: shown by the app.
            id: 0 for the next free one.
            username: without ``@``, or none.
            language: of the app, an IETF tag.
            stars: pretend Stars.
            started: whether the person wrote to the bot before.
        """
        account = Account(
            id, first_name, username=username, language=language, stars=stars, started=started
        )
        self.world.add_person(account)
        person = self._people[account.id] = Person(self.world, account)
        return person

    def group(
        self, title: str = "Friends", *, people: Sequence[Person] = (), forum: bool = False
    ) -> Group:
        """Adds a group with the bot and people in it; with topics when it is a ``forum``."""
        group = Group(self.world, self.world.add_group(title, forum=forum))
        for person in people:
            group.add(person)
        return group

    def init_data(self, person: Person, *, age: float = 0.0, start_param: str = "") -> str:
        """What a Mini App gets that this person opened ``age`` seconds ago, as a query string."""
        opened = int(self.world.clock.time() - age)
        return self.signer.for_user(person.account.user(), opened, start_param=start_param)

    def people(self) -> list[Person]:
        """Everybody, in the order of coming."""
        return list(self._people.values())

    def chat(self, chat: int) -> ChatView:
        """The chat with this id.

        Raises:
            KeyError: there is none.
        """
        return ChatView(self.world, self.world.chats[chat])

    def events(self) -> AsyncIterator[Event]:
        """What changes from now on: messages, drafts, answers, payments."""
        return self.world.events()

    @property
    def calls(self) -> Counter[str]:
        """How often each method was called."""
        return self._api.calls

    @property
    def log(self) -> list[CallRecord]:
        """The last calls, oldest first; without what they said."""
        return list(self._api.log)

    @property
    def violations(self) -> dict[str, int]:
        """Calls refused with 429, by limit, and ``blocked`` for calls before ``retry_after``."""
        return self.world.limiter.violations

    def fail(
        self,
        method: str,
        error: BotApiError | None = None,
        *,
        delay: float = 0.0,
        times: int = 1,
        after: bool = False,
    ) -> None:
        """Makes the next calls of a method (``*``: of any) late, or fail.

        Args:
            method: its published name.
            error: what it answers, or ``None`` to only be late.
            delay: seconds before that.
            times: how many calls.
            after: whether the method is done all the same, as when its answer gets lost.
        """
        self._api.add_fault(method, error, delay, times, after=after)


def is_stand_in_token(token: str) -> bool:
    """Whether a token is one of a stand-in and never one of Telegram's."""
    return token.startswith(f"{STAND_IN_BOT_ID}:{TOKEN_MARK}")
