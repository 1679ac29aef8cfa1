"""uvicorn's HTTP protocol with the limits that it lacks, and errors in our shape.

uvicorn with httptools waits for ever for the rest of a request head and keeps any number of
headers. Both are held here: a head that is slow is closed, one that is large is refused.
"""

import asyncio
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from cocoon.gateway.http_cycle import GatewayCycle
from cocoon.gateway.joined_writes import JoinedWrites
from cocoon.gateway.refusal import Refusal, error_answer

MAX_HEAD = 2**16
"""Bytes of a request line with all headers, beyond what one read brings."""
MAX_HEADERS = 100
"""Headers, trailers included."""
HEADER_TIMEOUT = 15.0
"""Seconds for a request head when the server sets nothing else."""


class _TooLargeError(Exception):
    """Raised inside the parser's callbacks only."""


class GatewayProtocol(HttpToolsProtocol):
    """One HTTP connection."""

    header_timeout = HEADER_TIMEOUT
    max_message = 2**25
    """Bytes of one call on the wire, chunk heads and trailers included."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._message_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit of the first request head."""
        super().connection_made(JoinedWrites(transport, self.loop))
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._stop_head_timer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; keep watch over a head that is not complete yet."""
        self._unset_keepalive_if_required()
        if self.transport.is_closing():
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse("upgrades are not supported", 400)
            return
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _TooLargeError):
                self._refuse("the request head is too large", 431)
            else:
                self._refuse("this is not a valid HTTP request", 400)
            return
        if self.cycle is None or self.cycle.response_complete:
            self._watch_head(len(data))
        else:
            self._watch_message(len(data))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, or refuse one too many."""
        if len(self.headers) >= MAX_HEADERS:
            raise _TooLargeError
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Start the call, as uvicorn does, but with our cycle; there are no upgrades here."""
        version = self.parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = url.path
        self.scope["query_string"] = url.query or b""
        before = self.cycle
        self.cycle = GatewayCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        app = service_unavailable if self._is_crowded() else self.app
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, app))

    def _is_crowded(self) -> bool:
        """Whether there are more connections or calls than the server takes."""
        limit = self.limit_concurrency
        return limit is not None and max(len(self.connections), len(self.tasks)) >= limit

    def _watch_head(self, received: int) -> None:
        self._head_bytes += received
        if self._head_bytes > MAX_HEAD:
            self._refuse("the request head is too large", 431)
        elif self._head_timer is None and self.timeout_keep_alive_task is None:
            self._start_head_timer()

    def _watch_message(self, received: int) -> None:
        if self._head_timer is not None:
            self._stop_head_timer()
        if not self.cycle.more_body:
            self._message_bytes = 0
            return
        # The application limits the body; this limits what is not body, such as trailers.
        self._message_bytes += received
        if self._message_bytes > self.max_message:
            self._refuse("the request is too large", 413)

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.header_timeout, self._head_is_late)

    def _stop_head_timer(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        self._refuse("the request head did not arrive in time", 408)

    def _refuse(self, message: str, status: int) -> None:
        """Answer what never became a call, and close; an answer in progress is cut off instead."""
        self._stop_head_timer()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_answer(message, status))
        self.transport.close()


def _answer(message: str, status: int) -> bytes:
    body = error_answer(Refusal(message, status=status, code="bad_http")).body
    head = (
        b"content-type: application/json\r\n"
        b"content-length: %d\r\n"
        b"connection: close\r\n\r\n" % len(body)
    )
    return STATUS_LINE[status] + head + body
