"""A whole Telegram service on this machine: the real service, a stand-in for Telegram around it."""

import secrets
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import openai

from cocoon.accounting import Nano
from cocoon.accounting.amount import NANO_PER_TON
from cocoon.chain.backend import ChainBackend
from cocoon.chain.connect import BackendSettings, backend_from
from cocoon.chain.keys import SecretKey
from cocoon.chain.wallets.v5r1 import WalletV5R1
from cocoon.devnet.ports import free_ports
from cocoon.devnet.telegram.browser import (
    WALLET_SCRIPT,
    BrowserOptions,
    demo_people,
    mount_page,
)
from cocoon.devnet.telegram.limits import Rates
from cocoon.devnet.telegram.server import StandInTelegram
from cocoon.devnet.telegram.wallet import WalletMaker
from cocoon.errors import ConfigError
from cocoon.telegram.service.service import TelegramService
from cocoon.telegram.settings import (
    AppSettings,
    AssistantSettings,
    BotSettings,
    Limits,
    MoneySettings,
    TelegramSettings,
)

FREE_DAILY = Nano(NANO_PER_TON // 5)
PER_STAR = NANO_PER_TON // 100
POLL_SECONDS = 0.5
WALLET_KEY = "wallet.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOptions:
    """What a trial is.

    Attributes:
        folder: for the service's store and keys; what an earlier trial left there is deleted,
            because a stand-in numbers messages from the start.
        chain: URL of an embedded chain; None: no top-ups with TON.
        page_port, app_port: of the stand-in's page and of the service; 0 for any free one.
        free_daily: everybody's allowance.
        limits, assistant: of the service.
        rates: that the stand-in allows; None for Telegram's own.
        webhook: whether the stand-in posts updates instead of being asked.
        title: name of the service.
        grace: seconds that running answers get at the end.
    """

    folder: Path
    chain: str | None = None
    page_port: int = 0
    app_port: int = 0
    free_daily: Nano = FREE_DAILY
    limits: Limits = field(default_factory=Limits)
    assistant: AssistantSettings = field(default_factory=AssistantSettings)
    rates: Rates | None = None
    webhook: bool = False
    title: str = "Cocoon"
    grace: float = 2.0


class Trial:
    """A stand-in and a service; an asynchronous context manager.

    Args:
        options: what it is.
        ai: what answers; closed with the service.

    Attributes:
        telegram: the stand-in.
        service: the service, after the start.
        operator_token: opens the operators' page.
    """

    service: TelegramService

    def __init__(self, options: TrialOptions, ai: openai.AsyncOpenAI) -> None:
        self.telegram = StandInTelegram(port=options.page_port, rates=options.rates)
        self.operator_token = secrets.token_urlsafe(12)
        self._options = options
        self._ai = ai
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """The stand-in's page."""
        return self.telegram.url

    @property
    def app_url(self) -> str:
        """The service's server."""
        return f"http://127.0.0.1:{self.service.port}"

    async def start(self) -> None:
        """Start the stand-in and the service.

        Raises:
            ConfigError: the folder or a port cannot be used.
            CocoonError: as :meth:`TelegramService.start`.
        """
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def close(self) -> None:
        """Stop the service, then the stand-in."""
        await self._stack.aclose()

    async def _start(self) -> None:
        options = self._options
        _clean(options.folder)
        app_port = options.app_port or free_ports(0, 0).gateway
        app_url = f"http://127.0.0.1:{app_port}"
        wallet, backend = None, None
        if options.chain is not None:
            wallet = await self._wallets(options.chain, app_url)
            backend = _backend(options.chain)
        else:
            mount_page(self.telegram, BrowserOptions(app_url=f"{app_url}/app/"))
        await self.telegram.start()
        self._stack.push_async_callback(self.telegram.close)
        settings = self._settings(app_port, app_url, wallet)
        self.service = TelegramService(settings, self._ai, backend=backend)
        await self.service.start()
        self._stack.push_async_callback(self.service.close)
        await demo_people(self.telegram)

    async def _wallets(self, chain: str, app_url: str) -> str:
        """Pretend wallets for people; the address of the operator's wallet."""
        wallets = WalletMaker(chain)
        await wallets.start()
        self._stack.push_async_callback(wallets.close)
        mount_page(self.telegram, BrowserOptions(app_url=f"{app_url}/app/", new_wallet=wallets))
        key = SecretKey.load_or_create(self._options.folder / WALLET_KEY)
        return WalletV5R1(key, testnet=True).address.friendly(testnet=True)

    def _settings(self, port: int, url: str, wallet: str | None) -> TelegramSettings:
        options, telegram = self._options, self.telegram
        bot = BotSettings(token=telegram.token, api=telegram.url)
        if options.webhook:
            bot = replace(
                bot, webhook_url=f"{url}/telegram/webhook", webhook_secret=secrets.token_hex(16)
            )
        return TelegramSettings(
            bot=bot,
            store=f"sqlite:///{options.folder / 'telegram.sqlite'}",
            content_key=options.folder / "content.key",
            limits=options.limits,
            assistant=options.assistant,
            money=MoneySettings(
                free_daily=options.free_daily,
                nano_per_star=PER_STAR,
                wallet=wallet,
                poll_seconds=POLL_SECONDS,
            ),
            app=AppSettings(
                port=port,
                url=url,
                title=options.title,
                operator_token=self.operator_token,
                frame_ancestors=(telegram.url,),
                telegram_key=telegram.signer.public_key,
                stand_in_wallet=None if wallet is None else f"{telegram.url}{WALLET_SCRIPT}",
            ),
            grace=options.grace,
            is_stand_in=True,
        )

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


def _backend(url: str) -> ChainBackend:
    return backend_from(BackendSettings(kind="embedded", is_testnet=True, url=url))


def _clean(folder: Path) -> None:
    """Begin anew; the operator's wallet keeps its key, because coins may be there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.name == WALLET_KEY:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise ConfigError(f"cannot use {folder}: {error.strerror}") from None
