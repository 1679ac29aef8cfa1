"""Connections of workers: handshake, answers, payments (``wire-protocol.md`` §4)."""

import asyncio
import hashlib
import itertools
import time
from collections.abc import Callable

import structlog

from cocoon.chain.address import Address
from cocoon.chain.root_config import RootConfig
from cocoon.errors import WIRE_ERROR, CocoonError, PolicyError, RemoteProtocolError
from cocoon.net.lifetime import Lifetime, lifetime_of
from cocoon.net.link import Link
from cocoon.net.registry import lists_count
from cocoon.proxy.books import Books
from cocoon.proxy.dispatch import Dispatcher
from cocoon.proxy.payments import payment_update
from cocoon.proxy.peer_side import PeerSide
from cocoon.proxy.registry import MAX_MODEL_NAME, Worker
from cocoon.tl import TLObject
from cocoon.wire.events import (
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    AvailabilityChanged,
    Capabilities,
    CoefficientChanged,
    CompareRequest,
    Counters,
    ExtendedCompareRequest,
    PaymentStatusRequest,
    WorkerConnectRequest,
    WorkerQuery,
    WorkerReady,
)
from cocoon.wire.greeting import ProxyIdentity
from cocoon.wire.negotiation import RefusedError
from cocoon.wire.worker_peer_session import COEFFICIENT_LIMIT, WorkerPeerSession

MAX_REQUESTS_PER_WORKER = 10_000
"""Requests at a time on one connection, whatever the worker claims to take."""
DRAIN_TIMEOUT = 120.0
"""Seconds that a worker which is no longer listed may take to end what it runs."""
DRAIN_STEP = 1.0
"""Seconds between looks at whether it has."""
LIFETIME_STEP = 5.0
"""Seconds between looks for a quiet moment in which a worker may connect anew."""

_log = structlog.get_logger(__name__)


class WorkerConnection:
    """One worker's connection; the worker's end of its running requests."""

    __slots__ = ("_link", "_notice", "_testnet", "_worker", "joined", "session")

    def __init__(self, link: Link, session: WorkerPeerSession, *, testnet: bool) -> None:
        self._link = link
        self._testnet = testnet
        self.session = session
        self.joined = False
        self._worker: Worker | None = None
        self._notice: tuple[bytes, int, str] | None = None

    @property
    def worker(self) -> Worker:
        """What the registry knows; there is something from the first step of the handshake on."""
        if self._worker is None:
            raise RemoteProtocolError("a message came before the handshake")
        return self._worker

    @worker.setter
    def worker(self, worker: Worker) -> None:
        self._worker = worker

    @property
    def owner(self) -> str | None:
        """Key of the owner's account; None before the handshake."""
        return None if self._worker is None else self._worker.record.account.owner

    def run(self, query: WorkerQuery) -> None:
        """Send a request.

        Raises:
            UnavailableError: the connection is gone.
            LocalProtocolError: the request fits no frame.
        """
        self._link.send(self.session.run_query(query))

    def cancel(self, request_id: bytes) -> bool:
        """Ask for the end of a request; returns whether the worker understands that."""
        if not self._link.is_open:
            return False
        message = self.session.cancel_query(request_id)
        if message is not None:
            self._link.send(message)
        return message is not None

    def earned(self, request_id: bytes, tokens: int, client_owner: str) -> None:
        """Remember that a payment is due; it is sent once the credit is committed."""
        self._notice = (request_id, tokens, client_owner)

    def announce_payment(self) -> None:
        """Send the newest payment if one is due, naming the last request that it covers."""
        if self._notice is None or not self._link.is_open:
            return
        request_id, tokens, client_owner = self._notice
        owner = Address.parse(client_owner).friendly(testnet=self._testnet)
        update = payment_update(self.worker.record, request_id, tokens, owner)
        self._link.send(self.session.payment_updated(update))
        if self.worker.record.account.counter.all_signable:
            # Otherwise more was used since the commit: the next one is to be announced as well.
            self._notice = None

    @property
    def drained(self) -> bool:
        """Whether nothing runs here and no payment is still to be announced."""
        return self._worker is None or (self._worker.running == 0 and self._notice is None)

    def broke(self, fault: RemoteProtocolError) -> None:
        """Close the connection for the worker's fault."""
        self._link.close(fault)


