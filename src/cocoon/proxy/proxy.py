"""The proxy: two listening ports, the books, and what joins them."""

import asyncio
import os
import secrets
import time
from dataclasses import replace
from typing import Protocol

import structlog

from cocoon.accounting import Account, AccountKind, PriceList
from cocoon.chain.address import Address, parse_with_flags
from cocoon.chain.backend import ChainBackend
from cocoon.chain.root_config import RootConfig
from cocoon.chain.sender import WalletSender
from cocoon.errors import CocoonError, ConfigError, DecodeError
from cocoon.net.http_server import HttpServer
from cocoon.net.link import Link, LinkHandler
from cocoon.net.plain import listen_plain
from cocoon.net.ratls import listen_ratls
from cocoon.net.root_source import ChainRoot, FixedRoot, RootSource
from cocoon.proxy.admission import Terms
from cocoon.proxy.books import Books
from cocoon.proxy.client_side import ClientSide
from cocoon.proxy.dispatch import Dispatcher
from cocoon.proxy.metrics import Statistics
from cocoon.proxy.onchain.committer import OnChainCommitter
from cocoon.proxy.onchain.former import former_root
from cocoon.proxy.onchain.inbox import Registered
from cocoon.proxy.onchain.messages import ProxyMessages
from cocoon.proxy.onchain.outbox import Due
from cocoon.proxy.onchain.settler import ChainSettlement
from cocoon.proxy.registry import Registry
from cocoon.proxy.scheduler import POLICIES
from cocoon.proxy.settings import ListenSettings, ProxySettings
from cocoon.proxy.settlement import ChainCommitter, Settlement, SimulatedChain
from cocoon.proxy.status import status_app
from cocoon.proxy.store import (
    ProxyStore,
    Snapshot,
    StoreIdentity,
    set_aside,
    stored_contract,
)
from cocoon.proxy.worker_side import WorkerSide
from cocoon.wire.connection import Role
from cocoon.wire.greeting import ProxyIdentity

_log = structlog.get_logger(__name__)


MAX_TIMER = 86_400.0
"""Longest timer, seconds; an announced change of prices may be weeks away."""
CONFIRM_TIMEOUT = 120.0
"""Seconds that :meth:`Proxy.flush` waits for its commit to be seen on chain."""


class _Listener(Protocol):
    @property
    def port(self) -> int: ...
    async def close(self) -> None: ...


