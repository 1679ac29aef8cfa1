"""A stand-in for an inference engine: answers at once, and says that it is a stand-in.

For tests and benchmarks. It speaks just enough of the OpenAI API over HTTP/1.1 (TCP or a Unix
socket) to measure everything around an engine: a tiny JSON answer with usage, or server-sent
events, optionally paced. ``python -m cocoon.testing.engine_standin --port N`` runs one.

The path chooses the behaviour, so that one process serves every case of a benchmark:

* ``GET /v1/models``: one model, owned by ``stand-in``;
* ``POST`` of a path that is no chat or completion, such as ``/v1/embeddings``: what
  :mod:`cocoon.testing.engine_answers` makes up for it;
* any other ``POST``: JSON, or with ``"stream": true`` in the body `chunks` events, `delay` seconds
  apart;
* the headers ``x-standin-chunks``, ``x-standin-delay`` and ``x-standin-mode`` change that for one
  request. Modes: ``ok``; ``status-500``; ``no-usage``; ``cut`` (closes in mid-answer); ``silent``
  (never answers).
"""

import argparse
import asyncio
import socket
import sys
from typing import Any

import httptools

from cocoon.engine.dialects.words import ALL_WORDS
from cocoon.engine.options import EngineOptions

MODEL = "stand-in"
STANDIN_ENGINE = EngineOptions(
    features=tuple(sorted(ALL_WORDS)),
    allow_shared_cache=True,
    pass_headers=frozenset({"x-standin-chunks", "x-standin-delay", "x-standin-mode"}),
)
"""What a worker must be told of a stand-in: it has no cache, answers everything, obeys headers."""
_JSON = b"application/json"
_MODELS = (
    b'{"object":"list","data":[{"id":"%s","object":"model","created":0,"owned_by":"stand-in"}]}'
)
_ANSWER = (
    b'{"id":"chatcmpl-0","object":"chat.completion","created":0,"model":"%s","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Hello from a stand-in."},"finish_reason":"stop"}]%s}'
)
_USAGE = b',"usage":{"prompt_tokens":8,"completion_tokens":%d,"total_tokens":%d}'
_EVENT = (
    b'data: {"id":"chatcmpl-0","object":"chat.completion.chunk","created":0,"model":"%s",'
    b'"choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}\n\n'
)
_LAST = (
    b'data: {"id":"chatcmpl-0","object":"chat.completion.chunk","created":0,"model":"%s",'
    b'"choices":[]%s}\n\n'
)
_DONE = b"data: [DONE]\n\n"


class StandinOptions:
    """How a stand-in answers: number of stream events, seconds between them, model name."""

    def __init__(self, chunks: int = 200, delay: float = 0.0, model: str = MODEL) -> None:
        self.chunks = chunks
        self.delay = delay
        self.model = model.encode()
        self.connections = 0
        self.requests = 0
        self.cancelled = 0


