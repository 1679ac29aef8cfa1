import asyncio
from typing import Any

import pytest
import structlog

from cocoon.errors import (
    CocoonError,
    DeadlineError,
    DecodeError,
    LocalProtocolError,
    OverloadedError,
    RemoteProtocolError,
    UnavailableError,
    UnknownModelError,
)
from cocoon.net.link import Link
from cocoon.testing.streams import MemoryTransport, VirtualClockLoop, connect
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire import packets
from cocoon.wire.connection import Role
from cocoon.wire.frames import FrameEncoder
from cocoon.wire.packets import Kind

pytestmark = pytest.mark.anyio

QUESTION = t.TestQuery(id=4)
ANSWER = t.TestAnswer(id=5)


@pytest.fixture
def anyio_backend() -> Any:
    return "asyncio", {"loop_factory": VirtualClockLoop}


class Recorder:
    """Writes down every call; ``fail`` is raised by the next one."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.fail: Exception | None = None
        self.reply: TLObject | None = ANSWER

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.fail is not None:
            failure, self.fail = self.fail, None
            raise failure

    def on_opened(self, link: Link) -> None:
        self._note("opened")

    def on_message(self, link: Link, obj: TLObject) -> None:
        self._note("message", obj)

    def on_query(self, link: Link, query_id: int, obj: TLObject) -> None:
        self._note("query", obj)
        if self.reply is not None:
            link.answer(query_id, self.reply)

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:
        self._note("closed", type(reason))


class Pair:
    """Two links, joined in memory, after the handshake."""

    left: Link
    right: Link

    def __init__(self) -> None:
        self.near, self.far = Recorder(), Recorder()

    async def open(self, **options: Any) -> "Pair":
        self.left = Link(Role.CONNECTOR, self.near, **options)
        self.right = Link(Role.ACCEPTOR, self.far, **options)
        self.left_end, self.right_end = connect(self.left, self.right)
        await self.left.wait_open()
        await self.right.wait_open()
        assert self.near.calls == self.far.calls == [("opened",)]
        self.near.calls.clear()
        self.far.calls.clear()
        return self


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def open_pair(**options: Any) -> Pair:
    return await Pair().open(**options)


async def test_everything_of_one_turn_leaves_in_one_write() -> None:
    pair = await open_pair()
    before = len(pair.left_end.writes)
    for _ in range(10):
        asyncio.get_running_loop().call_soon(pair.left.send, ANSWER)
    task = asyncio.create_task(pair.left.query(QUESTION, 1.0))
    await turns()
    assert len(pair.left_end.writes) == before + 1
    assert pair.far.calls == [("message", ANSWER)] * 10 + [("query", QUESTION)]
    assert await task == ANSWER
    pair.left.close()


async def test_query_fails_at_once_when_the_link_dies() -> None:
    pair = await open_pair()
    pair.far.reply = None
    loop = asyncio.get_running_loop()
    started = loop.time()
    waiting = [asyncio.create_task(pair.left.query(QUESTION, 100.0)) for _ in range(3)]
    await turns()
    pair.right.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [UnavailableError] * 3
    assert loop.time() == started
    assert pair.near.calls == [("closed", UnavailableError)]
    assert pair.far.calls[-1] == ("closed", type(None))
    with pytest.raises(UnavailableError):
        pair.left.send(ANSWER)
    with pytest.raises(UnavailableError):
        await pair.left.query(QUESTION, 1.0)
    pair.right.answer(1, ANSWER)  # nobody is there to hear it


async def test_query_deadline_and_late_answer() -> None:
    pair = await open_pair()
    pair.far.reply = None
    with pytest.raises(DeadlineError):
        await pair.left.query(QUESTION, 2.0)
    assert pair.left.is_open
    query_id = next(iter(pair.right._connection._asked_by_peer))
    pair.right.answer(query_id, ANSWER)
    await turns()
    assert pair.left.is_open
    pair.left.close()


async def test_cancelled_query_leaves_nothing_behind() -> None:
    pair = await open_pair()
    pair.far.reply = None
    task = asyncio.create_task(pair.left.query(QUESTION, 50.0))
    await turns()
    task.cancel()
    await turns()
    assert pair.left._queries == {}
    assert pair.left._connection._asked == set()
    pair.left.close()


async def test_errors_of_a_handler_become_answers() -> None:
    pair = await open_pair()
    pair.far.fail = UnknownModelError("no such model")
    with pytest.raises(CocoonError, match="no such model"):
        await pair.left.query(QUESTION, 1.0)
    assert pair.right.is_open
    pair.left.close()


async def test_answer_of_another_type_closes() -> None:
    pair = await open_pair()
    pair.far.reply = QUESTION
    with pytest.raises(RemoteProtocolError):
        await pair.left.query(QUESTION, 1.0)
    assert pair.near.calls == [("closed", RemoteProtocolError)]


@pytest.mark.parametrize("failure", [RemoteProtocolError("bad"), ZeroDivisionError("bug")])
async def test_a_failing_handler_closes_its_link_alone(failure: Exception) -> None:
    pair, other = await open_pair(), await open_pair()
    pair.far.fail = failure
    pair.left.send(ANSWER)
    pair.left.send(ANSWER)
    await turns()
    is_ours = isinstance(failure, ZeroDivisionError)
    kind = LocalProtocolError if is_ours else RemoteProtocolError
    assert pair.far.calls == [("message", ANSWER), ("closed", kind)]
    assert pair.near.calls == [("closed", UnavailableError)]
    assert await other.left.query(QUESTION, 1.0) == ANSWER
    other.left.close()


async def test_a_bug_is_logged_without_what_was_handled() -> None:
    pair = await open_pair()
    pair.far.fail = ValueError("the prompt")
    with structlog.testing.capture_logs() as lines:
        pair.left.send(QUESTION)
        await turns()
    (line,) = lines
    assert line["error"] == "ValueError"
    assert "test_link.py" in line["where"]
    # A text may quote content, and structlog by itself prints the local variables of each frame.
    assert "prompt" not in repr(line)
    assert "exc_info" not in line


async def test_unknown_kinds() -> None:
    pair = await open_pair()
    encoder = FrameEncoder()
    encoder.encode(bytes(4))
    unknown = b"\x01\x02\x03\x04"
    message = b"".join(packets.encode_message(unknown))
    query = b"".join(packets.encode_query(Kind.QUERY, 6, unknown))
    pair.right.data_received(encoder.encode(message) + encoder.encode(query))
    await turns()
    assert pair.far.calls == []
    assert pair.right_end.writes[-1].endswith(
        t.TcpQueryError(id=6, code=0, message="Lost promise").to_bytes()
    )
    pair.left.close()


async def test_unknown_kinds_do_not_fill_the_log() -> None:
    pair = await open_pair()
    encoder = FrameEncoder()
    encoder.encode(bytes(4))
    unknown = b"\x01\x02\x03\x04"
    with structlog.testing.capture_logs() as lines:
        for number in range(100):
            message = b"".join(packets.encode_message(unknown))
            query = b"".join(packets.encode_query(Kind.QUERY, number, unknown))
            pair.right.data_received(encoder.encode(message) + encoder.encode(query))
            await turns()
    assert len(lines) == 1
    pair.left.close()


async def test_keep_alive_holds_an_idle_link() -> None:
    pair = await open_pair()
    await asyncio.sleep(500)
    assert pair.left.is_open
    assert pair.right.is_open
    assert await pair.left.query(QUESTION, 1.0) == ANSWER
    pair.left.close()


async def test_silent_peer_times_out() -> None:
    pair = await open_pair()
    loop = asyncio.get_running_loop()
    started = loop.time()
    pair.right_end.pause_reading()
    while pair.left.is_open:  # noqa: ASYNC110 (virtual time)
        await asyncio.sleep(1)
    assert 20 <= loop.time() - started < 22
    assert pair.near.calls == [("closed", DeadlineError)]


async def test_handshake_that_never_comes() -> None:
    recorder = Recorder()
    link = Link(Role.ACCEPTOR, recorder)
    await asyncio.sleep(100)  # a slow proof of work before the stream is there does not count
    connect(link, asyncio.Protocol())
    with pytest.raises(DeadlineError):
        await link.wait_open()
    assert recorder.calls == [("closed", DeadlineError)]
    assert asyncio.get_running_loop().time() == pytest.approx(160, abs=1)


async def test_back_pressure_and_its_end() -> None:
    pair = await open_pair()
    block = t.TcpPacket(data=bytes(100_000))
    pair.right_end.pause_reading()
    pair.left.send(block)
    await turns()
    pair.left.send(block)
    waiting = asyncio.create_task(pair.left.drained())
    await turns()
    assert not waiting.done()
    assert pair.left.unsent > 100_000
    pair.right_end.resume_reading()
    await waiting
    await turns()
    assert [call[0] for call in pair.far.calls] == ["message", "message"]
    assert pair.left.unsent == 0
    pair.left.close()


async def test_a_peer_that_never_reads_is_dropped() -> None:
    pair = await open_pair(max_unsent=500_000)
    block = t.TcpPacket(data=bytes(100_000))
    pair.right_end.pause_reading()
    sent = 0
    while pair.left.is_open:
        pair.left.send(block)
        sent += 1
        await turns(1)
    with pytest.raises(UnavailableError):
        pair.left.send(block)
    assert pair.near.calls == [("closed", OverloadedError)]
    assert sent <= 8
    with pytest.raises(OverloadedError):
        await pair.left.drained()


async def test_big_burst_in_one_turn_reaches_a_reading_peer() -> None:
    pair = await open_pair()
    block = t.TcpPacket(data=bytes(2**20))
    for _ in range(20):
        pair.left.send(block)
    await turns(100)
    assert len(pair.far.calls) == 20
    pair.left.close()


async def test_garbage_closes_with_the_reason() -> None:
    recorder = Recorder()
    link = Link(Role.ACCEPTOR, recorder)
    writer = MemoryTransport.write
    near, _ = connect(asyncio.Protocol(), link)
    writer(near, b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(DecodeError):
        await link.wait_open()
    assert recorder.calls == [("closed", DecodeError)]
    assert link.is_closed
    link.data_received(b"more")


async def test_query_right_before_a_fault() -> None:
    """Both come in the same bytes: the query is handled and its answer goes nowhere."""
    recorder = Recorder()
    link = Link(Role.ACCEPTOR, recorder)
    near, _ = connect(asyncio.Protocol(), link)
    encoder = FrameEncoder()
    query = b"".join(packets.encode_query(Kind.QUERY, 1, QUESTION.to_bytes()))
    good = encoder.encode(packets.encode_plain(Kind.CONNECT, 1)) + encoder.encode(query)
    near.write(good + b"GET / HTTP/1.1\r\n\r\n")
    await turns()
    assert recorder.calls == [("opened",), ("query", QUESTION), ("closed", DecodeError)]
    with pytest.raises(UnavailableError):
        link.send(ANSWER)


async def test_close_sends_what_is_queued_first() -> None:
    pair = await open_pair()
    pair.left.send(ANSWER)
    pair.left.close()
    pair.left.close()
    await turns()
    assert pair.far.calls == [("message", ANSWER), ("closed", UnavailableError)]
    assert pair.near.calls == [("closed", type(None))]


async def test_sending_too_early_or_too_much() -> None:
    link = Link(Role.CONNECTOR, Recorder())
    with pytest.raises(LocalProtocolError):
        link.send(ANSWER)
    with pytest.raises(LocalProtocolError):
        _ = link.peer
    pair = await open_pair()
    with pytest.raises(LocalProtocolError):
        pair.left.send(t.TcpPacket(data=bytes(2**24)))
    assert pair.left.is_open
    pair.left.close()