class Proxy:
    """One proxy instance; see :class:`ProxySettings`.

    Everything durable is loaded and brought up to date in :meth:`start`, before anybody can
    connect.

    Args:
        settings: what it is told; without ``chain`` TON is simulated.

    Attributes:
        onchain: settlement on chain; None while TON is simulated or before the start.
    """

    def __init__(self, settings: ProxySettings) -> None:
        settings.root.check_is_test(settings.is_test)
        self.settings = settings
        self.statistics = Statistics()
        self.registry = Registry()
        self.onchain: ChainSettlement | None = None
        self._backend: ChainBackend | None = None
        self._root: RootSource = FixedRoot(settings.root)
        self._owner = _parse_owner(settings.owner)
        self._contract_root = settings.root
        self._started = False
        self._wired = False
        self._price_change: asyncio.TimerHandle | None = None
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
            ChainError: TON cannot be reached, or our wallet has too little money.
            SignerRegressionError: the store is older than what the chain has of this proxy.
        """
        settings = self.settings
        try:
            await self._connect_chain()
            await self._choose_contract()
        except BaseException:
            await self.close()
            raise
        identity = StoreIdentity(settings.machine_key.public_key, self.contract_text)
        store = await asyncio.to_thread(ProxyStore.open, settings.database_url, identity)
        try:
            snapshot = await asyncio.to_thread(store.load)
            self.books = Books(
                self._contract_root,
                settings.machine_key,
                self._owner,
                snapshot,
                _query_id,
                simulated=settings.chain is None,
            )
        except BaseException:
            store.close()
            raise
        self._wire_up(store, snapshot)
        self._wired = True
        try:
            self._root.on_change(self._root_changed)
            self._root_changed(settings.root, self._root.current)
            if self.onchain is not None:
                await self.onchain.start()
            await self._settlement.start()
            self._review_terms()
            if self.onchain is not None:
                self.onchain.run()
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

    @property
    def contract_text(self) -> str:
        """Our proxy contract, friendly form."""
        settings = self.settings
        contract = self._contract_root.proxy_address(self._owner, settings.machine_key.public_key)
        return contract.friendly(testnet=settings.is_testnet)

    async def _connect_chain(self) -> None:
        settings = self.settings.chain
        if settings is None:
            return
        self._backend = settings.backend()
        await self._backend.start()
        if settings.root is not None:
            self._root = ChainRoot(
                self._backend, settings.root, settings.root_interval, initial=self.settings.root
            )
            await self._root.start()

    async def _choose_contract(self) -> None:
        """Wind the store's contract down first if the network has other parameters now.

        Raises:
            StoreError: the store belongs to another proxy.
            ChainError: its contract cannot be read.
        """
        settings = self.settings
        stored = await asyncio.to_thread(stored_contract, settings.database_url)
        if self._backend is None or stored is None or stored == self.contract_text:
            return
        former = await former_root(
            self._backend,
            Address.parse(stored),
            settings.root,
            self._owner,
            settings.machine_key.public_key,
        )
        if former is None:
            kept = await asyncio.to_thread(set_aside, settings.database_url, stored)
            _log.info("the former proxy contract is closed; its store is set aside", path=str(kept))
        else:
            self._contract_root = former
            _log.warning("winding down the contract of former parameters", contract=stored)

    def _root_changed(self, _before: RootConfig, root: RootConfig) -> None:
        """Lists and version hold from now on; other parameters need another contract."""
        self.worker_side.root_changed(root)
        self.dispatcher.terms.config_version = root.version
        self._review_terms()
        if root.params != self._contract_root.params and self.onchain is not None:
            _log.warning(
                "the network's parameters have changed: this proxy contract is wound down; start "
                "the proxy again afterwards for a new one",
                params_version=root.params.params_version,
            )
            self.onchain.retire()

    def _wire_up(self, store: ProxyStore, snapshot: Snapshot) -> None:
        settings = self.settings
        root = self._contract_root
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
            root_age=lambda: self._root.age,
        )
        committer = self._wire_chain(snapshot)
        self._settlement = Settlement(
            self.books,
            store,
            committer,
            self._announce,
            self._set_storable,
            settings.flush_interval,
        )

    def _wire_chain(self, snapshot: Snapshot) -> ChainCommitter:
        settings = self.settings
        chain, backend = settings.chain, self._backend
        if chain is None or backend is None:
            return SimulatedChain()
        prices = PriceList.from_fields(self._contract_root.params)
        committer = OnChainCommitter(
            settings.settlement,
            int(prices.price_per_token),
            snapshot.commits,
            time.monotonic,
            self._wake_chain,
        )
        wallet = chain.wallet.address
        self.onchain = ChainSettlement(
            backend=backend,
            sender=WalletSender(backend, chain.wallet, timing=chain.timing),
            wallet=wallet,
            books=self.books,
            committer=committer,
            messages=ProxyMessages(
                self._contract_root,
                settings.machine_key,
                self._owner,
                wallet,
                settings.settlement,
                _query_id,
            ),
            settings=settings.settlement,
            prices=prices,
            poll_interval=chain.poll_interval,
            on_registered=self._client_registered,
            on_round=self._review_terms,
            commit_books=lambda: self._settlement.flush(commit=True),
        )
        return committer

    def _wake_chain(self) -> None:
        if self.onchain is not None:
            self.onchain.wake()

    def _client_registered(self, event: Registered) -> None:
        self.client_side.registered(Address.parse(event.record.account.owner), event.nonce)

    def _review_terms(self) -> None:
        """Take what the chain says into account for requests from now on."""
        terms, now = self.dispatcher.terms, time.time()
        if self.onchain is not None:
            terms.refusal = self.onchain.refusal
        # The unit price is the contract's own; a tariff changes what a token weighs.
        weighed = replace(self._contract_root, tariff=self._root.current.tariff)
        terms.prices = PriceList.from_fields(weighed.effective_params(now))
        change = weighed.next_price_change(now)
        if self._price_change is not None:
            self._price_change.cancel()
        if change is not None:
            loop = asyncio.get_running_loop()
            delay = min(change - now, MAX_TIMER)
            self._price_change = loop.call_later(delay, self._review_terms)

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
        if self._price_change is not None:
            self._price_change.cancel()
        if self._http is not None:
            await self._http.stop()
        for listener in self._listeners:
            await listener.close()
        self._listeners = []
        if self._maintenance is not None:
            self._maintenance.cancel()
            await asyncio.gather(self._maintenance, return_exceptions=True)
        await self._root.close()
        if self._wired:
            self.client_side.close_all()
            self.worker_side.close_all()
            if self.onchain is not None:
                await self.onchain.close()
            await self._settlement.close()
        if self._backend is not None:
            await self._backend.close()

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
        """Whether the books can be written, and the chain is reached where there is one."""
        settled = self.onchain is None or (self.onchain.healthy and self._root.is_fresh)
        return self._started and self._settlement.healthy and settled

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
            ChainError: the commit was not seen on chain in time.
        """
        await self._settlement.flush(commit=True)
        if self.onchain is not None:
            await self.onchain.confirm(CONFIRM_TIMEOUT)

    async def settle(self, what: Due) -> None:
        """Commit, then send the charges, payouts and commission that are asked for, now.

        Raises:
            ChainError: there is no chain, or it cannot be reached, or our wallet is too empty.
            StoreError: the books cannot be written.
        """
        if self.onchain is None:
            raise ConfigError("TON is simulated: there is nothing to settle on chain")
        await self.flush()
        await self.onchain.settle_now(what)

    def retire(self) -> None:
        """Wind this proxy's contract down; takes as long as the network's delays.

        Raises:
            ConfigError: TON is simulated.
        """
        if self.onchain is None:
            raise ConfigError("TON is simulated: there is no contract to retire")
        self.onchain.retire()
        self._review_terms()

    def _set_storable(self, storable: bool) -> None:
        self.dispatcher.terms.storable = storable

    def _announce(self, accounts: list[Account]) -> None:
        for account in accounts:
            side = self.client_side if account.kind is AccountKind.CLIENT else self.worker_side
            try:
                side.announce_payments(account)
            except CocoonError as error:
                _log.warning("a payment could not be announced", error=str(error))


def _query_id() -> int:
    return secrets.randbits(64)


def _parse_owner(text: str) -> Address:
    try:
        return parse_with_flags(text).address
    except DecodeError as error:
        raise ConfigError(f"proxy: owner address: {error}") from None
