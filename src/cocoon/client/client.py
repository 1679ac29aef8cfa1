"""The client role: keeps proxy connections and sends inference requests into the network."""

import asyncio
from collections.abc import Callable

import structlog

from cocoon.accounting import Nano, PaymentClaim, PriceList, Tokens
from cocoon.chain.address import Address
from cocoon.chain.root_config import RootConfig
from cocoon.client.answer import Answer
from cocoon.client.api import ClientRequest, ModelInfo, Outcome
from cocoon.client.chain.money import ClientMoney
from cocoon.client.charges import Tally
from cocoon.client.connection import ProxyConnection
from cocoon.client.model_pin import check_pin, explain_pin
from cocoon.client.models import merge
from cocoon.client.pool import Pool
from cocoon.client.request import Response, encode_request, run_query
from cocoon.client.settings import ClientSettings
from cocoon.client.waiting import Waiting
from cocoon.client.wallet import ProxyAccount, Wallet
from cocoon.errors import (
    BadRequestError,
    CocoonError,
    ConfigError,
    DeadlineError,
    DecodeError,
    PolicyError,
    PriceError,
    RequestError,
    UnavailableError,
    UnknownModelError,
    UnsupportedError,
)
from cocoon.net.chain_access import ChainAccess
from cocoon.net.dialing import Dialer, DialSettings, dialer, maintain
from cocoon.net.reconnect import SessionKeeper, Target
from cocoon.net.registry import client_targets, require_recent_lists
from cocoon.net.root_source import FixedRoot, RootSource
from cocoon.wire.negotiation import OURS

RENEWAL_PATIENCE = 10.0
"""Seconds that requests wait for a proxy that is connected anew, to be verified again."""
RENEWAL_STEP = 0.02
"""Seconds between looks at whether it is there."""
OFFICIAL_WORKERS = (
    "the proxy is an official one (protocol 2 or below), and official workers take few options: "
    "leave this one out"
)
"""What a caller can do about a body that was refused there; nothing was charged."""

_log = structlog.get_logger(__name__)


