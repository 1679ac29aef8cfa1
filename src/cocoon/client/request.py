"""A request from the caller's side: how it is written, what comes back, what it cost."""

import os
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from cocoon.accounting import PriceList, Tokens
from cocoon.client.answer import Answer
from cocoon.client.api import ClientRequest, PeerSummary, RequestSummary
from cocoon.client.connection import ProxyConnection
from cocoon.errors import BadRequestError, CancelledRequestError, LocalProtocolError
from cocoon.tl.types import HttpHeader, HttpRequest
from cocoon.wire import features
from cocoon.wire.events import NO_SCOPE, FinalInfo, RunQuery

TIMEOUT_FACTOR = 0.95
"""What is left of a time limit for the next hop (§3.3)."""
MAX_TIMEOUT = 86_400.0
MAX_INT = 2**31 - 1
MAX_DEBUG = 1 << 20
_HOST: Final = HttpHeader("Host", "localhost")
"""Official workers give their engine our headers and no others; HTTP/1.1 demands this one, and
strict servers (h11) answer 400 without it. Whom the caller meant stays with the caller."""
_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})


def encode_request(request: ClientRequest) -> bytes:
    """The boxed ``http.request`` that travels to the worker as it is.

    Raises:
        BadRequestError: it is too long for a frame, or a limit makes no sense.
    """
    if not 0 <= request.max_tokens <= MAX_INT:
        raise BadRequestError("max_tokens is out of range")
    if not 0 <= request.max_coefficient <= MAX_INT:
        raise BadRequestError("max_coefficient is out of range")
    if len(request.cache_scope) not in (0, len(NO_SCOPE)):
        raise BadRequestError("cache_scope must have 32 bytes")
    if not features.readable(request.requires):
        raise BadRequestError("the list of required features is too long or has strange words")
    if not 0 < request.timeout <= MAX_TIMEOUT:
        raise BadRequestError(f"timeout must be in 0…{MAX_TIMEOUT:.0f} seconds")
    headers = [HttpHeader(name, value) for name, value in request.headers]
    if all(header.name.lower() != "host" for header in headers):
        headers.insert(0, _HOST)
    headers.append(HttpHeader("Content-Length", str(len(request.body))))
    try:
        return HttpRequest(
            request.method, request.path, "HTTP/1.1", tuple(headers), request.body
        ).to_bytes()
    except LocalProtocolError as error:
        raise BadRequestError(f"the request cannot be sent: {error}") from None


def run_query(
    request: ClientRequest, query: bytes, time_left: float, config_version: int
) -> RunQuery:
    """The message for a proxy, under a new random id."""
    return RunQuery(
        os.urandom(32),
        request.model,
        query,
        request.max_coefficient,
        request.max_tokens,
        TIMEOUT_FACTOR * time_left,
        config_version,
        request.debug,
        request.requires,
        request.cache_scope or NO_SCOPE,
    )


class Response:
    """An answer whose head has arrived; see :class:`cocoon.client.api.InferenceResponse`."""

    __slots__ = (
        "_answer",
        "_connection",
        "_prices",
        "_started_at",
        "headers",
        "reason",
        "status",
        "summary",
    )

    def __init__(
        self,
        answer: Answer,
        connection: ProxyConnection,
        prices: PriceList,
        started_at: float,
    ) -> None:
        head = answer.head
        assert head is not None
        self.status = head.status_code
        self.reason = head.reason
        self.headers: Sequence[tuple[str, str]] = _headers(head.headers, answer.final)
        self.summary: RequestSummary | None = None
        self._answer = answer
        self._connection = connection
        self._prices = prices
        self._started_at = started_at

    def __repr__(self) -> str:
        return f"Response({self.status}, {self._answer!r})"

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        data = await self._answer.next_bytes()
        if data is None:
            if self.summary is None:
                self.summary = self._summarize()
            raise StopAsyncIteration
        return data

    async def read(self) -> bytes:
        """All remaining body bytes."""
        parts = [part async for part in self]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def aclose(self) -> None:
        """Abandon the request if it has not ended; version 3 stops it where it runs."""
        self._answer.fail(CancelledRequestError("the caller gave up"))
        self._answer.drop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _summarize(self) -> RequestSummary:
        answer = self._answer
        final = answer.final or FinalInfo()
        used = final.usage
        total = used.total_tokens_used
        first = answer.first_byte_at
        return RequestSummary(
            prompt=used.prompt_tokens_used,
            cached=used.cached_tokens_used,
            completion=used.completion_tokens_used,
            reasoning=used.reasoning_tokens_used,
            total=total,
            cost=self._prices.cost(Tokens(total)),
            proxy=PeerSummary(
                self._connection.image_hash,
                self._connection.evidence,
                self._connection.proxy_address,
            ),
            worker=_worker(final.proxy_debug),
            worker_debug=_valid(final.worker_debug),
            proxy_debug=_valid(final.proxy_debug),
            first_byte=None if first is None else first - self._started_at,
            duration=answer.ended_at - self._started_at,
        )


def _headers(
    headers: tuple[HttpHeader, ...], final: FinalInfo | None
) -> tuple[tuple[str, str], ...]:
    """The worker's headers without framing, and the hops' times as official clients give them."""
    kept = [
        (header.name, header.value) for header in headers if header.name.lower() not in _FRAMING
    ]
    if final is not None and final.proxy_start is not None and final.proxy_end is not None:
        kept.append(("X-Cocoon-Proxy-Start", f"{final.proxy_start:.6f}"))
        kept.append(("X-Cocoon-Proxy-End", f"{final.proxy_end:.6f}"))
    return tuple(kept)


def _worker(proxy_debug: str | None) -> PeerSummary | None:
    """Who the worker was, out of the proxy's debug record; None if it does not say."""
    if proxy_debug is None or len(proxy_debug) > MAX_DEBUG:
        return None
    try:
        record: Any = msgspec.json.decode(proxy_debug)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    worker = record.get("worker") if isinstance(record, dict) else None
    if not isinstance(worker, dict):
        return None
    return PeerSummary(
        _text(worker.get("image_hash")), _text(worker.get("evidence")), _text(worker.get("owner"))
    )


def _valid(text: str | None) -> str | None:
    """A peer's text as valid Unicode: on the wire it may hold any bytes."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 256 and value.isprintable() else ""
