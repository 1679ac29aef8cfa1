"""Inference requests: from a checked body to an answer, streamed or whole."""

import asyncio
import re
import time
from collections.abc import Sequence

import structlog

from cocoon.client.api import InferenceClient, InferenceResponse, RequestSummary
from cocoon.errors import UpstreamError
from cocoon.gateway.body import Endpoint, InferenceCall, read_call
from cocoon.gateway.debug import debug_object, with_debug
from cocoon.gateway.exchange import JSON, Exchange
from cocoon.gateway.guard import BodyTimeoutError, CallerGoneError, Guard
from cocoon.gateway.metrics import GatewayMetrics
from cocoon.gateway.refusal import RETRY_AFTER, Header, Refusal, error_event, http_status
from cocoon.gateway.settings import GatewaySettings
from cocoon.gateway.sse import EventRelay

DEADLINE_GRACE = 1.0
"""Seconds beyond the caller's limit: the client role ends a late request itself, saying why."""
LAST_WORDS_TIME = 5.0
"""Seconds to hand an error event to a caller that reads slowly."""
SMALL_BODY = 2**16
"""Bodies up to this size are not counted against ``max_buffered``."""

OTHER = b"application/octet-stream"
# What an engine's answer may be for a browser: never a page of this origin.
_content_types = re.compile(r"application/json(; ?charset=[\w-]{1,20})?", re.IGNORECASE)

log = structlog.get_logger("cocoon.gateway")


class InferenceHandler:
    """Answers the two inference endpoints.

    Args:
        client: where requests go.
        settings: limits.
        metrics: what is counted.
    """

    def __init__(
        self, client: InferenceClient, settings: GatewaySettings, metrics: GatewayMetrics
    ) -> None:
        self._client = client
        self._settings = settings
        self._metrics = metrics
        self._running = 0
        self._buffered = 0
        metrics.watch_running(lambda: self._running)

    @property
    def running(self) -> int:
        """Inference requests now."""
        return self._running

    async def handle(self, exchange: Exchange, endpoint: Endpoint) -> None:
        """Answer one call, to its end or to the error event that ends its stream.

        Raises:
            CocoonError: nothing was answered yet, and the caller should be told why.
            CallerGoneError: there is nobody left to answer.
        """
        try:
            await self._handle(exchange, endpoint)
        except BodyTimeoutError as error:
            raise _late(error) from None
        except (CallerGoneError, asyncio.CancelledError):
            raise
        except Exception as error:
            if exchange.status is None:
                raise
            await self._break_off(exchange, error)

    async def _handle(self, exchange: Exchange, endpoint: Endpoint) -> None:
        """Read, check, send into the network and answer."""
        settings = self._settings
        with Guard(exchange.receive, settings.body_timeout) as guard:
            body = await exchange.read_body(settings.max_body)
            began = time.monotonic()
            call = read_call(endpoint, body, settings)
            held = len(body) if len(body) > SMALL_BODY else 0
            if self._running >= settings.max_running or (
                self._buffered + held > settings.max_buffered
            ):
                raise _busy()
            self._running += 1
            self._buffered += held
            try:
                guard.work(call.request.timeout + DEADLINE_GRACE)
                await self._answer(exchange, call, began)
            finally:
                self._running -= 1
                self._buffered -= held

    async def _answer(self, exchange: Exchange, call: InferenceCall, began: float) -> None:
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
        if call.request.debug and summary is not None:
            body = with_debug(body, summary)
        content_type = _content_type(response.headers)
        if content_type == OTHER:
            exchange.extra.append((b"x-content-type-options", b"nosniff"))
        headers = [] if summary is None else summary_headers(summary)
        await exchange.reply(response.status, body, content_type, headers)

    async def _relay(
        self, exchange: Exchange, call: InferenceCall, response: InferenceResponse
    ) -> None:
        """Pass events on as they come."""
        relay = EventRelay(show_usage=call.show_usage)
        await exchange.start_events(response.status)
        async for part in response:
            data = relay.feed(part)
            if data:
                await exchange.write(data)
        rest = relay.finish()
        if call.request.debug and response.summary is not None:
            # A comment line: parsers of event streams skip it.
            rest += b": debug " + debug_object(response.summary) + b"\n\n"
        await exchange.write(rest, last=True)

    async def _break_off(self, exchange: Exchange, error: BaseException) -> None:
        """End a stream that has begun with an event that says why."""
        self._metrics.broken_streams += 1
        log.info(
            "stream broke off",
            request_id=exchange.request_id,
            error=type(error).__name__,
            status=http_status(error),
        )
        try:
            async with asyncio.timeout(LAST_WORDS_TIME):
                await exchange.write(error_event(error), last=True)
        except TimeoutError:
            raise CallerGoneError("the caller does not read its answer") from None


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
    return value.encode() if _content_types.fullmatch(value) else OTHER


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
