"""The session between a worker and a proxy, the worker's half (``wire-protocol.md`` §4).

Handshake, in calls::

    query      = session.connect()
    greeting   = session.receive_connected(answer)          # untrusted
    session.accept_greeting(greeting, ...expected addresses computed from the root config...)
    query      = session.compare(remembered)
    comparison = session.receive_comparison(answer)
    more       = session.accept_comparison(comparison, signed_tokens)
    if more: query = session.extended_compare(); session.receive_extended(answer)
    query      = session.complete(disabled)
    session.receive_completed(answer)                       # now READY

The proxy's half is in ``worker_peer_session`` and re-exported here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from cocoon.errors import WIRE_ERROR, RemoteProtocolError
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire import answers
from cocoon.wire.events import (
    NO_SCOPE,
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    AvailabilityChanged,
    Capabilities,
    CoefficientChanged,
    Comparison,
    Counters,
    PaymentUpdated,
    ProxyGreeting,
    QueryCancelled,
    QueryRejected,
    WorkerQuery,
)
from cocoon.wire.greeting import check_greeting, read_greeting
from cocoon.wire.models import write_capabilities
from cocoon.wire.negotiation import (
    OURS,
    WORKER_VERSIONS,
    StateMachine,
    VersionRange,
    amount,
    params_flags,
)
from cocoon.wire.worker_peer_session import WorkerPeerSession

__all__ = [
    "WORKER_TABLE",
    "WorkerEvent",
    "WorkerParams",
    "WorkerPeerSession",
    "WorkerSession",
    "WorkerState",
    "WorkerStep",
]

MAX_COEFFICIENT = 2**31 - 1
"""The official worker narrows a query's coefficient to 32 bits; we refuse what would change."""


class WorkerState(Enum):
    """Where the worker's half stands."""

    NEW = auto()
    CONNECTING = auto()
    GREETED = auto()
    CHECKED = auto()
    COMPARING = auto()
    COMPARED = auto()
    BEHIND = auto()
    EXTENDING = auto()
    AGREED = auto()
    COMPLETING = auto()
    READY = auto()
    FAILED = auto()


class WorkerStep(Enum):
    """What leads from one state to the next."""

    CONNECT = auto()
    CONNECTED = auto()
    ACCEPT = auto()
    COMPARE = auto()
    COMPARISON = auto()
    AGREE = auto()
    FALL_BEHIND = auto()
    EXTEND = auto()
    EXTENDED = auto()
    COMPLETE = auto()
    COMPLETED = auto()


WORKER_TABLE: Mapping[tuple[WorkerState, WorkerStep], WorkerState] = {
    (WorkerState.NEW, WorkerStep.CONNECT): WorkerState.CONNECTING,
    (WorkerState.CONNECTING, WorkerStep.CONNECTED): WorkerState.GREETED,
    (WorkerState.GREETED, WorkerStep.ACCEPT): WorkerState.CHECKED,
    (WorkerState.CHECKED, WorkerStep.COMPARE): WorkerState.COMPARING,
    (WorkerState.COMPARING, WorkerStep.COMPARISON): WorkerState.COMPARED,
    (WorkerState.COMPARED, WorkerStep.AGREE): WorkerState.AGREED,
    (WorkerState.COMPARED, WorkerStep.FALL_BEHIND): WorkerState.BEHIND,
    (WorkerState.BEHIND, WorkerStep.EXTEND): WorkerState.EXTENDING,
    (WorkerState.EXTENDING, WorkerStep.EXTENDED): WorkerState.AGREED,
    (WorkerState.AGREED, WorkerStep.COMPLETE): WorkerState.COMPLETING,
    (WorkerState.COMPLETING, WorkerStep.COMPLETED): WorkerState.READY,
}

WorkerEvent = WorkerQuery | QueryRejected | QueryCancelled | PaymentUpdated


@dataclass(frozen=True, slots=True)
class WorkerParams:
    """What a worker tells a proxy of itself.

    ``owner_address`` is the configured owner (48 characters base64url), ``model`` the full name
    ``base@commit:hash``, ``coefficient`` the price multiplier in thousandths.
    """

    owner_address: str
    model: str
    coefficient: int
    is_test: bool
    proxy_count: int
    max_active_requests: int


