"""One request on its way through a worker: check, engine, answer, tokens (§4.3).

A request is one task. It ends in exactly one of: an answer with final info, an error with final
info, or silence because the proxy's link died, in which case the engine's connection is closed at
once. An answer that is complete when its head arrives goes out as a single message.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
import structlog

from cocoon.accounting import AdjustedUsage, PriceList, TokenCounts
from cocoon.engine.base import JSON_TYPE, Engine, EngineRequest, EngineResponse
from cocoon.engine.metering import BYTES_PER_TOKEN, Meter, MeteredUsage, UsageCost
from cocoon.engine.request_rules import encode_body
from cocoon.errors import (
    WIRE_BAD_REQUEST,
    WIRE_CANCELLED,
    WIRE_FAILURE,
    WIRE_NOT_READY,
    WIRE_TIMEOUT,
    BadRequestError,
    CocoonError,
    DeadlineError,
    DecodeError,
    EngineError,
    LocalProtocolError,
    exact_code,
)
from cocoon.tl.types import HttpHeader, HttpRequest, HttpResponse, TokensUsed
from cocoon.wire.events import (
    NO_SCOPE,
    AnswerFailed,
    AnswerPart,
    AnswerStarted,
    FinalInfo,
    WorkerQuery,
)
from cocoon.worker.statistics import Statistics
from cocoon.worker.validation import AcceptedBody, path_of, validate

MAX_TIMEOUT = 86_400.0
"""Seconds that a request may take whatever the proxy says; clocks overflow somewhere above."""
TIMEOUT_FACTOR = 0.95
"""What the engine gets of the time that the proxy gave us (§4.3)."""
MAX_PART = 1 << 18
"""Bytes in one part of an answer; frames end at 2^24, and a link is shared."""
SMALL_BODY = 1 << 16
"""An answer that is not a stream and announces no more than this is sent in one piece."""
MAX_HEADERS = 128

NO_USAGE: Final = TokensUsed(0, 0, 0, 0, 0)
NOTHING: Final = (MeteredUsage(), AdjustedUsage())

_CHUNKED: Final = HttpHeader("Transfer-Encoding", "chunked")
_log = structlog.get_logger(__name__)


class AnswerSink(Protocol):
    """Where answers go: the uplink that the request came from."""

    def started(self, event: AnswerStarted) -> None:
        """Send the head."""
        ...

    def part(self, event: AnswerPart) -> None:
        """Send more of the body."""
        ...

    def failed(self, event: AnswerFailed, *, started: bool) -> None:
        """Send the error that ends it."""
        ...

    async def drained(self) -> None:
        """Wait until the proxy has read enough."""
        ...

    def ended(self, request_id: bytes) -> None:
        """The request is over; nothing more is sent for it."""
        ...


@dataclass(frozen=True, slots=True)
class RequestHost:
    """What all requests of a worker share.

    Attributes:
        engine: runs the model.
        base_model: the model name that requests must carry.
        prices: gives the present ones, for adjusted tokens.
        statistics: counters.
        annotate_costs: write official cost fields into usage.
        engine_failed: called when the engine could not be reached or broke off.
        model: the full name, which pinned requests must carry; empty: there are none.
    """

    engine: Engine
    base_model: str
    prices: Callable[[], PriceList]
    statistics: Statistics
    annotate_costs: bool
    engine_failed: Callable[[], None]
    model: str = ""


class RunningRequest:
    """One request.

    Args:
        query: from the proxy; numbers in it are checked.
        host: what requests share.
        sink: where the answer goes.

    Attributes:
        task: runs it; set by who may cancel it.
    """

    __slots__ = (
        "_cancelled",
        "_finished",
        "_host",
        "_limit",
        "_meter",
        "_priced",
        "_prices",
        "_prompt_size",
        "_query",
        "_running",
        "_sink",
        "_started",
        "_started_at",
        "_status",
        "_timeout",
        "task",
    )

    def __init__(self, query: WorkerQuery, host: RequestHost, sink: AnswerSink) -> None:
        self._query = query
        self._host = host
        self._prices = host.prices()
        self._sink = sink
        self._started = False
        self._started_at = time.time()
        self._status = 0
        self._limit: int | None = None
        self._priced = NOTHING
        self._meter: Meter | None = None
        self._prompt_size = 0
        self._cancelled = False
        self._finished = False
        self._running = False
        self.task: asyncio.Task[None] | None = None
        self._timeout = min(query.timeout, MAX_TIMEOUT)

    async def run(self) -> None:
        """Answer the request, one way or the other."""
        statistics = self._host.statistics
        statistics.queries += 1
        statistics.active += 1
        statistics.bytes_received += len(self._query.query)
        self._running = True
        try:
            if self._cancelled:
                raise asyncio.CancelledError
            async with asyncio.timeout(self._timeout):
                await self._answer()
            statistics.succeeded += 1
        except asyncio.CancelledError:
            statistics.cancelled += 1
            if not self._cancelled or self._finished:
                raise
            self._fail(WIRE_CANCELLED, "cancelled", self._used_so_far())
        except TimeoutError:
            self._late("timeout")
        except DeadlineError as error:
            self._late(str(error))
        except (BadRequestError, DecodeError) as error:
            # Proxies and clients below version 3 know only this code for it.
            self._fail(WIRE_BAD_REQUEST, str(error))
        except EngineError as error:
            # Before the answer begins somebody else may still do it; then it is worth a retry.
            self._fail(WIRE_FAILURE if self._started else WIRE_NOT_READY, str(error))
            self._host.engine_failed()
        except CocoonError as error:
            self._fail(exact_code(error), str(error))
        except Exception as error:
            # Boundary: a bug here must still answer the client, without the request's content.
            _log.error("request failed by a bug", error=type(error).__name__)
            self._fail(WIRE_FAILURE, f"internal error: {type(error).__name__}")
        finally:
            self._sink.ended(self._query.request_id)
            statistics.active -= 1
            statistics.seconds += time.time() - self._started_at

    def cancel(self) -> None:
        """Stop it: the engine's connection is closed, and the proxy told what was used."""
        if self.task is not None and not self._cancelled:
            self._cancelled = True
            if self._running:  # else it sees that at its start: a cancelled task would never begin
                self.task.cancel()

    # --- the engine ---

    async def _answer(self) -> None:
        query = self._query
        request = HttpRequest.from_bytes(query.query)
        if request.method != "POST" or len(request.headers) > MAX_HEADERS:
            raise BadRequestError("unsupported method: only POST is served")
        accepted = validate(
            request.url,
            request.payload,
            self._host.base_model,
            self._host.model,
            content_type=_content_type(request),
            cap=query.max_tokens,
        )
        self._limit = accepted.max_tokens
        to_engine = self._for_engine(request, accepted)
        self._prompt_size = len(to_engine.body)
        deadline = asyncio.get_running_loop().time() + TIMEOUT_FACTOR * self._timeout
        response = await self._host.engine.send(to_engine, deadline)
        try:
            await self._relay(response, accepted)
        finally:
            await response.aclose()

    def _for_engine(self, request: HttpRequest, accepted: AcceptedBody) -> EngineRequest:
        """The request in the engine's own words, with the client's share of its prompt cache."""
        headers = tuple((header.name, header.value) for header in request.headers)
        # Below version 3 nobody says whose request it is: it meets nobody's in a prompt cache.
        scope = b"" if self._query.cache_scope == NO_SCOPE else self._query.cache_scope
        path, fields = self._host.engine.prepare(path_of(request.url), accepted.fields, scope)
        body = accepted.form or encode_body(fields)
        return EngineRequest(request.method, path, headers, body, accepted.content_type)

    async def _relay(self, response: EngineResponse, accepted: AcceptedBody) -> None:
        self._status = response.status
        meter = self._meter = Meter(
            status=response.status,
            content_type=response.content_type,
            request_size=self._prompt_size,
            max_tokens=accepted.max_tokens,
            annotate=self._annotate if self._host.annotate_costs else None,
        )
        if _comes_whole(response):
            body = await _read_all(response, meter)
            if len(body) <= MAX_PART:
                self._send_whole(response, body, meter)
                return
            self._send_head(response)
            await self._send_parts(body, meter)
            return
        self._send_head(response)
        await self._stream(response, meter)

    async def _stream(self, response: EngineResponse, meter: Meter) -> None:
        """Pass pieces on as they arrive; the last one carries the final info."""
        while (chunk := await response.next_chunk()) is not None:
            data = meter.feed(chunk)
            if response.complete:
                # The end is here: what remains need not wait for a message of its own.
                await self._send_parts(data + await _read_all(response, meter), meter)
                return
            if data:
                await self._send_data(data)
        await self._send_parts(meter.end(), meter)

    # --- the answer ---

    def _send_whole(self, response: EngineResponse, body: bytes, meter: Meter) -> None:
        length = HttpHeader("Content-Length", str(len(body)))
        final = self._final(meter.finish())
        head = self._head(response, length, body)
        self._sink.started(AnswerStarted(self._query.request_id, head, final))
        self._started = self._finished = True
        self._host.statistics.bytes_sent += len(body)

    def _send_head(self, response: EngineResponse) -> None:
        head = self._head(response, _CHUNKED, b"")
        self._sink.started(AnswerStarted(self._query.request_id, head))
        self._started = True

    async def _send_parts(self, rest: bytes, meter: Meter) -> None:
        """Send what is left; the last message says that it is the last."""
        if len(rest) > MAX_PART:
            cut = (len(rest) - 1) // MAX_PART * MAX_PART
            await self._send_data(rest[:cut])
            rest = rest[cut:]
        final = self._final(meter.finish())
        self._host.statistics.bytes_sent += len(rest)
        self._sink.part(AnswerPart(self._query.request_id, rest, final))
        self._finished = True

    async def _send_data(self, data: bytes) -> None:
        """Send bytes in parts, no faster than the proxy reads."""
        request_id, sink = self._query.request_id, self._sink
        self._host.statistics.bytes_sent += len(data)
        if len(data) <= MAX_PART:
            sink.part(AnswerPart(request_id, data))
            await sink.drained()
            return
        for start in range(0, len(data), MAX_PART):
            sink.part(AnswerPart(request_id, data[start : start + MAX_PART]))
            await sink.drained()

    def _head(self, response: EngineResponse, framing: HttpHeader, body: bytes) -> bytes:
        headers = [HttpHeader(name, value) for name, value in response.headers]
        headers.append(HttpHeader("X-Cocoon-Worker-Start", f"{self._started_at:.6f}"))
        headers.append(HttpHeader("X-Cocoon-Worker-End", f"{time.time():.6f}"))
        headers.append(framing)
        return HttpResponse(
            "HTTP/1.1", response.status, response.reason, tuple(headers), body
        ).to_bytes()

    def _used_so_far(self) -> MeteredUsage:
        """What a cancelled request has used.

        As the engine reported it, else as estimated. Of an engine that has not answered yet nobody
        knows more than that it was given the prompt.
        """
        usage = MeteredUsage() if self._meter is None else self._meter.finish()
        if usage == MeteredUsage() and self._prompt_size:
            usage = MeteredUsage(prompt=-(-self._prompt_size // BYTES_PER_TOKEN), estimated=True)
        return self._capped(usage)

    def _late(self, reason: str) -> None:
        """The client's time limit has passed: it pays for what it got of a stream, else nothing."""
        used = self._used_so_far() if self._started and not self._finished else None
        self._fail(WIRE_TIMEOUT, f"worker: {reason}", used)

    def _fail(self, code: int, message: str, usage: MeteredUsage | None = None) -> None:
        """End the request with an error.

        It costs nothing (§6.3), whatever was sent, but for one that the client ended.
        """
        self._host.statistics.failed += 1
        tokens = NO_USAGE if usage is None else self._tokens(usage)
        final = self._times(tokens, self._debug(usage or MeteredUsage()))
        event = AnswerFailed(self._query.request_id, code, message, final)
        try:
            self._sink.failed(event, started=self._started)
        except LocalProtocolError as error:
            _log.error("an error could not be sent", reason=str(error))
        except CocoonError:
            return  # the proxy is gone: nobody waits for this answer any more

    # --- what it cost ---

    def _capped(self, usage: MeteredUsage) -> MeteredUsage:
        """An engine that runs past the client's limit is not paid for what nobody asked for."""
        limit = self._limit
        if limit is None or usage.completion <= limit:
            return usage
        return MeteredUsage(
            usage.prompt, usage.cached, limit, min(usage.reasoning, limit), usage.estimated
        )

    def _adjusted(self, usage: MeteredUsage) -> AdjustedUsage:
        """Price the usage; asked for twice when costs are written into the answer."""
        if usage == self._priced[0]:
            return self._priced[1]
        counts = TokenCounts(usage.prompt, usage.cached, usage.completion, usage.reasoning)
        adjusted = counts.adjusted(self._query.coefficient, self._prices)
        self._priced = (usage, adjusted)
        return adjusted

    def _tokens(self, usage: MeteredUsage) -> TokensUsed:
        adjusted = self._adjusted(usage)
        self._host.statistics.used(adjusted)
        return TokensUsed(
            int(adjusted.prompt),
            int(adjusted.cached),
            int(adjusted.completion),
            int(adjusted.reasoning),
            int(adjusted.total),
        )

    def _final(self, usage: MeteredUsage) -> FinalInfo:
        usage = self._capped(usage)
        if usage.estimated:
            self._host.statistics.estimated += 1
        return self._times(self._tokens(usage), self._debug(usage))

    def _times(self, tokens: TokensUsed, debug: str | None) -> FinalInfo:
        return FinalInfo(
            tokens, worker_debug=debug, worker_start=self._started_at, worker_end=time.time()
        )

    def _debug(self, usage: MeteredUsage) -> str | None:
        if not self._query.debug:
            return None
        return msgspec.json.encode(
            {
                "model": self._host.base_model,
                "engine_status": self._status,
                "coefficient": self._query.coefficient,
                "tokens": usage,
            }
        ).decode()

    def _annotate(self, usage: MeteredUsage) -> UsageCost:
        adjusted, prices = self._adjusted(self._capped(usage)), self._prices
        prompt = int(prices.cost(adjusted.prompt + adjusted.cached))
        completion = int(prices.cost(adjusted.completion + adjusted.reasoning))
        return UsageCost(prompt, completion, prompt + completion)


def _comes_whole(response: EngineResponse) -> bool:
    """Whether to wait for the end: nobody can use a part of a short JSON answer."""
    if response.complete:
        return True
    length = response.content_length
    return length is not None and length <= SMALL_BODY


async def _read_all(response: EngineResponse, meter: Meter) -> bytes:
    parts = []
    while (chunk := await response.next_chunk()) is not None:
        parts.append(meter.feed(chunk))
    parts.append(meter.end())
    return b"".join(parts)


def _content_type(request: HttpRequest) -> str:
    """Of the body, as the client names it; JSON where it says nothing."""
    for header in request.headers:
        if header.name.lower() == "content-type":
            return header.value
    return JSON_TYPE
