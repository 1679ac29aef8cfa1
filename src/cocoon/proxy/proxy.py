"""The proxy: two listening ports, the books, and what joins them."""

import asyncio
import os
import secrets
import time
from typing import Protocol

import structlog

from cocoon.accounting import Account, AccountKind, PriceList
from cocoon.chain.address import Address, parse_with_flags
from cocoon.errors import CocoonError, ConfigError, DecodeError
from cocoon.net.http_server import HttpServer
from cocoon.net.link import Link, LinkHandler
from cocoon.net.plain import listen_plain
from cocoon.net.ratls import listen_ratls
from cocoon.proxy.admission import Terms
from cocoon.proxy.books import Books
from cocoon.proxy.client_side import ClientSide
from cocoon.proxy.dispatch import Dispatcher
from cocoon.proxy.metrics import Statistics
from cocoon.proxy.registry import Registry
from cocoon.proxy.scheduler import POLICIES
from cocoon.proxy.settings import ListenSettings, ProxySettings
from cocoon.proxy.settlement import ChainCommitter, Settlement, SimulatedChain
from cocoon.proxy.status import status_app
from cocoon.proxy.store import ProxyStore, StoreIdentity
from cocoon.proxy.worker_side import WorkerSide
from cocoon.wire.connection import Role
from cocoon.wire.greeting import ProxyIdentity

_log = structlog.get_logger(__name__)


class _Listener(Protocol):
    @property
    def port(self) -> int: ...
    async def close(self) -> None: ...


