"""Hostile peers at a real proxy, over real sockets: each loses its own connection at the most.

All the while a client that keeps the rules asks and must be answered.
"""

import asyncio
import contextlib
import itertools
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import psutil
import pytest

from cocoon.attestation import policy
from cocoon.chain.address import Address
from cocoon.devnet.options import DevnetOptions
from cocoon.net.ratls import dial_ratls
from cocoon.proxy.proxy import Proxy
from cocoon.testing.dialling import HOST, Dialling, eventually, owner
from cocoon.testing.engine_standin import MODEL
from cocoon.testing.network import InMemoryNetwork
from cocoon.testing.processes import ProcessNetwork
from cocoon.testing.proxy_rig import ClientPeer, WorkerPeer, used
from cocoon.testing.ratls import Recorder
from cocoon.tl import types as t
from cocoon.wire import packets
from cocoon.wire.events import AnswerFailed, AnswerStarted, FinalInfo
from cocoon.wire.frames import FrameEncoder
from cocoon.wire.packets import Kind

pytestmark = pytest.mark.anyio

PATIENCE = 5.0
"""Seconds within which a client that keeps the rules must be answered, on a busy machine."""


class Scene:
    """A proxy, a worker that answers, and a client that asks again and again."""

    def __init__(self, proxy: Proxy, dialling: Dialling) -> None:
        self.proxy = proxy
        self.dialling = dialling
        self.answered = 0
        self._numbers = itertools.count()
        self.hostile: Dialling
        self.client: ClientPeer
        self.worker: WorkerPeer

    async def ask(self) -> None:
        """One honest request; fails when its answer is late."""
        request_id = next(self._numbers).to_bytes(32)
        self.client.run(request_id, model=MODEL)
        await eventually(lambda: self.client.of(request_id), PATIENCE)
        assert isinstance(self.client.of(request_id)[0], AnswerStarted)
        self.client.events.clear()
        self.answered += 1

    async def keep_asking(self) -> None:
        """Until cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(0.005)

    async def stranger(self, port: int | None = None) -> Recorder:
        """A connection whose TLS is done; what it says is up to the test."""
        target = self.proxy.client_port if port is None else port
        accepts = policy.unsafe_accept_anything()
        identity = self.dialling.settings("worker").identity
        _, app = await dial_ratls(Recorder, HOST, target, identity=identity, policy=accepts)
        assert isinstance(app, Recorder)
        return app


@contextlib.asynccontextmanager
async def scene_in(directory: Path) -> AsyncIterator[Scene]:
    async with InMemoryNetwork(directory, check_hashes=False) as network:
        scene = Scene(
            await network.add_proxy(max_running_per_client=1024), Dialling(directory, MODEL)
        )
        scene.hostile = Dialling(directory, "hostile")
        scene.worker = await scene.dialling.worker(scene.proxy.worker_port, answers=True)
        scene.client = await scene.dialling.client(scene.proxy.client_port)
        await scene.ask()
        asking = asyncio.create_task(scene.keep_asking())
        try:
            yield scene
            before = scene.answered
            await eventually(lambda: scene.answered >= before + 3 or asking.done(), 2 * PATIENCE)
        finally:
            asking.cancel()
            results = await asyncio.gather(asking, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError), results
        assert scene.client.closed == "open"
        assert scene.worker.closed == "open"
        for peer in (scene.client, scene.worker):
            assert peer.link is not None
            peer.link.close()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene_in(tmp_path) as made:
        yield made


# --- bytes instead of frames -----------------------------------------------------------------


def frame(payload: bytes, number: int = 0, length: int | None = None) -> bytes:
    return struct.pack("<Ii", len(payload) if length is None else length, number) + payload


CONNECT = packets.encode_plain(Kind.CONNECT, 5)
PING = packets.encode_plain(Kind.PING, 6)
QUERY = b"".join(packets.encode_query(Kind.QUERY, 7, t.TestQuery(id=1).to_bytes()))
NEGATIVE = struct.pack("<Ii", 2**32 - 1, 0)
RUN = t.ClientRunQuery("m", b"", 1, 1, 1.0, bytes(32), 0).to_bytes()
BAD_STREAMS = {
    "garbage": b"GET / HTTP/1.1\r\nHost: proxy\r\n\r\n",
    "zeros": bytes(4096),
    "empty frame": frame(b""),
    "frame of three bytes": frame(b"abc"),
    "oversized frame": frame(b"", length=2**24 + 1),
    "negative length": NEGATIVE,
    "wrong number": frame(CONNECT, 1),
    "negative number": frame(CONNECT, -1),
    "number repeated": frame(CONNECT) + frame(PING),
    "number skipped": frame(CONNECT) + frame(PING, 2),
    "packet before connect": frame(PING),
    "query before connect": frame(QUERY),
    "unknown packet": frame(CONNECT) + frame(b"\x01\x02\x03\x04", 1),
    "packet cut short": frame(CONNECT) + frame(QUERY[:-4], 1),
    "bytes after a packet": frame(CONNECT) + frame(PING + b"more", 1),
    "query id used twice": frame(CONNECT) + frame(QUERY, 1) + frame(QUERY, 2) + frame(RUN, 3),
    "request before the handshake": frame(CONNECT)
    + frame(b"".join(packets.encode_message(RUN)), 1),
    "object cut short": frame(CONNECT) + frame(b"".join(packets.encode_message(RUN[:-8])), 1),
    "bytes after an object": frame(CONNECT)
    + frame(b"".join(packets.encode_message(RUN + bytes(4))), 1),
}


@pytest.mark.parametrize("name", BAD_STREAMS)
async def test_bad_stream_closes_that_connection(scene: Scene, name: str) -> None:
    ports = [scene.proxy.client_port, scene.proxy.worker_port]
    if name == "request before the handshake":
        ports.pop()  # to workers' port it is a message of no meaning, which is ignored
    for port in ports:
        stranger = await scene.stranger(port)
        assert stranger.transport is not None
        stranger.transport.write(BAD_STREAMS[name])
        async with asyncio.timeout(PATIENCE):
            await stranger.lost.wait()


async def test_truncated_frame_and_gone(scene: Scene) -> None:
    before = scene.proxy.client_side.connections
    for cut in (1, 7, 8, 20):
        stranger = await scene.stranger()
        assert stranger.transport is not None
        stranger.transport.write((frame(CONNECT) + frame(QUERY, 1))[:-cut])
        await asyncio.sleep(0.01)
        stranger.transport.abort()
    await eventually(lambda: scene.proxy.client_side.connections == before, PATIENCE)


async def test_unknown_constructors_are_answered_or_ignored(scene: Scene) -> None:
    stranger = await scene.stranger()
    assert stranger.transport is not None
    encoder = FrameEncoder()
    unknown = bytes.fromhex("deadbeef")
    for payload in (
        CONNECT,
        b"".join(packets.encode_message(unknown)),
        b"".join(packets.encode_query(Kind.QUERY, 9, unknown)),
        PING,
    ):
        stranger.transport.write(encoder.encode(payload))
    received = await asyncio.wait_for(stranger.wait_for(80), PATIENCE)
    assert packets.encode_error(9, 0, b"Lost promise")[0] in received
    assert packets.encode_plain(Kind.PONG, 6) in received
    stranger.transport.abort()


# --- before TLS --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 12, b"\xff" * 4096, b"\x16\x03\x01" + bytes(64)],
    ids=["silence", "wrong proof of work", "garbage", "TLS at once"],
)
async def test_garbage_before_tls(scene: Scene, data: bytes) -> None:
    for port in (scene.proxy.client_port, scene.proxy.worker_port):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(data)
        if data:
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()


async def test_half_open_and_slow_connections_leave_room(scene: Scene) -> None:
    """So many strangers stay in the proof of work; somebody new still comes in."""
    half_open = [await asyncio.open_connection(HOST, scene.proxy.client_port) for _ in range(200)]
    for _, writer in half_open[:100]:
        writer.write(b"\0")  # a byte now and then
    newcomer = await scene.dialling.client(scene.proxy.client_port, 1)
    for _, writer in half_open:
        writer.close()
    assert newcomer.link is not None
    newcomer.link.close()


async def test_more_strangers_than_may_wait(scene: Scene) -> None:
    """Beyond the limit those that have waited longest go; who does the work comes in."""
    half_open = [await asyncio.open_connection(HOST, scene.proxy.client_port) for _ in range(600)]
    before = scene.answered
    await eventually(lambda: scene.answered > before, PATIENCE)
    newcomer = await scene.dialling.client(scene.proxy.client_port, 1)
    for _, writer in half_open:
        writer.close()
    assert newcomer.link is not None
    newcomer.link.close()


# --- floods ------------------------------------------------------------------------------------


def burst(queries: int) -> bytes:
    encoder = FrameEncoder()
    parts = [encoder.encode(CONNECT)]
    for number in range(queries):
        parts.append(encoder.encode(packets.encode_plain(Kind.PING, number)))
        query = packets.encode_query(Kind.QUERY, number, t.TestQuery(id=1).to_bytes())
        parts.append(encoder.encode(b"".join(query)))
    return b"".join(parts)


async def test_burst_of_pings_and_queries_is_answered(scene: Scene) -> None:
    stranger = await scene.stranger()
    assert stranger.transport is not None
    stranger.transport.write(burst(3000))
    await eventually(lambda: stranger.received.count(b"Lost promise") == 3000, 20)
    stranger.transport.abort()


async def test_flood_of_pings_and_queries(scene: Scene) -> None:
    """More than may be unanswered at a time: closed, or answered; nobody else notices."""
    strangers = [await scene.stranger() for _ in range(4)]
    for stranger in strangers:
        assert stranger.transport is not None
        stranger.transport.write(burst(10_000))
    before = scene.answered
    await eventually(lambda: scene.answered > before + 3, 20)
    for stranger in strangers:
        assert stranger.transport is not None
        stranger.transport.abort()


async def test_flood_of_requests(scene: Scene) -> None:
    """More requests at a time than a client may have: the rest is refused, nothing is lost."""
    greedy = await scene.dialling.client(scene.proxy.client_port, 1)
    silent = await scene.hostile.worker(scene.proxy.worker_port, 1, 10_000)
    ids = [number.to_bytes(32) for number in range(3000)]
    for request_id in ids:
        greedy.run(request_id, model="hostile", max_tokens=1)
    await eventually(lambda: len(silent.queries) + len(greedy.events) == len(ids), 20)
    assert len(silent.queries) == 1024
    assert greedy.link is not None
    assert silent.link is not None
    greedy.link.close()
    silent.link.close()
    await eventually(lambda: scene.proxy.dispatcher.running <= 1, PATIENCE)
    assert scene.proxy.books.client(Address.parse(owner("client", 1))).account.reserved == 0


@pytest.mark.parametrize("deed", ["twice", "part first", "negative", "odd sum", "stale"])
async def test_worker_that_breaks_the_rules(scene: Scene, deed: str) -> None:
    victim = await scene.dialling.client(scene.proxy.client_port, 1)
    worker = await scene.hostile.worker(scene.proxy.worker_port, 1)
    victim.run(b"V" * 32, model="hostile")
    await eventually(lambda: worker.queries, PATIENCE)
    query = worker.queries[0]
    if deed == "twice":
        worker.start(query)
        worker.start(query)
    elif deed == "part first":
        worker.part(query, b"x")
    elif deed == "negative":
        worker.start(query, used(-1))
    elif deed == "odd sum":
        worker.start(query, FinalInfo(t.TokensUsed(1, 1, 1, 1, 5)))
    else:
        worker.start(msgspec.structs.replace(query, request_id=b"?" * 32), used(1))
        await scene.ask()
        assert worker.closed == "open"  # a late answer is no fault
        worker.link.close()  # type: ignore[union-attr]
    await eventually(lambda: worker.closed != "open", PATIENCE)
    await eventually(lambda: _failed(victim.of(b"V" * 32)), PATIENCE)
    record = scene.proxy.books.client(Address.parse(owner("client", 1)))
    assert record is not None
    assert int(record.account.counter.max) == 0
    assert victim.link is not None
    victim.link.close()


async def test_client_that_never_reads(tmp_path: Path) -> None:
    """The proxy, in a process of its own, keeps so much for it and then closes its connection."""
    options = DevnetOptions(state=tmp_path, pow_difficulty=0, log_level="warning")
    async with ProcessNetwork(options) as network:
        await network.start("proxy-1")
        ports = network.ports.proxies[0]
        dialling = Dialling(tmp_path)
        model = dialling.model.partition("@")[0]
        deaf, honest = [await dialling.client(ports.clients, number) for number in range(2)]
        worker = await dialling.worker(ports.workers)
        process = psutil.Process(network.pid("proxy-1"))
        before = process.memory_info().rss
        assert deaf.link is not None
        deaf.link.pause_reading()
        deaf.run(b"D" * 32, model=model)
        await eventually(lambda: worker.queries)
        query = worker.queries.pop()
        worker.start(query)
        most = before
        for _ in range(96):
            worker.part(query, bytes(2**20))
            assert worker.link is not None
            await worker.link.drained()
            most = max(most, process.memory_info().rss)
        status = await network.page("proxy-1", "/metrics")
        slack = 2**21  # what the page of metrics itself takes
        await eventually(lambda: process.memory_info().rss <= most + slack, PATIENCE)
        assert b"cocoon_proxy_client_connections 1.0" in status
        assert most - before < 160 * 2**20, f"{(most - before) >> 20} MiB"
        worker.part(query, b"", used(1))
        honest.run(b"H" * 32, model=model)
        await eventually(lambda: worker.queries)
        worker.start(worker.queries[0], used(1))
        await eventually(lambda: honest.of(b"H" * 32))
        for peer in (deaf, honest, worker):
            assert peer.link is not None
            peer.link.close()


def _failed(events: list[object]) -> bool:
    return bool(events) and isinstance(events[-1], AnswerFailed)
