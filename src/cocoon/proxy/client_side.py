"""Connections of clients: handshake, requests, payments (``wire-protocol.md`` §3)."""

import secrets
from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.errors import WIRE_ERROR, CocoonError, RemoteProtocolError
from cocoon.net.link import Link
from cocoon.proxy.books import Books, ClientRecord
from cocoon.proxy.dispatch import Dispatcher
from cocoon.proxy.payments import payment_update
from cocoon.proxy.peer_side import PeerSide
from cocoon.proxy.registry import Registry, Worker
from cocoon.tl import TLObject
from cocoon.wire.client_peer_session import ClientPeerSession
from cocoon.wire.events import (
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    AuthorizedBySecret,
    AuthorizeOnChain,
    ConnectRequest,
    ModelsRequest,
    PaymentStatusRequest,
    QueryCancelled,
    QueryRejected,
    RunQuery,
    WorkerOffer,
)
from cocoon.wire.greeting import ProxyIdentity
from cocoon.wire.negotiation import OURS, RefusedError

_LEAVING = (ContractPhase.CLOSING, ContractPhase.CLOSED)
MAX_REGISTRATIONS = 10_000
"""Registrations remembered whose client has not asked for its authorization yet."""


class ClientConnection:
    """One client's connection; the client's end of its running requests."""

    __slots__ = ("_link", "_notice", "_record", "address", "session", "waits_for")

    def __init__(self, link: Link, session: ClientPeerSession) -> None:
        self._link = link
        self.address: Address | None = None
        self.waits_for: tuple[Address, int] | None = None
        self.session = session
        self._record: ClientRecord | None = None
        self._notice: tuple[bytes, int] | None = None

    @property
    def record(self) -> ClientRecord:
        """The client's account; there is one once the client is authorized."""
        if self._record is None:
            raise RemoteProtocolError("a request came before the handshake")
        return self._record

    @record.setter
    def record(self, record: ClientRecord) -> None:
        self._record = record

    @property
    def tells_worker(self) -> bool:
        """Whether it is told who ran a request even if it did not ask."""
        return self.session.version >= OURS

    @property
    def owner(self) -> str | None:
        """Key of the client's account; None before the handshake."""
        return None if self._record is None else self._record.account.owner

    def answer_started(self, event: AnswerStarted) -> None:
        """Send the head of an answer; nothing happens when the client is gone."""
        if self._link.is_open:
            self._link.send(self.session.answer_started(event))

    def answer_part(self, event: AnswerPart) -> None:
        """Send more of an answer."""
        if self._link.is_open:
            self._link.send(self.session.answer_part(event))

    def answer_failed(self, event: AnswerFailed, *, started: bool) -> None:
        """Send the error that ends an answer."""
        if self._link.is_open:
            self._link.send(self.session.answer_failed(event, started=started))

    def charged(self, request_id: bytes, tokens: int) -> None:
        """Remember that a payment is due; it is sent once the charge is committed."""
        self._notice = (request_id, tokens)

    def announce_payment(self) -> None:
        """Send the newest payment if one is due, naming the last request that it covers."""
        if self._notice is None or not self._link.is_open:
            return
        request_id, tokens = self._notice
        update = payment_update(self.record, request_id, tokens)
        self._link.send(self.session.payment_updated(update))
        if self.record.account.counter.all_signable:
            # Otherwise more was used since the commit: the next one is to be announced as well.
            self._notice = None


