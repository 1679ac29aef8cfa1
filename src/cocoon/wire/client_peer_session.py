"""The session between a client and a proxy, the proxy's half (``wire-protocol.md`` §3).

What needs the store or the chain comes in as arguments: ``receive_query`` gives a request value,
the proxy looks things up and answers with ``greet``, ``authorized``, ``payment_status`` or
``models``. A :class:`RefusedError` is answered with its code, then the connection closes.
"""

import hashlib
import hmac
import math
from collections.abc import Iterable, Mapping
from enum import Enum, auto

from cocoon.errors import (
    WIRE_ERROR,
    WIRE_NOT_READY,
    WIRE_PROTOCOL_VIOLATION,
)
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire import answers, features
from cocoon.wire.events import (
    NO_SCOPE,
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    AuthorizedBySecret,
    AuthorizeOnChain,
    ConnectRequest,
    ModelsRequest,
    PaymentStatusRequest,
    PaymentUpdated,
    QueryCancelled,
    QueryRejected,
    RunQuery,
    WorkerOffer,
)
from cocoon.wire.greeting import ProxyIdentity
from cocoon.wire.models import Models, write_models
from cocoon.wire.negotiation import (
    OURS,
    PROXY_VERSIONS,
    StateMachine,
    VersionRange,
    check_network,
    negotiate,
)


class ClientPeerState(Enum):
    """Where the proxy's half stands."""

    NEW = auto()
    CONNECTING = auto()
    GREETED = auto()
    AUTHORIZING = auto()
    READY = auto()
    FAILED = auto()


class ClientPeerStep(Enum):
    """What leads from one state to the next."""

    CONNECT = auto()
    GREET = auto()
    AUTHORIZE = auto()
    AUTHORIZED = auto()


CLIENT_PEER_TABLE: Mapping[tuple[ClientPeerState, ClientPeerStep], ClientPeerState] = {
    (ClientPeerState.NEW, ClientPeerStep.CONNECT): ClientPeerState.CONNECTING,
    (ClientPeerState.CONNECTING, ClientPeerStep.GREET): ClientPeerState.GREETED,
    (ClientPeerState.GREETED, ClientPeerStep.AUTHORIZE): ClientPeerState.AUTHORIZING,
    (ClientPeerState.AUTHORIZING, ClientPeerStep.AUTHORIZED): ClientPeerState.READY,
}

ClientRequestEvent = (
    ConnectRequest | AuthorizedBySecret | AuthorizeOnChain | PaymentStatusRequest | ModelsRequest
)


