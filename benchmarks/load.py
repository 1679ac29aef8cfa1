"""A load generator for one HTTP endpoint: keep-alive connections, each one request at a time.

It costs as little as Python can make it cost, because on two cores it competes with what it
measures: one ``asyncio.Protocol`` per connection, answers parsed by httptools.
"""

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import cast

import httptools


@dataclass
class Result:
    """What one run measured; times in seconds."""

    wall: float = 0.0
    latency: list[float] = field(default_factory=list)
    first_byte: list[float] = field(default_factory=list)
    failures: int = 0
    body_bytes: int = 0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latency) / self.wall if self.wall else 0.0


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` of all values lie; NaN without values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Connection(asyncio.Protocol):
    def __init__(self, load: "Load") -> None:
        self.load = load
        self.transport: asyncio.Transport | None = None
        self.over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.next()

    def next(self) -> None:
        assert self.transport is not None
        if not self.load.take():
            self.over = True
            self.transport.close()
            self.load.connection_done()
            return
        self.parser = httptools.HttpResponseParser(self)
        self.first = 0.0
        self.started = time.perf_counter()
        self.transport.write(self.load.request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if not self.first:
            self.first = time.perf_counter()
        self.load.result.body_bytes += len(body)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        if self.parser.get_status_code() == 200:
            self.load.result.latency.append(now - self.started)
            self.load.result.first_byte.append((self.first or now) - self.started)
        else:
            self.load.result.failures += 1
        asyncio.get_running_loop().call_soon(self.next)

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self.over:
            self.load.result.failures += 1
            self.load.connection_done()


class Load:
    """One run: at most ``count`` requests over ``concurrency`` connections in ``seconds``.

    With ``spread`` the connections start evenly over so many seconds, so that requests that all
    take equally long do not start at the same moment again and again. ``key`` is sent as a bearer
    key.
    """

    def __init__(
        self,
        port: int,
        body: bytes,
        count: int,
        concurrency: int,
        seconds: float,
        spread: float = 0.0,
        key: str = "",
    ) -> None:
        self.port = port
        self.request = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        )
        if key:
            self.request += b"Authorization: Bearer %s\r\n" % key.encode()
        self.request += b"\r\n" + body
        self.left = count
        self.open = self.concurrency = concurrency
        self.seconds = seconds
        self.spread = spread
        self.result = Result()

    def take(self) -> bool:
        """Whether another request is to be sent; counts it."""
        if self.left <= 0 or time.perf_counter() > self.until:
            return False
        self.left -= 1
        return True

    def connection_done(self) -> None:
        """A connection has sent its last request."""
        self.open -= 1
        if self.open == 0 and not self.finished.done():
            self.finished.set_result(None)

    async def run(self) -> Result:
        """Send everything and wait for the answers."""
        loop = asyncio.get_running_loop()
        self.finished = loop.create_future()
        started = time.perf_counter()
        self.until = started + self.seconds
        for _ in range(self.concurrency):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.port)
            await asyncio.sleep(self.spread / self.concurrency)
        async with asyncio.timeout(self.seconds + 60):
            await self.finished
        self.result.wall = time.perf_counter() - started
        return self.result
