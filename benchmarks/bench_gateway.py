"""What the gateway costs: requests and events a second against a bare ASGI application.

The second gateway also checks a key, keeps budgets and writes a ledger to SQLite. All run on the
same uvicorn (uvloop, httptools), each in a child process, with the same answers: the gateways get
them from a scripted client that answers at once. The load generator speaks raw HTTP in this
process. They take turns, and the best of several turns counts, because other work on the machine
only ever makes a turn slower.

    python benchmarks/bench_gateway.py [--seconds 1] [--turns 4]
"""

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import uvicorn
import uvloop

from cocoon.client.api import ClientRequest
from cocoon.gateway import Gateway, GatewayServer
from cocoon.gateway.gate import Gate
from cocoon.gateway.keys import KeyGate, KeysSettings, Limits
from cocoon.gateway.keys.changes import draft
from cocoon.gateway.keys.registry import Registry
from cocoon.gateway.keys.secret import new_key
from cocoon.gateway.keys.store import open_store
from cocoon.store import sqlite_url
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse

CHUNK = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word "}}],"usage":null}\n\n'
DONE = b"data: [DONE]\n\n"
CHUNKS = 200
ANSWER = json.dumps(
    {"id": "c", "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}}]}
).encode()
MESSAGES = b'"messages":[{"role":"user","content":"hi there"}]'
TINY = b'{"model":"demo",' + MESSAGES + b',"max_tokens":10}'
STREAM = b'{"model":"demo",' + MESSAGES + b',"max_tokens":300,"stream":true}'
HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
    b"Content-Type: application/json\r\nUser-Agent: bench\r\n"
)


