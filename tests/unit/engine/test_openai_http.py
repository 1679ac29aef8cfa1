"""The HTTP adapter against the stand-in and against hostile servers."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cocoon.engine.base import EngineRequest, EngineResponse
from cocoon.engine.http1 import HIGH_WATER, MAX_HEAD_SIZE, end_to_end
from cocoon.engine.openai_http import EngineLimits, OpenAIHttpEngine
from cocoon.errors import BadRequestError, ConfigError, DeadlineError, EngineError
from cocoon.testing.engine_standin import STANDIN_ENGINE, StandinOptions, serve_standin

pytestmark = pytest.mark.anyio
PATH = "/v1/chat/completions"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both event loops: they differ in when and how they report lost connections."""
    return "asyncio", {"use_uvloop": request.param}


def post(body: bytes = b"{}", **headers: str) -> EngineRequest:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return EngineRequest("POST", PATH, pairs, body)


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def read(answer: EngineResponse) -> bytes:
    parts = []
    while (chunk := await answer.next_chunk()) is not None:
        parts.append(chunk)
    return b"".join(parts)


@asynccontextmanager
async def standin() -> AsyncIterator[tuple[OpenAIHttpEngine, StandinOptions]]:
    options = StandinOptions(chunks=5)
    server = await serve_standin(options)
    port = server.sockets[0].getsockname()[1]
    engine = OpenAIHttpEngine(f"http://127.0.0.1:{port}/v1", options=STANDIN_ENGINE)
    try:
        yield engine, options
    finally:
        await engine.close()
        server.close()


