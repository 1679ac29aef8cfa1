"""Bytes over an open RA-TLS connection: order, batching, flow control, and every way to end."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvloop

from cocoon.attestation import policy
from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.errors import RemoteProtocolError
from cocoon.net.identity import Identity
from cocoon.net.ratls import RatlsServer, RatlsTransport, dial_ratls, listen_ratls
from cocoon.net.ratls_stream import RatlsStream
from cocoon.testing.ratls import Echo, Recorder

HOST = "127.0.0.1"
POLICY = policy.fake_tdx()
BIG = 6 << 20

pytestmark = pytest.mark.anyio


@pytest.fixture(
    params=[
        pytest.param(("asyncio", {}), id="asyncio"),
        pytest.param(("asyncio", {"loop_factory": uvloop.new_event_loop}), id="uvloop"),
    ]
)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


class Pair:
    """Two connected applications."""

    def __init__(self, server: RatlsServer, near: Recorder, far: Recorder) -> None:
        self.server = server
        self.near = near
        self.far = far

    @property
    def near_transport(self) -> RatlsTransport:
        assert self.near.transport is not None
        return self.near.transport

    @property
    def far_transport(self) -> RatlsTransport:
        assert self.far.transport is not None
        return self.far.transport


async def connect(app: type[Recorder] = Recorder) -> Pair:
    identity = Identity.generate(FakeTdx())
    accepted: asyncio.Queue[Recorder] = asyncio.Queue()

    def factory() -> Recorder:
        accepted.put_nowait(app())
        return accepted._queue[-1]  # type: ignore[attr-defined]

    server = await listen_ratls(
        factory, HOST, 0, identity=identity, policy=POLICY, pow_difficulty=0
    )
    _, near = await dial_ratls(Recorder, HOST, server.port, identity=identity, policy=POLICY)
    assert isinstance(near, Recorder)
    return Pair(server, near, await accepted.get())


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    made = await connect()
    yield made
    made.near_transport.abort()
    made.far_transport.abort()
    await made.server.close()


def encrypted_sends(transport: RatlsTransport) -> list[int]:
    """Sizes of the writes that reach the socket from here on."""
    assert isinstance(transport, RatlsStream)
    sizes: list[int] = []
    tcp = transport._tcp

    class Spy:
        def __getattr__(self, name: str) -> Any:
            return getattr(tcp, name)

        def write(self, data: bytes) -> None:
            sizes.append(len(data))
            tcp.write(data)

    transport._tcp = Spy()  # type: ignore[assignment]
    return sizes


async def test_writes_of_one_iteration_become_one_record(pair: Pair) -> None:
    sizes = encrypted_sends(pair.near_transport)
    for index in range(50):
        pair.near_transport.write(b"%02d" % index)
    expected = b"".join(b"%02d" % index for index in range(50))
    assert await pair.far.wait_for(100) == expected
    assert sizes == [100 + 22]
    assert pair.far.deliveries == 1


async def test_any_buffer_can_be_written_and_changed_afterwards(pair: Pair) -> None:
    buffer = bytearray(b"abc")
    pair.near_transport.write(buffer)
    pair.near_transport.write(memoryview(b"def"))
    buffer[:] = b"xyz"
    pair.near_transport.write(b"")
    assert await pair.far.wait_for(6) == b"abcdef"


async def test_much_data_goes_both_ways_at_once(pair: Pair) -> None:
    there, back = os.urandom(BIG), os.urandom(BIG)
    await asyncio.gather(
        send(pair.near, there),
        send(pair.far, back),
        pair.far.wait_for(BIG),
        pair.near.wait_for(BIG),
    )
    assert bytes(pair.far.received) == there
    assert bytes(pair.near.received) == back


async def send(app: Recorder, data: bytes, step: int = 50_000) -> None:
    assert app.transport is not None
    for at in range(0, len(data), step):
        await app.writable.wait()
        app.transport.write(data[at : at + step])


async def test_one_huge_write_arrives(pair: Pair) -> None:
    data = os.urandom(BIG)
    pair.near_transport.write(data)
    assert await pair.far.wait_for(BIG) == data


async def test_a_reader_that_pauses_stops_the_writer(pair: Pair) -> None:
    pair.far_transport.pause_reading()
    data = bytes(BIG * 4)
    sending = asyncio.create_task(send(pair.near, data))
    await asyncio.sleep(0.2)
    assert not sending.done()
    assert pair.near.pauses > 0
    assert pair.far.received == b""
    assert pair.near_transport.get_write_buffer_size() < 1 << 20
    pair.far_transport.resume_reading()
    assert len(await pair.far.wait_for(len(data))) == len(data)
    await sending


async def test_writing_more_than_the_limit_pauses_within_the_same_iteration(pair: Pair) -> None:
    pair.far_transport.pause_reading()
    for _ in range(200):
        pair.near_transport.write(bytes(100_000))
    assert pair.near.pauses > 0


async def test_writing_from_within_pause_writing_keeps_the_order(pair: Pair) -> None:
    far, stream = pair.far_transport, pair.near_transport
    far.pause_reading()

    def pause_writing() -> None:
        stream.write(b"B" * 100_000)
        stream.close()

    pair.near.pause_writing = pause_writing  # type: ignore[method-assign]
    stream.write(b"A" * BIG)
    far.resume_reading()
    await pair.far.lost.wait()
    assert pair.far.received == b"A" * BIG + b"B" * 100_000


async def test_write_now_does_not_wait_for_the_loop(pair: Pair) -> None:
    sizes = encrypted_sends(pair.near_transport)
    pair.near_transport.write(b"a")
    pair.near_transport.write_now(b"b")
    assert sizes == [2 + 22]
    assert await pair.far.wait_for(2) == b"ab"


async def test_close_delivers_what_was_written(pair: Pair) -> None:
    pair.near_transport.write(b"last words")
    pair.near_transport.close()
    pair.near_transport.write(b"too late")
    await pair.far.lost.wait()
    await pair.near.lost.wait()
    assert pair.far.received == b"last words"
    assert pair.far.lost_because is None
    assert pair.near.lost_because is None
    assert pair.near_transport.is_closing()


async def test_abort_ends_both_sides(pair: Pair) -> None:
    pair.near_transport.write(b"never sent")
    pair.near_transport.abort()
    await pair.far.lost.wait()
    assert pair.far.received == b""


async def test_a_peer_that_closes_without_telling_tls_is_a_normal_end(pair: Pair) -> None:
    # Official peers do: quiet shutdown.
    assert isinstance(pair.near_transport, RatlsStream)
    pair.near_transport.write(b"answer")
    pair.near_transport._send()
    pair.near_transport._tcp.close()
    await pair.far.lost.wait()
    assert pair.far.received == b"answer"
    assert pair.far.lost_because is None


async def test_changed_ciphertext_ends_the_connection(pair: Pair) -> None:
    assert isinstance(pair.near_transport, RatlsStream)
    pair.near_transport.write(b"good")
    pair.near_transport._send()
    pair.near_transport._tcp.write(b"\x17\x03\x03\x00\x20" + bytes(32))
    await pair.far.lost.wait()
    assert pair.far.received == b"good"
    assert isinstance(pair.far.lost_because, RemoteProtocolError)


async def test_an_application_that_raises_loses_only_its_connection() -> None:
    class Broken(Recorder):
        def data_received(self, data: bytes) -> None:
            raise ZeroDivisionError

    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))
    pair = await connect(Broken)
    pair.near_transport.write(b"x")
    await pair.near.lost.wait()
    await pair.far.lost.wait()
    assert isinstance(seen[0]["exception"], ZeroDivisionError)
    await pair.server.close()


async def test_an_answer_from_within_data_received_is_sent_at_once() -> None:
    pair = await connect(Echo)
    sizes = encrypted_sends(pair.far_transport)
    pair.near_transport.write(b"ping")
    assert await pair.near.wait_for(4) == b"ping"
    assert sizes == [4 + 22]
    pair.near_transport.close()
    await pair.far.lost.wait()
    await pair.server.close()


async def test_open_connections_survive_the_listeners_end() -> None:
    pair = await connect(Echo)
    await pair.server.close()
    pair.near_transport.write(b"still here")
    assert await pair.near.wait_for(10) == b"still here"
    pair.near_transport.close()
    await pair.far.lost.wait()


async def test_a_small_round_trip_is_quick() -> None:
    pair = await connect(Echo)
    started = time.perf_counter()
    for index in range(1, 201):
        pair.near_transport.write(b"x" * 100)
        await pair.near.wait_for(100 * index)
    assert time.perf_counter() - started < 5
    pair.near_transport.close()
    await pair.far.lost.wait()
    await pair.server.close()
