"""How soon a caller that hangs up frees its slot at the engine.

A whole network with RA-TLS in this process: caller, gateway, client, proxy, worker, engine. Two
measurements, both from the moment at which the caller closes its connection to the gateway:

* until an engine stand-in sees its connection close, for a stream and for an answer that has not
  begun;
* until the first byte of the next caller's answer from the embedded engine, which has one slot:
  while the abandoned answer goes on, nobody else gets one. Baselines: the same question without
  anything before it, and the time of one token, because an engine stops between two tokens.

The limit is 100 ms.

    python benchmarks/bench_cancel.py [--rounds 100]
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import uvloop
from load import percentile
from rich.console import Console
from rich.table import Table

from cocoon.devnet.options import DEMONSTRATION_MODEL
from cocoon.engine.base import Engine
from cocoon.engine.llama import LlamaEngine, LlamaSettings
from cocoon.engine.openai_http import OpenAIHttpEngine
from cocoon.gateway import Gateway, GatewayServer
from cocoon.testing.engine_standin import (
    MODEL,
    STANDIN_ENGINE,
    StandinOptions,
    StandinProtocol,
)
from cocoon.testing.network import InMemoryNetwork

LIMIT = 0.1
"""Seconds until a slot must be free."""
GIVE_UP = 30.0
SLOT_ROUNDS = 30
ASK = b'{"model":"%s","messages":[{"role":"user","content":"Count."}],"max_tokens":%d,"stream":%s}'


class Watched(StandinProtocol):
    """A connection of the stand-in that tells when a request comes and when it is closed."""

    def __init__(self, options: StandinOptions, seen: "asyncio.Queue[float]") -> None:
        super().__init__(options)
        self._seen = seen

    def on_message_complete(self) -> None:
        """A request is here; one that wants no stream is never answered."""
        if b'"max_tokens"' in self._body:
            self._seen.put_nowait(time.perf_counter())
            if b'"stream":true' not in self._body.replace(b" ", b""):
                self._headers[b"x-standin-mode"] = b"silent"
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note when."""
        super().connection_lost(exc)
        self._seen.put_nowait(time.perf_counter())


async def call(port: int, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request to the gateway."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % len(body) + body)
    return reader, writer


@asynccontextmanager
async def gateway_over(engine: Engine, model: str) -> AsyncIterator[tuple[int, Any]]:
    """Port of a gateway with a network behind it, and the network's worker."""
    with tempfile.TemporaryDirectory() as folder:
        async with InMemoryNetwork(Path(folder), models=(model,)) as network:
            await network.add_proxy()
            worker = await network.add_worker(model=model, engine=engine)
            server = GatewayServer(Gateway(await network.add_client()), port=0, grace=1)
            await server.start()
            try:
                yield server.port, worker
            finally:
                await server.stop()


async def until_closed(rounds: int, *, stream: bool) -> list[float]:
    """Seconds from a caller's disconnect until the stand-in's connection closes."""
    events: asyncio.Queue[float] = asyncio.Queue()
    options = StandinOptions(chunks=10**6, delay=0.01)
    loop = asyncio.get_running_loop()
    standin = await loop.create_server(lambda: Watched(options, events), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{standin.sockets[0].getsockname()[1]}"
    found = []
    body = ASK % (MODEL.encode(), 1000, b"true" if stream else b"false")
    async with gateway_over(OpenAIHttpEngine(url, options=STANDIN_ENGINE), MODEL) as (port, _):
        for _ in range(rounds):
            while not events.empty():  # connections that the worker kept for later
                events.get_nowait()
            reader, writer = await call(port, body)
            await asyncio.wait_for(events.get(), GIVE_UP)
            if stream:
                await asyncio.wait_for(reader.readuntil(b" word"), GIVE_UP)
            await asyncio.sleep(0.05)
            left = time.perf_counter()
            writer.transport.abort()
            found.append(await asyncio.wait_for(events.get(), GIVE_UP) - left)
    standin.close()
    return found


async def first_byte(port: int, body: bytes) -> float:
    """Seconds until a stream's first event; reads it to its end."""
    began = time.perf_counter()
    reader, writer = await call(port, body)
    await asyncio.wait_for(reader.readuntil(b"data: "), GIVE_UP)
    took = time.perf_counter() - began
    await asyncio.wait_for(reader.readuntil(b"[DONE]"), GIVE_UP)
    writer.close()
    return took


async def hang_up_after(port: int, body: bytes, events: int) -> list[float]:
    """Leave a stream after some events; seconds between these."""
    reader, writer = await call(port, body)
    times = []
    for _ in range(events):
        await asyncio.wait_for(reader.readuntil(b"data: "), GIVE_UP)
        times.append(time.perf_counter())
    writer.transport.abort()
    return [after - before for before, after in pairwise(times)]


async def until_free(rounds: int) -> dict[str, list[float]]:
    """Seconds until the only slot answers the next caller: undisturbed, and after a disconnect."""
    alone, after, gaps = [], [], []
    name = DEMONSTRATION_MODEL.partition("@")[0].encode()
    long, short = ASK % (name, 1500, b"true"), ASK % (name, 2, b"true")
    engine = LlamaEngine(LlamaSettings(slots=1, context=2048))
    async with gateway_over(engine, DEMONSTRATION_MODEL) as (port, worker):
        await first_byte(port, short)
        while len(after) < rounds:
            alone.append(await first_byte(port, short))
            cancelled = worker.statistics.cancelled
            gaps += await hang_up_after(port, long, 5)
            took = await first_byte(port, short)
            if worker.statistics.cancelled > cancelled:  # else the long answer was over by itself
                after.append(took)
    return {
        "next answer's first byte, slot free before": alone,
        "next answer's first byte, slot taken before": after,
        "(one token of the abandoned answer)": gaps,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100, help="with the stand-in")
    rounds = parser.parse_args().rounds
    rows = {
        "stand-in sees it, in a stream": uvloop.run(until_closed(rounds, stream=True)),
        "stand-in sees it, before the answer": uvloop.run(until_closed(rounds, stream=False)),
    }
    rows |= uvloop.run(until_free(min(rounds, SLOT_ROUNDS)))
    titles = ("from the disconnect until", "rounds", "median ms", "p99 ms", "p99 of the limit")
    table = Table(*titles, title="A caller hangs up; the limit is 100 ms")
    for name, seconds in rows.items():
        median, late = percentile(seconds, 0.5), percentile(seconds, 0.99)
        figures = (f"{median * 1e3:.1f}", f"{late * 1e3:.1f}", f"{late / LIMIT:.2f}")
        table.add_row(name, str(len(seconds)), *figures)
    Console().print(table)


if __name__ == "__main__":
    main()
