"""Inference requests: from a checked body to an answer, streamed or whole."""

import asyncio
import hashlib
import re
import time
from collections.abc import Sequence

import msgspec
import structlog

from cocoon.accounting import Nano
from cocoon.client.api import InferenceClient, InferenceResponse, Outcome, RequestSummary
from cocoon.errors import UpstreamError
from cocoon.gateway.answers.engine_error import advice
from cocoon.gateway.exchange import JSON, Exchange
from cocoon.gateway.gate import Caller, Demand, Gate, Permit
from cocoon.gateway.guard import BodyTimeoutError, CallerGoneError, Guard
from cocoon.gateway.metrics import GatewayMetrics
from cocoon.gateway.operations import Operation
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.refusal import (
    RETRY_AFTER,
    Header,
    Refusal,
    http_status,
    note_charge,
    note_request,
)
from cocoon.gateway.settings import GatewaySettings

DEADLINE_GRACE = 1.0
"""Seconds beyond the caller's limit: the client role ends a late request itself, saying why."""
LAST_WORDS_TIME = 5.0
"""Seconds to hand an error event to a caller that reads slowly."""
SMALL_BODY = 2**16
"""Bodies up to this size are not counted against ``max_buffered``."""

SLICE = 2**18
"""Bytes of a stream that are translated before others get a turn; a peer may send millions."""

OTHER = b"application/octet-stream"
# What an engine's answer may be for a browser: never a page of this origin.
_content_types = re.compile(r"application/json(; ?charset=[\w-]{1,20})?", re.IGNORECASE | re.ASCII)
_media_types = re.compile(
    r"(audio/[a-z0-9.+-]{1,40}|text/(plain|vtt)|application/x-subrip)(; ?charset=[\w-]{1,20})?",
    re.IGNORECASE | re.ASCII,
)

# A proxy wrote these about a worker; they go into headers.
_word = re.compile(r"[A-Za-z0-9_.:-]{1,128}")

log = structlog.get_logger("cocoon.gateway")


CALLER_GONE = 499
"""Status in the ledger of a request whose caller went away; nobody ever sees it."""


class Settling:
    """Settles a permit once the answer has ended and its cost is known, in whatever order.

    Args:
        permit: of the request.
        most: nanoTON that it has reserved.
        limit: nanoTON that the caller is ready to pay, or None.
    """

    __slots__ = ("_limit", "_most", "_outcome", "_permit", "_status")

    def __init__(self, permit: Permit, most: Nano, limit: Nano | None) -> None:
        self._permit = permit
        self._most = most
        self._limit = limit
        self._outcome: Outcome | None = None
        self._status: int | None = None

    @property
    def cost(self) -> int | None:
        """What the request cost, in nanoTON; None while nobody has told."""
        return int(self._outcome.cost) if self._outcome and self._outcome.told else None

    def may_cost(self, most: Nano) -> bool:
        """Whether all attempts together may cost so much: the caller allows it, and the budgets."""
        if most <= self._most:
            return True
        if (self._limit is not None and most > self._limit) or not self._permit.extend(most):
            return False
        self._most = most
        return True

    def charged(self, outcome: Outcome) -> None:
        """The client role knows the cost."""
        self._outcome = outcome
        self._settle()

    def answered(self, status: int) -> None:
        """The caller has its answer, or is gone."""
        self._status = status
        self._settle()

    def _settle(self) -> None:
        if self._outcome is not None and self._status is not None:
            self._permit.settle(self._outcome, self._status)


