"""The session between a client and a proxy, the client's half (``wire-protocol.md`` §3).

The proxy's half is in ``client_peer_session`` and re-exported here.

Handshake, in calls::

    query    = session.connect(min_config_version)
    greeting = session.receive_connected(answer)            # untrusted
    session.accept_greeting(greeting, ...expected addresses computed from the root config...)
    query, nonce = session.authorize(secret)                # nonce: register it on chain
    payment  = session.receive_authorization(answer)        # now READY

``query`` values go into a ``tcp.query``, ``answer`` is what came back. Afterwards ``run_query``
gives messages to send and ``receive_message`` understands what arrives.
"""

import hashlib
import hmac
from collections.abc import Mapping
from enum import Enum, auto

from cocoon.errors import RemoteProtocolError
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire import answers
from cocoon.wire.client_peer_session import ClientPeerSession
from cocoon.wire.events import (
    ModelOffer,
    PaymentUpdated,
    ProxyGreeting,
    RunQuery,
)
from cocoon.wire.greeting import check_greeting, read_greeting
from cocoon.wire.models import read_models
from cocoon.wire.negotiation import (
    CLIENT_VERSIONS,
    OURS,
    StateMachine,
    VersionRange,
    amount,
    params_flags,
)

__all__ = [
    "CLIENT_TABLE",
    "ClientEvent",
    "ClientPeerSession",
    "ClientSession",
    "ClientState",
    "ClientStep",
]


class ClientState(Enum):
    """Where the client's half stands."""

    NEW = auto()
    CONNECTING = auto()
    GREETED = auto()
    CHECKED = auto()
    AUTHORIZING = auto()
    READY = auto()
    FAILED = auto()


class ClientStep(Enum):
    """What leads from one state to the next."""

    CONNECT = auto()
    CONNECTED = auto()
    ACCEPT = auto()
    AUTHORIZE = auto()
    AUTHORIZED = auto()


CLIENT_TABLE: Mapping[tuple[ClientState, ClientStep], ClientState] = {
    (ClientState.NEW, ClientStep.CONNECT): ClientState.CONNECTING,
    (ClientState.CONNECTING, ClientStep.CONNECTED): ClientState.GREETED,
    (ClientState.GREETED, ClientStep.ACCEPT): ClientState.CHECKED,
    (ClientState.CHECKED, ClientStep.AUTHORIZE): ClientState.AUTHORIZING,
    (ClientState.AUTHORIZING, ClientStep.AUTHORIZED): ClientState.READY,
}

ClientEvent = answers.Answer | PaymentUpdated