class StandinProtocol(asyncio.Protocol):
    """One connection; requests are answered in turn (no pipelining)."""

    def __init__(self, options: StandinOptions) -> None:
        self._options = options
        self._transport: Any = None
        self._parser: Any = None
        self._stream: asyncio.Task[None] | None = None
        self._reset()

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to parse."""
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._options.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop a stream that nobody reads, and count it."""
        self._transport = None
        if self._stream is not None and not self._stream.done():
            self._stream.cancel()
            self._options.cancelled += 1

    def data_received(self, data: bytes) -> None:
        """Parse; hang up on anything that is not HTTP."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_url(self, url: bytes) -> None:
        """Parser callback."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser callback."""
        if name[:2].lower() == b"x-":
            self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """Parser callback."""
        self._body += body

    def on_message_complete(self) -> None:
        """Answer."""
        body, headers, url = self._body, self._headers, self._url
        self._reset()
        self._options.requests += 1
        if self._parser.get_method() == b"GET":
            found = url.endswith(b"/models")
            self._json(_MODELS % self._options.model, 200 if found else 404)
            return
        mode = headers.get(b"x-standin-mode", b"ok")
        if mode == b"silent":
            return
        if (other := _other_path(url)) and mode == b"ok":
            self._made_up(other, body)
        elif mode == b"status-500":
            self._json(b'{"error":{"message":"stand-in failure","type":"server_error"}}', 500)
        elif b'"stream":true' in body or b'"stream": true' in body:
            chunks = int(headers.get(b"x-standin-chunks", self._options.chunks))
            delay = float(headers.get(b"x-standin-delay", self._options.delay))
            self._events(chunks, delay, mode)
        elif mode == b"cut":
            head = b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{"
            self._transport.write(head)
            self._transport.close()
        else:
            usage = b"" if mode == b"no-usage" else _USAGE % (6, 14)
            self._json(_ANSWER % (self._options.model, usage))

    def _made_up(self, path: str, body: bytes) -> None:
        from cocoon.testing.engine_answers import answer  # noqa: PLC0415  the client comes with it

        made = answer(path, body)
        self._whole(b"".join(made.parts), made.status, made.content_type.encode())

    def _json(self, body: bytes, status: int = 200) -> None:
        self._whole(body, status, _JSON)

    def _whole(self, body: bytes, status: int, kind: bytes) -> None:
        head = b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n"
        reason = b"OK" if status == 200 else b"Error"
        self._transport.write(head % (status, reason, kind, len(body)) + body)
        if not self._parser.should_keep_alive():
            self._transport.close()

    def _events(self, chunks: int, delay: float, mode: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        event = _frame(_EVENT % self._options.model)
        usage = b"" if mode == b"no-usage" else _USAGE % (chunks, chunks + 8)
        last = _frame(_LAST % (self._options.model, usage)) + _frame(_DONE) + b"0\r\n\r\n"
        if mode == b"cut":
            self._transport.write(event)
            self._transport.close()
        elif delay <= 0:
            for _ in range(chunks):  # one write an event, as an engine does
                self._transport.write(event)
            self._transport.write(last)
        else:
            self._stream = asyncio.get_running_loop().create_task(
                self._paced(event, chunks, delay, last)
            )

    async def _paced(self, event: bytes, chunks: int, delay: float, last: bytes) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for _ in range(chunks):
            self._transport.write(event)
            due += delay
            await asyncio.sleep(max(0.0, due - loop.time()))
        self._transport.write(last)


def _other_path(url: bytes) -> str:
    """The path of an endpoint that is neither chat nor completions, else nothing."""
    path = url.partition(b"?")[0]
    return "" if path.endswith(b"completions") or b"/" not in path else path.decode("latin-1")


def _frame(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def serve_standin(
    options: StandinOptions,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    path: str | None = None,
    sock: socket.socket | None = None,
) -> asyncio.Server:
    """Listen on a TCP port, a given socket or, with `path`, a Unix socket."""
    loop = asyncio.get_running_loop()

    def factory() -> StandinProtocol:
        return StandinProtocol(options)

    if path is not None:
        return await loop.create_unix_server(factory, path, backlog=1024)
    if sock is not None:
        return await loop.create_server(factory, sock=sock, backlog=1024)
    return await loop.create_server(factory, host, port, backlog=1024)


def main() -> None:
    """Run a stand-in until it is interrupted; prints ``ready PORT`` when it listens."""
    parser = argparse.ArgumentParser(prog="python -m cocoon.testing.engine_standin")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--unix", help="Unix socket path instead of a port")
    parser.add_argument("--chunks", type=int, default=200, help="events of a stream")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between events")
    parser.add_argument("--model", default=MODEL)
    options = parser.parse_args()

    async def run() -> None:
        standin = StandinOptions(options.chunks, options.delay, options.model)
        server = await serve_standin(
            standin, host=options.host, port=options.port, path=options.unix
        )
        where = options.unix or server.sockets[0].getsockname()[1]
        sys.stdout.write(f"ready {where}\n")
        sys.stdout.flush()
        await server.serve_forever()

    import uvloop  # noqa: PLC0415  only the program needs it

    try:
        uvloop.run(run())
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
