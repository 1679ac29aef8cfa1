"""The worker role: an engine, its monitor, and connections to proxies."""

import asyncio
from collections.abc import Callable

import structlog

from cocoon.chain.address import Address
from cocoon.chain.root_config import RootConfig
from cocoon.engine.base import EngineCapabilities
from cocoon.errors import ConfigError, DecodeError, UnavailableError
from cocoon.model.name import is_pinned
from cocoon.net.chain_access import ChainAccess
from cocoon.net.dialing import Dialer, dialer, maintain
from cocoon.net.effective_prices import EffectivePrices
from cocoon.net.http_server import HttpServer
from cocoon.net.reconnect import SessionKeeper, Target
from cocoon.net.registry import require_recent_lists, worker_targets
from cocoon.net.root_source import FixedRoot, RootSource
from cocoon.wire.events import Capabilities
from cocoon.worker.chain.money import WorkerMoney
from cocoon.worker.engine_monitor import EngineMonitor
from cocoon.worker.model_guard import ModelGuard
from cocoon.worker.payout import Payouts
from cocoon.worker.request import RequestHost
from cocoon.worker.settings import MAX_COEFFICIENT, WorkerSettings
from cocoon.worker.statistics import Statistics
from cocoon.worker.status import status_app
from cocoon.worker.uplink import Offer, Slots, Uplink

_log = structlog.get_logger(__name__)


