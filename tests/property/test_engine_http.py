"""However the network cuts an answer of an engine, the reader gets the same."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.engine.http1 import HttpConnection
from cocoon.errors import EngineError

BODY = bytes(range(256))
ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 256\r\n\r\n" + BODY,
    "chunked": b"HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"".join(b"%x;e=1\r\n%s\r\n" % (16, BODY[i : i + 16]) for i in range(0, 256, 16))
    + b"0\r\nT: x\r\n\r\n",
    "until close": b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n" + BODY,
    "interim": b"HTTP/1.1 103 Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n"
    b"Content-Length: 256\r\n\r\n" + BODY,
}


class Wire(asyncio.Transport):
    closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    abort = close


async def receive(pieces: list[bytes]) -> tuple[object, ...]:
    loop = asyncio.get_running_loop()
    idle: list[HttpConnection] = []
    connection = HttpConnection(idle.append, lambda _connection: None)
    wire = Wire()
    connection.connection_made(wire)
    request = loop.create_task(connection.request(b"", loop.time() + 9, loop.time() + 9))
    await asyncio.sleep(0)
    for piece in pieces:
        if not wire.closed:
            connection.data_received(piece)
    kept = bool(idle)
    if not wire.closed:
        connection.eof_received()
    connection.connection_lost(None)
    answer = await request
    body = b""
    while (chunk := await answer.next_chunk()) is not None:
        body += chunk
    return answer.status, answer.reason, answer.headers, body, kept


@pytest.mark.parametrize("name", ANSWERS)
@given(cuts=st.lists(st.integers(0, 700), max_size=10))
def test_cutting_changes_nothing(name: str, cuts: list[int]) -> None:
    answer = ANSWERS[name]
    marks = [0, *sorted(min(cut, len(answer)) for cut in cuts), len(answer)]
    pieces = [answer[a:b] for a, b in pairwise(marks) if a < b]
    result = asyncio.run(receive(pieces))
    assert result == (200, "OK", (("A", "b"),), BODY, name != "until close")


@pytest.mark.parametrize("name", ["length", "chunked", "interim"])
@given(data=st.data())
def test_a_cut_off_answer_is_an_error(name: str, data: st.DataObject) -> None:
    answer = ANSWERS[name]
    length = data.draw(st.integers(0, len(answer) - 1))
    with pytest.raises(EngineError):
        asyncio.run(receive([answer[:length]] if length else []))