class InferenceHandler:
    """Answers everything that an engine computes.

    Args:
        client: where requests go.
        gate: who may have how much.
        settings: limits.
        metrics: what is counted.
    """

    def __init__(
        self,
        client: InferenceClient,
        gate: Gate,
        settings: GatewaySettings,
        metrics: GatewayMetrics,
    ) -> None:
        self._client = client
        self._gate = gate
        self._settings = settings
        self._metrics = metrics
        self._running = 0
        self._buffered = 0
        metrics.watch_running(lambda: self._running)

    @property
    def running(self) -> int:
        """Inference requests now."""
        return self._running

    async def handle(self, exchange: Exchange, operation: Operation, caller: Caller) -> None:
        """Answer one call, to its end or to the error event that ends its stream.

        Raises:
            CocoonError: nothing was answered yet, and the caller should be told why.
            CallerGoneError: there is nobody left to answer.
        """
        settings = self._settings
        call: InferenceCall | None = None
        try:
            with Guard(exchange.receive, settings.body_timeout) as guard:
                body = await exchange.read_body(settings.max_body, self.hold)
                began = time.monotonic()
                incoming = Incoming(exchange.path, body, exchange.headers)
                call = operation.read(incoming, settings)
                held = self._enter(len(body))
                try:
                    guard.work(call.request.timeout + DEADLINE_GRACE)
                    await self._admitted(exchange, operation, caller, call, began)
                finally:
                    self._running -= 1
                    self._buffered -= held
        except BodyTimeoutError as error:
            raise _late(error) from None
        except (CallerGoneError, asyncio.CancelledError):
            raise
        except Exception as error:
            if exchange.status is None or call is None:
                raise
            await self._break_off(exchange, call, error)

    def hold(self, size: int) -> None:
        """Take memory for a part of a large body, or give it back.

        Raises:
            Refusal: 429, bodies hold as much as they may.
        """
        if size > 0 and self._buffered + size > self._settings.max_buffered:
            raise _busy()
        self._buffered += size

    def _enter(self, size: int) -> int:
        """Take a place among the running requests, and memory for a large body: how much."""
        settings = self._settings
        held = size if size > SMALL_BODY else 0
        if self._running >= settings.max_running or self._buffered + held > settings.max_buffered:
            raise _busy()
        self._running += 1
        self._buffered += held
        return held

    async def _admitted(
        self,
        exchange: Exchange,
        operation: Operation,
        caller: Caller,
        call: InferenceCall,
        began: float,
    ) -> None:
        """Pass the gate, run the request and see to it that it is settled."""
        request = call.request
        most = self._client.bound(request)
        if call.max_cost is not None and most > call.max_cost:
            raise _too_dear(int(most), int(call.max_cost))
        demand = Demand(
            exchange.request_id,
            operation.path,
            request.model,
            call.user,
            most,
            len(request.body),
            request.max_tokens,
        )
        scope = _cache_scope(caller, call.user)
        permit = await self._gate.admit(caller, demand)
        exchange.extra.extend(permit.headers)
        settling = Settling(permit, most, call.max_cost)
        # From here on nothing may fail before the `try` that settles.
        request = msgspec.structs.replace(
            request,
            on_settled=settling.charged,
            may_cost=settling.may_cost,
            cache_scope=scope,
        )
        call = msgspec.structs.replace(call, request=request)
        status = CALLER_GONE
        try:
            await self._run(exchange, call, began)
            status = exchange.status or CALLER_GONE
        except Exception as error:
            status = http_status(error)
            note_charge(error, settling.cost)
            raise
        finally:
            settling.answered(status)

    async def _run(self, exchange: Exchange, call: InferenceCall, began: float) -> None:
        request = call.request
        response = await self._client.run(request)
        async with response:
            _check_status(response.status)
            first = time.monotonic() - began
            if call.stream and _is_event_stream(response.headers):
                await self._relay(exchange, call, response)
            else:
                await self._collect(exchange, call, response)
        self._metrics.timed(request.path, first, time.monotonic() - began)
        if response.summary is not None and response.status < 400:
            self._metrics.finished(request.model, response.summary)

    async def _collect(
        self, exchange: Exchange, call: InferenceCall, response: InferenceResponse
    ) -> None:
        """Answer with the whole body at once."""
        parts: list[bytes] = []
        size = 0
        async for part in response:
            size += len(part)
            if size > self._settings.max_response:
                raise UpstreamError("the answer is too large to be collected; use a stream")
            parts.append(part)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        summary = response.summary
        content_type = _content_type(response.headers) if response.status < 400 else JSON
        if _content_types.fullmatch(content_type.decode()):
            body = call.shape.whole(response.status, body, summary)
        else:
            exchange.extra.append((b"x-content-type-options", b"nosniff"))
        headers = [] if summary is None else summary_headers(summary)
        if response.status >= 400:
            headers.append(advice(response.status, summary))
        await exchange.reply(response.status, body, content_type, headers)

    async def _relay(
        self, exchange: Exchange, call: InferenceCall, response: InferenceResponse
    ) -> None:
        """Pass events on as they come."""
        shape = call.shape
        await exchange.start_events(response.status)
        first = shape.begin()
        if first:
            await exchange.write(first)
        async for part in response:
            for at in range(0, len(part), SLICE):
                if at:
                    await asyncio.sleep(0)
                data = shape.feed(part[at : at + SLICE])
                if data:
                    await exchange.write(data)
        await exchange.write(shape.finish(response.summary), last=True)

    async def _break_off(
        self, exchange: Exchange, call: InferenceCall, error: BaseException
    ) -> None:
        """End a stream that has begun with an event that says why."""
        self._metrics.broken_streams += 1
        note_request(error, exchange.request_id)
        log.info(
            "stream broke off",
            request_id=exchange.request_id,
            error=type(error).__name__,
            status=http_status(error),
        )
        try:
            async with asyncio.timeout(LAST_WORDS_TIME):
                await exchange.write(call.shape.fail(error), last=True)
        except TimeoutError:
            raise CallerGoneError("the caller does not read its answer") from None


