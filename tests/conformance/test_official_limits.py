"""Sizes and silence: frames that are too large, long answers, keep-alive."""

import asyncio
import time
from pathlib import Path

import pytest
from conformance_net import MODEL, ask, chat, json_engine, open_net, until
from official.tl import Obj, http_request
from official.worker import EngineAnswer

from cocoon.client import ClientRequest
from cocoon.errors import BadRequestError, DeadlineError
from cocoon.wire import connection

pytestmark = pytest.mark.anyio

EVENT = b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % (b"x" * 1000)
STREAM = [("content-type", "text/event-stream")]


async def test_long_stream_in_one_part(tmp_path: Path) -> None:
    """What an official worker held back: 3 MB in its last part."""
    body = EVENT * 3000
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        await net.official_worker(
            proxy.worker_port, engine=lambda _: EngineAnswer(headers=STREAM, body=[body])
        )
        client = await net.our_client(proxy.worker_port, proxy.client_port, dial=net.dial())
        async with await client.run(ask(stream=True)) as response:
            assert await response.read() == body


async def test_oversized_answer_is_never_sent(tmp_path: Path) -> None:
    """An official worker drops a frame above 2^24 silently; our side ends by its own time limit."""
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        worker = await net.official_worker(
            proxy.worker_port,
            engine=lambda _: EngineAnswer(headers=STREAM, body=[EVENT * 17_000]),
        )
        client = await net.our_client(proxy.worker_port, proxy.client_port, dial=net.dial())
        with pytest.raises(DeadlineError):
            async with await client.run(ask(stream=True, timeout=1.0)) as response:
                await response.read()
        await until(lambda: proxy.dispatcher.running == 0)
        worker.engine = json_engine
        async with await client.run(ask()) as response:
            assert response.status == 200
        await proxy.flush()
        (account,) = await client.payment_status()
        assert account.max == 10


async def test_part_that_fits_the_worker_s_frame_only(tmp_path: Path) -> None:
    """2^24 bytes from the worker; with our final info it no longer fits: an error, at once."""
    body = b"-" * (2**24 - 112)
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        worker = await net.official_worker(
            proxy.worker_port, engine=lambda _: EngineAnswer(headers=STREAM, body=[body])
        )
        client = await net.official_client(proxy.client_port)
        answer = client.send(http_request(chat(stream=True)), model=MODEL, timeout=60)
        await asyncio.wait_for(answer.ended.wait(), 20)
        assert answer.error is not None
        assert answer.parts == []
        assert worker.link is not None
        assert not worker.link.closed.is_set()
        worker.engine = json_engine
        answer = client.send(http_request(chat()), model=MODEL)
        await asyncio.wait_for(answer.ended.wait(), 10)
        assert answer.error is None


async def test_our_oversized_request_hurts_nobody(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        front = await net.reverse(proxy.client_port, "any")
        back = await net.reverse(proxy.worker_port)
        await net.official_worker(back.port)
        client = await net.our_client(9, front.port, dial=net.dial())
        with pytest.raises(BadRequestError):
            await client.run(ClientRequest(MODEL, "/v1/chat/completions", bytes(1 << 24)))
        async with await client.run(ask()) as response:
            assert response.status == 200


async def test_our_long_answer_comes_in_frames(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        back = await net.reverse(proxy.worker_port)
        front = await net.reverse(proxy.client_port, "any")
        await net.our_worker(back.port, front.port, dial=net.dial())
        client = await net.official_client(front.port)
        answer = client.send(http_request(chat(stream=True), x_standin_chunks="12000"), model=MODEL)
        await asyncio.wait_for(answer.ended.wait(), 30)
        assert answer.error is None
        assert answer.body.count(b" word") == 12_000
        assert max(len(part) for part in answer.parts) <= 1 << 24


@pytest.mark.parametrize("answers", [True, False], ids=["pong", "silence"])
async def test_our_pings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: bool) -> None:
    """Our connecting side pings once after silence and gives up later; times are shortened."""
    monkeypatch.setattr(connection, "PING_AFTER", 0.2)
    monkeypatch.setattr(connection, "RECEIVE_TIMEOUT_CONNECTOR", 1.5)
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        front = await net.reverse(proxy.client_port, "any")
        client = await net.our_client(9, front.port, dial=net.dial())
        link = proxy.peers[0].link
        link.mute = not answers
        began = time.monotonic()
        await until(lambda: link.pings >= (3 if answers else 1))
        if answers:
            assert client.ready
            assert not link.closed.is_set()
        else:
            await asyncio.wait_for(link.closed.wait(), 5)
            assert link.pings == 1
            assert time.monotonic() - began < 5


async def test_our_acceptor_drops_silent_peers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RECEIVE_TIMEOUT_ACCEPTOR", 1.0)
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        client = await net.official_client(proxy.client_port)
        assert client.link is not None
        for _ in range(3):
            await asyncio.sleep(0.5)
            client.link.packet(Obj("tcp.ping", id=7))
        assert not client.link.closed.is_set()
        await asyncio.wait_for(client.link.closed.wait(), 5)


@pytest.mark.parametrize(
    "frame",
    ["00000000" + "02000000", "ffffffff" + "02000000", "04000000" + "05000000" + "00000000"],
    ids=["too short", "too long", "wrong number"],
)
async def test_broken_frames_end_the_connection(tmp_path: Path, frame: str) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        client = await net.official_client(proxy.client_port)
        assert client.link is not None
        client.link.writer.write(bytes.fromhex(frame))
        await asyncio.wait_for(client.link.closed.wait(), 5)