class ClientSide(PeerSide[ClientConnection]):
    """All client connections of a proxy: the handler of their links.

    Args:
        identity: who we are, for greetings.
        books: the accounts.
        dispatcher: runs the requests.
        registry: what models there are.
        testnet: which flag contract addresses carry.
        max_connections: further ones are closed at once.
    """

    def __init__(
        self,
        identity: ProxyIdentity,
        books: Books,
        dispatcher: Dispatcher,
        registry: Registry,
        *,
        testnet: bool,
        max_connections: int,
    ) -> None:
        super().__init__("client", max_connections)
        self._identity = identity
        self._books = books
        self._dispatcher = dispatcher
        self._registry = registry
        self._testnet = testnet
        self._waiting: dict[tuple[Address, int], _Waiting] = {}
        self._registered: dict[Address, int] = {}

    def new_connection(self, link: Link) -> ClientConnection:
        """A client has connected."""
        return ClientConnection(link, ClientPeerSession(self._identity))

    def left(self, connection: ClientConnection) -> None:
        """Nobody takes the answers of a client that is gone: stop what can be stopped."""
        self._dispatcher.client_left(connection)
        if connection.waits_for is not None:
            self._waiting.pop(connection.waits_for, None)

    def on_message(self, link: Link, obj: TLObject) -> None:
        """Run a request; anything else is ignored, as official proxies do."""
        connection: ClientConnection = link.context
        event = connection.session.receive_message(obj)
        if isinstance(event, RunQuery):
            self._dispatcher.run(connection, event)
        elif isinstance(event, QueryCancelled):
            self._dispatcher.cancel(connection, event.request_id)
        elif isinstance(event, QueryRejected):
            failed = AnswerFailed(event.request_id, event.code, event.message)
            connection.answer_failed(failed, started=False)

    def answer(
        self, link: Link, query_id: int, connection: ClientConnection, event: object
    ) -> TLObject | None:
        """Answer a step of the handshake, a payment status or a list of models."""
        session = connection.session
        if isinstance(event, ConnectRequest):
            return self._greet(connection, event)
        if isinstance(event, AuthorizeOnChain) and not self._books.simulated:
            return self._await_registration(link, query_id, connection, event.nonce)
        if isinstance(event, AuthorizedBySecret | AuthorizeOnChain):
            # Without a chain the long authorization succeeds at once (onchain.md §15).
            return session.authorized(payment_update(connection.record))
        if isinstance(event, PaymentStatusRequest):
            return session.payment_status(payment_update(connection.record))
        if isinstance(event, ModelsRequest):
            offers = {
                name: [_offer(worker) for worker in workers]
                for name, workers in self._registry.models()
            }
            return session.models(event, offers)
        raise RemoteProtocolError(f"{type(event).__name__} cannot be answered")

    def _await_registration(
        self, link: Link, query_id: int, connection: ClientConnection, nonce: int
    ) -> TLObject | None:
        """Answer once the client's registration was seen on chain, which it may be already."""
        assert connection.address is not None  # set by _greet, which comes before
        if self._registered.get(connection.address) == nonce:
            return self._authorize(connection)
        # Not by the address alone: anybody may claim to be this client until it has registered.
        connection.waits_for = (connection.address, nonce)
        self._waiting[connection.waits_for] = _Waiting(link, query_id, connection)
        return None

    def registered(self, owner: Address, nonce: int) -> None:
        """A client has proven on chain that it owns its contract (``wire-protocol.md`` §3.1)."""
        self._registered[owner] = nonce
        if len(self._registered) > MAX_REGISTRATIONS:
            del self._registered[next(iter(self._registered))]
        waiting = self._waiting.pop((owner, nonce), None)
        if waiting is None or not waiting.link.is_open:
            return
        waiting.link.answer(waiting.query_id, self._authorize(waiting.connection))

    def _authorize(self, connection: ClientConnection) -> TLObject:
        assert connection.address is not None
        record = self._books.open_client(connection.address)
        if record is None:
            raise RemoteProtocolError("registered, but without an account")
        connection.record = record
        self.introduced(connection, record.account.owner)
        return connection.session.authorized(payment_update(record))

    def _greet(self, connection: ClientConnection, request: ConnectRequest) -> TLObject:
        try:
            owner = Address.parse(request.owner_address)
            record = self._books.open_client(owner)
        except CocoonError as error:
            raise RefusedError(WIRE_ERROR, f"owner address: {error}") from error
        connection.address = owner
        contract = self._books.client_contract(owner)
        if record is not None:
            connection.record = record
            self.introduced(connection, record.account.owner)
        terms = self._dispatcher.terms
        return connection.session.greet(
            client_contract=contract.friendly(testnet=self._testnet),
            secret_hash=None if record is None else record.secret_hash,
            nonce=secrets.randbits(63),
            payment=None if record is None else record.signer.latest(),
            active_config_version=terms.config_version,
            is_closing=record is not None and record.state in _LEAVING,
            enabled=terms.enabled and terms.refusal is None,
        )


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A client whose registration on chain is still to come."""

    link: Link
    query_id: int
    connection: ClientConnection


def _offer(worker: Worker) -> WorkerOffer:
    return WorkerOffer(
        worker.coefficient,
        worker.running,
        worker.limit,
        worker.model,
        worker.peer.image_hash,
        worker.peer.kind.value,
        worker.capabilities,
    )
