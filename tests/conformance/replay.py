"""Plays a recorded connection through our sans-IO halves: same input, same bytes out."""

from collections.abc import Callable
from typing import Any

from official import chain
from official.chain import CLIENT_CHARGE, WORKER_PAYOUT

from cocoon import tl
from cocoon.tl import types as t
from cocoon.wire import answers
from cocoon.wire.client_peer_session import ClientPeerSession
from cocoon.wire.client_session import ClientSession
from cocoon.wire.connection import Connection, Role
from cocoon.wire.connection_events import (
    AnswerReceived,
    Closed,
    MessageReceived,
    Opened,
    QueryFailed,
    QueryReceived,
)
from cocoon.wire.events import (
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    AvailabilityChanged,
    CoefficientChanged,
    Counters,
    ModelsRequest,
    PaymentUpdated,
    ProxyGreeting,
    RunQuery,
    WorkerOffer,
    WorkerQuery,
)
from cocoon.wire.greeting import ProxyIdentity
from cocoon.wire.negotiation import VersionRange
from cocoon.wire.worker_peer_session import WorkerPeerSession
from cocoon.wire.worker_session import WorkerParams, WorkerSession

ROLES = {"client": "connector", "worker": "connector"}


def packet_of(frame: bytes) -> tl.TLObject:
    """The ``tcp.Packet`` of a frame."""
    return tl.decode(frame[8:])


def inner_of(packet: tl.TLObject) -> tl.TLObject | None:
    """What a packet carries."""
    data = getattr(packet, "data", None)
    return None if data is None else tl.decode(data)