class Client:
    """A client of the network; an :class:`~cocoon.client.api.InferenceClient`.

    Args:
        settings: what to connect to and as whom.
        dial: opens links; tests bring their own.

    Attributes:
        root: where the root configuration comes from.
        chain: our connection to TON; None with simulated TON.
        money: our contracts on TON; likewise.

    Raises:
        ConfigError: the settings do not fit the root configuration.
        StoreError: the payments file cannot be used.
    """

    def __init__(self, settings: ClientSettings, *, dial: Dialer | None = None) -> None:
        settings.root.check_is_test(settings.is_test)
        self._settings = settings
        self.chain = None if settings.chain is None else ChainAccess(settings.chain, settings.root)
        self.root: RootSource = FixedRoot(settings.root) if self.chain is None else self.chain.root
        self.root.on_change(self._root_changed)
        try:
            self._wallet = Wallet(settings, self.root)
        except DecodeError as error:
            raise ConfigError(f"client: wallet address: {error}") from None
        self.money = (
            None
            if self.chain is None
            else ClientMoney(self.chain, settings.deposits, self._claim, settings.secret)
        )
        self._dial = dial or dialer(settings.dial)
        self._pool = Pool()
        self._waiting = Waiting(settings.max_waiting)
        self._keeper: SessionKeeper | None = None
        self._renewed_by = 0.0
        self._maintenance: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start connecting; returns at once. See :meth:`wait_ready`.

        Raises:
            ChainError: TON cannot be reached, or is not the network that it should be.
        """
        if self.chain is not None:
            try:
                await self.chain.start()
            except BaseException:
                await self.close()
                raise
        if self.money is not None:
            self.money.start()
        self._wallet.start()
        self._maintenance = asyncio.create_task(maintain(self._settings.dial))
        self._keeper = SessionKeeper(
            lambda: client_targets(self.root.current),
            self._settings.proxy_connections,
            self._run_session,
        )
        self._keeper.start()

    async def close(self) -> None:
        """Close all connections; running requests fail. Saves payments."""
        if self._keeper is not None:
            await self._keeper.close()
            self._keeper = None
        if self._maintenance is not None:
            self._maintenance.cancel()
            await asyncio.gather(self._maintenance, return_exceptions=True)
        if self.money is not None:
            await self.money.close()
        if self.chain is not None:
            await self.chain.close()
        await self._wallet.close()

    @property
    def dial_settings(self) -> DialSettings:
        """How proxies are reached, and what is accepted of them."""
        return self._settings.dial

    @property
    def proxies(self) -> list[ProxyConnection]:
        """Connections that can take requests now."""
        return self._pool.ready

    @property
    def waiting(self) -> int:
        """Bytes of answers that wait for their readers now."""
        return self._waiting.held

    @property
    def ready(self) -> bool:
        """Whether a proxy connection can take requests, and the root configuration is fresh."""
        return bool(self._pool.ready) and self.root.is_fresh

    async def wait_ready(self, timeout: float, connections: int = 1) -> None:
        """Wait until so many proxy connections are ready.

        Raises:
            UnavailableError: they were not in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while len(self._pool.ready) < connections:
            if loop.time() >= deadline:
                raise UnavailableError(f"no proxy was ready within {timeout:g} s")
            await asyncio.sleep(0.01)

    async def _run_session(self, target: Target, on_ready: Callable[[], None]) -> None:
        require_recent_lists(self.root.age, required=self._settings.must_check_proxies)
        connection = ProxyConnection(self._settings, self._wallet, self.money, self._waiting)
        connection.target = target
        link = await self._dial(target.host, target.port, connection.make_link)
        try:
            await connection.shake_hands(link)
            self._require_current(connection)
            self._pool.add(connection)
            try:
                on_ready()
                _log.info("proxy is ready", proxy=str(target))
                await connection.stay()
            finally:
                self._pool.remove(connection)
                if connection.renewing:
                    clock = asyncio.get_running_loop().time
                    self._renewed_by = clock() + RENEWAL_PATIENCE
        finally:
            link.close()

    def _require_current(self, connection: ProxyConnection) -> None:
        """Refuse what the network has changed while hands were shaken, which may take minutes."""
        root = self.root.current
        if root.params.params_version != connection.root.params.params_version:
            raise UnavailableError("the network's parameters changed during the handshake")
        connection.require_listed(root)

    def _root_changed(self, before: RootConfig, root: RootConfig) -> None:
        """New parameters mean new contracts (§4.2); a revoked image gets no more requests."""
        if root.params.params_version != before.params.params_version:
            self._pool.close()
        elif self._settings.must_check_proxies:
            self._pool.drain(lambda connection: not root.allows_proxy(connection.image))

    def _claim(self, contract: Address, proxy: Address, proxy_key: bytes) -> PaymentClaim:
        return self._wallet.claim(contract, proxy, proxy_key)

    # --- requests ---

    async def run(self, request: ClientRequest) -> Response:
        """Send a request and wait for the head of its answer.

        A request that no proxy has begun to answer is sent to another one, if the failure is worth
        it and time is left.

        Raises:
            RequestError: refused, failed or late; see :mod:`cocoon.errors`.
            PolicyError: no connected proxy meets the request's pins; nobody has seen it.
        """
        tally: Tally | None = None
        if request.on_settled is not None or request.may_cost is not None:
            tally = Tally(request.on_settled or _tell_nobody)
        try:
            return await self._run(request, tally)
        finally:
            if tally is not None:
                tally.done()

    async def _run(self, request: ClientRequest, tally: Tally | None) -> Response:
        query = encode_request(request)
        check_pin(request.model, self.root.current)
        bound = self._bound(request, query)
        clock = asyncio.get_running_loop().time
        started_at = clock()
        deadline = started_at + request.timeout
        tried: list[ProxyConnection] = []
        failure: RequestError | None = None
        while True:
            try:
                connection = self._pool.choose(
                    tried, request.pins, path=request.path, requires=request.requires
                )
            except (PolicyError, UnsupportedError) as refusal:
                raise failure or refusal from None
            except UnavailableError as error:
                if failure is None and await self._renewed(deadline):
                    continue
                raise explain_pin(failure or error, request.model) from None
            time_left = deadline - clock()
            if failure is not None and time_left <= 0:
                raise explain_pin(failure, request.model)
            message = run_query(request, query, time_left, connection.root.version)
            if not _may_cost(request, tally, connection.prices, bound):
                raise explain_pin(failure or _prices_changed(), request.model)
            try:
                answer = connection.send(message, bound, deadline, request.timeout, tally)
                await _head(answer)
            except RequestError as error:
                if not _worth_another(error) or len(tried) >= self._settings.max_retries:
                    raise _explain(error, request.model, connection) from None
                failure = error
                tried.append(connection)
                continue
            except CocoonError as error:
                raise BadRequestError(f"the request cannot be sent: {error}") from None
            return Response(answer, connection, connection.prices, started_at)

    async def _renewed(self, deadline: float) -> bool:
        """Wait while the only proxy is connected anew; returns whether there is one again."""
        clock = asyncio.get_running_loop().time
        while not self._pool.ready and clock() < deadline:
            if not self._pool.renewing and clock() >= self._renewed_by:
                return False
            await asyncio.sleep(RENEWAL_STEP)
        return bool(self._pool.ready)

    def _bound(self, request: ClientRequest, query: bytes) -> Tokens:
        try:
            return self._wallet.prices.reservation(
                len(query), request.max_tokens, request.max_coefficient
            )
        except CocoonError as error:
            raise BadRequestError(f"the request's limits make no sense: {error}") from None

    def bound(self, request: ClientRequest) -> Nano:
        """See :meth:`cocoon.client.api.InferenceClient.bound`."""
        return _cost(self._wallet.prices, self._bound(request, encode_request(request)))

    def prices(self) -> PriceList:
        """See :meth:`cocoon.client.api.InferenceClient.prices`."""
        return self._wallet.prices

    async def models(self) -> list[ModelInfo]:
        """Models over all ready proxies, sorted by name.

        Raises:
            UnavailableError: no proxy is ready, or none answered.
        """
        connections = self._pool.ready
        if not connections:
            raise UnavailableError("no proxy is ready")
        results = await asyncio.gather(
            *(connection.models() for connection in connections), return_exceptions=True
        )
        offers = [result for result in results if not isinstance(result, BaseException)]
        if not offers:
            raise UnavailableError("no proxy told its models")
        return merge(offers)

    # --- money ---

    async def payment_status(self) -> list[ProxyAccount]:
        """What we owe each proxy; asks the connected ones first.

        A proxy that does not answer is reported with what is known of it.
        """
        connections = self._pool.ready
        await asyncio.gather(
            *(connection.update_payments() for connection in connections), return_exceptions=True
        )
        ready = frozenset[Address](
            connection.contract for connection in self._pool.ready if connection.contract
        )
        return self._wallet.report(ready)