class ClientSession:
    """The client's half.

    Args:
        owner_address: the address of the client's cocoon wallet, 48 characters base64url.
        is_test: which network this is.
        versions: what we offer; official clients offer 1..2.
    """

    def __init__(
        self, owner_address: str, *, is_test: bool, versions: VersionRange = CLIENT_VERSIONS
    ) -> None:
        self._machine = StateMachine(CLIENT_TABLE, ClientState.NEW, ClientState.FAILED)
        self._owner_address = owner_address
        self._is_test = is_test
        self._versions = versions
        self._auth: t.ClientProxyConnectionAuthShort | t.ClientProxyConnectionAuthLong | None = None
        self.version = 0
        self.payment: bytes | None = None
        """The signed payment of the greeting: what the proxy says we had spent before."""

    @property
    def state(self) -> ClientState:
        """Where the session stands."""
        return self._machine.state

    def fail(self) -> None:
        """Give the session up: nothing is legal any more."""
        self._machine.fail()

    # --- handshake ---

    def connect(self, min_config_version: int) -> t.ClientConnectToProxy:
        """Return the first query; ``min_config_version`` is the root config version we know."""
        self._machine.ours(ClientStep.CONNECT)
        flags = params_flags(self._versions)
        low, high = self._versions if self._versions.max > 0 else (None, None)
        params = t.ClientParams(flags, self._owner_address, self._is_test, low, high)
        return t.ClientConnectToProxy(params, min_config_version)

    def receive_connected(self, answer: TLObject) -> ProxyGreeting:
        """Understand the answer to ``connect``; check network and version.

        Raises:
            RemoteProtocolError: not a legal answer.
        """
        self._machine.theirs(ClientStep.CONNECTED)
        if not isinstance(answer, t.ClientConnectedToProxy):
            raise self._machine.broken(f"{answer.NAME} answers connectToProxy")
        with self._machine.failing():
            greeting = read_greeting(
                answer.params,
                answer.client_sc_address,
                is_test=self._is_test,
                versions=self._versions,
            )
        self._auth = answer.auth
        self.payment = answers.payment_bytes(answer.signed_payment)
        self.version = greeting.version
        return greeting

    def accept_greeting(
        self,
        greeting: ProxyGreeting,
        *,
        proxy_contract: str,
        client_contract: str,
        known_public_key: bytes | None = None,
    ) -> None:
        """Compare what the proxy said with what the root config says; see :func:`check_greeting`.

        Raises:
            RemoteProtocolError: an address or the key differs.
        """
        self._machine.ours(ClientStep.ACCEPT)
        with self._machine.failing():
            check_greeting(greeting, proxy_contract, client_contract, known_public_key)

    def authorize(self, secret: bytes) -> tuple[TLObject, int | None]:
        """Return the authorization query, and the nonce to register on chain if it is the long one.

        The secret is sent only to a proxy that knows its hash (§3.1).
        """
        self._machine.ours(ClientStep.AUTHORIZE)
        auth = self._auth
        if isinstance(auth, t.ClientProxyConnectionAuthShort) and hmac.compare_digest(
            hashlib.sha256(secret).digest(), auth.secret_hash
        ):
            return t.ClientAuthorizeWithProxyShort(secret), None
        if auth is None:
            raise self._machine.broken("no authorization offered")
        return t.ClientAuthorizeWithProxyLong(), auth.nonce

    def receive_authorization(self, answer: TLObject) -> PaymentUpdated:
        """Understand the answer to ``authorize``; on success the session is READY.

        Raises:
            RefusedError: the proxy said no (never seen from official ones, §1.3).
            RemoteProtocolError: not a legal answer.
        """
        self._machine.theirs(ClientStep.AUTHORIZED)
        if isinstance(answer, t.ClientAuthorizationWithProxyFailed):
            raise self._machine.refused(answer.error_code, answer.error)
        if not isinstance(answer, t.ClientAuthorizationWithProxySuccess):
            raise self._machine.broken(f"{answer.NAME} answers an authorization")
        with self._machine.failing():
            return PaymentUpdated(
                None,
                answers.payment_bytes(answer.signed_payment),
                amount(answer.tokens_committed_to_db, "tokens_committed_to_db"),
                amount(answer.max_tokens, "max_tokens"),
            )

    # --- in session ---

    def run_query(self, query: RunQuery) -> TLObject:
        """Return the message that runs a request.

        Raises:
            LocalProtocolError: the session is not READY.
        """
        self._machine.require_ours(ClientState.READY)
        if self.version >= OURS:
            return t.ClientRunQueryV3(
                query.model,
                query.query,
                query.max_coefficient,
                query.max_tokens,
                query.timeout,
                query.request_id,
                query.min_config_version,
                query.cache_scope,
                query.requires,
                1,
                query.debug,
            )
        if self.version == 0:
            return t.ClientRunQuery(
                query.model,
                query.query,
                query.max_coefficient,
                query.max_tokens,
                query.timeout,
                query.request_id,
                query.min_config_version,
            )
        return t.ClientRunQueryEx(
            query.model,
            query.query,
            query.max_coefficient,
            query.max_tokens,
            query.timeout,
            query.request_id,
            query.min_config_version,
            1,
            query.debug,
        )

    def cancel_query(self, request_id: bytes) -> t.ClientCancelQuery | None:
        """Return the message that gives a request up; None where the version has none."""
        self._machine.require_ours(ClientState.READY)
        return t.ClientCancelQuery(request_id) if self.version >= OURS else None

    def receive_message(self, message: TLObject) -> ClientEvent | None:
        """Understand a message; None for one that a client ignores.

        Every form of an answer is taken at every version: official proxies send their own errors
        in the old form to everybody (§3.3 item 4).

        Raises:
            RemoteProtocolError: the session is not READY, or a number makes no sense.
        """
        kind = type(message)
        decode = answers.CLIENT_ANSWERS.get(kind)
        if decode is None and kind is not t.ProxyClientRequestPayment:
            return None
        self._machine.require_theirs(ClientState.READY, message.NAME)
        try:
            if decode is not None:
                return decode(message)
            return answers.payment_update(message)  # type: ignore[arg-type]
        except RemoteProtocolError:
            self.fail()
            raise

    def update_payment_status(self) -> t.ClientUpdatePaymentStatus:
        """Return the query for the newest signed payment."""
        self._machine.require_ours(ClientState.READY)
        return t.ClientUpdatePaymentStatus()

    def receive_payment_status(self, answer: TLObject) -> PaymentUpdated:
        """Understand the answer to ``update_payment_status``.

        Raises:
            RemoteProtocolError: not a legal answer.
        """
        with self._machine.failing():
            if not isinstance(answer, t.ClientPaymentStatus):
                raise RemoteProtocolError(f"{answer.NAME} answers updatePaymentStatus")
            return answers.payment_status(answer)

    def get_models(self) -> TLObject:
        """Return the query for the models that the proxy's workers serve."""
        self._machine.require_ours(ClientState.READY)
        if self.version >= OURS:
            return t.ClientGetWorkerTypesV3()
        return t.ClientGetWorkerTypes() if self.version == 0 else t.ClientGetWorkerTypesV2()

    def receive_models(self, answer: TLObject) -> tuple[ModelOffer, ...]:
        """Understand the answer to ``get_models``, in any form.

        Raises:
            RemoteProtocolError: not a legal answer.
        """
        with self._machine.failing():
            return read_models(answer)
