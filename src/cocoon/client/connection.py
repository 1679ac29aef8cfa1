"""One connection of a client to a proxy: handshake, requests, payment status (§3).

The handshake is a coroutine; once it is done everything is driven by the link's callbacks, so a
request costs no task.
"""

import asyncio
import random
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from cocoon.accounting import PriceList, Tokens
from cocoon.attestation.peer import VerifiedPeer
from cocoon.chain.address import Address
from cocoon.chain.root_config import RootConfig
from cocoon.client.answer import Answer
from cocoon.client.chain.money import ClientMoney
from cocoon.client.charges import Charges, Tally
from cocoon.client.settings import ClientSettings
from cocoon.client.waiting import Waiting
from cocoon.client.wallet import Account, Wallet
from cocoon.errors import (
    CocoonError,
    UnavailableError,
)
from cocoon.net.lifetime import Lifetime, lifetime_of
from cocoon.net.link import Link
from cocoon.net.reconnect import Target
from cocoon.net.registry import check_proxy_image
from cocoon.tl import TLObject
from cocoon.wire.client_session import ClientSession, ClientState
from cocoon.wire.connection import Role
from cocoon.wire.events import (
    NO_TOKENS,
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    ModelOffer,
    PaymentUpdated,
    ProxyGreeting,
    RunQuery,
)
from cocoon.wire.negotiation import VersionRange

_random = random.SystemRandom()  # leaves the state of the shared generator alone

CONNECT_TIMEOUT = 30.0
AUTHORIZE_TIMEOUT = 300.0
"""Long authorization waits for a transaction on chain."""
MODELS_TIMEOUT = 10.0
STATUS_TIMEOUT = 60.0
STATUS_PERIOD = (10.0, 20.0)
"""Seconds between payment comparisons, random in this range (§3.2)."""
DRAIN_TIMEOUT = 120.0
"""Seconds that running requests may take once the proxy may get no more."""
MAX_EARLY = 1024
"""Messages that may come with the last answer of the handshake."""

_log = structlog.get_logger(__name__)


