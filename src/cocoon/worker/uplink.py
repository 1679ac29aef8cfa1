"""One connection of a worker to a proxy: handshake, queries, payments (§4)."""

import asyncio
import random
import time
from dataclasses import dataclass

import structlog

from cocoon.chain.address import Address
from cocoon.chain.root_config import RootConfig
from cocoon.errors import WIRE_ERROR, CocoonError, UnavailableError
from cocoon.net.lifetime import Lifetime, lifetime_of
from cocoon.net.link import Link
from cocoon.net.payment_book import PaymentChannel
from cocoon.net.registry import check_proxy_image
from cocoon.tl import TLObject
from cocoon.wire.connection import Role
from cocoon.wire.events import (
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    AvailabilityChanged,
    Capabilities,
    CoefficientChanged,
    FinalInfo,
    PaymentUpdated,
    ProxyGreeting,
    QueryCancelled,
    QueryRejected,
    WorkerQuery,
)
from cocoon.wire.negotiation import OURS
from cocoon.wire.worker_session import WorkerParams, WorkerSession, WorkerState
from cocoon.worker.chain.money import WorkerMoney
from cocoon.worker.payout import Payouts, counters
from cocoon.worker.request import RequestHost, RunningRequest
from cocoon.worker.settings import WorkerSettings

_random = random.SystemRandom()  # leaves the state of the shared generator alone

HANDSHAKE_TIMEOUT = 30.0
STATUS_TIMEOUT = 60.0
STATUS_PERIOD = (10.0, 20.0)
"""Seconds between payment comparisons, random in this range (§4.2)."""
MAX_UNSENT = 1 << 20
"""Bytes that may wait in a link before requests send more."""
DRAIN_TIMEOUT = 120.0
"""Seconds that running requests may take once the proxy may send no more."""
DRAIN_GRACE = 15.0
"""Seconds after them in which the proxy may still sign what it owes."""
MAX_EARLY = 1024
"""Messages that may come with the last answer of the handshake."""

_log = structlog.get_logger(__name__)


NOTHING_KNOWN = Capabilities()


@dataclass(slots=True)
class Offer:
    """What the worker offers now; the worker changes it, uplinks tell it to their proxies.

    Attributes:
        coefficient: price, x 1000.
        disabled: takes no requests: switched off, or the engine is down.
        capabilities: what engine and model can do.
    """

    coefficient: int
    disabled: bool
    capabilities: Capabilities = NOTHING_KNOWN


class Slots:
    """How many requests may run at once, over all uplinks of a worker."""

    __slots__ = ("_limit", "taken")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.taken = 0

    def take(self) -> bool:
        """Take a slot, if there is one."""
        if self.taken >= self._limit:
            return False
        self.taken += 1
        return True

    def release(self) -> None:
        """Give a slot back."""
        self.taken -= 1


