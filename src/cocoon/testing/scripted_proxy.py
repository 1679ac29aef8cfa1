"""A proxy that does what a test says: to try clients and workers without a real one.

It is the proxy's half of the real sessions over :mod:`cocoon.testing.streams`; a test may replace
any answer, send anything, and lie about payments.
"""

from collections.abc import Callable

from cocoon.chain.address import Address
from cocoon.chain.contracts.payment import CLIENT_CHARGE, WORKER_PAYOUT, sign_payment
from cocoon.chain.keys import SecretKey
from cocoon.chain.root_config import RootConfig
from cocoon.errors import CocoonError
from cocoon.net.link import Link
from cocoon.testing.streams import connect
from cocoon.tl import TLObject
from cocoon.wire.client_session import ClientPeerSession
from cocoon.wire.connection import Role
from cocoon.wire.events import (
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    AuthorizedBySecret,
    AuthorizeOnChain,
    CompareRequest,
    ConnectRequest,
    Counters,
    ExtendedCompareRequest,
    ModelsRequest,
    PaymentStatusRequest,
    PaymentUpdated,
    RunQuery,
    WorkerConnectRequest,
    WorkerOffer,
    WorkerReady,
)
from cocoon.wire.greeting import ProxyIdentity
from cocoon.wire.negotiation import PROXY_VERSIONS, VersionRange
from cocoon.wire.worker_session import WorkerPeerSession

EMPTY_SECRET_HASH = bytes.fromhex(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)


class ScriptedProxy:
    """What both kinds of scripted proxy share.

    Args:
        root: the network.
        owner: the proxy's operator; any address.
        versions: protocol versions that it speaks.

    Attributes:
        db, max: counters that it states; ``payment`` is what it has signed, None for nothing.
        replace: maps a query's class to what is answered instead; an exception class's instance
            is answered as an error.
        links: one for each connection so far.
        closed: why connections ended.
    """

    operation = 0

    def __init__(
        self, root: RootConfig, *, owner: str, versions: VersionRange = PROXY_VERSIONS
    ) -> None:
        self.root = root
        self.key = SecretKey(bytes([9]) * 32)
        self.proxy = root.proxy_address(Address.parse(owner), self.key.public_key)
        self.identity = ProxyIdentity(
            self.key.public_key, owner, self.proxy.friendly(testnet=True), True
        )
        self.versions = versions
        self.payment: bytes | None = None
        self.db = 0
        self.max = 0
        self.replace: dict[type[TLObject], TLObject | CocoonError] = {}
        self.links: list[Link] = []
        self.closed: list[CocoonError | None] = []
        self.contract = Address(bytes(32))

    async def dial(self, host: str, port: int, link_factory: Callable[[], Link]) -> Link:
        """A ``Dialer``: connects to this proxy in memory."""
        link = link_factory()
        far = Link(Role.ACCEPTOR, self)
        self.links.append(far)
        self.begin()
        connect(link, far)
        return link

    @property
    def link(self) -> Link:
        """The newest connection."""
        return self.links[-1]

    def begin(self) -> None:
        """Make a new session."""
        raise NotImplementedError

    def answer(self, obj: TLObject) -> TLObject | None:
        """Answer a query."""
        raise NotImplementedError

    def state(self, tokens: int, *, signed: int | None = None) -> PaymentUpdated:
        """Set all counters, sign for ``signed`` (all by default), and return the statement."""
        self.db = self.max = tokens
        amount = tokens if signed is None else signed
        self.payment = self.envelope(amount) if amount else None
        return self.status

    def envelope(self, tokens: int, *, key: SecretKey | None = None) -> bytes:
        """A payment, signed by the proxy's key or another."""
        return sign_payment(
            key or self.key,
            self.operation,
            query_id=tokens,
            tokens=tokens,
            address=self.contract,
            excesses=self.proxy,
        ).boc

    @property
    def status(self) -> PaymentUpdated:
        """What it states now."""
        return PaymentUpdated(None, self.payment, self.db, self.max)

    # --- what the link calls ---

    def on_opened(self, link: Link) -> None:
        """Nothing to do."""

    def on_query(self, link: Link, query_id: int, obj: TLObject) -> None:
        """Answer by script or by the rules."""
        answer = self.answer(obj)
        replaced = self.replace.get(type(obj))
        if isinstance(replaced, CocoonError):
            link.answer_error(query_id, replaced.wire_code, str(replaced))
            return
        answer = replaced or answer
        if answer is not None:
            link.answer(query_id, answer)

    def on_message(self, link: Link, obj: TLObject) -> None:
        """Take a message; overridden."""
        raise NotImplementedError

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:
        """Remember why."""
        self.closed.append(reason)


