"""Any OpenAI-compatible engine behind HTTP: vLLM, SGLang, llama.cpp server, Ollama, TGI.

Requests go to one base URL over TCP, TLS or a Unix socket, on a pool of kept-alive connections
(the official worker opens a new one for each request, ``wire-protocol.md`` §4.3).

Header rules. To the engine goes ``Accept`` if it is a plain media type, and what is ours: ``Host``,
``Content-Type``, ``Content-Length`` and the bearer token of `api_key`. No other header of a caller
is forwarded: an engine needs none of them, some would change what comes back (``Accept-Encoding``:
a compressed answer could not be metered), some would let it read another body than the one that was
checked (``Content-Encoding``), and many tell who asks. From the engine come its end-to-end headers;
see `EngineResponse.headers`.

Which engine it is, is found out when `capabilities` is called (`cocoon.engine.dialects.discovery`);
`prepare` refuses everything until then.

The connection is our own (`cocoon.engine.http1`), chosen by measurement: a tiny request against a
stand-in that answers at once (2 cores, uvloop, metering included for ours) costs this process 28 µs
of CPU at concurrency 64 and 58 to 127 µs at 1, through aiohttp 100 µs and 136 to 192 µs, through
bare asyncio protocols 12 µs and 21 to 55 µs (``benchmarks/bench_engine.py``).

One retry: a kept-alive connection may be closed by the engine at the moment it is used again. A
request that fails on a used connection before any byte of an answer is sent once more on a new one.
"""

import asyncio
import re
import ssl
from urllib.parse import urlsplit

import msgspec

from cocoon.engine.base import (
    EngineCapabilities,
    EngineHealth,
    EngineLoad,
    EngineRequest,
    EngineResponse,
    Fields,
    Headers,
    Prepared,
)
from cocoon.engine.dialects import prepare
from cocoon.engine.dialects.cache import CacheSalts
from cocoon.engine.dialects.discovery import Discovered, Reply, discover
from cocoon.engine.dialects.metrics import MAX_METRICS, read_load
from cocoon.engine.dialects.reports import MAX_REPORT, read_models
from cocoon.engine.dialects.words import PATH_WORDS
from cocoon.engine.http1 import HttpAnswer, HttpConnection, end_to_end
from cocoon.engine.options import EngineOptions
from cocoon.engine.whole_answer import read_whole, restated
from cocoon.errors import BadRequestError, CocoonError, ConfigError, DeadlineError, EngineError

LOAD_PERIOD = 5.0
"""Seconds between two looks at the engine's load."""

_ACCEPT = re.compile(r"(?:\*|[a-z]{1,16})/(?:\*|[a-z0-9.+\-]{1,32})")
# What a body may be; a boundary has the characters that RFC 2046 allows without quotes.
_CONTENT_TYPE = re.compile(
    r"application/json|multipart/form-data; ?boundary=[0-9A-Za-z'()+_,\-./:=?]{1,70}"
)
# Visible ASCII without blank: what a request target may hold (anything else has to be quoted).
_PATH = re.compile(r"/[!-~]*")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class EngineLimits(msgspec.Struct, frozen=True):
    """Times in seconds, and the size of the pool.

    Attributes:
        connect_timeout: for a new connection.
        head_timeout: from the request to the head of the answer; the request's own deadline ends
            it earlier. A queue in the engine counts, so it is long.
        check_head_timeout: the same for the model list (``wire-protocol.md`` §4.4).
        check_body_timeout: for the body of the model list.
        idle_timeout: how long an unused connection is kept; below the 5 s of uvicorn (vLLM and
            SGLang), so that they rarely close one that is about to be used.
        max_idle: unused connections kept.
    """

    connect_timeout: float = 5.0
    head_timeout: float = 600.0
    check_head_timeout: float = 10.0
    check_body_timeout: float = 30.0
    idle_timeout: float = 4.0
    max_idle: int = 256


