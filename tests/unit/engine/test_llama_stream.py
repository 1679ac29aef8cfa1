"""Several answers of llama.cpp as one, with an engine that answers as told."""

import asyncio

import msgspec
import pytest

from cocoon.engine.base import EngineResponse
from cocoon.engine.llama_requests import CHAT_PATH, plan
from cocoon.engine.llama_stream import Answer, run
from cocoon.errors import CocoonError, EngineError

pytestmark = pytest.mark.anyio

CHUNK = b'data: {"id":"chatcmpl-x","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
END = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\ndata: [DONE]\n\n'


class Slow(Answer):
    """Never ends; says when it was closed."""

    def __init__(self, closed: list[int]) -> None:
        super().__init__(200, CHUNK)
        self._closed = closed
        self._open = True

    async def next_chunk(self) -> bytes | None:
        if chunk := await super().next_chunk():
            return chunk
        await asyncio.sleep(60)
        return None

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._closed.append(1)


def planned(n: int, *, stream: bool = True) -> bytes:
    options = {"stream_options": {"include_usage": True}} if stream else {}
    return msgspec.json.encode({"messages": [], "n": n, "stream": stream, **options})


async def start(answers: list[EngineResponse | CocoonError], *, stream: bool) -> EngineResponse:
    todo = iter(answers)

    async def send(_body: bytes) -> EngineResponse:
        answer = next(todo)
        if isinstance(answer, CocoonError):
            raise answer
        return answer

    return await run(plan(CHAT_PATH, planned(len(answers), stream=stream), 8), send, 2)


async def to_the_end(answer: EngineResponse) -> bytes:
    out = b""
    while (chunk := await answer.next_chunk()) is not None:
        out += chunk
    return out


async def test_streams_are_joined_and_counted() -> None:
    answer = await start([Answer(200, CHUNK + END) for _ in range(5)], stream=True)
    out = await to_the_end(answer)
    assert answer.complete
    lines = [line[6:] for line in out.splitlines() if line]
    assert lines.pop() == b"[DONE]"
    usage = msgspec.json.decode(lines.pop())["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (3, 5)
    found = sorted(msgspec.json.decode(line)["choices"][0]["index"] for line in lines)
    assert found == [0, 1, 2, 3, 4]


async def test_closing_closes_every_stream() -> None:
    closed: list[int] = []
    answer = await start([Slow(closed), Slow(closed)], stream=True)
    assert await answer.next_chunk()
    await answer.aclose()
    assert len(closed) == 2


async def test_one_that_fails_ends_all() -> None:
    closed: list[int] = []
    answer = await start([Slow(closed), EngineError("it broke")], stream=True)
    with pytest.raises(EngineError):
        await to_the_end(answer)
    assert closed == [1]


@pytest.mark.parametrize("bad", [b"data: {\n\n", b"data: []\n\n", b'data: {"error":{}}\n\n'])
async def test_events_that_are_none(bad: bytes) -> None:
    answer = await start([Answer(200, bad)], stream=True)
    with pytest.raises(EngineError):
        await to_the_end(answer)


@pytest.mark.parametrize("bad", [b"", b"[]", b"{}", b'{"choices":[1]}', b"\xff"])
async def test_whole_answers_that_are_none(bad: bytes) -> None:
    with pytest.raises(EngineError):
        await start([Answer(200, bad)], stream=False)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("body", [b"", b"not json", b'{"error":5}', b'{"error":{"message":5}}'])
async def test_errors_have_openais_form(stream: bool, body: bytes) -> None:
    answer = await start([Answer(500, body)], stream=stream)
    assert answer.status == 500
    error = msgspec.json.decode(await answer.next_chunk() or b"")["error"]
    assert set(error) == {"message", "type", "param", "code"}
