"""Answers in all their forms: old and ``…Ex``, to the client and to the proxy.

Two legs speak the same shapes under different names (``wire-protocol.md`` §3.3, §4.3). Encoders
choose the form by version; decoders take every form at every version, because official proxies
send old errors to new clients.
"""

from collections.abc import Callable, Mapping
from typing import Any

from cocoon.errors import (
    OFFICIAL_CODES,
    WIRE_BAD_REQUEST,
    WIRE_PROTOCOL_VIOLATION,
    LocalProtocolError,
    RemoteProtocolError,
)
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire.events import (
    NO_TOKENS,
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    FinalInfo,
    PaymentUpdated,
)
from cocoon.wire.negotiation import OURS, amount

FINAL = 1
"""``flags`` bit of the ``…Ex`` answers: final info follows and nothing after it."""
DEBUG = 1
TIMES = 2
"""``flags`` bits of the final info."""

Answer = AnswerStarted | AnswerPart | AnswerFailed
SignedPayment = t.ProxySignedPayment | t.ProxySignedPaymentEmpty
_EMPTY = t.ProxySignedPaymentEmpty()


def payment_object(payment: bytes | None) -> SignedPayment:
    """Return the TL form of a payment; None is the Empty constructor."""
    return _EMPTY if payment is None else t.ProxySignedPayment(payment)


def known_request(request_id: bytes | None) -> bytes:
    """Return the request id of a payment that is about one request.

    Raises:
        LocalProtocolError: it has none.
    """
    if request_id is None:
        raise LocalProtocolError("a payment message needs the id of its request")
    return request_id


def payment_bytes(payment: SignedPayment) -> bytes | None:
    """Return the BoC of a payment, or None for Empty."""
    return payment.data if isinstance(payment, t.ProxySignedPayment) else None


# --- final info ----------------------------------------------------------------------------------

NO_DEBUG = "{}"
"""The debug record of a hop that has none; clients read these texts as JSON."""


def _flags(final: FinalInfo, version: int) -> int:
    debug = final.worker_debug is not None or final.proxy_debug is not None
    times = version >= 2 and (final.worker_start is not None or final.proxy_start is not None)
    return (DEBUG if debug else 0) | (TIMES if times else 0)


def _client_final(final: FinalInfo, version: int) -> t.ClientQueryFinalInfo:
    flags = _flags(final, version)
    debug, times = bool(flags & DEBUG), bool(flags & TIMES)
    return t.ClientQueryFinalInfo(
        flags,
        final.usage,
        (final.worker_debug or NO_DEBUG) if debug else None,
        (final.proxy_debug or NO_DEBUG) if debug else None,
        (final.proxy_start or 0.0) if times else None,
        (final.proxy_end or 0.0) if times else None,
        (final.worker_start or 0.0) if times else None,
        (final.worker_end or 0.0) if times else None,
    )


def _worker_final(final: FinalInfo, version: int) -> t.ProxyQueryFinalInfo:
    flags = _flags(final, version)
    return t.ProxyQueryFinalInfo(
        flags,
        final.usage,
        (final.worker_debug or "") if flags & DEBUG else None,
        (final.worker_start or 0.0) if flags & TIMES else None,
        (final.worker_end or 0.0) if flags & TIMES else None,
    )


def _read_final(info: t.ClientQueryFinalInfo | t.ProxyQueryFinalInfo | None) -> FinalInfo | None:
    if info is None:
        return None
    if isinstance(info, t.ProxyQueryFinalInfo):
        return FinalInfo(
            usage_that_adds_up(info.tokens_used),
            worker_debug=info.worker_debug,
            worker_start=info.worker_start_time,
            worker_end=info.worker_end_time,
        )
    return FinalInfo(
        usage_not_negative(info.tokens_used),
        info.worker_debug,
        info.proxy_debug,
        info.proxy_start_time,
        info.proxy_end_time,
        info.worker_start_time,
        info.worker_end_time,
    )


def usage_not_negative(used: t.TokensUsed) -> t.TokensUsed:
    """Return the usage that a proxy tells a client, if nothing in it is negative.

    Raises:
        RemoteProtocolError: something is.
    """
    if (
        used.prompt_tokens_used < 0
        or used.cached_tokens_used < 0
        or used.completion_tokens_used < 0
        or used.reasoning_tokens_used < 0
        or used.total_tokens_used < 0
    ):
        raise RemoteProtocolError("token usage is negative")
    return used


