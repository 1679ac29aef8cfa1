"""A port that anybody may connect to: silence takes no descriptors, and keeps nobody out."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cocoon.net import http_server
from cocoon.net.http_server import HttpServer

pytestmark = pytest.mark.anyio

MOST = 8
CALL = b"GET / HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n"


async def page(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    made = HttpServer(Starlette(routes=[Route("/", page)]), "127.0.0.1", 0, grace=0, strangers=MOST)
    await made.start()
    yield made
    await made.stop()


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def silent(server: HttpServer, count: int) -> list[Streams]:
    return [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(count)]


async def ended(stream: Streams) -> bool:
    try:
        async with asyncio.timeout(3):
            return await stream[0].read() == b""
    except ConnectionError:
        return True


async def test_many_that_say_nothing_keep_nobody_out(server: HttpServer) -> None:
    crowd = await silent(server, 3 * MOST)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(CALL)
    async with asyncio.timeout(3):
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
    assert all([await ended(stream) for stream in crowd[:MOST]])
    for _, other in [*crowd, (reader, writer)]:
        other.close()


async def test_silence_ends(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "STRANGER_SECONDS", 0.05)
    (stream,) = await silent(server, 1)
    assert await ended(stream)
    stream[1].close()
