"""Ten thousand open streams on one gateway process, and what they do to everybody else.

A child process runs the gateway over a scripted client, whose streams bring one event a second.
This process opens them all and reads them, then asks tiny questions beside them, and at last hangs
up. Baseline: the same questions to the same process before the streams are opened.

    python benchmarks/bench_streams.py [--streams 10000]
"""

import argparse
import asyncio
import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any

import psutil
import uvloop
from bench_gateway import ANSWER, CHUNK, STREAM, TINY, written

from cocoon.client.api import ClientRequest
from cocoon.gateway import Gateway, GatewayServer
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse

PERIOD = 1.0
"""Seconds between two events of a stream."""
AT_ONCE = 500
"""Connections that are opened at the same time."""
QUESTIONS = 500


class Endless(ScriptedClient):
    """Keeps no list of its requests."""

    async def run(self, request: ClientRequest) -> Any:
        """Answer as the script says."""
        self.requests.clear()
        return await super().run(request)


async def serve(pipe: Connection) -> None:
    steps = [CHUNK, PERIOD] * 600

    def script(request: ClientRequest) -> ScriptedResponse:
        if b'"stream":true' in request.body:
            return ScriptedResponse(steps, headers=EVENT_HEADERS)
        return ScriptedResponse([ANSWER])

    gateway = Gateway(Endless(script))
    server = GatewayServer(gateway, port=0)
    await server.start()
    pipe.send(server.port)
    while True:
        await asyncio.sleep(0.02)
        if pipe.poll():
            pipe.recv()
            pipe.send(gateway.running)


def child(pipe: Connection) -> None:
    uvloop.run(serve(pipe))


class Reader(asyncio.Protocol):
    """One stream: counts its events."""

    def __init__(self) -> None:
        self.events = 0
        self.first = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        """Ask."""
        self.transport = transport
        transport.write(written(STREAM, "none"))

    def data_received(self, data: bytes) -> None:
        """Count."""
        self.events += data.count(b"data: ")
        if self.events and not self.first.done():
            self.first.set_result(None)


async def questions(port: int) -> list[float]:
    """Seconds that each of some tiny requests takes, on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    for _ in range(QUESTIONS):
        began = time.perf_counter()
        writer.write(written(TINY, "none"))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.002)
    writer.close()
    return sorted(times)


async def open_all(port: int, count: int) -> list[Reader]:
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> Reader:
        async with gate:
            _, reader = await loop.create_connection(Reader, "127.0.0.1", port)
            await reader.first
            return reader

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def measure(pid: int, port: int, pipe: Connection, count: int) -> None:
    process = psutil.Process(pid)
    alone = await questions(port)
    before = process.memory_info().rss
    began = time.perf_counter()
    readers = await open_all(port, count)
    opened = time.perf_counter() - began
    await asyncio.sleep(5 * PERIOD)
    counts = [reader.events for reader in readers]
    beside = await questions(port)
    rss = process.memory_info().rss
    began = time.perf_counter()
    for reader in readers:
        reader.transport.abort()
    running = count
    while running:
        await asyncio.sleep(0.01)
        pipe.send("running?")
        running = pipe.recv()
    closed = time.perf_counter() - began
    print(f"{count} streams, one event a second each")
    print(f"  opened, each with its first event   {opened:7.1f} s")
    print(f"  fewest events of one after 5 s      {min(counts):7d}")
    print(f"  memory of the gateway               {rss / 2**20:7.0f} MiB", end="")
    print(f", {(rss - before) / count / 1024:.1f} KiB a stream")
    print(f"  all forgotten after the hang-up     {closed:7.2f} s")
    half, tail = QUESTIONS // 2, QUESTIONS * 99 // 100
    print(f"  tiny request alone                  p50 {alone[half] * 1e3:.2f} ms", end="")
    print(f", p99 {alone[tail] * 1e3:.2f} ms")
    print(f"  tiny request beside them            p50 {beside[half] * 1e3:.2f} ms", end="")
    print(f", p99 {beside[tail] * 1e3:.2f} ms: {beside[half] / alone[half]:.1f} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=child, args=(theirs,), daemon=True)
    process.start()
    port = ours.recv()
    try:
        uvloop.run(measure(process.pid, port, ours, options.streams))
    finally:
        process.kill()


if __name__ == "__main__":
    main()
