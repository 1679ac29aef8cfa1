"""CPU and throughput of the engine hop against a stand-in that answers at once.

Direct = the smallest possible loop over a socket pair of asyncio streams (it writes the request
and reads a fixed number of bytes); adapter = `OpenAIHttpEngine` with a `Meter`; aiohttp = the
library that the adapter replaces. Run: ``python benchmarks/bench_engine.py [--json]``.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import uvloop

from cocoon.engine.base import EngineRequest
from cocoon.engine.metering import Meter
from cocoon.engine.openai_http import OpenAIHttpEngine

TINY = b'{"model":"stand-in","messages":[{"role":"user","content":"Hi"}],"max_tokens":16}'
STREAM = TINY[:-1] + b',"stream":true,"stream_options":{"include_usage":true}}'
HEADERS = (
    ("Content-Type", "application/json"),
    ("Accept", "application/json"),
    ("User-Agent", "bench"),
    ("Connection", "keep-alive"),
)
Request = Callable[[bytes], Awaitable[int]]


async def through_adapter(port: int) -> tuple[Request, Callable[[], Awaitable[None]]]:
    engine = OpenAIHttpEngine(f"http://127.0.0.1:{port}")
    loop = asyncio.get_running_loop()

    async def request(body: bytes) -> int:
        answer = await engine.send(
            EngineRequest("POST", "/v1/chat/completions", HEADERS, body), loop.time() + 60
        )
        meter = Meter(
            status=answer.status, content_type=answer.content_type, request_size=len(body)
        )
        size = 0
        while (chunk := await answer.next_chunk()) is not None:
            size += len(meter.feed(chunk))
        usage = meter.finish()
        if usage.estimated or not usage.completion:
            raise RuntimeError(f"wrong usage: {usage}")
        return size

    return request, engine.close


async def through_aiohttp(port: int) -> tuple[Request, Callable[[], Awaitable[None]]]:
    import aiohttp  # only this comparison needs it

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    )
    url = f"http://127.0.0.1:{port}/v1/chat/completions"

    async def request(body: bytes) -> int:
        size = 0
        async with session.post(url, data=body, headers=dict(HEADERS)) as answer:
            async for chunk in answer.content.iter_any():
                size += len(chunk)
        return size

    return request, session.close


async def direct(port: int) -> tuple[Request, Callable[[], Awaitable[None]]]:
    """Raw sockets: what asyncio itself costs."""
    idle: list[_Raw] = []
    loop = asyncio.get_running_loop()

    async def request(body: bytes) -> int:
        if idle:
            raw = idle.pop()
        else:
            _, raw = await loop.create_connection(_Raw, "127.0.0.1", port)
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
        size = await raw.request(head % len(body) + body)
        idle.append(raw)
        return size

    async def close() -> None:
        for raw in idle:
            raw.transport.close()

    return request, close


class _Raw(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    async def request(self, data: bytes) -> int:
        self.size = 0
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        await self.done
        return self.size

    def data_received(self, data: bytes) -> None:
        self.size += len(data)
        if data.endswith((b"}", b"0\r\n\r\n")) and not self.done.done():
            self.done.set_result(None)


async def measure(request: Request, body: bytes, count: int, concurrency: int) -> dict[str, float]:
    latencies: list[float] = []

    async def lane(n: int) -> None:
        for _ in range(n):
            begin = time.perf_counter()
            await request(body)
            latencies.append(time.perf_counter() - begin)

    await asyncio.gather(*(lane(3) for _ in range(concurrency)))  # open the connections
    latencies.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(lane(count // concurrency) for _ in range(concurrency)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    latencies.sort()
    done = len(latencies)
    return {
        "per_s": round(done / wall, 1),
        "cpu_us": round(cpu / done * 1e6, 1),
        "p50_ms": round(latencies[done // 2] * 1e3, 3),
        "p99_ms": round(latencies[done * 99 // 100] * 1e3, 3),
    }


async def run(port: int, count: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    ways = {"direct": direct, "adapter": through_adapter, "aiohttp": through_aiohttp}
    for label, body, factor in (("tiny", TINY, 1), ("stream200", STREAM, 20)):
        for concurrency in (1, 64):
            for way, factory in ways.items():
                request, close = await factory(port)
                result = await measure(request, body, count // factor, concurrency)
                await close()
                rows.append({"case": label, "concurrency": concurrency, "way": way, **result})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    command = [sys.executable, "-m", "cocoon.testing.engine_standin"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as standin:
        assert standin.stdout is not None
        port = int(re.sub(r"\D", "", standin.stdout.readline()))
        try:
            rows = uvloop.run(run(port, options.count))
        finally:
            standin.terminate()
    for row in rows:
        print(json.dumps(row) if options.json else "  ".join(f"{k}={v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