class WorkerSession:
    """The worker's half.

    Args:
        params: who we are.
        versions: what we offer; official workers offer 1..2.
    """

    def __init__(self, params: WorkerParams, *, versions: VersionRange = WORKER_VERSIONS) -> None:
        self._machine = StateMachine(WORKER_TABLE, WorkerState.NEW, WorkerState.FAILED)
        self._params = params
        self._versions = versions
        self._known = Counters(0, 0, 0)
        self.version = 0

    @property
    def state(self) -> WorkerState:
        """Where the session stands."""
        return self._machine.state

    def fail(self) -> None:
        """Give the session up: nothing is legal any more."""
        self._machine.fail()

    # --- handshake ---

    def connect(self) -> t.WorkerConnectToProxy:
        """Return the first query."""
        self._machine.ours(WorkerStep.CONNECT)
        ours = self._params
        low, high = self._versions if self._versions.max > 0 else (None, None)
        return t.WorkerConnectToProxy(
            t.WorkerParams(
                params_flags(self._versions),
                ours.owner_address,
                ours.model,
                ours.coefficient,
                ours.is_test,
                ours.proxy_count,
                ours.max_active_requests,
                low,
                high,
            )
        )

    def receive_connected(self, answer: TLObject) -> ProxyGreeting:
        """Understand the answer to ``connect``; check network and version.

        Raises:
            RemoteProtocolError: not a legal answer.
        """
        self._machine.theirs(WorkerStep.CONNECTED)
        with self._machine.failing():
            if not isinstance(answer, t.WorkerConnectedToProxy):
                raise RemoteProtocolError(f"{answer.NAME} answers connectToProxy")
            greeting = read_greeting(
                answer.params,
                answer.worker_sc_address,
                is_test=self._params.is_test,
                versions=self._versions,
            )
        self.version = greeting.version
        return greeting

    def accept_greeting(
        self,
        greeting: ProxyGreeting,
        *,
        proxy_contract: str,
        worker_contract: str,
        known_public_key: bytes | None = None,
    ) -> None:
        """Compare what the proxy said with what the root config says; see :func:`check_greeting`.

        Raises:
            RemoteProtocolError: an address or the key differs.
        """
        self._machine.ours(WorkerStep.ACCEPT)
        with self._machine.failing():
            check_greeting(greeting, proxy_contract, worker_contract, known_public_key)

    def compare(self, remembered: Counters) -> t.WorkerCompareBalanceWithProxy:
        """Return the query that tells the proxy what we remember to have earned there."""
        self._machine.ours(WorkerStep.COMPARE)
        self._known = remembered
        return t.WorkerCompareBalanceWithProxy(remembered.signed, remembered.db, remembered.max)

    def receive_comparison(self, answer: TLObject) -> Comparison:
        """Understand the answer to ``compare``.

        Raises:
            RemoteProtocolError: not a legal answer.
        """
        self._machine.theirs(WorkerStep.COMPARISON)
        with self._machine.failing():
            if not isinstance(answer, t.WorkerCompareBalanceWithProxyResult):
                raise RemoteProtocolError(f"{answer.NAME} answers compareBalanceWithProxy")
            return Comparison(
                answers.payment_bytes(answer.signed_payment),
                amount(answer.tokens_committed_to_db, "tokens_committed_to_db"),
                amount(answer.max_tokens, "max_tokens"),
                answer.error_code,
            )

    def accept_comparison(self, comparison: Comparison, signed_tokens: int) -> bool:
        """Check that the proxy did not forget what it had promised; tell if it wants to know more.

        Args:
            comparison: what the proxy answered.
            signed_tokens: the tokens in its payment, whose signature was checked; 0 for Empty.

        Returns:
            True when ``extended_compare`` comes next, False when ``complete`` does.

        Raises:
            RemoteProtocolError: it is below what we remember: a proxy that was rolled back.
        """
        behind = comparison.error_code != 0
        self._machine.ours(WorkerStep.FALL_BEHIND if behind else WorkerStep.AGREE)
        if signed_tokens < self._known.signed or comparison.db_tokens < self._known.db:
            raise self._machine.broken("proxy has less than it had promised")
        # An official proxy that is behind keeps its lower max; what is promised is signed and db.
        self._known = Counters(signed_tokens, comparison.db_tokens, comparison.max_tokens)
        return behind

    def extended_compare(self) -> t.WorkerExtendedCompareBalanceWithProxy:
        """Return the second compare."""
        self._machine.ours(WorkerStep.EXTEND)
        return t.WorkerExtendedCompareBalanceWithProxy(self._known.db, b"")

    def receive_extended(self, answer: TLObject) -> None:
        """Understand the answer to ``extended_compare``.

        Raises:
            RemoteProtocolError: not a legal answer, or the proxy does not agree.
        """
        self._machine.theirs(WorkerStep.EXTENDED)
        if not isinstance(answer, t.WorkerExtendedCompareBalanceWithProxyResult):
            raise self._machine.broken(f"{answer.NAME} answers extendedCompareBalanceWithProxy")
        if answer.error_code != 0:
            raise self._machine.refused(answer.error_code, "proxy does not agree on the balance")

    def complete(self, disabled: bool) -> t.WorkerProxyHandshakeComplete:
        """Return the last query of the handshake; ``disabled``: we take no requests now."""
        self._machine.ours(WorkerStep.COMPLETE)
        return t.WorkerProxyHandshakeComplete(disabled)

    def receive_completed(self, answer: TLObject) -> None:
        """Understand the answer to ``complete``; the session is then READY.

        Raises:
            RemoteProtocolError: not a legal answer.
        """
        self._machine.theirs(WorkerStep.COMPLETED)
        if not isinstance(answer, t.WorkerProxyHandshakeCompleted):
            raise self._machine.broken(f"{answer.NAME} answers proxyHandshakeComplete")

    # --- in session ---

    def receive_message(self, message: TLObject) -> WorkerEvent | None:
        """Understand a message; None for one that a worker ignores.

        Raises:
            RemoteProtocolError: the session is not READY, or the proxy's counters went back.
        """
        kind = type(message)
        if kind is t.ProxyRunQueryEx or kind is t.ProxyRunQuery:
            self._machine.require_theirs(WorkerState.READY, message.NAME)
            return _worker_query(message)  # type: ignore[arg-type]
        if self.version >= OURS and kind in _OUR_MESSAGES:
            self._machine.require_theirs(WorkerState.READY, message.NAME)
            if isinstance(message, t.ProxyCancelQuery):
                return QueryCancelled(message.request_id)
            return _worker_query(message)  # type: ignore[arg-type]
        if isinstance(message, t.ProxyWorkerRequestPayment):
            self._machine.require_theirs(WorkerState.READY, message.NAME)
            with self._machine.failing():
                update = answers.payment_update(message)
                if update.payment is None:
                    raise RemoteProtocolError("empty payment after a request")
                self._remember(update)
            return update
        return None

    def update_payment_status(self) -> t.WorkerUpdatePaymentStatus:
        """Return the query for the newest signed payment."""
        self._machine.require_ours(WorkerState.READY)
        return t.WorkerUpdatePaymentStatus()

    def receive_payment_status(
        self, answer: TLObject, since: Counters | None = None
    ) -> PaymentUpdated:
        """Understand the answer to ``update_payment_status``.

        Args:
            answer: what came.
            since: what was known when we asked, if messages that came behind the answer may have
                been received before it. The default is what is known now.

        Raises:
            RemoteProtocolError: not a legal answer, or the proxy's counters went back.
        """
        with self._machine.failing():
            if not isinstance(answer, t.WorkerPaymentStatus):
                raise RemoteProtocolError(f"{answer.NAME} answers updatePaymentStatus")
            update = answers.payment_status(answer)
            self._remember(update, since)
        return update

    def _remember(self, update: PaymentUpdated, since: Counters | None = None) -> None:
        """Keep the counters of ``update``; the signed amount is the caller's to compare (§4.2)."""
        known = self._known
        floor = since or known
        if update.db_tokens < floor.db or update.max_tokens < floor.max:
            raise RemoteProtocolError("proxy's counters went back")
        self._known = Counters(
            known.signed, max(known.db, update.db_tokens), max(known.max, update.max_tokens)
        )

    def answer_started(self, event: AnswerStarted) -> TLObject:
        """Return the message that starts an answer."""
        self._machine.require_ours(WorkerState.READY)
        return answers.worker_started(event, self.version)

    def answer_part(self, event: AnswerPart) -> TLObject:
        """Return the message that continues an answer."""
        self._machine.require_ours(WorkerState.READY)
        return answers.worker_part(event, self.version)

    def answer_failed(self, event: AnswerFailed, *, started: bool) -> TLObject:
        """Return the error that ends an answer; ``started``: its beginning was already sent."""
        self._machine.require_ours(WorkerState.READY)
        return answers.worker_failed(event, self.version, started=started)

    def availability_changed(self, event: AvailabilityChanged) -> t.WorkerEnabledDisabled:
        """Return the message that says whether we take requests.

        Only when READY: official proxies lose it before (§12). A change during the handshake goes
        into ``complete``, or is sent right after.
        """
        self._machine.require_ours(WorkerState.READY)
        return t.WorkerEnabledDisabled(int(event.disabled))

    def coefficient_changed(self, event: CoefficientChanged) -> t.WorkerNewCoefficient:
        """Return the message with our new price multiplier; only when READY, as above."""
        self._machine.require_ours(WorkerState.READY)
        return t.WorkerNewCoefficient(event.coefficient)

    def capabilities(self, what: Capabilities) -> t.WorkerCapabilities | None:
        """Return the message that tells what we can do; None where the version has none."""
        self._machine.require_ours(WorkerState.READY)
        return write_capabilities(what) if self.version >= OURS else None


_OUR_MESSAGES = frozenset({t.ProxyRunQueryV3, t.ProxyCancelQuery})
_Query = t.ProxyRunQuery | t.ProxyRunQueryEx | t.ProxyRunQueryV3


def _worker_query(message: _Query) -> WorkerQuery | QueryRejected:
    ours = message if isinstance(message, t.ProxyRunQueryV3) else None
    if not 0 <= message.coefficient <= MAX_COEFFICIENT:
        problem = f"coefficient must be in 0..{MAX_COEFFICIENT}"
    elif not 0 <= message.timeout < math.inf:  # also false for NaN
        problem = "timeout must be a finite number of seconds"
    elif ours is not None and ours.max_tokens < 0:
        problem = "max_tokens must not be negative"
    else:
        return WorkerQuery(
            message.request_id,
            message.query,
            answers.payment_bytes(message.signed_payment),
            message.coefficient,
            message.timeout,
            not isinstance(message, t.ProxyRunQuery) and bool(message.enable_debug),
            None if ours is None else ours.max_tokens,
            NO_SCOPE if ours is None else ours.cache_scope,
        )
    return QueryRejected(message.request_id, WIRE_ERROR, problem)