class ClientPeerSession:
    """The proxy's half.

    Args:
        identity: who the proxy is.
        versions: what it speaks; official proxies speak 0..2.
    """

    def __init__(self, identity: ProxyIdentity, *, versions: VersionRange = PROXY_VERSIONS) -> None:
        self._machine = StateMachine(CLIENT_PEER_TABLE, ClientPeerState.NEW, ClientPeerState.FAILED)
        self._identity = identity
        self._versions = versions
        self._min_config_version = 0
        self._secret_hash: bytes | None = None
        self._nonce = 0
        self.version = 0

    @property
    def state(self) -> ClientPeerState:
        """Where the session stands."""
        return self._machine.state

    def fail(self) -> None:
        """Give the session up: nothing is legal any more."""
        self._machine.fail()

    # --- queries of the client ---

    def receive_query(self, query: TLObject) -> ClientRequestEvent | None:
        """Understand a query; None for one that a proxy does not know (answer: code 0).

        Raises:
            RefusedError: the handshake is refused.
            RemoteProtocolError: not legal in this state.
        """
        with self._machine.failing():
            if isinstance(query, t.ClientConnectToProxy):
                return self._connect(query)
            if isinstance(query, t.ClientAuthorizeWithProxyShort):
                return self._authorize_by_secret(query)
            if isinstance(query, t.ClientAuthorizeWithProxyLong):
                self._machine.theirs(ClientPeerStep.AUTHORIZE)
                return AuthorizeOnChain(self._nonce)
            if isinstance(query, t.ClientUpdatePaymentStatus):
                self._machine.require_theirs(ClientPeerState.READY, query.NAME)
                return PaymentStatusRequest()
            form = _MODEL_FORMS.get(type(query))
            if form is None or (form >= OURS and self.version < OURS):
                return None
            self._machine.require_theirs(ClientPeerState.READY, query.NAME)
            return ModelsRequest(form)

    def _connect(self, query: t.ClientConnectToProxy) -> ConnectRequest:
        self._machine.theirs(ClientPeerStep.CONNECT)
        params = query.params
        check_network(params.flags, params.is_test, is_test=self._identity.is_test)
        self.version = negotiate(self._versions, params.min_proto_version, params.max_proto_version)
        self._min_config_version = query.min_config_version
        return ConnectRequest(params.client_owner_address, query.min_config_version, self.version)

    def _authorize_by_secret(self, query: t.ClientAuthorizeWithProxyShort) -> AuthorizedBySecret:
        self._machine.theirs(ClientPeerStep.AUTHORIZE)
        if self._secret_hash is None:
            raise self._machine.refused(WIRE_PROTOCOL_VIOLATION, "no secret is known for you")
        if not hmac.compare_digest(hashlib.sha256(query.data).digest(), self._secret_hash):
            raise self._machine.refused(WIRE_ERROR, "secret does not match")
        return AuthorizedBySecret()

    # --- answers to them ---

    def greet(
        self,
        *,
        client_contract: str,
        secret_hash: bytes | None,
        nonce: int,
        payment: bytes | None,
        active_config_version: int,
        is_closing: bool = False,
        enabled: bool = True,
    ) -> t.ClientConnectedToProxy:
        """Return the answer to ``connectToProxy``, if the client may connect.

        Args:
            client_contract: the client's contract at this proxy, as text for the wire.
            secret_hash: SHA-256 of the client's secret, or None when there is no record of it.
            nonce: 64 random bits, signed; what the client registers on chain.
            payment: the newest signed payment, or None.
            active_config_version: the root config version this proxy runs on.
            is_closing: the client's contract is closing or closed.
            enabled: this proxy takes requests.

        Raises:
            RefusedError: it may not (§3.1: 602 config version or closing, 651 disabled).
        """
        self._machine.ours(ClientPeerStep.GREET)
        if self._min_config_version > active_config_version:
            raise self._machine.refused(
                WIRE_ERROR,
                f"root config version {self._min_config_version} is asked for, "
                f"this proxy runs on {active_config_version}",
            )
        if is_closing:
            raise self._machine.refused(WIRE_ERROR, "client is closing")
        if not enabled:
            raise self._machine.refused(WIRE_NOT_READY, "proxy is disabled")
        self._secret_hash = secret_hash
        self._nonce = nonce
        return t.ClientConnectedToProxy(
            self._identity.params(self.version),
            client_contract,
            t.ClientProxyConnectionAuthLong(nonce)
            if secret_hash is None
            else t.ClientProxyConnectionAuthShort(secret_hash, nonce),
            answers.payment_object(payment),
        )

    def authorized(self, status: PaymentUpdated) -> t.ClientAuthorizationWithProxySuccess:
        """Return the answer to an authorization that succeeded; the session is then READY.

        After :class:`AuthorizeOnChain` call it when the registration was seen on chain.
        """
        self._machine.ours(ClientPeerStep.AUTHORIZED)
        return t.ClientAuthorizationWithProxySuccess(
            answers.payment_object(status.payment), status.db_tokens, status.max_tokens
        )

    def payment_status(self, status: PaymentUpdated) -> t.ClientPaymentStatus:
        """Return the answer to ``updatePaymentStatus``."""
        self._machine.require_ours(ClientPeerState.READY)
        return t.ClientPaymentStatus(
            answers.payment_object(status.payment), status.db_tokens, status.max_tokens
        )

    def models(self, request: ModelsRequest, offers: Mapping[str, Iterable[WorkerOffer]]) -> Models:
        """Return the answer to ``getWorkerTypes``; ``offers`` are ready workers by base model."""
        self._machine.require_ours(ClientPeerState.READY)
        return write_models(offers, form=request.form)

    # --- messages ---

    def receive_message(
        self, message: TLObject
    ) -> RunQuery | QueryRejected | QueryCancelled | None:
        """Understand a message; None for one that a proxy ignores.

        Raises:
            RemoteProtocolError: a query before the session is READY.
        """
        kind = type(message)
        if kind is t.ClientRunQueryEx or kind is t.ClientRunQuery:
            self._machine.require_theirs(ClientPeerState.READY, message.NAME)
            return _run_query(message)  # type: ignore[arg-type]
        if self.version >= OURS and kind in _OUR_MESSAGES:
            self._machine.require_theirs(ClientPeerState.READY, message.NAME)
            if isinstance(message, t.ClientCancelQuery):
                return QueryCancelled(message.request_id)
            return _run_query(message)  # type: ignore[arg-type]
        return None

    def answer_started(self, event: AnswerStarted) -> TLObject:
        """Return the message that starts an answer."""
        self._machine.require_ours(ClientPeerState.READY)
        return answers.client_started(event, self.version)

    def answer_part(self, event: AnswerPart) -> TLObject:
        """Return the message that continues an answer."""
        self._machine.require_ours(ClientPeerState.READY)
        return answers.client_part(event, self.version)

    def answer_failed(self, event: AnswerFailed, *, started: bool) -> TLObject:
        """Return the error that ends an answer; ``started``: its beginning was already sent."""
        self._machine.require_ours(ClientPeerState.READY)
        return answers.client_failed(event, self.version, started=started)

    def payment_updated(self, event: PaymentUpdated) -> t.ProxyClientRequestPayment:
        """Return the message that follows each request; ``request_id`` must be set."""
        self._machine.require_ours(ClientPeerState.READY)
        return t.ProxyClientRequestPayment(
            answers.known_request(event.request_id),
            answers.payment_object(event.payment),
            event.db_tokens,
            event.max_tokens,
            event.request_tokens or 0,
        )


