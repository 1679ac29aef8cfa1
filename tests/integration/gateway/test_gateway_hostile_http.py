"""HTTP as no honest caller speaks it, over real sockets."""

import asyncio
import json
from typing import Any

import pytest

from cocoon.gateway import GatewaySettings
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse

pytestmark = pytest.mark.anyio

ASK = b'{"model":"demo","messages":[{"role":"user","content":"hi"}]}'
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
LAST = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(ASK) + ASK
GOOD = HEAD + b"Content-Length: %d\r\n\r\n" % len(ASK) + ASK


def fake() -> ScriptedClient:
    return ScriptedClient(lambda _: ScriptedResponse([b'{"answer":true}']))


async def talk(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts, then read until the gateway closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        async with asyncio.timeout(10):
            while data := await reader.read(2**16):
                received += data
    except ConnectionError:
        pass
    finally:
        writer.close()
    return received


def error_of(answer: bytes) -> tuple[int, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


QUICK = GatewaySettings(header_timeout=0.2, body_timeout=0.2, keep_alive=1)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"GET /h\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"A: b\x00c\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[-24:]),
)
async def test_broken_http_is_answered_and_closed(gateway: Any, sent: bytes) -> None:
    client = fake()
    async with gateway(client, QUICK) as port:
        answer = await talk(port, sent)
        if answer:
            assert error_of(answer)[0] in (400, 404, 405)
        assert b'"answer"' in await talk(port, LAST)
    assert len(client.requests) == 1


@pytest.mark.parametrize("sent", [b"", b"GET /hea", b"\r\n\r\n", HEAD + b"A: b\r\n"])
async def test_a_slow_head_is_closed(gateway: Any, sent: bytes) -> None:
    async with gateway(fake(), QUICK) as port:
        assert error_of(await talk(port, sent))[0] == 408


async def test_a_head_that_drips_is_closed(gateway: Any) -> None:
    async with gateway(fake(), QUICK) as port:
        answer = await talk(port, *[b"GET / HTTP/1.1\r\n"], *[b"A: b\r\n"] * 8, pause=0.05)
        assert not answer or error_of(answer)[0] == 408  # a late byte may reset the connection
        assert b"404" not in answer


async def test_a_slow_body_is_refused(gateway: Any) -> None:
    async with gateway(fake(), QUICK) as port:
        answer = await talk(port, HEAD + b"Content-Length: 30\r\n\r\n{", b'"a"', pause=0.05)
        assert error_of(answer)[0] == 408


async def test_a_large_head_is_refused(gateway: Any) -> None:
    async with gateway(fake()) as port:
        many = b"".join(b"A%d: b\r\n" % number for number in range(150))
        assert error_of(await talk(port, HEAD + many + b"\r\n"))[0] == 431
        long = [b"A" * 20_000] * 5
        assert error_of(await talk(port, b"GET /", *long, pause=0.01))[0] == 431


async def test_a_large_body_is_refused_before_and_after_it_was_sent(gateway: Any) -> None:
    async with gateway(fake(), GatewaySettings(max_body=10_000)) as port:
        declared = HEAD + b"Content-Length: 100000000\r\n\r\n"
        assert error_of(await talk(port, declared))[0] == 413
        sent = HEAD + b"Content-Length: 15000\r\n\r\n" + b"x" * 15_000
        assert error_of(await talk(port, sent))[0] == 413
        chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
        chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 3 + b"0\r\n\r\n"
        assert error_of(await talk(port, chunked))[0] == 413


async def test_endless_trailers_are_cut_off(gateway: Any) -> None:
    async with gateway(fake(), GatewaySettings(max_body=10_000)) as port:
        start = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nA: "
        answer = await talk(port, start, *[b"x" * 2**16] * 20, pause=0.001)
        assert not answer or error_of(answer)[0] == 413


async def test_pipelined_calls_are_answered_in_order(gateway: Any) -> None:
    health = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with gateway(fake()) as port:
        answer = await talk(port, GOOD + health + GOOD + last)
    assert answer.count(b"HTTP/1.1 200") == 3
    assert answer.count(b"HTTP/1.1 404") == 1
    positions = [answer.index(b'{"answer"'), answer.index(b'"ok"'), answer.index(b"not_found")]
    assert positions == sorted(positions)


async def test_chunked_bodies_and_one_byte_at_a_time(gateway: Any) -> None:
    client = fake()
    chunked = b"".join(b"1;a=b\r\n%c\r\n" % byte for byte in ASK) + b"0\r\nT: x\r\n\r\n"
    call = HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked
    async with gateway(client) as port:
        answer = await talk(port, *[call[at : at + 1] for at in range(len(call))])
    assert b'{"answer":true' in answer


async def test_expect_continue_and_head_and_http_1_0(gateway: Any) -> None:
    async with gateway(fake()) as port:
        expecting = HEAD + b"Connection: close\r\nExpect: 100-continue\r\n"
        answer = await talk(
            port, expecting + b"Content-Length: %d\r\n\r\n" % len(ASK), ASK, pause=0.05
        )
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
        head = await talk(port, b"HEAD /health HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert b"content-length: 15" in head
        assert head.endswith(b"\r\n\r\n")
        assert b'"ok"' in await talk(port, b"GET /health HTTP/1.0\r\n\r\n")


async def test_a_caller_that_does_not_read_holds_nothing_for_ever(gateway: Any) -> None:
    event = b"data: " + b"x" * 60_000 + b"\n\n"

    class Endless(ScriptedResponse):
        taken = 0

        async def __aiter__(self) -> Any:
            while True:
                Endless.taken += 1
                yield event

    response = Endless([], headers=EVENT_HEADERS)
    async with gateway(ScriptedClient(lambda _: response)) as port:
        body = b'{"model":"demo","messages":[{"role":"user","content":"hi"}],"stream":true}'
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**10)
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await asyncio.sleep(0.3)
        before = Endless.taken
        await asyncio.sleep(0.1)
        assert Endless.taken == before  # back-pressure reaches the network
        writer.transport.abort()
        async with asyncio.timeout(5):
            await response.closed.wait()


async def test_websockets_are_not_spoken(gateway: Any) -> None:
    upgrade = b"GET /health HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with gateway(fake(), QUICK) as port:
        answer = await talk(port, upgrade)
    assert b" 101 " not in answer


async def test_more_connections_than_allowed_are_refused(gateway: Any) -> None:
    async with gateway(fake(), GatewaySettings(max_connections=3)) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        answer = await talk(port, b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503")
        for _, writer in idle:
            writer.close()
