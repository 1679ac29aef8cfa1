"""A small HTTP/1.1 client connection for engines, on httptools and asyncio.

Why not aiohttp: a tiny request through this module costs a third of the CPU (figures in
`cocoon.engine.openai_http`). It does what a worker needs and no more: one request at a time on a
connection, bodies by ``Content-Length``, chunked or until close, hard limits on everything that is
kept, and closing a connection as the way to cancel.

An answer is detached from its connection: once its last byte has arrived, the connection serves
the next request while the answer may still be read.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import httptools

from cocoon.engine.base import Headers
from cocoon.errors import CocoonError, DeadlineError, EngineError

#: Longest head (status line and headers, trailers included) of an answer, in bytes.
MAX_HEAD_SIZE = 64 << 10
MAX_HEADERS = 128
#: Reading stops while so many bytes of an answer wait to be taken.
HIGH_WATER = 1 << 20

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def end_to_end(headers: Headers) -> Headers:
    """Drop headers that belong to one hop, in any case, and those that ``Connection`` names.

    ``Content-Length`` goes too: whoever sends the body on frames it (``wire-protocol.md`` §4.3).
    """
    dropped = _HOP_BY_HOP
    kept = []
    for name, value in headers:
        lowered = name.lower()
        if lowered in _HOP_BY_HOP:
            if lowered == "connection" and value.lower() not in {"close", "keep-alive"}:
                dropped = dropped | {token.strip().lower() for token in value.split(",")}
            continue
        kept.append((name, value))
    if dropped is not _HOP_BY_HOP:
        kept = [pair for pair in kept if pair[0].lower() not in dropped]
    return tuple(kept)


class HttpAnswer:
    """One answer; an `EngineResponse`."""

    __slots__ = (
        "_connection",
        "_error",
        "_parts",
        "_size",
        "_waiter",
        "complete",
        "content_length",
        "content_type",
        "headers",
        "reason",
        "status",
    )

    def __init__(self, connection: "HttpConnection") -> None:
        self._connection: HttpConnection | None = connection
        self._parts: list[bytes] = []
        self._size = 0
        self._error: CocoonError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.complete = False
        self.status = 0
        self.reason = ""
        self.headers: Headers = ()
        self.content_length: int | None = None
        self.content_type = ""

    def __repr__(self) -> str:
        return f"HttpAnswer({self.status}, complete={self.complete})"

    async def next_chunk(self) -> bytes | None:
        """See `EngineResponse.next_chunk`."""
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self.complete:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts = []
        if self._size > HIGH_WATER and self._connection is not None:
            self._connection.resume()
        self._size = 0
        return data

    async def aclose(self) -> None:
        """See `EngineResponse.aclose`."""
        connection = self._connection
        if connection is not None:
            self.fail(EngineError("the answer was closed before its end"))
            connection.abort()

    def add(self, data: bytes) -> bool:
        """Keep body bytes; return whether the connection should go on reading."""
        self._parts.append(data)
        self._size += len(data)
        return self._size <= HIGH_WATER

    def wake(self) -> None:
        """Let a waiting reader look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def finish(self) -> None:
        """The last byte has arrived."""
        self.complete = True
        self._connection = None
        self.wake()

    def fail(self, error: CocoonError) -> None:
        """Nothing more will arrive; bytes that are here can still be read."""
        if not self.complete and self._error is None:
            self._error = error
            self._connection = None
            self.wake()