class Worker:
    """One worker instance; see :class:`WorkerSettings`.

    Args:
        settings: what it is told.
        dial: opens links; tests bring their own.

    Attributes:
        root: where the root configuration comes from.
        chain: our connection to TON; None with simulated TON.
        money: our contracts on TON; likewise.
        model: what is proven of our model, and whether the network lists it.

    Raises:
        ConfigError: the settings do not fit the root configuration.
        StoreError: the payments file cannot be used.
    """

    def __init__(self, settings: WorkerSettings, *, dial: Dialer | None = None) -> None:
        settings.root.check_is_test(settings.is_test)
        try:
            owner = Address.parse(settings.owner)
        except DecodeError as error:
            raise ConfigError(f"worker: owner address: {error}") from None
        self.settings = settings
        self.statistics = Statistics()
        self.chain = None if settings.chain is None else ChainAccess(settings.chain, settings.root)
        self.root: RootSource = FixedRoot(settings.root) if self.chain is None else self.chain.root
        self.root.on_change(self._root_changed)
        self.payouts = Payouts(settings, self.root)
        self.money = (
            None
            if self.chain is None
            else WorkerMoney(self.chain, owner, settings.payouts, self.payouts.claim)
        )
        self.monitor = EngineMonitor(
            settings.engine, settings.base_model, self._engine_changed, self._engine_can
        )
        self.model = ModelGuard(settings)
        self._offer = Offer(settings.coefficient, disabled=True)
        self._switched_off = settings.disabled
        self._slots = Slots(settings.max_active_requests)
        self._host = RequestHost(
            settings.engine,
            settings.base_model,
            EffectivePrices(self.root),
            self.statistics,
            settings.annotate_costs,
            self.monitor.hurry,
            settings.model if is_pinned(settings.model) else "",
        )
        self._dial = dial or dialer(settings.dial)
        self._uplinks: list[Uplink] = []
        self._keeper: SessionKeeper | None = None
        self._maintenance: asyncio.Task[None] | None = None
        self._http: HttpServer | None = None

    # --- life ---

    async def start(self) -> None:
        """Start the engine, then connect; returns once the engine was checked.

        Raises:
            EngineError: the engine cannot be started.
            ConfigError: the HTTP port cannot be listened on, or the model cannot be proven.
            EvidenceError: the model's files are not what its name says.
            PolicyError: the root configuration does not list the model.
        """
        settings = self.settings
        try:
            if settings.http_port is not None:
                self._http = HttpServer(status_app(self), settings.http_host, settings.http_port)
                await self._http.start()
            if self.chain is not None:
                await self.chain.start()
            self.model.check_listed(self.root.current)
            await self.model.prove()
            await settings.engine.start()
            await self.monitor.check()
            self.monitor.start()
            self.payouts.start()
            if self.money is not None:
                self.money.start()
            self._maintenance = asyncio.create_task(maintain(settings.dial))
            self._keeper = SessionKeeper(
                self._targets,
                settings.proxy_connections,
                self._run_session,
            )
            self._keeper.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Leave all proxies, stop the engine, save payments. Running requests are cancelled."""
        if self._keeper is not None:
            await self._keeper.close()
            self._keeper = None
        if self._maintenance is not None:
            self._maintenance.cancel()
            await asyncio.gather(self._maintenance, return_exceptions=True)
            self._maintenance = None
        await self.monitor.close()
        await self.settings.engine.close()
        if self._http is not None:
            await self._http.stop()
            self._http = None
        if self.money is not None:
            await self.money.close()
        if self.chain is not None:
            await self.chain.close()
        await self.payouts.close()

    def _targets(self) -> list[Target]:
        """The proxies to connect to; none while the network does not list our model."""
        root = self.root.current
        return worker_targets(root) if self.settings.lists_model(root) else []

    async def _run_session(self, target: Target, on_ready: Callable[[], None]) -> None:
        require_recent_lists(self.root.age, required=self.settings.must_check_proxies)
        uplink = Uplink(
            self.settings, self.payouts, self._host, self._offer, self._slots, self.money
        )
        link = await self._dial(target.host, target.port, uplink.make_link)
        try:
            await uplink.shake_hands(link)
            self._require_current(uplink)
            self._uplinks.append(uplink)
            try:
                on_ready()
                _log.info("proxy is ready", proxy=str(target))
                await uplink.stay()
            finally:
                self._uplinks.remove(uplink)
        finally:
            link.close()
            await uplink.finished()

    def _require_current(self, uplink: Uplink) -> None:
        """Refuse what the network has changed while hands were shaken."""
        root = self.root.current
        if root.params.params_version != uplink.root.params.params_version:
            raise UnavailableError("the network's parameters changed during the handshake")
        uplink.require_listed(root)

    def _root_changed(self, before: RootConfig, root: RootConfig) -> None:
        """New parameters mean new contracts (§4.2); a revoked image gets no more work."""
        self._review_model(root)
        moved = root.params.params_version != before.params.params_version
        for uplink in self.uplinks:
            revoked = self.settings.must_check_proxies and not root.allows_proxy(uplink.image)
            if moved:
                uplink.close()
            elif revoked:
                uplink.drain()

    def _review_model(self, root: RootConfig) -> None:
        """A model that the network does not list any more: what runs may end, nothing begins."""
        listed = self.model.listed
        if self.model.review(root) != listed:
            _log.warning("the list of models has changed", ours_is_listed=not listed)
            self._tell()

    # --- what operators and tests use ---

    @property
    def ready(self) -> bool:
        """Whether requests can come in: connected, available, root configuration fresh."""
        connected = any(uplink.ready and not uplink.draining for uplink in self._uplinks)
        return connected and not self._offer.disabled and self.root.is_fresh

    @property
    def connections(self) -> int:
        """Proxy connections that are ready."""
        return sum(uplink.ready for uplink in self._uplinks)

    @property
    def uplinks(self) -> tuple[Uplink, ...]:
        """The proxy connections that are ready."""
        return tuple(self._uplinks)

    @property
    def coefficient(self) -> int:
        """Our price now, x 1000."""
        return self._offer.coefficient

    @property
    def enabled(self) -> bool:
        """The operator's switch, whatever the engine does."""
        return not self._switched_off

    @property
    def http_port(self) -> int:
        """The port of status and control.

        Raises:
            ConfigError: there is none.
        """
        if self._http is None:
            raise ConfigError("this worker has no HTTP port")
        return self._http.port

    async def wait_ready(self, timeout: float, connections: int = 1) -> None:
        """Wait until available with so many proxies connected.

        Raises:
            UnavailableError: not in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while not self.ready or self.connections < connections:
            if loop.time() >= deadline:
                raise UnavailableError(
                    f"the worker was not ready within {timeout:g} s: {self.connections} proxies, "
                    f"engine: {self.monitor.health.reason or 'ready'}"
                )
            await asyncio.sleep(0.01)

    async def update_payments(self) -> None:
        """Ask all proxies for their newest payments; those that do not answer are closed."""
        await asyncio.gather(
            *(uplink.update_payments() for uplink in self.uplinks), return_exceptions=True
        )

    def set_enabled(self, enabled: bool) -> None:
        """Turn the operator's switch; running requests end in peace."""
        self._switched_off = not enabled
        self._tell()

    def change_coefficient(self, coefficient: int) -> None:
        """Change the price, at all proxies; not kept over a restart.

        Raises:
            ConfigError: out of range.
        """
        if not 0 <= coefficient < MAX_COEFFICIENT:
            raise ConfigError(f"coefficient must be in 0…{MAX_COEFFICIENT - 1}")
        self._offer.coefficient = coefficient
        self._tell()

    def _engine_changed(self, _ready: bool) -> None:
        self._tell()

    def _engine_can(self, what: EngineCapabilities) -> None:
        self._offer.capabilities = Capabilities(what.engine, what.context_length, what.features)
        self._tell()

    def _tell(self) -> None:
        refused = self._switched_off or not self.model.listed
        self._offer.disabled = refused or not self.monitor.ready
        for uplink in self._uplinks:
            uplink.tell()