class OpenAIHttpEngine:
    """An `Engine` at a base URL.

    Args:
        base_url: ``http://host:port``, ``https://host`` or ``unix:/path/to/socket``. A ``/v1`` at
            the end is the same as none, because request paths bring it.
        api_key: sent as a bearer token, if the engine wants one. Never shown.
        limits: times and sizes.
        options: what the operator says about the engine.

    Raises:
        ConfigError: the URL is not of that form.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        limits: EngineLimits | None = None,
        options: EngineOptions | None = None,
    ) -> None:
        self.limits = limits or EngineLimits()
        self.options = options or EngineOptions()
        self._found: Discovered | None = None
        self._salts = CacheSalts()
        self._load: EngineLoad | None = None
        self._load_due = 0.0
        self._unix: str | None = None
        self._tls: ssl.SSLContext | None = None
        self._prefix = ""
        self._host, self._port = "localhost", 80
        self._parse_url(base_url)
        self.base_url = base_url
        self._idle: list[HttpConnection] = []
        self._busy: set[HttpConnection] = set()
        own = f"Host: {self._authority()}\r\n"
        if api_key is not None:
            if not api_key.isascii() or _BAD_VALUE.search(api_key):
                raise ConfigError("the engine's API key has characters that HTTP does not allow")
            own += f"Authorization: Bearer {api_key}\r\n"
        self._own_headers = own

    def __repr__(self) -> str:
        return f"OpenAIHttpEngine({self._unix or self._authority()})"

    def _parse_url(self, base_url: str) -> None:
        if base_url.startswith("unix:"):
            self._unix = base_url.removeprefix("unix:").removeprefix("//")
            if not self._unix.startswith("/"):
                raise ConfigError(f"engine URL {base_url!r}: unix: needs an absolute path")
            return
        try:
            parts = urlsplit(base_url)
            port = parts.port
        except ValueError as exc:
            raise ConfigError(f"engine URL {base_url!r}: {exc}") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(f"engine URL {base_url!r}: use http://, https:// or unix:/path")
        if parts.username or parts.query or parts.fragment:
            raise ConfigError("engine URL: only host, port and path are allowed in it")
        if parts.scheme == "https":
            self._tls = ssl.create_default_context()
        self._host = parts.hostname
        self._port = port or (443 if parts.scheme == "https" else 80)
        self._prefix = parts.path.rstrip("/").removesuffix("/v1")
        if self._prefix and not _PATH.fullmatch(self._prefix):
            raise ConfigError("engine URL: the path has characters that must be quoted")

    def _authority(self) -> str:
        if self._unix is not None:
            return "localhost"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return host if self._port in {80, 443} else f"{host}:{self._port}"

    # Engine

    async def start(self) -> None:
        """Nothing to start: the engine runs elsewhere and `check` tells whether it does."""

    async def close(self) -> None:
        """Close all connections; unfinished answers fail with EngineError."""
        for connection in [*self._idle, *self._busy]:
            connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # let the transports report that they are gone

    async def check(self) -> EngineHealth:
        """See `Engine.check`: ``GET /v1/models`` must answer 200 with a model list."""
        try:
            reply = await self._ask("GET", "/v1/models")
            if reply.status != 200:
                raise EngineError(f"GET /v1/models answers {reply.status}")
            models = read_models(reply.body)
        except CocoonError as exc:
            # It may come back as another engine, or with other options.
            self._found, self._load = None, None
            return EngineHealth(False, reason=str(exc))
        return EngineHealth(True, tuple(model.name for model in models), load=await self._look())

    async def capabilities(self, model: str = "") -> EngineCapabilities:
        """See `Engine.capabilities`."""
        self._found = None
        self._load_due = 0.0
        found = await discover(self._ask, model, self.options)
        self._found = found
        return found.capabilities

    def prepare(self, path: str, fields: Fields, scope: bytes) -> Prepared:
        """See `Engine.prepare`.

        Raises:
            BadRequestError: the engine cannot do what is asked.
            EngineError: nobody knows yet what engine it is.
        """
        found = self._found
        if found is None:
            raise EngineError("the engine was not asked yet what it can do")
        if path not in found.served:
            what = PATH_WORDS.get(path, "this endpoint")
            raise BadRequestError(f"this worker's engine does not serve {what}")
        return prepare(found.dialect, path, fields, self._salts.of(scope))

    async def send(self, request: EngineRequest, deadline: float) -> EngineResponse:
        """See `Engine.send`."""
        head_deadline = asyncio.get_running_loop().time() + self.limits.head_timeout
        answer = await self._send(request, head_deadline, deadline)
        if self._found is None or not self._found.dialect.restate:
            return answer
        restate = self._found.dialect.restate.get(request.path)
        return answer if restate is None else await restated(answer, restate)

    async def _ask(
        self, method: str, path: str, body: bytes = b"", limit: int = MAX_REPORT
    ) -> Reply:
        """Ask the engine about itself.

        Raises:
            EngineError: there is no whole answer in time.
        """
        now = asyncio.get_running_loop().time()
        head = now + self.limits.check_head_timeout
        try:
            request = EngineRequest(method, path, body=body)
            answer = await self._send(request, head, head + self.limits.check_body_timeout)
            return Reply(answer.status, await read_whole(answer, limit))
        except DeadlineError as exc:
            raise EngineError(str(exc)) from None

    async def _look(self) -> EngineLoad | None:
        """How busy it is; asked every few seconds, and never a reason to call it down."""
        found = self._found
        now = asyncio.get_running_loop().time()
        if found is None or found.dialect.load_metrics is None or now < self._load_due:
            return self._load
        self._load_due = now + LOAD_PERIOD
        self._load = None
        try:
            reply = await self._ask("GET", "/metrics", limit=MAX_METRICS)
        except CocoonError:
            return None
        if reply.status == 200:
            self._load = read_load(found.dialect, reply.body)
        return self._load

    async def _send(
        self, request: EngineRequest, head_deadline: float, deadline: float
    ) -> HttpAnswer:
        data = self._encode(request)
        connection = self._take_idle()
        if connection is not None:
            try:
                return await self._on(connection, data, head_deadline, deadline)
            except EngineError:
                if connection.answered_any_byte:
                    raise
        connection = await self._connect(deadline)
        return await self._on(connection, data, head_deadline, deadline)

    async def _on(
        self, connection: HttpConnection, data: bytes, head_deadline: float, deadline: float
    ) -> HttpAnswer:
        self._busy.add(connection)
        return await connection.request(data, head_deadline, deadline)

    def _encode(self, request: EngineRequest) -> bytes:
        if request.method not in {"GET", "POST"}:
            raise BadRequestError("only GET and POST can be sent to an engine")
        if not _PATH.fullmatch(request.path):
            raise BadRequestError("the request path has characters that must be quoted")
        lines = [f"{request.method} {self._prefix}{request.path} HTTP/1.1\r\n", self._own_headers]
        lines.extend(self._header_lines(request.headers))
        if request.method == "POST":
            content_type = request.content_type
            if not _CONTENT_TYPE.fullmatch(content_type):
                raise BadRequestError("the request's content type is not one that engines get")
            lines.append(f"Content-Type: {content_type}\r\nContent-Length: {len(request.body)}\r\n")
        elif request.body:
            raise BadRequestError("a GET request has no body")
        lines.append("\r\n")
        return "".join(lines).encode("utf-8", "surrogateescape") + request.body

    def _header_lines(self, headers: Headers) -> list[str]:
        """The few headers of a caller that an engine gets."""
        lines = []
        for name, value in end_to_end(headers):
            lower = name.lower()
            known = lower == "accept" and _ACCEPT.fullmatch(value) is not None
            if not known and lower not in self.options.pass_headers:
                continue
            if not _NAME.fullmatch(name) or _BAD_VALUE.search(value):
                raise BadRequestError("a request header has characters that HTTP does not allow")
            lines.append(f"{name}: {value}\r\n")
        return lines

    # Pool

    def _take_idle(self) -> HttpConnection | None:
        """The connection used last, if it is fresh enough; older ones are closed on the way."""
        if not self._idle:
            return None
        connection = self._idle.pop()
        oldest = connection.idle_since + self.limits.idle_timeout
        if not connection.closed and asyncio.get_running_loop().time() < oldest:
            return connection
        connection.abort()
        for stale in self._idle:  # all of them are older still
            stale.abort()
        self._idle.clear()
        return None

    async def _connect(self, deadline: float) -> HttpConnection:
        loop = asyncio.get_running_loop()
        timeout = min(self.limits.connect_timeout, deadline - loop.time())
        try:
            async with asyncio.timeout(timeout):
                if self._unix is not None:
                    _, connection = await loop.create_unix_connection(self._new, self._unix)
                else:
                    _, connection = await loop.create_connection(
                        self._new, self._host, self._port, ssl=self._tls
                    )
        except TimeoutError:
            if loop.time() >= deadline:
                raise DeadlineError("no time was left to reach the engine") from None
            raise EngineError("the engine does not accept connections in time") from None
        except OSError as exc:
            raise EngineError(f"the engine cannot be reached: {_os_text(exc)}") from None
        return connection

    def _new(self) -> HttpConnection:
        return HttpConnection(self._on_idle, self._on_gone)

    def _on_idle(self, connection: HttpConnection) -> None:
        self._busy.discard(connection)
        if len(self._idle) >= self.limits.max_idle:
            connection.abort()
            return
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)

    def _on_gone(self, connection: HttpConnection) -> None:
        self._busy.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


def _os_text(exc: OSError) -> str:
    return exc.strerror or type(exc).__name__
