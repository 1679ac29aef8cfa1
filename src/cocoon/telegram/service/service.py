"""A Telegram service: bot, server, watch over top-ups, all in one process."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import openai
import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from starlette.applications import Starlette

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.errors import CocoonError, ConfigError, StoreError, UnavailableError
from cocoon.net.http_server import bind
from cocoon.telegram.accounts import AccountPolicy, Accounts, Topup
from cocoon.telegram.assistant.network import NetworkAssistant
from cocoon.telegram.bot.amounts import ton
from cocoon.telegram.bot.delivery import Delivery, Pacer, Speed, Where
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.dispatcher import build_dispatcher
from cocoon.telegram.bot.refunding import give_back
from cocoon.telegram.bot.session import make_bot
from cocoon.telegram.payments import TonTopups, resume_refunds
from cocoon.telegram.service.desk import Desk
from cocoon.telegram.service.inbox import Inbox, update_id
from cocoon.telegram.service.metrics import Figures
from cocoon.telegram.service.missed import MissedPayments
from cocoon.telegram.service.polling import Polling
from cocoon.telegram.service.registration import register
from cocoon.telegram.settings import TelegramSettings
from cocoon.telegram.vault import Vault
from cocoon.telegram.web.app import web_app
from cocoon.telegram.web.deps import WebDeps, Webhook
from cocoon.telegram.web.server import WebServer

MAINNET, TESTNET = "-239", "-3"
"""Network ids of TON Connect."""
CHORES_SECONDS = 3600.0
OWNER_SECONDS = 1.0
LAST_WORDS_SECONDS = 3.0
"""After the grace time: to tell people that their answers were interrupted."""

log = structlog.get_logger("cocoon.telegram")


class TelegramService:
    """One bot and its Mini App.

    Args:
        settings: of the service.
        ai: what answers: :class:`cocoon.AsyncClient`, or ``openai.AsyncOpenAI`` for a gateway
            elsewhere. The service closes it.
        backend: chain that top-ups are watched on; needed where ``settings.money.wallet`` is set.

    Attributes:
        deps: the bot's parts, after the start.
    """

    deps: BotDeps
    _pacer: Pacer
    _app: Starlette

    def __init__(
        self,
        settings: TelegramSettings,
        ai: openai.AsyncOpenAI,
        *,
        backend: ChainBackend | None = None,
    ) -> None:
        if settings.money.wallet is not None and backend is None:
            raise ConfigError("top-ups with TON need a chain to be watched")
        self.settings = settings
        self._ai = ai
        self._backend = backend
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: asyncio.Future[None] | None = None
        self._polling: Polling | None = None
        self._server: WebServer | None = None
        self._ton: TonTopups | None = None

    @property
    def port(self) -> int:
        """Where the server listens, after the start."""
        if self._server is None:
            raise ConfigError("the service is not running")
        return self._server.port

    @property
    def healthy(self) -> bool:
        """Whether updates come and top-ups are seen."""
        return self._polling is None or self._polling.healthy

    async def start(self) -> None:
        """Start everything; returns once updates are taken.

        Raises:
            ConfigError: a setting, a file or the bot's token is wrong.
            UnavailableError: Telegram cannot be reached.
            StoreError, ChainError: the store or the chain cannot be used.
        """
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def wait(self) -> None:
        """Until something fails that ends the service: raises what it was."""
        await asyncio.shield(self._failed())

    async def close(self) -> None:
        """Stop in order: no new updates, answers get the grace time, then everything is put away.

        Updates whose handlers were cut off are handled again after the next start.
        """
        await self._end_tasks()
        await self._stack.aclose()

    # --- starting ---

    async def _start(self) -> None:
        settings, stack = self.settings, self._stack
        stack.push_async_callback(self._ai.close)
        # All that can be refused comes before the store: to open it ends the service that has it.
        listener = await bind(settings.app.host, settings.app.port)
        stack.callback(listener.close)
        vault = Vault.open(settings.content_key)
        bot, delivery, me = await self._telegram()
        accounts = Accounts(settings.store, AccountPolicy(free_daily=settings.money.free_daily))
        await accounts.start()
        stack.push_async_callback(accounts.close)
        assistant = NetworkAssistant(
            self._ai,
            accounts,
            settings.assistant,
            markup=settings.money.markup,
            service=str(settings.bot.bot_id),
        )
        stack.push_async_callback(assistant.close)
        self.deps = deps = BotDeps.make(
            settings,
            bot,
            me,
            assistant=assistant,
            accounts=accounts,
            delivery=delivery,
            vault=vault,
        )
        dispatcher = build_dispatcher(deps)
        await self._watch_wallet(accounts)
        desk = Desk(accounts, bot, deps.texts, settings.money, self._ton, self._ton_network())
        inbox = Inbox(accounts.store, vault, _handler(dispatcher, bot), accounts.count_failure)
        stack.push_async_callback(inbox.close, LAST_WORDS_SECONDS)
        await self._serve(desk, inbox, listener)
        stack.push_async_callback(self._hang_up)
        await self._take_updates(bot, dispatcher, inbox)
        self._spawn(self._chores())
        self._spawn(self._stay_owner())
        log.info("serving", bot=f"@{me.username}", port=self.port, mini_app=settings.app.url)

    async def _telegram(self) -> tuple[Bot, Delivery, Any]:
        """Reach Telegram, and learn who we are there."""
        pacer = self._pacer = Pacer(Speed.of(self.settings.limits))
        bot = make_bot(self.settings.bot, pacer)
        self._stack.push_async_callback(bot.session.close)
        delivery = Delivery(bot, pacer)
        self._stack.push_async_callback(delivery.close)
        try:
            return bot, delivery, await bot.get_me()
        except (TelegramUnauthorizedError, TelegramNotFound):
            raise ConfigError(
                "Telegram does not know this bot token: ask BotFather for it again"
            ) from None
        except TelegramNetworkError:
            raise UnavailableError(f"{self.settings.bot.api} cannot be reached") from None
        except TelegramAPIError as error:
            raise UnavailableError(f"Telegram refuses getMe: {type(error).__name__}") from None

    async def _watch_wallet(self, accounts: Accounts) -> None:
        money, backend = self.settings.money, self._backend
        if backend is None:
            return
        await backend.start()
        self._stack.push_async_callback(backend.close)
        if money.wallet is not None:
            address = Address.parse(money.wallet)
            self._ton = TonTopups(
                accounts, backend, address, money.poll_seconds, on_paid=self._thank
            )
            self._ton.start()
            self._stack.push_async_callback(self._ton.close)

    async def _thank(self, topup: Topup) -> None:
        """Tell somebody that a transfer has arrived."""
        deps = self.deps
        account = await deps.accounts.account(topup.user)
        words = deps.texts.words(account.language)
        amount, balance = ton(topup.received), ton(account.balance)
        text = words("payments.thanks", amount=amount, balance=balance)
        await deps.delivery.send(Where(topup.user), text)

    def _ton_network(self) -> str:
        return TESTNET if self._backend is not None and self._backend.is_testnet else MAINNET

    async def _serve(self, desk: Desk, inbox: Inbox, listener: socket.socket) -> None:
        settings, deps = self.settings, self.deps
        webhook = None
        if settings.bot.webhook_url is not None:
            webhook = Webhook(settings.bot.webhook_secret, inbox.take)
        figures = self._figures(inbox)
        app = self._app = web_app(
            WebDeps(
                settings=settings,
                assistant=deps.assistant,
                accounts=deps.accounts,
                forget=deps.forget,
                topups=desk if desk.ton or desk.stars else None,
                languages=deps.texts.languages,
                webhook=webhook,
                operator=self._facts,
                healthy=lambda: self.healthy,
                metrics=figures.text,
                ton_network=self._ton_network(),
            )
        )
        server = WebServer(app, settings.app, grace=int(settings.grace))
        await server.start(listener)
        self._server = server

    async def _take_updates(self, bot: Bot, dispatcher: Dispatcher, inbox: Inbox) -> None:
        kinds = dispatcher.resolve_used_update_types()
        await register(self.deps, kinds)
        await inbox.start()
        if self.settings.bot.webhook_url is None:
            url = bot.session.api.api_url(self.settings.bot.token, "getUpdates")
            self._polling = Polling(url, inbox.take, update_id, kinds)
            self._spawn(self._polling.run())

    async def _hang_up(self) -> None:
        """Let answers in chats and in the Mini App end, both within the same grace time."""
        assert self._server is not None
        await asyncio.gather(self.deps.answering.close(self.settings.grace), self._server.stop())

    # --- what goes on beside ---

    async def _chores(self) -> None:
        """What is due now and then: refunds and payments nobody heard of, old rows."""
        deps = self.deps
        missed = MissedPayments(deps.accounts, deps.bot, self.settings.money.nano_per_star)
        chores: tuple[Callable[[], Awaitable[object]], ...] = (
            deps.history.prune,
            deps.accounts.prune,
            partial(resume_refunds, deps.accounts, partial(give_back, deps.bot)),
            missed.book,
        )
        while True:
            for chore in chores:
                try:
                    await chore()
                except CocoonError as error:
                    log.warning("a chore was not done", error=type(error).__name__)
            await asyncio.sleep(CHORES_SECONDS)

    async def _stay_owner(self) -> None:
        """End the service once another one has taken its store over.

        Raises:
            StoreError: that happened; nothing can be written any more.
        """
        store = self.deps.accounts.store
        while not store.is_hopeless:  # noqa: ASYNC110 - a thread finds it out
            await asyncio.sleep(OWNER_SECONDS)
        raise StoreError("another process serves this store now")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        failed = self._failed()
        if error is not None and not failed.done():
            failed.set_exception(error)
            failed.exception()  # seen, even if nobody waits

    def _failed(self) -> "asyncio.Future[None]":
        if self._failure is None:
            self._failure = asyncio.get_running_loop().create_future()
        return self._failure

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def _facts(self) -> dict[str, str | int | float]:
        """For the operators' page."""
        return {
            "bot": f"@{self.deps.me.username}",
            "updates": "webhook" if self._polling is None else "polling",
            "network": "in this process" if not self._is_elsewhere() else "a gateway elsewhere",
            "wallet read": 0 if self._ton is None else int(self._ton.read_at or 0),
        }

    def _refusals(self) -> int:
        return sum(self._app.state.journal.counts.values())

    def _is_elsewhere(self) -> bool:
        return type(self._ai) is openai.AsyncOpenAI

    def _figures(self, inbox: Inbox) -> Figures:
        counters = self._pacer.counters
        return Figures(
            {
                "updates_running": ("updates that are being handled", lambda: inbox.running),
                "healthy": ("whether updates come", lambda: float(self.healthy)),
            },
            {
                "calls": ("calls to Telegram", lambda: counters.calls),
                "calls_refused": ("of them answered with 429", lambda: counters.refused),
                "app_refusals": ("calls of the Mini App that were refused", self._refusals),
            },
        )


def _handler(dispatcher: Dispatcher, bot: Bot) -> Any:
    async def handle(update: dict[str, Any]) -> None:
        await dispatcher.feed_raw_update(bot, update)

    return handle