class HttpConnection(asyncio.Protocol):
    """One connection to the engine. `on_idle` and `on_gone` tell the pool what becomes of it."""

    def __init__(
        self,
        on_idle: "Callable[[HttpConnection], None]",
        on_gone: "Callable[[HttpConnection], None]",
    ) -> None:
        self._on_idle = on_idle
        self._on_gone = on_gone
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._parser: Any = None
        self._answer: HttpAnswer | None = None
        self._head: asyncio.Future[HttpAnswer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._fields: list[tuple[str, str]] = []
        self._overhead = 0
        self._until_close = False
        self._paused = False
        # Parser callback for bytes of the body without chunk framing. It is a method of a list and
        # not one of ours because a stream has one call an event.
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self.closed = False
        self.answered_any_byte = False
        #: When the connection became idle, in loop time; for the pool.
        self.idle_since = 0.0

    # Requests

    async def request(self, data: bytes, head_deadline: float, deadline: float) -> HttpAnswer:
        """Send one whole request and return when the head of its answer is here.

        Args:
            data: the request as it goes on the wire.
            head_deadline: until when the head must be here, in loop time (seconds).
            deadline: until when the whole answer must be here.

        Raises:
            EngineError: the connection broke or the engine broke HTTP.
            DeadlineError: the head came too late.
        """
        self._answer = answer = HttpAnswer(self)
        self._head = self._loop.create_future()
        self._deadline = deadline
        self._timer = self._loop.call_at(min(head_deadline, deadline), self._on_timer)
        self._begin_message()
        self.answered_any_byte = False
        self._transport.write(data)
        try:
            return await self._head
        except asyncio.CancelledError:
            answer.fail(EngineError("the request was cancelled"))
            self.abort()
            raise

    def abort(self) -> None:
        """Close at once; the engine sees a reset and stops generating."""
        self._stop_timer()
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def resume(self) -> None:
        """Read on after a pause for a slow reader."""
        if self._paused and not self.closed:
            self._paused = False
            self._transport.resume_reading()

    def _on_timer(self) -> None:
        now = self._loop.time()
        if self._head is not None and not self._head.done():
            self._fail(DeadlineError("the engine did not begin to answer in time"))
        elif now < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._on_timer)
        else:
            self._fail(DeadlineError("the engine did not finish its answer in time"))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fail(self, error: CocoonError) -> None:
        head, answer = self._head, self._answer
        self._head = self._answer = None
        if head is not None and not head.done():
            head.set_exception(error)
        if answer is not None:
            answer.fail(error)
        self.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived and wake the reader once."""
        if self._answer is None:
            self.abort()  # bytes that nobody asked for: whatever follows cannot be trusted
            return
        self.answered_any_byte = True
        answer = self._answer
        self._overhead += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            if self._pieces:
                self._take_body()  # what came before the fault is part of the answer
            self._fail(_parse_error(exc))
            return
        if self._pieces:
            self._take_body()
        if self._overhead > MAX_HEAD_SIZE:  # headers, trailers or chunk extensions without end
            self._fail(EngineError("the engine's answer has too large a head"))
            return
        answer.wake()

    def eof_received(self) -> bool:
        """The engine closed its side: the end of a body without length, an error for others."""
        if self._until_close and self._answer is not None and self._head is None:
            self._complete(keep_alive=False)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever is still unanswered has failed."""
        self.closed = True
        self._stop_timer()
        if self._until_close and exc is None and self._answer is not None and self._head is None:
            self._complete(keep_alive=False)
        self._fail(EngineError("the engine closed the connection before the end of its answer"))
        self._on_gone(self)

    # Parser callbacks

    def _take_body(self) -> None:
        """Hand the body bytes of this read to the answer, as one piece."""
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._overhead = 0
        if self._answer is not None and not self._answer.add(data) and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _begin_message(self) -> None:
        self._fields = []
        self._overhead = 0
        self._until_close = False

    def on_message_begin(self) -> None:
        """The first byte of an answer; one more than asked for would go to the next request."""
        if self._answer is None:
            raise _LimitError("the engine answered twice")

    def on_status(self, status: bytes) -> None:
        """Part of the reason phrase."""
        if self._answer is not None:
            self._answer.reason += _text(status)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one trailer behind a chunked body."""
        self._fields.append((_text(name), _text(value or b"")))
        if len(self._fields) > MAX_HEADERS:
            raise _LimitError("the engine's answer has too many headers")

    def on_headers_complete(self) -> None:
        """The head is complete."""
        answer = self._answer
        status = self._parser.get_status_code()
        if answer is None or self._head is None:
            raise _LimitError("the engine answered twice")
        if 100 <= status < 200:
            return  # an interim answer; the real one follows
        answer.status = status
        length = None
        chunked = False
        for name, value in self._fields:
            lowered = name.lower()
            if lowered == "content-type":
                answer.content_type = value
            elif lowered == "content-length":
                length = int(value)  # digits: the parser has checked
            elif lowered == "transfer-encoding":
                chunked = True
        answer.content_length = None if chunked else length
        answer.headers = end_to_end(tuple(self._fields))
        self._until_close = length is None and not chunked and status not in {204, 304}
        head, self._head = self._head, None
        self._fields = []
        self._overhead = 0
        if not head.done():
            head.set_result(answer)

    def on_message_complete(self) -> None:
        """The end of an answer, or of an interim one."""
        if self._head is not None:  # an interim answer (1xx) has no end of its own
            if self._answer is not None:
                self._answer.reason = ""
            self._begin_message()
            return
        self._complete(keep_alive=self._parser.should_keep_alive())

    def _complete(self, *, keep_alive: bool) -> None:
        if self._pieces:
            self._take_body()
        answer, self._answer = self._answer, None
        self._stop_timer()
        if answer is not None:
            answer.finish()
        if keep_alive and not self.closed:
            self.resume()
            self._on_idle(self)
        else:
            self.closed = True
            self._transport.close()


class _LimitError(Exception):
    """Raised inside a parser callback; httptools wraps it."""


def _parse_error(exc: Exception) -> EngineError:
    cause = exc.__context__ if isinstance(exc.__context__, _LimitError) else exc.__cause__
    if isinstance(cause, _LimitError):
        return EngineError(str(cause))
    return EngineError(f"the engine does not speak HTTP/1.1 correctly ({type(exc).__name__})")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