class ScriptedClientProxy(ScriptedProxy):
    """The side of a proxy that clients see.

    Attributes:
        queries: requests that came.
        on_run: called with each.
        offers: models to report.
    """

    operation = CLIENT_CHARGE

    def __init__(
        self, root: RootConfig, *, owner: str, versions: VersionRange = PROXY_VERSIONS
    ) -> None:
        super().__init__(root, owner=owner, versions=versions)
        self.queries: list[RunQuery] = []
        self.on_run: Callable[[RunQuery], None] = lambda _query: None
        self.offers: dict[str, list[WorkerOffer]] = {}
        self.secret_hash: bytes | None = EMPTY_SECRET_HASH

    def begin(self) -> None:
        """Make a new session."""
        self.session = ClientPeerSession(self.identity, versions=self.versions)

    def answer(self, obj: TLObject) -> TLObject | None:
        """Answer a query by the rules."""
        request = self.session.receive_query(obj)
        match request:
            case ConnectRequest():
                owner = Address.parse(request.owner_address)
                self.contract = self.root.client_address(owner, self.proxy, self.key.public_key)
                return self.session.greet(
                    client_contract=self.contract.friendly(testnet=True),
                    secret_hash=self.secret_hash,
                    nonce=1,
                    payment=self.payment,
                    active_config_version=self.root.version,
                )
            case AuthorizedBySecret() | AuthorizeOnChain():
                return self.session.authorized(self.status)
            case PaymentStatusRequest():
                return self.session.payment_status(self.status)
            case ModelsRequest():
                return self.session.models(request, self.offers)
        return None

    def on_message(self, link: Link, obj: TLObject) -> None:
        """Take a request."""
        query = self.session.receive_message(obj)
        if isinstance(query, RunQuery):
            self.queries.append(query)
            self.on_run(query)

    def started(self, event: AnswerStarted) -> None:
        """Send the head of an answer."""
        self.link.send(self.session.answer_started(event))

    def part(self, event: AnswerPart) -> None:
        """Send more of an answer."""
        self.link.send(self.session.answer_part(event))

    def failed(self, event: AnswerFailed, *, started: bool = False) -> None:
        """Send an error."""
        self.link.send(self.session.answer_failed(event, started=started))

    def paid(self, request_id: bytes, tokens: int) -> None:
        """Send the statement that follows a request."""
        event = PaymentUpdated(request_id, self.payment, self.db, self.max, tokens)
        self.link.send(self.session.payment_updated(event))


class ScriptedWorkerProxy(ScriptedProxy):
    """The side of a proxy that workers see.

    Attributes:
        received: every message of the workers, understood.
        ready: what the last handshake ended with; None before.
    """

    operation = WORKER_PAYOUT

    def __init__(
        self, root: RootConfig, *, owner: str, versions: VersionRange = PROXY_VERSIONS
    ) -> None:
        super().__init__(root, owner=owner, versions=versions)
        self.received: list[object] = []
        self.claimed: list[Counters] = []
        self.ready: WorkerReady | None = None
        self.signed = 0

    def begin(self) -> None:
        """Make a new session."""
        self.session = WorkerPeerSession(self.identity, versions=self.versions)
        self.ready = None

    def state(self, tokens: int, *, signed: int | None = None) -> PaymentUpdated:
        """As in the base class; remembers the signed amount for compares."""
        self.signed = tokens if signed is None else signed
        return super().state(tokens, signed=signed)

    def answer(self, obj: TLObject) -> TLObject | None:
        """Answer a query by the rules."""
        request = self.session.receive_query(obj)
        match request:
            case WorkerConnectRequest():
                owner = Address.parse(request.owner_address)
                self.contract = self.root.worker_address(owner, self.proxy, self.key.public_key)
                return self.session.greet(worker_contract=self.contract.friendly(testnet=True))
            case CompareRequest():
                self.claimed.append(request.claimed)
                counters = Counters(self.signed, self.db, self.max)
                return self.session.compared(self.payment, counters)
            case ExtendedCompareRequest():
                return self.session.extended()
            case WorkerReady():
                self.ready = request
                return self.session.completed()
            case PaymentStatusRequest():
                return self.session.payment_status(self.status)
        return None

    def on_message(self, link: Link, obj: TLObject) -> None:
        """Take an answer or a change of the offer."""
        self.received.append(self.session.receive_message(obj))

    def paid(self, request_id: bytes, tokens: int) -> None:
        """Send the statement that follows a request."""
        event = PaymentUpdated(request_id, self.payment, self.db, self.max, tokens, "owner")
        self.link.send(self.session.payment_updated(event))