@asynccontextmanager
async def raw(answer: bytes, *, hang: bool = False) -> AsyncIterator[OpenAIHttpEngine]:
    """A server that sends `answer` to every request head, then hangs up or hangs."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if hang:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    engine = OpenAIHttpEngine(f"http://127.0.0.1:{port}", options=STANDIN_ENGINE)
    try:
        yield engine
    finally:
        await engine.close()
        server.close()


async def test_json_and_stream_on_one_connection() -> None:
    async with standin() as (engine, options):
        for _ in range(3):
            answer = await engine.send(post(), soon())
            assert answer.status == 200
            assert answer.content_type == "application/json"
            assert len(await read(answer)) == answer.content_length
            answer = await engine.send(post(b'{"stream":true}'), soon())
            assert answer.headers == (("content-type", "text/event-stream"),)
            assert answer.content_length is None
            assert (await read(answer)).count(b"data: ") == 7
            assert answer.complete
        assert options.connections == 1


async def test_error_status_is_an_answer() -> None:
    async with standin() as (engine, _):
        answer = await engine.send(post(x_standin_mode="status-500"), soon())
        assert answer.status == 500
        assert b"stand-in failure" in await read(answer)


async def test_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "e.sock")
    server = await serve_standin(StandinOptions(), path=path)
    engine = OpenAIHttpEngine(f"unix:{path}")
    assert (await engine.check()).models == ("stand-in",)
    await engine.close()
    server.close()


async def test_check_tells_why_an_engine_is_down() -> None:
    async with standin() as (engine, _):
        assert (await engine.check()).ready
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        engine = OpenAIHttpEngine(f"http://127.0.0.1:{unused.getsockname()[1]}")
    health = await engine.check()
    assert not health.ready
    assert "cannot be reached" in health.reason
    with pytest.raises(EngineError):
        await engine.send(post(), soon())
    for body in (b"{}", b"[]", b'{"data":[]}', b'{"data":[{"id":1}]}', b"[" * 9000, b"\xff"):
        answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        async with raw(answer) as hostile:
            assert not (await hostile.check()).ready


async def test_chunks_arrive_as_they_are_sent() -> None:
    async with standin() as (engine, _):
        headers = {"x_standin_delay": "0.02", "x_standin_chunks": "4"}
        answer = await engine.send(post(b'{"stream":true}', **headers), soon())
        chunks = 0
        while await answer.next_chunk() is not None:
            chunks += 1
        assert chunks >= 4


async def test_closing_an_answer_stops_the_engine() -> None:
    async with standin() as (engine, options):
        headers = {"x_standin_delay": "0.01", "x_standin_chunks": "1000"}
        answer = await engine.send(post(b'{"stream":true}', **headers), soon())
        assert await answer.next_chunk()
        await answer.aclose()
        for _ in range(100):
            if options.cancelled:
                break
            await asyncio.sleep(0.005)
        assert options.cancelled == 1
        with pytest.raises(EngineError):
            await answer.next_chunk()
        assert (await engine.send(post(), soon())).status == 200


async def test_cancelling_the_caller_closes_the_connection() -> None:
    async with standin() as (engine, options):
        task = asyncio.create_task(engine.send(post(x_standin_mode="silent"), soon()))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await read(await engine.send(post(), soon()))
        assert options.connections == 2


async def test_deadlines() -> None:
    async with standin() as (engine, _):
        with pytest.raises(DeadlineError):
            await engine.send(post(x_standin_mode="silent"), soon(0.05))
        headers = {"x_standin_delay": "0.01", "x_standin_chunks": "1000"}
        answer = await engine.send(post(b'{"stream":true}', **headers), soon(0.1))
        with pytest.raises(DeadlineError):
            await read(answer)
        with pytest.raises(DeadlineError):
            await engine.send(post(), soon(-1))


async def test_a_connection_that_died_while_idle_is_replaced() -> None:
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        served += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        if served == 1:  # closes when the next request comes, without a byte
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
        else:
            await reader.read()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    engine = OpenAIHttpEngine(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    for _ in range(2):
        request = EngineRequest("GET", "/v1/models")
        assert await read(await engine.send(request, soon())) == b"{}"
    assert served == 2
    await engine.close()
    server.close()


HOSTILE = {
    "not http": b"SSH-2.0-OpenSSH\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-",
    "bad length": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
    "huge length": b"HTTP/1.1 200 OK\r\ncontent-length: " + b"9" * 40 + b"\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "length and chunked": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n"
    b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "too short": b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
    "bad chunk size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    "huge chunk size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    + b"f" * 40
    + b"\r\nabc",
    "chunk not ended": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
    "no last chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n",
    "long header": b"HTTP/1.1 200 OK\r\nx: " + b"a" * (MAX_HEAD_SIZE * 8),
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000 + b"\r\n",
    "long trailer": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: "
    + b"a" * (MAX_HEAD_SIZE * 8),
    "long chunk extension": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;"
    + b"a" * (MAX_HEAD_SIZE * 8),
    "switching protocols": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "endless interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_server(answer: bytes) -> None:
    async with raw(answer) as engine:
        with pytest.raises(EngineError):
            await read(await engine.send(EngineRequest("GET", "/v1/models"), soon()))


@pytest.mark.parametrize("name", ["long header", "long trailer", "long chunk extension"])
async def test_limits_do_not_wait_for_the_end(name: str) -> None:
    async with raw(HOSTILE[name], hang=True) as engine:
        with pytest.raises(EngineError):
            await read(await engine.send(EngineRequest("GET", "/v1/models"), soon()))


async def test_an_answer_that_nobody_asked_for_reaches_nobody() -> None:
    one = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    for extra in (one, b"HTTP/1.1 2", b"x"):
        async with raw(one + extra, hang=True) as engine:
            assert await read(await engine.send(EngineRequest("GET", "/"), soon())) == b"{}"
            assert await read(await engine.send(EngineRequest("GET", "/"), soon())) == b"{}"


async def test_body_until_close_and_interim_answer() -> None:
    async with raw(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nConnection: close\r\n\r\nabc"
    ) as engine:
        answer = await engine.send(EngineRequest("GET", "/v1/models"), soon())
        assert (answer.status, answer.reason, answer.headers) == (200, "Fine", ())
        assert await read(answer) == b"abc"


async def test_a_slow_reader_stops_the_sender() -> None:
    size = 16 * HIGH_WATER
    body = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size
    async with raw(body, hang=True) as engine:
        answer = await engine.send(EngineRequest("GET", "/v1/models"), soon())
        await asyncio.sleep(0.1)
        first = await answer.next_chunk()
        assert first is not None
        assert len(first) <= 2 * HIGH_WATER
        assert len(first) + len(await read(answer)) == size


@pytest.mark.parametrize(
    "request_",
    [
        EngineRequest("DELETE", PATH),
        EngineRequest("POST", "/v1/a b"),
        EngineRequest("POST", "/a\r\nx: y"),
        EngineRequest("POST", "http://elsewhere/"),
        EngineRequest("POST", PATH, (("x-standin-mode", "b\r\nc: d"),)),
        EngineRequest("POST", PATH, (), b"", "application/json\r\nx: y"),
        EngineRequest("POST", PATH, (), b"", "text/plain"),
        EngineRequest("GET", PATH, (), b"x"),
    ],
)
async def test_requests_that_are_not_http_are_refused(request_: EngineRequest) -> None:
    async with standin() as (engine, options):
        with pytest.raises(BadRequestError):
            await engine.send(request_, soon())
        assert options.connections == 0


async def test_headers_that_reach_the_engine() -> None:
    seen: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            b"HTTP/1.1 204 None\r\nKEEP-ALIVE: x\r\nConnection: X-A\r\nx-a: 1\r\nB: 2\r\n\r\n"
        )
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    engine = OpenAIHttpEngine(f"http://127.0.0.1:{port}/base/v1/", api_key="k1")
    headers = (
        ("Host", "evil"),
        ("AUTHORIZATION", "Bearer theirs"),
        ("content-LENGTH", "5"),
        ("Accept-Encoding", "gzip"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Type", "application/json; charset=utf-7"),
        ("Content-Encoding", "deflate"),
        ("X-Client", "who"),
        ("User-Agent", "theirs"),
        ("Cookie", "a=b"),
        ("Accept", "text/event-stream"),
    )
    answer = await engine.send(EngineRequest("POST", PATH, headers, b"{}"), soon())
    assert await seen == (
        b"POST /base/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
        b"Authorization: Bearer k1\r\nAccept: text/event-stream\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n" % port
    )
    assert answer.headers == (("B", "2"),)
    assert await answer.next_chunk() is None
    await engine.close()
    server.close()


async def test_idle_connections_are_limited_in_number_and_time() -> None:
    async with standin() as (engine, options):
        engine.limits = EngineLimits(max_idle=1, idle_timeout=0.05)
        answers = await asyncio.gather(*(engine.send(post(), soon()) for _ in range(3)))
        for answer in answers:
            await read(answer)
        assert options.connections == 3
        await read(await engine.send(post(), soon()))
        assert options.connections == 3
        await asyncio.sleep(0.06)
        await read(await engine.send(post(), soon()))
        assert options.connections == 4


async def test_engine_urls() -> None:
    for url in ("ftp://x", "http://", "unix:relative", "http://u:p@h", "http://h:99999", "h:1"):
        with pytest.raises(ConfigError):
            OpenAIHttpEngine(url)
    with pytest.raises(ConfigError):
        OpenAIHttpEngine("http://h", api_key="a\r\nb")
    assert "secret" not in repr(OpenAIHttpEngine("http://h:8000", api_key="secret"))


async def test_values_do_not_show_prompts() -> None:
    request = post(b'{"messages":"secret"}', authorization="secret")
    assert "secret" not in repr(request)
    assert end_to_end((("TE", "x"), ("Te-x", "y"))) == (("Te-x", "y"),)
