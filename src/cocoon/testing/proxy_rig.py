"""A proxy without sockets: real books and sessions, scripted peers over memory links."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cocoon.accounting import Nano, PriceList
from cocoon.chain.address import Address
from cocoon.chain.keys import SecretKey
from cocoon.chain.pseudo_config import load_pseudo_config
from cocoon.errors import CocoonError, RemoteProtocolError
from cocoon.net.link import Link
from cocoon.proxy.admission import Terms
from cocoon.proxy.books import Books
from cocoon.proxy.client_side import ClientSide
from cocoon.proxy.dispatch import Dispatcher
from cocoon.proxy.metrics import Statistics
from cocoon.proxy.registry import Registry
from cocoon.proxy.scheduler import least_loaded
from cocoon.proxy.store import Snapshot
from cocoon.proxy.worker_side import WorkerSide
from cocoon.testing.streams import connect
from cocoon.tl import TLObject
from cocoon.tl.types import TokensUsed
from cocoon.wire.client_session import ClientSession
from cocoon.wire.connection import Role
from cocoon.wire.events import (
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    Capabilities,
    Counters,
    FinalInfo,
    RunQuery,
    WorkerQuery,
)
from cocoon.wire.greeting import ProxyIdentity
from cocoon.wire.negotiation import CLIENT_VERSIONS, WORKER_VERSIONS, VersionRange
from cocoon.wire.worker_session import WorkerParams, WorkerSession

KEY = SecretKey(bytes([7]) * 32)
OWNER = Address(bytes([0x11]) * 32)
CLIENT = Address(bytes([0x33]) * 32)
WORKER = Address(bytes([0x44]) * 32)
PRICES = PriceList(Nano(20), Nano(14))

ROOT_JSON = """{
    "price_per_token": 20, "worker_fee_per_token": 14, "version": 3, "model_types": ["m"],
    "proxy_sc_code": "b5ee9c72010101010004000004aaaa",
    "worker_sc_code": "b5ee9c72010101010004000004bbbb",
    "client_sc_code": "b5ee9c72010101010004000004cccc"
}"""


def used(total: int) -> FinalInfo:
    """Final info of a request that used so many adjusted tokens."""
    return FinalInfo(TokensUsed(total, 0, 0, 0, total))


@dataclass
class ClientPeer:
    """The client's end of a link: sends queries, remembers what comes."""

    session: ClientSession
    link: Link | None = None
    events: list[Any] = field(default_factory=list)
    closed: CocoonError | str | None = "open"

    def on_opened(self, link: Link) -> None:
        """Remember the link."""
        self.link = link

    def on_message(self, link: Link, obj: TLObject) -> None:
        """Remember what came."""
        event = self.session.receive_message(obj)
        if event is not None:
            self.events.append(event)

    def on_query(self, link: Link, query_id: int, obj: TLObject) -> None:
        """Never happens."""
        raise RemoteProtocolError("a proxy asks clients nothing")

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:
        """Remember why."""
        self.closed = reason

    async def handshake(self, secret: bytes = b"") -> None:
        """Do the handshake of §3.1."""
        link = self.link
        assert link is not None
        answer = await link.query(self.session.connect(0), 5)
        greeting = self.session.receive_connected(answer)
        self.session.accept_greeting(
            greeting,
            proxy_contract=greeting.proxy_contract_address,
            client_contract=greeting.our_contract_address,
        )
        query, _ = self.session.authorize(secret)
        self.session.receive_authorization(await link.query(query, 5))

    def run(self, request_id: bytes, **changes: Any) -> None:
        """Send a request; ``changes`` are fields of :class:`RunQuery`."""
        values: dict[str, Any] = {
            "model": "m",
            "query": b"q" * 100,
            "max_coefficient": 4000,
            "max_tokens": 10,
            "timeout": 30.0,
            "min_config_version": 0,
        } | changes
        assert self.link is not None
        self.link.send(self.session.run_query(RunQuery(request_id, **values)))

    def of(self, request_id: bytes) -> list[Any]:
        """Events of one request."""
        return [e for e in self.events if getattr(e, "request_id", None) == request_id]