def usage_that_adds_up(used: t.TokensUsed) -> t.TokensUsed:
    """Return the usage that a worker wants paid, if its total is the sum of its parts (§6.2).

    Only the proxy insists on the sum: it pays by the total, and an official proxy may hand a
    client what some worker made up.

    Raises:
        RemoteProtocolError: it does not add up, or something is negative.
    """
    usage_not_negative(used)
    parts = (
        used.prompt_tokens_used
        + used.cached_tokens_used
        + used.completion_tokens_used
        + used.reasoning_tokens_used
    )
    if parts != used.total_tokens_used:
        raise RemoteProtocolError("token usage does not add up")
    return used


# --- decoding ------------------------------------------------------------------------------------


def _started_ex(m: t.ClientQueryAnswerEx | t.ProxyQueryAnswerEx) -> Answer:
    return AnswerStarted(m.request_id, m.answer, _read_final(m.final_info))


def _part_ex(m: t.ClientQueryAnswerPartEx | t.ProxyQueryAnswerPartEx) -> Answer:
    return AnswerPart(m.request_id, m.answer, _read_final(m.final_info))


def _failed_ex(m: t.ClientQueryAnswerErrorEx | t.ProxyQueryAnswerErrorEx) -> Answer:
    return AnswerFailed(m.request_id, m.error_code, m.error, _read_final(m.final_info))


def _client_end(used: t.TokensUsed, completed: bool) -> FinalInfo | None:
    return FinalInfo(usage_not_negative(used)) if completed else None


def _worker_end(used: t.TokensUsed, completed: bool) -> FinalInfo | None:
    return FinalInfo(usage_that_adds_up(used)) if completed else None


def _client_started(m: t.ClientQueryAnswer) -> Answer:
    return AnswerStarted(m.request_id, m.answer, _client_end(m.request_tokens_used, m.is_completed))


def _client_part(m: t.ClientQueryAnswerPart) -> Answer:
    return AnswerPart(m.request_id, m.answer, _client_end(m.request_tokens_used, m.is_completed))


def _client_failed(m: t.ClientQueryAnswerError | t.ClientQueryAnswerPartError) -> Answer:
    return AnswerFailed(
        m.request_id, m.error_code, m.error, _client_end(m.request_tokens_used, True)
    )


def _worker_started(m: t.ProxyQueryAnswer) -> Answer:
    return AnswerStarted(m.request_id, m.answer, _worker_end(m.tokens_used, m.is_completed))


def _worker_part(m: t.ProxyQueryAnswerPart) -> Answer:
    return AnswerPart(m.request_id, m.answer, _worker_end(m.tokens_used, m.is_completed))


def _worker_failed(m: t.ProxyQueryAnswerError | t.ProxyQueryAnswerPartError) -> Answer:
    return AnswerFailed(m.request_id, m.error_code, m.error, _worker_end(m.tokens_used, True))


Decoder = Callable[[Any], Answer]

CLIENT_ANSWERS: Mapping[type[TLObject], Decoder] = {
    t.ClientQueryAnswer: _client_started,
    t.ClientQueryAnswerPart: _client_part,
    t.ClientQueryAnswerError: _client_failed,
    t.ClientQueryAnswerPartError: _client_failed,
    t.ClientQueryAnswerEx: _started_ex,
    t.ClientQueryAnswerPartEx: _part_ex,
    t.ClientQueryAnswerErrorEx: _failed_ex,
}
"""What a client may be answered with."""

WORKER_ANSWERS: Mapping[type[TLObject], Decoder] = {
    t.ProxyQueryAnswer: _worker_started,
    t.ProxyQueryAnswerPart: _worker_part,
    t.ProxyQueryAnswerError: _worker_failed,
    t.ProxyQueryAnswerPartError: _worker_failed,
    t.ProxyQueryAnswerEx: _started_ex,
    t.ProxyQueryAnswerPartEx: _part_ex,
    t.ProxyQueryAnswerErrorEx: _failed_ex,
}
"""What a proxy may be answered with."""


def _code(event: AnswerFailed, version: int) -> int:
    """The code as a peer of this version knows it."""
    if version >= OURS:
        return event.code
    if event.code == WIRE_BAD_REQUEST and event.final and event.final.worker_start is not None:
        return WIRE_PROTOCOL_VIOLATION  # what official workers say then (§4.3 item 1)
    return OFFICIAL_CODES.get(event.code, event.code)


# --- encoding, proxy → client --------------------------------------------------------------------


