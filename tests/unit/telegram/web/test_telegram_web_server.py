"""Connections to the server: so many, and no more."""

import asyncio
import contextlib
import resource
from collections.abc import MutableMapping
from typing import Any

import pytest

from cocoon.telegram.settings import AppSettings
from cocoon.telegram.web import server as module
from cocoon.telegram.web.server import WebServer, most_connections

pytestmark = pytest.mark.anyio


async def hello(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_too_many_connections_take_nobodys_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 5)
    server = WebServer(hello, AppSettings(port=0), grace=0)
    await server.start()
    opened = []
    try:
        for _ in range(20):
            opened.append(await asyncio.open_connection("127.0.0.1", server.port))
        for reader, _ in opened[5:]:
            async with asyncio.timeout(2):
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
        for reader, writer in opened[:5]:
            writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            async with asyncio.timeout(2):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    finally:
        for _, writer in opened:
            writer.close()
        await server.stop()


def test_half_of_the_descriptors_are_the_bots(monkeypatch: pytest.MonkeyPatch):
    for limit, most in ((1024, 512), (65536, 10_000), (resource.RLIM_INFINITY, 10_000)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert most_connections() == most