class Proxy:
    """One proxy instance; see :class:`ProxySettings`.

    Everything durable is loaded and brought up to date in :meth:`start`, before anybody can
    connect.

    Args:
        settings: what it is told.
        chain: where flushes are committed; the default acknowledges itself (simulated TON).
    """

    def __init__(self, settings: ProxySettings, chain: ChainCommitter | None = None) -> None:
        settings.root.check_is_test(settings.is_test)
        self.settings = settings
        self.statistics = Statistics()
        self.registry = Registry()
        self._chain = chain or SimulatedChain()
        self._owner = _parse_owner(settings.owner)
        contract = settings.root.proxy_address(self._owner, settings.machine_key.public_key)
        self.contract_text = contract.friendly(testnet=settings.is_testnet)
        self._started = False
        self._listeners: list[_Listener] = []
        self._http: HttpServer | None = None
        self._maintenance: asyncio.Task[None] | None = None

    # --- life ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the store and the ports.

        Raises:
            StoreError: the store cannot be used.
            ConfigError: a port cannot be listened on.
            CertificateError: our own certificate cannot be made or read.
        """
        settings = self.settings
        identity = StoreIdentity(settings.machine_key.public_key, self.contract_text)
        store = await asyncio.to_thread(ProxyStore.open, settings.database_url, identity)
        try:
            snapshot = await asyncio.to_thread(store.load)
            self.books = Books(
                settings.root,
                settings.machine_key,
                self._owner,
                snapshot,
                lambda: secrets.randbits(64),
            )
        except BaseException:
            store.close()
            raise
        self._wire_up(store)
        try:
            await self._settlement.start()
            await self._listen()
        except BaseException:
            await self.close()
            raise
        self._started = True
        _log.info(
            "proxy is up",
            contract=self.contract_text,
            clients=self.client_port,
            workers=self.worker_port,
        )

    def _wire_up(self, store: ProxyStore) -> None:
        settings = self.settings
        root = settings.root
        terms = Terms(
            prices=PriceList.from_fields(root.params),
            config_version=root.version,
            enabled=True,
            storable=True,
            max_running_per_client=settings.max_running_per_client,
            scheduler=POLICIES[settings.scheduler],
        )
        ledger = self.books.ledger
        self.dispatcher = Dispatcher(
            ledger, self.registry, terms, self.statistics, lambda: os.urandom(32), time.time
        )
        who = ProxyIdentity(
            settings.machine_key.public_key, settings.owner, self.contract_text, settings.is_test
        )
        self.client_side = ClientSide(
            who,
            self.books,
            self.dispatcher,
            self.registry,
            testnet=settings.is_testnet,
            max_connections=settings.clients.max_connections,
        )
        self.worker_side = WorkerSide(
            who,
            self.books,
            self.dispatcher,
            root,
            check_hashes=settings.check_worker_hashes or not settings.is_test,
            testnet=settings.is_testnet,
            max_connections=settings.workers.max_connections,
        )
        self._settlement = Settlement(
            self.books,
            store,
            self._chain,
            self._announce,
            self._set_storable,
            settings.flush_interval,
        )

    async def _listen(self) -> None:
        settings = self.settings
        if settings.identity is not None:
            self._maintenance = asyncio.create_task(settings.identity.maintain())
        self._listeners = [
            await self._open_port(settings.clients, self.client_side),
            await self._open_port(settings.workers, self.worker_side),
        ]
        if settings.http_port is not None:
            self._http = HttpServer(status_app(self), settings.http_host, settings.http_port)
            await self._http.start()

    async def _open_port(self, port: ListenSettings, handler: LinkHandler) -> _Listener:
        def new_link() -> Link:
            return Link(Role.ACCEPTOR, handler)

        if port.transport == "router":
            return await listen_plain(new_link, port.host, port.port)
        if self.settings.identity is None or port.policy is None:
            raise ConfigError("proxy: a ratls listener needs an identity and a policy")
        return await listen_ratls(
            new_link,
            port.host,
            port.port,
            identity=self.settings.identity,
            policy=port.policy,
            pow_difficulty=port.pow_difficulty,
        )

    async def close(self) -> None:
        """Take nothing more, write the books, release everything.

        Raises:
            StoreError: the last usage could not be written.
        """
        self._started = False
        if self._http is not None:
            await self._http.stop()
        for listener in self._listeners:
            await listener.close()
        self._listeners = []
        if self._maintenance is not None:
            self._maintenance.cancel()
            await asyncio.gather(self._maintenance, return_exceptions=True)
        self.client_side.close_all()
        self.worker_side.close_all()
        await self._settlement.close()

    # --- what operators and tests use ------------------------------------------------------------

    @property
    def client_port(self) -> int:
        """The port that clients connect to."""
        return self._listeners[0].port

    @property
    def worker_port(self) -> int:
        """The port that workers connect to."""
        return self._listeners[1].port

    @property
    def http_port(self) -> int:
        """The port of status and control."""
        if self._http is None:
            raise ConfigError("this proxy has no HTTP port")
        return self._http.port

    @property
    def healthy(self) -> bool:
        """Whether the books can be written."""
        return self._started and self._settlement.healthy

    @property
    def ready(self) -> bool:
        """Whether requests can be answered: healthy, enabled and with a usable worker."""
        usable = any(worker.usable for worker in self.registry)
        return self.healthy and self.dispatcher.terms.enabled and usable

    def set_enabled(self, enabled: bool) -> None:
        """Take requests, or refuse new ones while running ones end."""
        self.dispatcher.terms.enabled = enabled
        _log.info("proxy switched", enabled=enabled)

    async def flush(self) -> None:
        """Store, commit, sign and announce everything used so far, now.

        Raises:
            StoreError: nothing was written.
        """
        await self._settlement.flush()

    def _set_storable(self, storable: bool) -> None:
        self.dispatcher.terms.storable = storable

    def _announce(self, accounts: list[Account]) -> None:
        for account in accounts:
            side = self.client_side if account.kind is AccountKind.CLIENT else self.worker_side
            try:
                side.announce_payments(account)
            except CocoonError as error:
                _log.warning("a payment could not be announced", error=str(error))


def _parse_owner(text: str) -> Address:
    try:
        return parse_with_flags(text).address
    except DecodeError as error:
        raise ConfigError(f"proxy: owner address: {error}") from None
