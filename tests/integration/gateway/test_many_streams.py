"""Many streams at once, and readers that do not read."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from cocoon.client.waiting import LEAST
from cocoon.gateway import Gateway, GatewayServer
from cocoon.testing.engine_standin import MODEL
from cocoon.testing.network import InMemoryNetwork
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse

pytestmark = pytest.mark.anyio

STREAMS = 1500
CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'


def question(model: str) -> bytes:
    body = (
        b'{"model":"%s","messages":[{"role":"user","content":"hi"}],"max_tokens":1000000,'
        b'"stream":true}'
    ) % model.encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


async def until(condition: Callable[[], bool], timeout: float = 15.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110  many small conditions, none with an event
            await asyncio.sleep(0.01)


async def test_many_open_streams_all_go_on_and_are_all_forgotten() -> None:
    client = ScriptedClient(
        lambda _: ScriptedResponse([CHUNK, *([0.2, CHUNK] * 100)], headers=EVENT_HEADERS)
    )
    gateway = Gateway(client)
    server = GatewayServer(gateway, port=0)
    await server.start()
    try:
        streams = []
        for _ in range(STREAMS):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(question("demo"))
            streams.append((reader, writer))
        for reader, _ in streams:
            await reader.readuntil(b"word ")
        assert gateway.running == STREAMS
        for reader, _ in streams:
            await reader.readuntil(b"word ")
        for _, writer in streams:
            writer.transport.abort()
        await until(lambda: gateway.running == 0)
    finally:
        await server.stop()


async def test_readers_that_do_not_read_hold_no_more_than_is_stated(tmp_path: Path) -> None:
    total, readers = 1 << 20, 5
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        await network.add_worker()
        network.standins[0].chunks = 100_000  # about 15 MB each, far beyond what sockets hold
        client = await network.add_client(max_waiting=total)
        server = GatewayServer(Gateway(client), port=0)
        await server.start()
        most = 0
        try:
            streams = []
            for _ in range(readers):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", server.port, limit=1 << 26
                )
                writer.transport.pause_reading()  # type: ignore[attr-defined]
                writer.write(question(MODEL))
                streams.append((reader, writer))
            (side,) = network.proxies
            while side.dispatcher.running or not most:
                most = max(most, client.waiting)
                await asyncio.sleep(0.001)
            assert 0 < most <= total + readers * LEAST + (1 << 18)
            for reader, writer in streams:
                writer.transport.resume_reading()  # type: ignore[attr-defined]
                text = await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 20)
                assert b"not read fast enough" in text[-1000:]
        finally:
            for _, writer in streams:
                writer.transport.abort()
            await server.stop()
        await until(lambda: client.waiting == 0)