async def _head(answer: Answer) -> None:
    """Wait for the head; a caller that goes away meanwhile abandons the request."""
    try:
        await answer.wait_head()
    except asyncio.CancelledError:
        answer.fail(UnavailableError("the caller gave up"))
        answer.drop()
        raise


def _tell_nobody(outcome: Outcome) -> None:
    """The caller does not ask what its request cost."""


def _may_cost(
    request: ClientRequest, tally: Tally | None, prices: PriceList, bound: Tokens
) -> bool:
    """Whether an attempt may be made that can cost ``bound``."""
    if request.may_cost is None or tally is None:
        return True
    return request.may_cost(Nano(tally.most + int(_cost(prices, bound))))


def _cost(prices: PriceList, bound: Tokens) -> Nano:
    try:
        return prices.cost(bound)
    except CocoonError as error:
        raise BadRequestError(f"the request's limits make no sense: {error}") from None


def _prices_changed() -> UnavailableError:
    return UnavailableError("prices changed while the request waited; try again")


def _worth_another(error: RequestError) -> bool:
    """Whether another proxy may do better; called only while nothing of an answer is here."""
    if isinstance(error, UnknownModelError | UnsupportedError | PriceError):
        return True  # of that proxy's workers
    return error.retryable and not isinstance(error, DeadlineError)


def _explain(error: RequestError, model: str, connection: ProxyConnection) -> RequestError:
    """The error with what is known of those who refused."""
    error = explain_pin(error, model)
    if isinstance(error, BadRequestError) and connection.version < OURS:
        error.fix = OFFICIAL_WORKERS
    return error