class WorkerSide(PeerSide[WorkerConnection]):
    """All worker connections of a proxy: the handler of their links.

    Args:
        identity: who we are, for greetings.
        books: the accounts.
        dispatcher: gets the answers.
        root: the active root configuration.
        check_hashes: refuse workers whose image or model the configuration does not list.
        testnet: which flag addresses carry.
        max_connections: further ones are closed at once.
        root_age: seconds since the root contract was read; too old lists admit nobody.

    Attributes:
        root: lists and configuration for workers that connect from now on.
        draining: connections that get no more requests and close when they have ended theirs.
    """

    def __init__(
        self,
        identity: ProxyIdentity,
        books: Books,
        dispatcher: Dispatcher,
        root: RootConfig,
        *,
        check_hashes: bool,
        testnet: bool,
        max_connections: int,
        root_age: Callable[[], float] = lambda: 0.0,
    ) -> None:
        super().__init__("worker", max_connections)
        self._root_age = root_age
        self._identity = identity
        self._books = books
        self._dispatcher = dispatcher
        self.root = root
        self._check_hashes = check_hashes
        self._testnet = testnet
        self._ids = itertools.count(1)
        self.draining: dict[Link, float] = {}
        self._watches: dict[Link, asyncio.TimerHandle] = {}

    def root_changed(self, root: RootConfig) -> None:
        """Adopt a configuration and check every connected worker by its lists again."""
        self.root = root
        if not self._check_hashes:
            return
        for link in list(self._links):
            connection: WorkerConnection = link.context
            if connection.owner is None:
                continue
            worker = connection.worker
            worker.revoked = _has_expired(link) or not self._allows(link, worker.model)
            if not worker.revoked:
                self.draining.pop(link, None)
            elif link not in self.draining:
                self._drain(link, worker, "it is no longer in the root configuration")

    def _watch(self, link: Link) -> None:
        """Have the worker connect anew before what it showed expires."""
        now = time.time()
        lifetime = lifetime_of(link.peer, now)
        if lifetime is not None:
            self._review_later(link, lifetime, max(0.0, lifetime.quiet_from - now))

    def _review_later(self, link: Link, lifetime: Lifetime, delay: float) -> None:
        loop = asyncio.get_running_loop()
        self._watches[link] = loop.call_later(delay, self._review_lifetime, link, lifetime)

    def _review_lifetime(self, link: Link, lifetime: Lifetime) -> None:
        connection: WorkerConnection = link.context
        if link in self.draining:  # it may be listed again, and go on
            self._review_later(link, lifetime, LIFETIME_STEP)
            return
        if not lifetime.is_over(time.time(), busy=not connection.drained):
            self._review_later(link, lifetime, LIFETIME_STEP)
            return
        connection.worker.revoked = True
        self._drain(link, connection.worker, "its attestation evidence expires")

    def _drain(self, link: Link, worker: Worker, why: str) -> None:
        _log.warning(
            "a worker gets no more requests",
            why=why,
            image=worker.peer.image_hash.hex(),
            model=worker.model,
            running=worker.running,
        )
        loop = asyncio.get_running_loop()
        self.draining[link] = loop.time() + DRAIN_TIMEOUT
        loop.call_soon(self._close_if_drained, link)

    def _close_if_drained(self, link: Link) -> None:
        deadline = self.draining.get(link)
        if deadline is None:
            return  # listed again, or gone
        loop = asyncio.get_running_loop()
        connection: WorkerConnection = link.context
        if connection.drained or loop.time() >= deadline:
            del self.draining[link]
            link.close(PolicyError("this worker must connect and be verified again"))
        else:
            loop.call_later(DRAIN_STEP, self._close_if_drained, link)

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:
        """Forget the connection."""
        self.draining.pop(link, None)
        watch = self._watches.pop(link, None)
        if watch is not None:
            watch.cancel()  # else it would keep the link for hours
        super().on_closed(link, reason)

    def new_connection(self, link: Link) -> WorkerConnection:
        """A worker has connected."""
        return WorkerConnection(link, WorkerPeerSession(self._identity), testnet=self._testnet)

    def left(self, connection: WorkerConnection) -> None:
        """Requests of a worker that is gone move on or fail at once."""
        if connection.joined:
            connection.joined = False
            self._dispatcher.worker_left(connection.worker)

    def on_message(self, link: Link, obj: TLObject) -> None:
        """Pass an answer on, or note a change of the worker."""
        connection: WorkerConnection = link.context
        event = connection.session.receive_message(obj)
        match event:
            case AnswerPart():
                self._dispatcher.answer_part(connection, event)
            case AnswerStarted():
                self._dispatcher.answer_started(connection, event)
            case AnswerFailed():
                self._dispatcher.answer_failed(connection, event)
            case AvailabilityChanged():
                connection.worker.disabled = event.disabled
            case CoefficientChanged():
                if event.coefficient >= COEFFICIENT_LIMIT:
                    raise RemoteProtocolError("new coefficient is out of range")
                connection.worker.coefficient = event.coefficient
            case Capabilities():
                connection.worker.declare(event)
            case None:
                pass

    def answer(
        self,
        link: Link,
        query_id: int,  # noqa: ARG002 - every answer is given at once
        connection: WorkerConnection,
        event: object,
    ) -> TLObject:
        """Answer a step of the handshake or a payment status."""
        session = connection.session
        match event:
            case WorkerConnectRequest():
                return self._greet(link, connection, event)
            case CompareRequest():
                record = connection.worker.record
                payment = record.signer.latest()
                counter = record.account.counter
                ours = Counters(int(record.signer.signed), int(counter.db), int(counter.max))
                return session.compared(payment, ours)
            case ExtendedCompareRequest():
                return session.extended()
            case WorkerReady():
                answer = session.completed()
                # What it said about itself during the handshake is older than this word.
                connection.worker.disabled = event.disabled
                connection.joined = True
                self._dispatcher.worker_joined(connection)
                return answer
            case PaymentStatusRequest():
                return session.payment_status(payment_update(connection.worker.record))
            case _:
                raise RemoteProtocolError(f"{type(event).__name__} cannot be answered")

    def _greet(
        self, link: Link, connection: WorkerConnection, request: WorkerConnectRequest
    ) -> TLObject:
        if len(request.model) > MAX_MODEL_NAME:
            raise RefusedError(WIRE_ERROR, f"model name is longer than {MAX_MODEL_NAME}")
        if not request.model.isprintable():
            # It goes into JSON: debug records of clients, the status page, lists of models.
            raise RefusedError(WIRE_ERROR, "model name is not printable text")
        if _contradicts_evidence(link.peer.model_hash, request.model):
            raise RefusedError(WIRE_ERROR, "the attestation evidence names another model")
        allowed = not self._check_hashes or self._allows(link, request.model)
        terms = self._dispatcher.terms
        if not allowed or not terms.enabled:
            # Refuses; before an account is opened for somebody who may not come in.
            return connection.session.greet(worker_contract="", allowed=allowed, enabled=False)
        try:
            record = self._books.open_worker(Address.parse(request.owner_address))
        except CocoonError as error:
            raise RefusedError(WIRE_ERROR, f"owner address: {error}") from error
        connection.worker = Worker(
            connection_id=next(self._ids),
            record=record,
            peer=link.peer,
            model=request.model,
            coefficient=request.coefficient,
            limit=min(request.max_requests, MAX_REQUESTS_PER_WORKER),
        )
        self.introduced(connection, record.account.owner)
        self._watch(link)
        contract = record.contract.friendly(testnet=self._testnet)
        return connection.session.greet(worker_contract=contract)

    def _allows(self, link: Link, model: str) -> bool:
        listed = self.root.allows_worker(link.peer.image_hash) and self.root.allows_model(model)
        return listed and lists_count(self._root_age())


def _has_expired(link: Link) -> bool:
    lifetime = lifetime_of(link.peer, time.time())
    return lifetime is not None and time.time() >= lifetime.until


def _contradicts_evidence(stated: bytes | None, model: str) -> bool:
    """Whether the hardware signed another model than the one that the worker declares."""
    return stated is not None and stated != hashlib.sha256(model.encode()).digest()
