"""The session between a worker and a proxy, the proxy's half (``wire-protocol.md`` §4).

What needs the store or the root config comes in as arguments: ``receive_query`` gives a request
value, the proxy looks things up and answers with ``greet``, ``compared``, ``extended``,
``completed`` or ``payment_status``. A :class:`RefusedError` is answered with its code, then the
connection closes.
"""

from collections.abc import Mapping
from enum import Enum, auto

from cocoon.errors import (
    WIRE_ERROR,
    WIRE_NOT_READY,
    WIRE_PROTOCOL_VIOLATION,
    RemoteProtocolError,
)
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire import answers
from cocoon.wire.events import (
    AvailabilityChanged,
    Capabilities,
    CoefficientChanged,
    CompareRequest,
    Counters,
    ExtendedCompareRequest,
    PaymentStatusRequest,
    PaymentUpdated,
    WorkerConnectRequest,
    WorkerQuery,
    WorkerReady,
)
from cocoon.wire.greeting import ProxyIdentity
from cocoon.wire.models import read_capabilities
from cocoon.wire.negotiation import (
    OURS,
    PROXY_VERSIONS,
    RefusedError,
    StateMachine,
    VersionRange,
    check_network,
    negotiate,
)

COEFFICIENT_LIMIT = 10**9
"""A worker may connect with any coefficient below this (§10)."""


class WorkerPeerState(Enum):
    """Where the proxy's half stands."""

    NEW = auto()
    CONNECTING = auto()
    GREETED = auto()
    COMPARING = auto()
    BEHIND = auto()
    EXTENDING = auto()
    AGREED = auto()
    COMPLETING = auto()
    READY = auto()
    FAILED = auto()


class WorkerPeerStep(Enum):
    """What leads from one state to the next."""

    CONNECT = auto()
    GREET = auto()
    COMPARE = auto()
    AGREE = auto()
    FALL_BEHIND = auto()
    EXTEND = auto()
    EXTENDED = auto()
    COMPLETE = auto()
    COMPLETED = auto()


WORKER_PEER_TABLE: Mapping[tuple[WorkerPeerState, WorkerPeerStep], WorkerPeerState] = {
    (WorkerPeerState.NEW, WorkerPeerStep.CONNECT): WorkerPeerState.CONNECTING,
    (WorkerPeerState.CONNECTING, WorkerPeerStep.GREET): WorkerPeerState.GREETED,
    (WorkerPeerState.GREETED, WorkerPeerStep.COMPARE): WorkerPeerState.COMPARING,
    (WorkerPeerState.COMPARING, WorkerPeerStep.AGREE): WorkerPeerState.AGREED,
    (WorkerPeerState.COMPARING, WorkerPeerStep.FALL_BEHIND): WorkerPeerState.BEHIND,
    (WorkerPeerState.BEHIND, WorkerPeerStep.EXTEND): WorkerPeerState.EXTENDING,
    # The official proxy stays in its extended state here and can never finish (§4.1 step 5).
    (WorkerPeerState.EXTENDING, WorkerPeerStep.EXTENDED): WorkerPeerState.AGREED,
    (WorkerPeerState.AGREED, WorkerPeerStep.COMPLETE): WorkerPeerState.COMPLETING,
    (WorkerPeerState.COMPLETING, WorkerPeerStep.COMPLETED): WorkerPeerState.READY,
}

WorkerRequestEvent = (
    WorkerConnectRequest
    | CompareRequest
    | ExtendedCompareRequest
    | WorkerReady
    | PaymentStatusRequest
)
WorkerMessageEvent = answers.Answer | AvailabilityChanged | CoefficientChanged | Capabilities