class ProxyConnection:
    """A client's end of one link; also the link's handler.

    Args:
        settings: of the client.
        wallet: keeps the account that the handshake finds.
        money: registers and deposits on chain; None without TON.
        waiting: counts what waits for slow readers, over all connections.

    Attributes:
        root: the root configuration of this session, from its beginning to its end.
        prices: its prices.
        outstanding: requests whose answer has not ended.
        ready: whether requests can be sent.
        renewing: it ends so that the proxy is verified again, and is followed by another.
        target: where it was dialled, if it was by a registered address.
        image_hash, evidence: who the proxy is, once connected.
        operator: public key of the operator who endorses its machine, in hex, or empty.
    """

    def __init__(
        self,
        settings: ClientSettings,
        wallet: Wallet,
        money: ClientMoney | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self._settings = settings
        self._wallet = wallet
        self._money = money
        self.root = wallet.root.current
        self.prices = PriceList.from_fields(self.root.params)
        self._loop = asyncio.get_running_loop()
        self._session = ClientSession(
            settings.wallet,
            is_test=settings.is_test,
            versions=VersionRange(settings.min_proto, settings.max_proto),
        )
        self._answers: dict[bytes, Answer] = {}
        self._charges = Charges(self.prices)
        self._waiting = waiting or Waiting()
        self._closed = self._loop.create_future()
        self._link: Link | None = None
        self._account: Account | None = None
        self._early: list[TLObject] = []
        self._draining = False
        self._lifetime: Lifetime | None = None
        self.renewing = False
        self.ready = False
        self.image_hash = ""
        self.evidence = ""
        self.operator = ""
        self.proxy_address = ""
        self.target: Target | None = None

    def make_link(self) -> Link:
        """The link to dial with."""
        return Link(Role.CONNECTOR, self)

    @property
    def peer(self) -> VerifiedPeer | None:
        """The proxy as it was verified; None before there is a link."""
        return None if self._link is None else self._link.peer

    @property
    def version(self) -> int:
        """Protocol version that was agreed on; 0 before."""
        return self._session.version

    @property
    def outstanding(self) -> int:
        """Requests that are running here."""
        return len(self._answers)

    @property
    def image(self) -> bytes:
        """The proxy's image hash as bytes; empty before it is known."""
        return bytes.fromhex(self.image_hash)

    @property
    def contract(self) -> Address | None:
        """Our contract at this proxy, once it is known."""
        return None if self._account is None else self._account.channel.contract

    # --- handshake (§3.1) ---

    async def shake_hands(self, link: Link) -> None:
        """Become ready.

        Raises:
            PolicyError: the proxy's image is not listed; nothing was sent to it.
            RemoteProtocolError: the proxy is not who the root config makes of it, or talks wrongly.
            PaymentError: what it states about payments does not verify.
            RequestError: it refused, or the link died.
        """
        self._link = link
        self.require_listed(self.root)
        self._lifetime = lifetime_of(link.peer, time.time())
        self.image_hash = link.peer.image_hash.hex()
        self.evidence = link.peer.kind.value
        self.operator = (link.peer.operator or b"").hex()
        await link.wait_open()
        session = self._session
        answer = await link.query(session.connect(self.root.version), CONNECT_TIMEOUT)
        greeting = session.receive_connected(answer)
        account = self._accept(greeting)
        answer = await self._authorize(link, account)
        account.begin(session.receive_authorization(answer))
        self._account = account
        self.ready = True
        early, self._early = self._early, []
        for message in early:
            self._receive_message(link, message)

    def require_listed(self, root: RootConfig) -> None:
        """Refuse a proxy whose image a root configuration does not list; once connected.

        Raises:
            PolicyError: hashes are checked, and its is not listed.
        """
        if self._link is not None:
            required = self._settings.must_check_proxies
            check_proxy_image(root, self._link.peer, required=required)

    async def _authorize(self, link: Link, account: Account) -> TLObject:
        """Show the secret, or register on chain and wait until the proxy has seen that.

        The proxy answers the long query only then; the order of query and transaction does not
        matter (§3.1).
        """
        money, channel = self._money, account.channel
        if money is None:
            query, _ = self._session.authorize(self._settings.secret)
            return await link.query(query, AUTHORIZE_TIMEOUT)
        money.check_usable(channel.contract)
        query, nonce = self._session.authorize(money.secret(channel.contract))
        if nonce is None:
            money.note(contract=channel.contract, proxy=channel.proxy, proxy_key=channel.public_key)
            return await link.query(query, AUTHORIZE_TIMEOUT)
        _log.info("waiting for a registration on chain", proxy=self.proxy_address)
        registration = money.register(
            contract=channel.contract,
            proxy=channel.proxy,
            proxy_key=channel.public_key,
            nonce=nonce % 2**64,  # signed on the wire, unsigned on chain
        )
        return await _first_failure(registration, link.query(query, AUTHORIZE_TIMEOUT))

    def _accept(self, greeting: ProxyGreeting) -> Account:
        """Recompute both contract addresses and compare them with what the proxy says."""
        root, testnet = self.root, self._settings.is_testnet
        owner = Address.parse(greeting.proxy_owner_address)
        proxy = root.proxy_address(owner, greeting.proxy_public_key)
        contract = root.client_address(self._wallet.address, proxy, greeting.proxy_public_key)
        self._session.accept_greeting(
            greeting,
            proxy_contract=proxy.friendly(testnet=testnet),
            client_contract=contract.friendly(testnet=testnet),
        )
        self.proxy_address = greeting.proxy_contract_address
        return self._wallet.account(
            proxy=proxy, contract=contract, public_key=greeting.proxy_public_key
        )

    async def stay(self) -> None:
        """Compare payments now and then until the link dies.

        Raises:
            CocoonError: why it died.
        """
        while not self._closed.done():
            await asyncio.wait({self._closed}, timeout=_random.uniform(*STATUS_PERIOD))
            if not self._closed.done() and not self._draining:
                await self.update_payments()
                self._review_lifetime()
        error = self._closed.result()
        if error is not None:
            raise error

    def _review_lifetime(self) -> None:
        """The proxy's evidence was verified once: connect anew before it expires."""
        lifetime, busy = self._lifetime, bool(self._answers)
        if lifetime is not None and lifetime.is_over(time.time(), busy=busy):
            _log.info("connecting anew to verify the proxy again", proxy=self.proxy_address)
            self.renewing = True
            self.drain()

    async def update_payments(self) -> None:
        """Ask the proxy for its newest signed charge and check it.

        Raises:
            CocoonError: it did not answer, or what it says does not verify; the link is closed.
        """
        link, account = self._require()
        since = account.channel.known
        try:
            answer = await link.query(self._session.update_payment_status(), STATUS_TIMEOUT)
            account.update(self._session.receive_payment_status(answer), since)
        except CocoonError as error:
            link.close(error)
            raise

    async def models(self) -> tuple[ModelOffer, ...]:
        """The models that the proxy knows.

        Raises:
            RequestError: no answer in time, or the link died.
            RemoteProtocolError: the answer makes no sense; the link is closed.
        """
        link, _ = self._require()
        answer = await link.query(self._session.get_models(), MODELS_TIMEOUT)
        try:
            return self._session.receive_models(answer)
        except CocoonError as error:
            link.close(error)
            raise

    # --- requests ---

    def send(
        self,
        query: RunQuery,
        bound: Tokens,
        deadline: float,
        timeout: float,
        tally: Tally | None = None,
    ) -> Answer:
        """Send a request and return its answer-to-be.

        Args:
            query: what to send.
            bound: tokens that it can cost at most.
            deadline: when it fails at the latest, in the loop's time.
            timeout: the caller's time limit in seconds, for the error's text.
            tally: told what it cost, whatever becomes of the answer.

        Raises:
            UnavailableError: the link is gone.
            LocalProtocolError: the request fits no frame.
        """
        link, account = self._require()
        message = self._session.run_query(query)
        answer = Answer(
            query.request_id,
            self._loop.time,
            self._on_end,
            tells_worker=self._session.version >= 2,
            waiting=self._waiting,
        )
        answer.timer = self._loop.call_at(deadline, answer.expire, timeout)
        # Before sending, which can find out that the proxy does not read and close the link.
        self._answers[query.request_id] = answer
        account.spending.sent(query.request_id, int(bound))
        if tally is not None:
            self._charges.expect(query.request_id, tally, bound, deadline)
        try:
            link.send(message)
        except CocoonError as error:
            account.spending.told(query.request_id, 0)
            self._charges.told(query.request_id, NO_TOKENS)
            answer.fail(error)
            raise
        return answer

    def close(self) -> None:
        """Close the link; running requests fail."""
        if self._link is not None:
            self._link.close()

    def drain(self) -> None:
        """Send nothing more; close once what runs has ended, or after ``DRAIN_TIMEOUT``."""
        if self._draining:
            return
        self._draining = True
        self.ready = False
        if self._answers:
            self._loop.call_later(DRAIN_TIMEOUT, self.close)
        else:
            self.close()

    def _on_end(self, answer: Answer) -> None:
        self._answers.pop(answer.request_id, None)
        if answer.given_up:
            self._give_up(answer.request_id)
        if self._draining and not self._answers:
            self._loop.call_soon(self.close)  # what the last message says of money comes first

    def _give_up(self, request_id: bytes) -> None:
        """We do not wait for an answer any more: have it stopped, and wait for its cost only."""
        self._charges.abandoned(request_id)
        link = self._link
        if link is None or not link.is_open or self._session.state is not ClientState.READY:
            return
        message = self._session.cancel_query(request_id)
        if message is not None:
            link.send(message)

    def _require(self) -> tuple[Link, Account]:
        if not self.ready or self._link is None or self._account is None:
            raise UnavailableError("the proxy connection is not ready")
        return self._link, self._account

    # --- what the link calls ---

    def on_opened(self, link: Link) -> None:
        """Nothing: the handshake waits for it."""

    def on_query(self, link: Link, query_id: int, obj: TLObject) -> None:  # noqa: ARG002
        """A client never receives queries (§3.2); answer as for an unknown one."""
        link.answer_error(query_id, 0, "Lost promise")

    def on_message(self, link: Link, obj: TLObject) -> None:
        """Part of an answer, or a payment.

        Raises:
            RemoteProtocolError: the proxy broke the protocol.
        """
        if self._session.state is ClientState.AUTHORIZING and len(self._early) < MAX_EARLY:
            # May come right behind the last answer, whose turn of the loop is after this one.
            self._early.append(obj)
        else:
            self._receive_message(link, obj)

    def _receive_message(self, link: Link, obj: TLObject) -> None:
        event = self._session.receive_message(obj)
        if event is None:
            return
        try:
            if type(event) is PaymentUpdated:
                if self._account is not None:
                    self._account.update(event)
                return
            assert type(event) in (AnswerStarted, AnswerPart, AnswerFailed)
            self._receive(event)  # type: ignore[arg-type]
        except CocoonError as error:
            # Not only protocol errors: a wrong payment too ends the connection.
            link.close(error)

    def _receive(self, event: AnswerStarted | AnswerPart | AnswerFailed) -> None:
        answer = self._answers.get(event.request_id)
        if answer is not None:  # else it is late: we have given up on it
            answer.receive(event)
        used = None if event.final is None else event.final.usage
        if used is None and type(event) is AnswerFailed:
            used = NO_TOKENS
        if used is not None and self._account is not None:
            # Before the charge: it raises when more is counted than can be.
            self._account.spending.told(event.request_id, used.total_tokens_used)
            self._charges.told(event.request_id, used)

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:  # noqa: ARG002
        """Every running request fails now."""
        self.ready = False
        self._session.fail()
        answers = list(self._answers.values())
        self._answers.clear()
        text = "the connection to the proxy was closed" if reason is None else str(reason)
        for answer in answers:
            answer.fail(UnavailableError(f"lost the proxy: {text}"))
        self._charges.lost()
        if not self._closed.done():
            self._closed.set_result(reason or UnavailableError("closed"))


async def _first_failure(
    registration: Coroutine[Any, Any, object], query: Coroutine[Any, Any, TLObject]
) -> TLObject:
    """Run both; return the query's result, which may come first, or raise what fails first."""
    register, answer = asyncio.ensure_future(registration), asyncio.ensure_future(query)
    try:
        await asyncio.wait({register, answer}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            register.result()
        return await answer
    finally:
        # What the registration has begun goes on by itself: a message cannot be called back.
        register.cancel()
        answer.cancel()
        await asyncio.gather(register, answer, return_exceptions=True)