def client_started(event: AnswerStarted, version: int) -> TLObject:
    """Return the message that starts an answer to a client."""
    final = event.final
    if version == 0:
        usage = final.usage if final else NO_TOKENS
        return t.ClientQueryAnswer(event.response, final is not None, event.request_id, usage)
    if final is None:
        return t.ClientQueryAnswerEx(event.request_id, event.response, 0)
    return t.ClientQueryAnswerEx(
        event.request_id, event.response, FINAL, _client_final(final, version)
    )


def client_part(event: AnswerPart, version: int) -> TLObject:
    """Return the message that continues an answer to a client."""
    final = event.final
    if version == 0:
        usage = final.usage if final else NO_TOKENS
        return t.ClientQueryAnswerPart(event.data, final is not None, event.request_id, usage)
    if final is None:
        return t.ClientQueryAnswerPartEx(event.request_id, event.data, 0)
    return t.ClientQueryAnswerPartEx(
        event.request_id, event.data, FINAL, _client_final(final, version)
    )


def client_failed(event: AnswerFailed, version: int, *, started: bool) -> TLObject:
    """Return the error to a client; ``started`` tells whether its answer had begun.

    The official proxy sends its own errors in the old form to everybody, and the official client
    then waits for ever (§3.3 item 4): new clients get the new form, with zeroed final info.
    """
    final = event.final or FinalInfo()
    code = _code(event, version)
    if version == 0:
        old = t.ClientQueryAnswerPartError if started else t.ClientQueryAnswerError
        return old(code, event.message, event.request_id, final.usage)
    return t.ClientQueryAnswerErrorEx(
        event.request_id, code, event.message, FINAL, _client_final(final, version)
    )


# --- encoding, worker → proxy --------------------------------------------------------------------


def worker_started(event: AnswerStarted, version: int) -> TLObject:
    """Return the message that starts an answer to a proxy."""
    final = event.final
    if version == 0:
        usage = final.usage if final else NO_TOKENS
        return t.ProxyQueryAnswer(event.response, final is not None, event.request_id, usage)
    if final is None:
        return t.ProxyQueryAnswerEx(event.request_id, event.response, 0)
    return t.ProxyQueryAnswerEx(
        event.request_id, event.response, FINAL, _worker_final(final, version)
    )


def worker_part(event: AnswerPart, version: int) -> TLObject:
    """Return the message that continues an answer to a proxy."""
    final = event.final
    if version == 0:
        usage = final.usage if final else NO_TOKENS
        return t.ProxyQueryAnswerPart(event.data, final is not None, event.request_id, usage)
    if final is None:
        return t.ProxyQueryAnswerPartEx(event.request_id, event.data, 0)
    return t.ProxyQueryAnswerPartEx(
        event.request_id, event.data, FINAL, _worker_final(final, version)
    )


def worker_failed(event: AnswerFailed, version: int, *, started: bool) -> TLObject:
    """Return the error to a proxy; the official one needs final info in it (§4.3 item 5)."""
    final = event.final or FinalInfo()
    code = _code(event, version)
    if version == 0:
        old = t.ProxyQueryAnswerPartError if started else t.ProxyQueryAnswerError
        return old(code, event.message, event.request_id, final.usage)
    return t.ProxyQueryAnswerErrorEx(
        event.request_id, code, event.message, FINAL, _worker_final(final, version)
    )


# --- payments ------------------------------------------------------------------------------------


def payment_update(
    m: t.ProxyClientRequestPayment | t.ProxyWorkerRequestPayment,
) -> PaymentUpdated:
    """Decode the message that follows each request.

    Raises:
        RemoteProtocolError: a counter is negative.
    """
    return PaymentUpdated(
        m.request_id,
        payment_bytes(m.signed_payment),
        amount(m.db_tokens, "db_tokens"),
        amount(m.max_tokens, "max_tokens"),
        amount(m.request_tokens, "request_tokens"),
        m.request_client_owner if isinstance(m, t.ProxyWorkerRequestPayment) else None,
    )


def payment_status(m: t.ClientPaymentStatus | t.WorkerPaymentStatus) -> PaymentUpdated:
    """Decode the answer to ``…updatePaymentStatus``.

    Raises:
        RemoteProtocolError: a counter is negative.
    """
    return PaymentUpdated(
        None,
        payment_bytes(m.signed_payment),
        amount(m.db_tokens, "db_tokens"),
        amount(m.max_tokens, "max_tokens"),
    )