class WorkerPeerSession:
    """The proxy's half.

    Args:
        identity: who the proxy is.
        versions: what it speaks; official proxies speak 0..2.
    """

    def __init__(self, identity: ProxyIdentity, *, versions: VersionRange = PROXY_VERSIONS) -> None:
        self._machine = StateMachine(WORKER_PEER_TABLE, WorkerPeerState.NEW, WorkerPeerState.FAILED)
        self._identity = identity
        self._versions = versions
        self._claimed = Counters(0, 0, 0)
        self._committed = 0
        self.version = 0

    @property
    def state(self) -> WorkerPeerState:
        """Where the session stands."""
        return self._machine.state

    def fail(self) -> None:
        """Give the session up: nothing is legal any more."""
        self._machine.fail()

    # --- queries of the worker ---

    def receive_query(self, query: TLObject) -> WorkerRequestEvent | None:
        """Understand a query; None for one that a proxy does not know (answer: code 0).

        Raises:
            RefusedError: the handshake is refused.
            RemoteProtocolError: not legal in this state.
        """
        with self._machine.failing():
            if isinstance(query, t.WorkerConnectToProxy):
                return self._connect(query.params)
            if isinstance(query, t.WorkerCompareBalanceWithProxy):
                return self._compare(query)
            if isinstance(query, t.WorkerExtendedCompareBalanceWithProxy):
                return self._extended_compare(query)
            if isinstance(query, t.WorkerProxyHandshakeComplete):
                self._machine.theirs(WorkerPeerStep.COMPLETE)
                return WorkerReady(query.is_disabled)
            if isinstance(query, t.WorkerUpdatePaymentStatus):
                self._machine.require_theirs(WorkerPeerState.READY, query.NAME)
                return PaymentStatusRequest()
            return None

    def _connect(self, params: t.WorkerParams) -> WorkerConnectRequest:
        self._machine.theirs(WorkerPeerStep.CONNECT)
        check_network(params.flags, params.is_test, is_test=self._identity.is_test)
        proxy_count, max_active = params.proxy_cnt or 0, params.max_active_requests or 0
        if not params.model.partition("@")[0]:
            raise RefusedError(WIRE_ERROR, "model name is empty")
        if not 0 <= params.coefficient < COEFFICIENT_LIMIT:
            raise RefusedError(WIRE_ERROR, f"coefficient must be in 0..{COEFFICIENT_LIMIT - 1}")
        if max_active < 1 or proxy_count < 1:
            raise RefusedError(WIRE_ERROR, "max_active_requests and proxy_cnt must be positive")
        self.version = negotiate(self._versions, params.min_proto_version, params.max_proto_version)
        return WorkerConnectRequest(
            params.worker_owner_address,
            params.model,
            params.coefficient,
            -(-max_active // proxy_count),
            self.version,
        )

    def _compare(self, query: t.WorkerCompareBalanceWithProxy) -> CompareRequest:
        self._machine.theirs(WorkerPeerStep.COMPARE)
        claimed = Counters(
            query.tokens_committed_to_blockchain, query.tokens_committed_to_db, query.max_tokens
        )
        if claimed.signed < 0 or claimed.db < 0 or claimed.max < 0:
            raise RefusedError(WIRE_PROTOCOL_VIOLATION, "negative tokens claimed")
        self._claimed = claimed
        return CompareRequest(claimed)

    def _extended_compare(
        self, query: t.WorkerExtendedCompareBalanceWithProxy
    ) -> ExtendedCompareRequest:
        self._machine.theirs(WorkerPeerStep.EXTEND)
        if not 0 <= query.tokens_committed_to_db <= self._committed:
            raise RefusedError(WIRE_PROTOCOL_VIOLATION, "more tokens claimed than were committed")
        return ExtendedCompareRequest(query.tokens_committed_to_db, query.other)

    # --- answers to them ---

    def greet(
        self, *, worker_contract: str, allowed: bool = True, enabled: bool = True
    ) -> t.WorkerConnectedToProxy:
        """Return the answer to ``connectToProxy``, if the worker may connect.

        Args:
            worker_contract: the worker's contract at this proxy, as text for the wire.
            allowed: its image and model hashes are in the root config, or are not checked.
            enabled: this proxy takes requests.

        Raises:
            RefusedError: it may not (§4.1: 621 hashes, 651 disabled).
        """
        self._machine.ours(WorkerPeerStep.GREET)
        if not allowed:
            raise self._machine.refused(
                WIRE_PROTOCOL_VIOLATION, "image or model hash is not in the root config"
            )
        if not enabled:
            raise self._machine.refused(WIRE_NOT_READY, "proxy is disabled")
        return t.WorkerConnectedToProxy(self._identity.params(self.version), worker_contract)

    def compared(
        self, payment: bytes | None, ours: Counters
    ) -> t.WorkerCompareBalanceWithProxyResult:
        """Return the answer to a compare.

        Args:
            payment: the newest signed payment to this worker, or None.
            ours: our counters for it; ``signed`` is the amount in ``payment``.

        Raises:
            RefusedError: the worker claims more than we committed. The official proxy stops the
                whole process then (§4.1); a claim is no reason for that.
        """
        claimed = self._claimed
        agreed = claimed.max <= ours.max
        self._machine.ours(WorkerPeerStep.AGREE if agreed else WorkerPeerStep.FALL_BEHIND)
        if claimed.signed > ours.signed or claimed.db > ours.db:
            raise self._machine.refused(
                WIRE_PROTOCOL_VIOLATION, "more tokens claimed than were committed"
            )
        self._committed = ours.db
        return t.WorkerCompareBalanceWithProxyResult(
            answers.payment_object(payment), ours.db, ours.max, 0 if agreed else 1
        )

    def extended(self) -> t.WorkerExtendedCompareBalanceWithProxyResult:
        """Return the answer to an extended compare: go on with what the proxy has."""
        self._machine.ours(WorkerPeerStep.EXTENDED)
        return t.WorkerExtendedCompareBalanceWithProxyResult(0)

    def completed(self) -> t.WorkerProxyHandshakeCompleted:
        """Return the answer to ``proxyHandshakeComplete``; the session is then READY."""
        self._machine.ours(WorkerPeerStep.COMPLETED)
        return t.WorkerProxyHandshakeCompleted()

    def payment_status(self, status: PaymentUpdated) -> t.WorkerPaymentStatus:
        """Return the answer to ``updatePaymentStatus``."""
        self._machine.require_ours(WorkerPeerState.READY)
        return t.WorkerPaymentStatus(
            answers.payment_object(status.payment), status.db_tokens, status.max_tokens
        )

    # --- messages ---

    def receive_message(self, message: TLObject) -> WorkerMessageEvent | None:
        """Understand a message; None for one that a proxy ignores.

        Availability and coefficient count in every state after ``greet``: the official proxy
        loses them during the handshake (§12).

        Raises:
            RemoteProtocolError: an answer before the session is READY, or numbers that make no
                sense.
        """
        decode = answers.WORKER_ANSWERS.get(type(message))
        if decode is not None:
            self._machine.require_theirs(WorkerPeerState.READY, message.NAME)
            try:
                return decode(message)
            except RemoteProtocolError:
                self.fail()
                raise
        if self.state in _BEFORE_GREETING:
            return None
        if isinstance(message, t.WorkerEnabledDisabled):
            return AvailabilityChanged(message.disabled != 0)
        if isinstance(message, t.WorkerNewCoefficient):
            if message.new_coefficient < 0:
                raise self._machine.broken("new coefficient is negative")
            return CoefficientChanged(message.new_coefficient)
        if self.version >= OURS and isinstance(message, t.WorkerCapabilities):
            with self._machine.failing():
                return read_capabilities(message)
        return None

    def run_query(self, query: WorkerQuery) -> TLObject:
        """Return the message that runs a request on the worker.

        Raises:
            LocalProtocolError: the session is not READY.
        """
        self._machine.require_ours(WorkerPeerState.READY)
        payment = answers.payment_object(query.payment)
        if self.version >= OURS:
            return t.ProxyRunQueryV3(
                query.query,
                payment,
                query.coefficient,
                query.timeout,
                query.request_id,
                query.max_tokens or 0,
                query.cache_scope,
                1,
                query.debug,
            )
        if self.version == 0:
            return t.ProxyRunQuery(
                query.query, payment, query.coefficient, query.timeout, query.request_id
            )
        return t.ProxyRunQueryEx(
            query.query,
            payment,
            query.coefficient,
            query.timeout,
            query.request_id,
            1,
            query.debug,
        )

    def cancel_query(self, request_id: bytes) -> t.ProxyCancelQuery | None:
        """Return the message that stops a request; None where the version has none."""
        self._machine.require_ours(WorkerPeerState.READY)
        return t.ProxyCancelQuery(request_id) if self.version >= OURS else None

    def payment_updated(self, event: PaymentUpdated) -> t.ProxyWorkerRequestPayment:
        """Return the message that follows each request; ``request_id`` must be set.

        ``payment`` must be set too: workers leave when it is Empty (§4.2).
        """
        self._machine.require_ours(WorkerPeerState.READY)
        return t.ProxyWorkerRequestPayment(
            answers.known_request(event.request_id),
            answers.payment_object(event.payment),
            event.db_tokens,
            event.max_tokens,
            event.request_tokens or 0,
            event.client_owner or "",
        )


_BEFORE_GREETING = frozenset(
    {WorkerPeerState.NEW, WorkerPeerState.CONNECTING, WorkerPeerState.FAILED}
)