_MODEL_FORMS: Mapping[type[TLObject], int] = {
    t.ClientGetWorkerTypes: 0,
    t.ClientGetWorkerTypesV2: 1,
    t.ClientGetWorkerTypesV3: 3,
}
_OUR_MESSAGES = frozenset({t.ClientRunQueryV3, t.ClientCancelQuery})
_Query = t.ClientRunQuery | t.ClientRunQueryEx | t.ClientRunQueryV3


def _run_query(message: _Query) -> RunQuery | QueryRejected:
    """Check the numbers of a request (§7.1): the official proxy takes negative ones."""
    timeout = message.timeout
    ours = message if isinstance(message, t.ClientRunQueryV3) else None
    if message.max_coefficient < 0 or message.max_tokens < 0:
        problem = "max_coefficient and max_tokens must not be negative"
    elif not 0 <= timeout < math.inf:  # also false for NaN
        problem = "timeout must be a finite number of seconds"
    elif ours is not None and not features.readable(ours.requires):
        problem = "the list of required features is too long or has strange words"
    else:
        return RunQuery(
            message.request_id,
            message.model_name,
            message.query,
            message.max_coefficient,
            message.max_tokens,
            timeout,
            message.min_config_version,
            not isinstance(message, t.ClientRunQuery) and bool(message.enable_debug),
            () if ours is None else ours.requires,
            NO_SCOPE if ours is None else ours.cache_scope,
        )
    return QueryRejected(message.request_id, WIRE_ERROR, problem)