@dataclass
class WorkerPeer:
    """The worker's end of a link: remembers the queries, answers when the test says so."""

    session: WorkerSession
    link: Link | None = None
    queries: list[WorkerQuery] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    closed: CocoonError | str | None = "open"

    def on_opened(self, link: Link) -> None:
        """Remember the link."""
        self.link = link

    def on_message(self, link: Link, obj: TLObject) -> None:
        """Remember what came."""
        event = self.session.receive_message(obj)
        if isinstance(event, WorkerQuery):
            self.queries.append(event)
        elif event is not None:
            self.events.append(event)

    def on_query(self, link: Link, query_id: int, obj: TLObject) -> None:
        """Never happens."""
        raise RemoteProtocolError("a proxy asks workers nothing")

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:
        """Remember why."""
        self.closed = reason

    async def handshake(self, known: Counters | None = None) -> None:
        """Do the handshake of §4.1, claiming to remember ``known``."""
        link, session = self.link, self.session
        assert link is not None
        greeting = session.receive_connected(await link.query(session.connect(), 5))
        session.accept_greeting(
            greeting,
            proxy_contract=greeting.proxy_contract_address,
            worker_contract=greeting.our_contract_address,
        )
        answer = await link.query(session.compare(known or Counters(0, 0, 0)), 5)
        comparison = session.receive_comparison(answer)
        if session.accept_comparison(comparison, known.signed if known else 0):
            session.receive_extended(await link.query(session.extended_compare(), 5))
        session.receive_completed(await link.query(session.complete(disabled=False), 5))

    def send(self, obj: TLObject) -> None:
        """Send any object."""
        assert self.link is not None
        self.link.send(obj)

    def start(self, query: WorkerQuery, final: FinalInfo | None = None) -> None:
        """Start an answer."""
        self.send(self.session.answer_started(AnswerStarted(query.request_id, b"head", final)))

    def part(self, query: WorkerQuery, data: bytes, final: FinalInfo | None = None) -> None:
        """Continue an answer."""
        self.send(self.session.answer_part(AnswerPart(query.request_id, data, final)))

    def declare(self, *features: str) -> None:
        """Tell the proxy what this worker can do."""
        message = self.session.capabilities(Capabilities("test", 4096, features))
        assert message is not None
        self.send(message)

    def fail(
        self,
        query: WorkerQuery,
        code: int = 602,
        message: str = "no",
        final: FinalInfo | None = None,
    ) -> None:
        """Give a request up."""
        failed = AnswerFailed(query.request_id, code, message, final or FinalInfo())
        self.send(self.session.answer_failed(failed, started=False))


class Rig:
    """Everything of a proxy but its sockets and its store."""

    def __init__(self, snapshot: Snapshot | None = None, **terms: Any) -> None:
        root = load_pseudo_config(ROOT_JSON)
        ids = itertools.count(1)
        self.now = 0.0
        self.books = Books(root, KEY, OWNER, snapshot or Snapshot(0, (), ()), lambda: next(ids))
        self.registry = Registry()
        self.statistics = Statistics()
        values: dict[str, Any] = {
            "prices": PRICES,
            "config_version": 3,
            "enabled": True,
            "storable": True,
            "max_running_per_client": 100,
            "scheduler": least_loaded,
        } | terms
        self.dispatcher = Dispatcher(
            self.books.ledger,
            self.registry,
            Terms(**values),
            self.statistics,
            lambda: next(ids).to_bytes(32),
            lambda: 1_000_000.0,
        )
        who = ProxyIdentity(
            KEY.public_key,
            OWNER.friendly(testnet=True),
            self.books.contract.friendly(testnet=True),
            is_test=True,
        )
        self.client_side = ClientSide(
            who, self.books, self.dispatcher, self.registry, testnet=True, max_connections=10
        )
        self.worker_side = WorkerSide(
            who,
            self.books,
            self.dispatcher,
            root,
            check_hashes=False,
            testnet=True,
            max_connections=10,
        )

    async def client(
        self, owner: Address = CLIENT, versions: VersionRange = CLIENT_VERSIONS
    ) -> ClientPeer:
        """A client that has done its handshake."""
        session = ClientSession(owner.friendly(testnet=True), is_test=True, versions=versions)
        peer = ClientPeer(session)
        await self._connect(peer, self.client_side)
        return peer

    async def worker(
        self,
        owner: Address = WORKER,
        known: Counters | None = None,
        *,
        versions: VersionRange = WORKER_VERSIONS,
        **changes: Any,
    ) -> WorkerPeer:
        """A worker that has done its handshake; ``changes`` are fields of ``WorkerParams``."""
        values: dict[str, Any] = {
            "model": "m",
            "coefficient": 1000,
            "proxy_count": 1,
            "max_active_requests": 4,
            "is_test": True,
        } | changes
        params = WorkerParams(owner.friendly(testnet=True), **values)
        peer = WorkerPeer(WorkerSession(params, versions=versions))
        await self._connect(peer, self.worker_side, known)
        return peer

    async def _connect(self, peer: Any, side: Any, *arguments: Any) -> None:
        ours = Link(Role.CONNECTOR, peer)
        connect(ours, Link(Role.ACCEPTOR, side))
        await ours.wait_open()
        await peer.handshake(*[a for a in arguments if a is not None])

    def commit(self) -> None:
        """Flush without a store: everything used so far becomes signable."""
        ledger = self.books.ledger
        batch = ledger.take_batch()
        self.books.store_batch(batch)
        ledger.committed(batch)
        for account in ledger.confirmed(batch.seqno):
            self.client_side.announce_payments(account)
            self.worker_side.announce_payments(account)

    @property
    def reserved(self) -> int:
        """Tokens that are set aside for running requests, over all clients."""
        return sum(int(record.account.reserved) for record in self.books.clients)


async def until(condition: Callable[[], Any]) -> None:
    """Let the loop turn until something is so.

    Raises:
        TimeoutError: it never became so.
    """
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise TimeoutError("it never became so")
