"""The streamed chat: what it collects, and every way in which a stream can be wrong."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cocoon.devnet.chat import ChatAnswer, ask
from cocoon.errors import RemoteProtocolError, UnavailableError, UpstreamError

DEBUG = {
    "client": {
        "cost_nanoton": 4200,
        "adjusted_tokens": {"total": 42},
        "proxy": {"image_hash": "aa", "evidence": "tdx-simulated", "address": "x"},
        "worker": None,
    }
}


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def text(piece: str) -> bytes:
    return event(model="m", choices=[{"delta": {"content": piece}}])


END = (
    event(choices=[{"delta": {}, "finish_reason": "stop"}])
    + event(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 2})
    + b"data: [DONE]\n\n: debug "
    + json.dumps(DEBUG).encode()
    + b"\n\n"
)


@asynccontextmanager
async def gateway(*parts: bytes, status: int = 200) -> AsyncIterator[str]:
    handlers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {status} x\r\nConnection: close\r\n\r\n".encode())
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.005)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    await asyncio.gather(*handlers, return_exceptions=True)


async def chat(*parts: bytes, status: int = 200) -> tuple[ChatAnswer, list[str]]:
    shown: list[str] = []
    async with gateway(*parts, status=status) as url:
        answer = await ask(url, "m", [{"role": "user", "content": "x"}], shown.append, max_tokens=5)
    return answer, shown


@pytest.mark.anyio
async def test_an_answer() -> None:
    answer, shown = await chat(text("Hel"), text("lo"), END)
    assert shown == ["Hel", "lo"]
    assert (answer.text, answer.model, answer.finish_reason) == ("Hello", "m", "stop")
    assert (answer.cost, answer.adjusted_tokens) == (4200, 42)
    assert answer.peer("proxy") == {"image_hash": "aa", "evidence": "tdx-simulated"}
    assert answer.peer("worker") == {"image_hash": "", "evidence": ""}
    assert 0 < answer.first_token <= answer.duration
    assert answer.tokens_per_second > 0
    assert "Hello" not in repr(answer)


@pytest.mark.anyio
async def test_an_answer_cannot_steer_the_terminal() -> None:
    answer, shown = await chat(text("a\x1b]52;c;AAAA\x07\x9b2J\r\n\tö👍"), END)
    assert shown == ["a\ufffd]52;c;AAAA\ufffd\ufffd2J\ufffd\n\tö👍"]
    assert answer.text == shown[0]


@pytest.mark.anyio
async def test_any_split_of_the_bytes() -> None:
    whole = text("Hel") + text("lö") + END
    answer, _ = await chat(*(whole[index : index + 7] for index in range(0, len(whole), 7)))
    assert answer.text == "Hellö"
    assert answer.cost == 4200


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("parts", "status", "error", "message"),
    [
        ((text("a"),), 200, UnavailableError, "broke off"),
        ((text("a"), event(error={"message": "no worker"})), 200, UpstreamError, "no worker"),
        ((b'{"error": {"message": "too dear"}}',), 402, UpstreamError, "too dear"),
        ((b"<html>",), 500, UpstreamError, "HTTP status 500"),
        ((b"data: {nonsense\n\n",), 200, RemoteProtocolError, "not a JSON object"),
        ((b"data: [1]\n\n",), 200, RemoteProtocolError, "not a JSON object"),
        ((event(choices=[1]),), 200, RemoteProtocolError, "not of the OpenAI form"),
        ((event(choices=1),), 200, RemoteProtocolError, "not of the OpenAI form"),
        ((event(choices=[{"delta": 1}]),), 200, RemoteProtocolError, "not of the OpenAI form"),
        ((event(choices=[{"delta": {"content": 1}}]),), 200, RemoteProtocolError, "OpenAI form"),
        ((b"x" * (2**20 + 2),), 200, RemoteProtocolError, "without end"),
    ],
)
async def test_streams_that_go_wrong(
    parts: tuple[bytes, ...], status: int, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        await chat(*parts, status=status)


@pytest.mark.anyio
async def test_nobody_there() -> None:
    async with gateway() as url:
        pass
    with pytest.raises(UnavailableError):
        await ask(url, "m", [], lambda _: None, max_tokens=1)