class Uplink:
    """A worker's end of one link; also the link's handler and the sink of its answers.

    Args:
        settings: of the worker.
        payouts: keeps the channel that the handshake finds.
        host: what requests share.
        offer: what to tell the proxy; read again whenever :meth:`tell` is called.
        slots: how many requests may run, over all uplinks.
        money: has earnings paid out on chain; None without TON.

    Attributes:
        root: the root configuration of this session, from its beginning to its end.
        draining: the proxy may send no more requests.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        payouts: Payouts,
        host: RequestHost,
        offer: Offer,
        slots: Slots,
        money: WorkerMoney | None = None,
    ) -> None:
        self._settings = settings
        self.root = payouts.root.current
        self._money = money
        self._payouts = payouts
        self._host = host
        self._offer = offer
        self._slots = slots
        self._told = Offer(offer.coefficient, offer.disabled)
        self._told_capabilities = Capabilities()
        self._session = WorkerSession(
            WorkerParams(
                settings.owner,
                settings.model,
                offer.coefficient,
                settings.is_test,
                settings.proxy_connections,
                settings.max_active_requests,
            )
        )
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[CocoonError] = self._loop.create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: dict[bytes, RunningRequest] = {}
        self._link: Link | None = None
        self._channel: PaymentChannel | None = None
        self._early: list[TLObject] = []
        self.draining = False
        self._lifetime: Lifetime | None = None
        self.ready = False

    def make_link(self) -> Link:
        """The link to dial with."""
        return Link(Role.CONNECTOR, self)

    @property
    def channel(self) -> PaymentChannel | None:
        """The payments of this proxy, once it is known."""
        return self._channel

    @property
    def image(self) -> bytes:
        """The proxy's image hash; empty before it is known."""
        return b"" if self._link is None else self._link.peer.image_hash

    # --- handshake (§4.1) ---

    async def shake_hands(self, link: Link) -> None:
        """Become ready.

        Raises:
            PolicyError: the proxy's image is not listed; nothing was sent to it.
            RemoteProtocolError: the proxy is not who the root config makes of it, or talks wrongly.
            PaymentError: what it states about payments does not verify, or went back.
            RequestError: it refused, or the link died.
        """
        self._link = link
        self.require_listed(self.root)
        self._lifetime = lifetime_of(link.peer, time.time())
        await link.wait_open()
        session = self._session
        answer = await link.query(session.connect(), HANDSHAKE_TIMEOUT)
        channel = self._accept(session.receive_connected(answer))
        await self._compare(link, channel)
        self._channel = channel
        self._told.disabled = self._offer.disabled
        answer = await link.query(session.complete(self._told.disabled), HANDSHAKE_TIMEOUT)
        session.receive_completed(answer)
        self.ready = True
        self.tell()  # what changed while the handshake ran would be lost otherwise (§12)
        early, self._early = self._early, []
        for message in early:
            self._receive(link, message)

    def require_listed(self, root: RootConfig) -> None:
        """Refuse a proxy whose image a root configuration does not list; once connected.

        Raises:
            PolicyError: hashes are checked, and its is not listed.
        """
        if self._link is not None:
            required = self._settings.must_check_proxies
            check_proxy_image(root, self._link.peer, required=required)

    def _accept(self, greeting: ProxyGreeting) -> PaymentChannel:
        """Recompute both contract addresses and compare them with what the proxy says."""
        root, testnet = self.root, self._settings.is_testnet
        key = greeting.proxy_public_key
        proxy = root.proxy_address(Address.parse(greeting.proxy_owner_address), key)
        contract = root.worker_address(Address.parse(self._settings.owner), proxy, key)
        self._session.accept_greeting(
            greeting,
            proxy_contract=proxy.friendly(testnet=testnet),
            worker_contract=contract.friendly(testnet=testnet),
        )
        if self._money is not None:
            self._money.note(contract=contract, proxy=proxy, proxy_key=key)
        return self._payouts.channel(proxy=proxy, contract=contract, public_key=key)

    async def _compare(self, link: Link, channel: PaymentChannel) -> None:
        """Find out whether both sides remember the same earnings."""
        session = self._session
        answer = await link.query(session.compare(counters(channel.known)), HANDSHAKE_TIMEOUT)
        comparison = session.receive_comparison(answer)
        claim = channel.begin(
            PaymentUpdated(None, comparison.payment, comparison.db_tokens, comparison.max_tokens)
        )
        if session.accept_comparison(comparison, int(claim.signed)):
            _log.warning(
                "the proxy has lost counts that it had not stored", proxy=channel.proxy.raw()
            )
            answer = await link.query(session.extended_compare(), HANDSHAKE_TIMEOUT)
            session.receive_extended(answer)

    async def stay(self) -> None:
        """Compare payments now and then until the link dies.

        Raises:
            CocoonError: why it died.
        """
        while not self._closed.done():
            await asyncio.wait({self._closed}, timeout=_random.uniform(*STATUS_PERIOD))
            if not self._closed.done() and not self.draining:
                await self.update_payments()
                self._review_lifetime()
        raise self._closed.result()

    def _review_lifetime(self) -> None:
        """The proxy's evidence was verified once: connect anew before it expires."""
        lifetime, busy = self._lifetime, bool(self._tasks)
        if lifetime is None or not lifetime.is_over(time.time(), busy=busy):
            return
        _log.info("connecting anew to verify the proxy again")
        if busy:
            self.drain()
        else:
            self.close()  # payments go on with the next session

    async def update_payments(self) -> None:
        """Ask the proxy for its newest signed payment and check it.

        Raises:
            CocoonError: it did not answer, or what it says does not verify; the link is closed.
        """
        link, channel = self._link, self._channel
        if link is None or channel is None or not self.ready:
            raise UnavailableError("the proxy connection is not ready")
        since = channel.known
        try:
            answer = await link.query(self._session.update_payment_status(), STATUS_TIMEOUT)
            status = self._session.receive_payment_status(answer, counters(since))
            channel.update(status, since)
        except CocoonError as error:
            link.close(error)
            raise

    def tell(self) -> None:
        """Send what has changed of the offer since the proxy was last told."""
        link, offer, told = self._link, self._offer, self._told
        if not self.ready or link is None:
            return
        if offer.coefficient != told.coefficient:
            told.coefficient = offer.coefficient
            event = CoefficientChanged(offer.coefficient)
            link.send(self._session.coefficient_changed(event))
        if offer.capabilities != self._told_capabilities:
            self._told_capabilities = offer.capabilities
            message = self._session.capabilities(offer.capabilities)
            if message is not None:
                link.send(message)
        disabled = offer.disabled or self.draining
        if disabled != told.disabled:
            told.disabled = disabled
            link.send(self._session.availability_changed(AvailabilityChanged(disabled)))

    def drain(self) -> None:
        """Take nothing more, and close once what runs has ended and may have been paid.

        That is ``DRAIN_GRACE`` after the last request, or ``DRAIN_TIMEOUT`` from now.
        """
        if self.draining:
            return
        self.draining = True
        self.tell()
        self._loop.call_later(DRAIN_TIMEOUT, self.close)
        self._close_soon_if_idle()

    def _close_soon_if_idle(self) -> None:
        if self.draining and not self._tasks:
            self._loop.call_later(DRAIN_GRACE if self.ready else 0, self.close)

    async def finished(self) -> None:
        """Wait until no request is running; call it when the link is closed."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """Close the link; running requests are cancelled."""
        if self._link is not None:
            self._link.close()

    # --- answers ---

    def started(self, event: AnswerStarted) -> None:
        """Send the head of an answer."""
        self._send(self._session.answer_started(event))

    def part(self, event: AnswerPart) -> None:
        """Send more of an answer."""
        self._send(self._session.answer_part(event))

    def failed(self, event: AnswerFailed, *, started: bool) -> None:
        """Send the error that ends an answer."""
        self._send(self._session.answer_failed(event, started=started))

    async def drained(self) -> None:
        """Wait until the proxy has read enough.

        All requests wake together when it has; the second look keeps them from filling the link's
        memory in one turn of the loop.

        Raises:
            CocoonError: the link died.
        """
        link = self._link
        while link is not None:
            await link.drained()
            if link.unsent < MAX_UNSENT:
                return
            await asyncio.sleep(0)  # the link writes in this turn

    def _send(self, obj: TLObject) -> None:
        if self._link is None or not self.ready:
            raise UnavailableError("the proxy is gone")
        self._link.send(obj)

    # --- what the link calls ---

    def on_opened(self, link: Link) -> None:
        """Nothing: the handshake waits for it."""

    def on_query(self, link: Link, query_id: int, obj: TLObject) -> None:  # noqa: ARG002
        """A worker is never asked by query; answer as for an unknown one (§2.8)."""
        link.answer_error(query_id, 0, "Lost promise")

    def on_message(self, link: Link, obj: TLObject) -> None:
        """A request to run, or a payment.

        Raises:
            RemoteProtocolError: the proxy broke the protocol.
        """
        if self._session.state is WorkerState.COMPLETING and len(self._early) < MAX_EARLY:
            # The proxy is ready and may send work right behind its last answer, which the
            # handshake has not seen yet: its turn of the loop comes after this one.
            self._early.append(obj)
        else:
            self._receive(link, obj)

    def _receive(self, link: Link, obj: TLObject) -> None:
        event = self._session.receive_message(obj)
        kind = type(event)
        if kind is WorkerQuery:
            assert isinstance(event, WorkerQuery)
            self._run(event)
        elif kind is PaymentUpdated:
            assert isinstance(event, PaymentUpdated)
            try:
                if self._channel is not None:
                    self._channel.update(event)
            except CocoonError as error:
                # A wrong payment means unpaid work: stop working for this proxy at once.
                link.close(error)
        elif kind is QueryCancelled:
            assert isinstance(event, QueryCancelled)
            self._cancel(event.request_id)
        elif kind is QueryRejected:
            assert isinstance(event, QueryRejected)
            self._reject(event.request_id, event.code, event.message)

    def _run(self, query: WorkerQuery) -> None:
        if self.draining:
            self._reject(query.request_id, WIRE_ERROR, "this worker takes no more from this proxy")
            return
        if not self._slots.take():
            self._reject(query.request_id, WIRE_ERROR, "too many active queries")
            return
        request = RunningRequest(query, self._host, self)
        task = self._loop.create_task(request.run())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        if self._session.version >= OURS:
            self._running[query.request_id] = request
            request.task = task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        self._close_soon_if_idle()

    def _cancel(self, request_id: bytes) -> None:
        """Stop a request; one that is unknown has just ended."""
        request = self._running.get(request_id)
        if request is not None:
            request.cancel()

    def ended(self, request_id: bytes) -> None:
        """A request has ended."""
        self._running.pop(request_id, None)

    def _reject(self, request_id: bytes, code: int, message: str) -> None:
        self._host.statistics.rejected += 1
        self.failed(AnswerFailed(request_id, code, message, FinalInfo()), started=False)

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:  # noqa: ARG002
        """Stop all work for this proxy now: nobody can take the answers."""
        self.ready = False
        self._session.fail()
        for task in self._tasks:
            task.cancel()
        if not self._closed.done():
            self._closed.set_result(reason or UnavailableError("closed"))