class Replay:
    """One of our halves, fed with what the official side sent.

    Attributes:
        events: class names of everything that it understood.
    """

    def __init__(self, half: str, frames: list[dict[str, str]]) -> None:
        self.half = half
        self.us = ROLES.get(half, "acceptor")
        self.frames = [(frame["from"], bytes.fromhex(frame["hex"])) for frame in frames]
        self.inners = [inner_of(packet_of(frame)) for _, frame in self.frames]
        first = packet_of(self.frames[0][1])
        role = Role.CONNECTOR if self.us == "connector" else Role.ACCEPTOR
        number = first.id if isinstance(first, t.TcpConnect) and self.us == "connector" else 0
        self.connection = Connection(role, connection_id=number, now=0.0)
        self.session: Any = getattr(self, f"_new_{half}")()
        self.events: list[str] = []
        self.started: set[bytes] = set()

    def run(self) -> None:
        """Play all of it; fails where our bytes are not the recorded ones."""
        for (sender, frame), inner in zip(self.frames, self.inners, strict=True):
            if sender == self.us:
                self._produce(frame, packet_of(frame), inner)
            else:
                self._take(frame)

    # --- out ---

    def _produce(self, frame: bytes, packet: tl.TLObject, inner: tl.TLObject | None) -> None:
        made = None if inner is None else self._make(inner)
        if made is not None:
            assert made == inner
        match packet:
            case t.TcpQuery():
                self.connection.send_query(packet.id, made)
            case t.TcpQueryAnswer():
                self.connection.send_answer(packet.id, made)
            case t.TcpPacket():
                self.connection.send_message(made)
            case t.TcpQueryError():
                self.connection.send_error(packet.id, packet.code, packet.message)
            case _:
                pass  # tcp.connect, tcp.connected and pongs come by themselves
        assert self.connection.data_to_send() == frame

    def _make(self, obj: tl.TLObject) -> tl.TLObject:
        maker: Callable[..., tl.TLObject] = getattr(self, f"_{self.half}_makes")
        return maker(obj)

    # --- in ---

    def _take(self, frame: bytes) -> None:
        for event in self.connection.receive_data(frame, 0.0):
            match event:
                case QueryReceived():
                    self._note(self.session.receive_query(event.body))
                case AnswerReceived():
                    self._answered(event.body)
                case MessageReceived():
                    self._note(self.session.receive_message(event.body))
                case Opened() | QueryFailed():
                    self._note(event)
                case Closed():
                    raise AssertionError(event)
                case _:
                    self._note(event)

    def _note(self, event: object) -> None:
        self.events.append(type(event).__name__)

    def _answered(self, body: tl.TLObject) -> None:
        session = self.session
        match body:
            case t.ClientConnectedToProxy() | t.WorkerConnectedToProxy():
                greeting = session.receive_connected(body)
                self._note(greeting)
                self._accept(greeting)
            case t.ClientAuthorizationWithProxySuccess():
                self._note(session.receive_authorization(body))
            case t.ClientWorkerTypesV2() | t.ClientWorkerTypes():
                self._note(session.receive_models(body))
            case t.ClientPaymentStatus() | t.WorkerPaymentStatus():
                self._note(session.receive_payment_status(body))
            case t.WorkerCompareBalanceWithProxyResult():
                comparison = session.receive_comparison(body)
                self._note(comparison)
                session.accept_comparison(comparison, self._signed(comparison.payment))
            case t.WorkerExtendedCompareBalanceWithProxyResult():
                session.receive_extended(body)
            case t.WorkerProxyHandshakeCompleted():
                session.receive_completed(body)
            case _:
                raise AssertionError(body)

    def _accept(self, greeting: ProxyGreeting) -> None:
        """Contract addresses come from the independent computation."""
        from conformance_net import PROXY_OWNER, WALLET, WORKER_OWNER, official_root

        root, key = official_root(), greeting.proxy_public_key
        proxy = root.proxy(PROXY_OWNER, key)
        self._key = key
        ours = {"proxy_contract": chain.friendly(proxy)}
        if self.half == "client":
            self._contract = root.client(WALLET, proxy, key)
        else:
            self._contract = root.worker(WORKER_OWNER, proxy, key)
        ours[f"{self.half}_contract"] = chain.friendly(self._contract)
        self.session.accept_greeting(greeting, **ours)

    def _signed(self, payment: bytes | None) -> int:
        op = CLIENT_CHARGE if self.half.startswith("client") else WORKER_PAYOUT
        return (
            0 if payment is None else chain.verify_payment(payment, op, self._contract, self._key)
        )

    # --- halves: how they are made, and how they make what was recorded ---

    def _find(self, kind: type[tl.TLObject]) -> Any:
        return next(obj for obj in self.inners if isinstance(obj, kind))

    def _identity(self, params: t.ProxyParams) -> ProxyIdentity:
        return ProxyIdentity(
            params.proxy_public_key, params.proxy_owner_address, params.proxy_sc_address, True
        )

    def _new_client(self) -> ClientSession:
        params = self._find(t.ClientConnectToProxy).params
        versions = VersionRange(params.min_proto_version, params.max_proto_version)
        return ClientSession(params.client_owner_address, is_test=True, versions=versions)

    def _client_makes(self, obj: tl.TLObject) -> tl.TLObject:
        match obj:
            case t.ClientConnectToProxy():
                return self.session.connect(obj.min_config_version)
            case t.ClientAuthorizeWithProxyShort():
                return self.session.authorize(obj.data)[0]
            case t.ClientUpdatePaymentStatus():
                return self.session.update_payment_status()
            case t.ClientGetWorkerTypesV2():
                return self.session.get_models()
            case t.ClientRunQueryEx():
                return self.session.run_query(
                    RunQuery(
                        obj.request_id,
                        obj.model_name,
                        obj.query,
                        obj.max_coefficient,
                        obj.max_tokens,
                        obj.timeout,
                        obj.min_config_version,
                        bool(obj.enable_debug),
                    )
                )
        raise AssertionError(obj)

    def _new_client_peer(self) -> ClientPeerSession:
        return ClientPeerSession(self._identity(self._find(t.ClientConnectedToProxy).params))

    def _client_peer_makes(self, obj: tl.TLObject) -> tl.TLObject:
        session = self.session
        match obj:
            case t.ClientConnectedToProxy():
                return session.greet(
                    client_contract=obj.client_sc_address,
                    secret_hash=getattr(obj.auth, "secret_hash", None),
                    nonce=obj.auth.nonce,
                    payment=answers.payment_bytes(obj.signed_payment),
                    active_config_version=3,
                )
            case t.ClientAuthorizationWithProxySuccess():
                payment = answers.payment_bytes(obj.signed_payment)
                return session.authorized(
                    PaymentUpdated(None, payment, obj.tokens_committed_to_db, obj.max_tokens)
                )
            case t.ClientPaymentStatus():
                return session.payment_status(answers.payment_status(obj))
            case t.ClientWorkerTypesV2():
                offers = {
                    model.name: [
                        WorkerOffer(w.coefficient, w.active_requests, w.max_active_requests)
                        for w in model.workers
                    ]
                    for model in obj.types
                }
                return session.models(ModelsRequest(True), offers)
            case t.ClientWorkerTypes():
                old = {
                    model.name: [WorkerOffer(model.coefficient_min, 0, 1)] for model in obj.types
                }
                return session.models(ModelsRequest(False), old)
            case t.ProxyClientRequestPayment():
                return session.payment_updated(answers.payment_update(obj))
        return self._answer(answers.CLIENT_ANSWERS[type(obj)](obj))

    def _answer(self, event: object) -> tl.TLObject:
        """An answer that we sent, from its event."""
        session = self.session
        match event:
            case AnswerStarted():
                self.started.add(event.request_id)
                return session.answer_started(event)
            case AnswerPart():
                return session.answer_part(event)
            case AnswerFailed():
                return session.answer_failed(event, started=event.request_id in self.started)
        raise AssertionError(event)

    def _new_worker(self) -> WorkerSession:
        p = self._find(t.WorkerConnectToProxy).params
        return WorkerSession(
            WorkerParams(
                p.worker_owner_address,
                p.model,
                p.coefficient,
                True,
                p.proxy_cnt,
                p.max_active_requests,
            ),
            versions=VersionRange(p.min_proto_version, p.max_proto_version),
        )

    def _worker_makes(self, obj: tl.TLObject) -> tl.TLObject:
        session = self.session
        match obj:
            case t.WorkerConnectToProxy():
                return session.connect()
            case t.WorkerCompareBalanceWithProxy():
                return session.compare(
                    Counters(
                        obj.tokens_committed_to_blockchain,
                        obj.tokens_committed_to_db,
                        obj.max_tokens,
                    )
                )
            case t.WorkerExtendedCompareBalanceWithProxy():
                return session.extended_compare()
            case t.WorkerProxyHandshakeComplete():
                return session.complete(obj.is_disabled)
            case t.WorkerUpdatePaymentStatus():
                return session.update_payment_status()
            case t.WorkerNewCoefficient():
                return session.coefficient_changed(CoefficientChanged(obj.new_coefficient))
            case t.WorkerEnabledDisabled():
                return session.availability_changed(AvailabilityChanged(bool(obj.disabled)))
        return self._answer(answers.WORKER_ANSWERS[type(obj)](obj))

    def _new_worker_peer(self) -> WorkerPeerSession:
        return WorkerPeerSession(self._identity(self._find(t.WorkerConnectedToProxy).params))

    def _worker_peer_makes(self, obj: tl.TLObject) -> tl.TLObject:
        session = self.session
        match obj:
            case t.WorkerConnectedToProxy():
                return session.greet(worker_contract=obj.worker_sc_address)
            case t.WorkerCompareBalanceWithProxyResult():
                ours = Counters(
                    obj.tokens_committed_to_db, obj.tokens_committed_to_db, obj.max_tokens
                )
                return session.compared(answers.payment_bytes(obj.signed_payment), ours)
            case t.WorkerExtendedCompareBalanceWithProxyResult():
                return session.extended()
            case t.WorkerProxyHandshakeCompleted():
                return session.completed()
            case t.WorkerPaymentStatus():
                return session.payment_status(answers.payment_status(obj))
            case t.ProxyWorkerRequestPayment():
                return session.payment_updated(answers.payment_update(obj))
            case t.ProxyRunQuery() | t.ProxyRunQueryEx():
                return session.run_query(
                    WorkerQuery(
                        obj.request_id,
                        obj.query,
                        answers.payment_bytes(obj.signed_payment),
                        obj.coefficient,
                        obj.timeout,
                        bool(getattr(obj, "enable_debug", False)),
                    )
                )
        raise AssertionError(obj)