async def bare(_scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    stream = b'"stream":true' in message["body"]
    kind = b"text/event-stream" if stream else b"application/json"
    headers = [(b"content-type", kind)]
    if not stream:
        headers.append((b"content-length", b"%d" % len(ANSWER)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if stream:
        for _ in range(CHUNKS):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        await send({"type": "http.response.body", "body": DONE})
    else:
        await send({"type": "http.response.body", "body": ANSWER})


async def serve_bare(pipe: Connection) -> None:
    config = uvicorn.Config(
        bare, port=0, ws="none", lifespan="off", log_level="critical", access_log=False
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    pipe.send((server.servers[0].sockets[0].getsockname()[1], "none"))
    await task


async def serve_keys(pipe: Connection) -> None:
    """The gateway with keys, budgets and a ledger in SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "keys.sqlite")
        database, made = open_store(url), new_key()
        limits = Limits(day=10**15, month=10**16, requests=10**7, tokens=10**9)
        changes = {"name": "bench", "limits": limits}
        Registry(database).create(draft(changes, int(time.time())), made)
        database.close()
        gate = KeyGate(KeysSettings(store=url))
        await gate.start()
        await serve_gateway(pipe, gate, made.text)


async def serve_gateway(pipe: Connection, gate: Gate | None = None, key: str = "none") -> None:
    steps = [CHUNK] * CHUNKS + [DONE]

    class Forgetful(ScriptedClient):
        async def run(self, request: ClientRequest) -> Any:
            self.requests.clear()
            return await super().run(request)

    def script(request: ClientRequest) -> ScriptedResponse:
        if b'"stream":true' in request.body:
            return ScriptedResponse(steps, headers=EVENT_HEADERS)
        return ScriptedResponse([ANSWER])

    server = GatewayServer(Gateway(Forgetful(script), gate=gate), port=0)
    await server.start()
    pipe.send((server.port, key))
    await server.wait()


def child(serve: Callable[[Connection], Any], pipe: Connection) -> None:
    uvloop.run(serve(pipe))


@dataclass
class Row:
    """Requests a second; seconds at the 50th and 99th percentile; CPU seconds a request."""

    rate: float
    p50: float
    p99: float
    cpu: float


class Caller(asyncio.Protocol):
    """One connection that sends the next request as soon as an answer is complete."""

    def __init__(self, request: bytes, end: bytes, until: float, times: list[float]) -> None:
        self.request, self.end, self.until, self.times = request, end, until, times
        self.done = asyncio.get_running_loop().create_future()
        self.tail = b""

    def connection_made(self, transport: Any) -> None:
        """Send the first request."""
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send one more request."""
        self.sent = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Look for the end of an answer."""
        self.tail = (self.tail + data)[-len(self.end) :]
        if self.tail != self.end:
            return
        now = time.perf_counter()
        self.times.append(now - self.sent)
        if now < self.until:
            self.send()
        else:
            self.transport.close()
            self.done.set_result(None)


def written(body: bytes, key: str) -> bytes:
    """The bytes of a request."""
    own = b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
    return HEAD + own % (key.encode(), len(body)) + body


async def ending(port: int, request: bytes) -> bytes:
    """What an answer ends with; a whole one always has the same length and last bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise SystemExit(f"not answered: {head.decode()}")
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    body = await reader.readexactly(int(length)) if length else b"\r\n0\r\n\r\n"
    writer.close()
    return body[-20:]


async def load(port: int, key: str, body: bytes, concurrency: int, seconds: float) -> list[float]:
    times: list[float] = []
    request = written(body, key)
    end = await ending(port, request)
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    callers = []
    for _ in range(concurrency):
        _, caller = await loop.create_connection(
            lambda: Caller(request, end, until, times), "127.0.0.1", port
        )
        callers.append(caller.done)
    await asyncio.gather(*callers)
    return times


def measure(pid: int, port: int, key: str, body: bytes, concurrency: int, seconds: float) -> Row:
    process = psutil.Process(pid)
    uvloop.run(load(port, key, body, concurrency, 0.3))
    before = process.cpu_times()
    began = time.perf_counter()
    times = sorted(uvloop.run(load(port, key, body, concurrency, seconds)))
    wall = time.perf_counter() - began
    after = process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    count = len(times)
    return Row(count / wall, times[count // 2], times[count * 99 // 100], cpu / count)


SHAPES = [
    ("tiny", 1, TINY),
    ("tiny", 64, TINY),
    ("stream", 1, STREAM),
    ("stream", 8, STREAM),
]


def start(serve: Callable[[Connection], Any]) -> tuple[Any, int, str]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=child, args=(serve, theirs), daemon=True)
    process.start()
    port, key = ours.recv()
    return process, port, key


def best(rows: list[Row]) -> Row:
    return Row(
        max(row.rate for row in rows),
        min(row.p50 for row in rows),
        min(row.p99 for row in rows),
        min(row.cpu for row in rows),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each turn")
    parser.add_argument("--turns", type=int, default=4)
    options = parser.parse_args()
    servers = {
        "bare ASGI": start(serve_bare),
        "gateway": start(serve_gateway),
        "with keys": start(serve_keys),
    }
    print(f"{'shape':<8}{'conc':>5}  {'server':<10}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}", end="")
    print(f"{'CPU us/req':>12}{'a CPU second':>14}{'events/s':>11}{'of bare':>9}")
    for name, concurrency, body in SHAPES:
        turns: dict[str, list[Row]] = {server: [] for server in servers}
        for _ in range(options.turns):
            for server, (process, port, key) in servers.items():
                turns[server].append(
                    measure(process.pid, port, key, body, concurrency, options.seconds)
                )
        bare_rate = best(turns["bare ASGI"]).rate
        for server, rows in turns.items():
            row = best(rows)
            events = f"{row.rate * (CHUNKS + 1):.0f}" if name == "stream" else ""
            share = row.rate / bare_rate
            print(
                f"{name:<8}{concurrency:>5}  {server:<10}{row.rate:>9.0f}{row.p50 * 1e3:>9.2f}"
                f"{row.p99 * 1e3:>9.2f}{row.cpu * 1e6:>12.1f}{1 / row.cpu:>14.0f}"
                f"{events:>11}{share:>9.2f}"
            )
    for process, _, _ in servers.values():
        process.kill()


if __name__ == "__main__":
    main()