def _cache_scope(caller: Caller, user: str) -> bytes:
    """Whose requests may share a prompt cache: one key's, and of these one end user's.

    A cache tells by its timing what else was asked. The proxy hashes this once more.
    """
    if not caller.key_id and not user:
        return b""
    return hashlib.blake2b(f"{caller.key_id}\0{user}".encode(), digest_size=32).digest()


def summary_headers(summary: RequestSummary) -> list[Header]:
    """Response headers that tell what a request used, cost and who answered."""
    headers = [
        (b"x-cocoon-cost-nanoton", b"%d" % summary.cost),
        (b"x-cocoon-total-tokens", b"%d" % summary.total),
    ]
    if summary.proxy.image_hash:
        headers.append((b"x-cocoon-proxy-image", summary.proxy.image_hash.encode()))
    if summary.proxy.evidence:
        headers.append((b"x-cocoon-proxy-evidence", summary.proxy.evidence.encode()))
    worker = summary.worker
    if worker is not None:
        if _word.fullmatch(worker.image_hash):
            headers.append((b"x-cocoon-worker-image", worker.image_hash.encode()))
        if _word.fullmatch(worker.evidence):
            headers.append((b"x-cocoon-worker-evidence", worker.evidence.encode()))
    return headers


def _check_status(status: int) -> None:
    if not (200 <= status < 300 or 400 <= status < 600) or status == 204:
        raise UpstreamError(f"the engine answered with HTTP status {status}")


def _header(headers: Sequence[tuple[str, str]], name: str) -> str:
    for key, value in headers:
        if key.lower() == name:
            return value
    return ""


def _is_event_stream(headers: Sequence[tuple[str, str]]) -> bool:
    return _header(headers, "content-type").lower().startswith("text/event-stream")


def _content_type(headers: Sequence[tuple[str, str]]) -> bytes:
    """Content type of an engine's answer, as far as it is a harmless one."""
    value = _header(headers, "content-type")
    if not value or value == "application/json":
        return JSON
    harmless = _content_types.fullmatch(value) or _media_types.fullmatch(value)
    return value.encode() if harmless else OTHER


def _busy() -> Refusal:
    return Refusal(
        "the gateway is handling as many requests as it may; try again",
        status=429,
        kind="rate_limit_error",
        code="too_many_requests",
        headers=[(b"retry-after", RETRY_AFTER)],
    )


def _late(error: BodyTimeoutError) -> Refusal:
    return Refusal(str(error), status=408, code="timeout", headers=[(b"connection", b"close")])


def _too_dear(most: int, limit: int) -> Refusal:
    return Refusal(
        f"the request can cost {most} nanoTON, its 'max_cost' is {limit}; lower max_tokens or "
        "max_coefficient, or raise the limit",
        status=402,
        code="max_cost_exceeded",
        param="max_cost",
    )
