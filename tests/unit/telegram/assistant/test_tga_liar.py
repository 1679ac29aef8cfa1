"""A gateway elsewhere that lies: money is right, nothing stays held, errors are ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest

from cocoon.accounting import Nano
from cocoon.errors import BadRequestError, CocoonError
from cocoon.store import sqlite_url
from cocoon.telegram.accounts import AccountPolicy, Accounts
from cocoon.telegram.assistant.network import NetworkAssistant
from cocoon.telegram.assistant.values import Delta, Finished, Question, Turn
from cocoon.telegram.settings import AssistantSettings

pytestmark = pytest.mark.anyio
FREE = 10**6
PRICES = {"prompt": 10**6, "completion": 10**6}
HI = {"index": 0, "delta": {"content": "hi"}, "finish_reason": None}
OWN_COUNT = 4  # two tokens of the prompt, one piece, a markup of 10 % rounded up
QUESTION = Question(user=7, reference="r", chat="7", turns=(Turn("user", "hello"),))


def model(prices: object = PRICES, name: object = "demo") -> dict[str, Any]:
    words = {"any_worker": ["chat", "transcriptions"]}
    block = {"nanoton_per_million_tokens": prices, "features": words}
    return {"id": name, "object": "model", "cocoon": block, "workers": [{"coefficient": 1000}]}


@dataclass
class Gateway:
    """Answers what a test wants; ``last`` is the last chunk, ``raw`` bytes of the stream."""

    models: object = field(default_factory=lambda: {"object": "list", "data": [model()]})
    quote: object = field(
        default_factory=lambda: {"max_cost_nanoton": 1000, "estimated_prompt_tokens": 3}
    )
    last: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    text: object = None
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = head.partition("content-length:")[2].partition("\r")[0]
        self.bodies.append(await reader.readexactly(int(size or 0)))
        path = head.split()[1]
        kind = "application/json"
        if path.endswith("/chat/completions"):
            chunks: list[dict[str, Any]] = [{"choices": [HI]}, {"choices": [], **self.last}]
            body = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks)
            body, kind = body + self.raw + b"data: [DONE]\n\n", "text/event-stream"
        elif path.endswith("/models"):
            body = json.dumps(self.models).encode()
        else:
            body = json.dumps(self.quote if path.endswith("/quote") else self.text).encode()
        told = f"content-type: {kind}\r\nconnection: close\r\ncontent-length: {len(body)}"
        writer.write(f"HTTP/1.1 200 OK\r\n{told}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def asking(folder: Path, gateway: Gateway) -> AsyncIterator[NetworkAssistant]:
    """Money is whole in the end, whatever was asked."""
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    accounts = Accounts(sqlite_url(folder / "t.sqlite"), AccountPolicy(free_daily=Nano(FREE)))
    await accounts.start()
    async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0) as ai:
        assistant = NetworkAssistant(ai, accounts, AssistantSettings(), markup=100)
        try:
            yield assistant
        finally:
            await assistant.close()
            account = await accounts.account(7)
            charged = await accounts.charged("r")
            await accounts.close()
            server.close()
    assert account.held == 0
    assert account.free_left == FREE - (0 if charged is None else int(charged.total))


async def answered(folder: Path, gateway: Gateway) -> tuple[str, Finished]:
    async with asking(folder, gateway) as assistant:
        events = [each async for each in assistant.answer(QUESTION)]
    assert isinstance(events[-1], Finished)
    return "".join(each.text for each in events if isinstance(each, Delta)), events[-1]


async def refused(folder: Path, gateway: Gateway) -> CocoonError:
    async with asking(folder, gateway) as assistant:
        with pytest.raises(CocoonError) as caught:
            async for _ in assistant.answer(QUESTION):
                pass
    return caught.value


def costs(value: object, **more: object) -> dict[str, Any]:
    return {"cocoon": {"cost_nanoton": value, **more}}


@pytest.mark.parametrize(
    ("last", "charged"),
    [
        (costs(100), 110),
        (costs(0), 0),
        (costs(10**15), 1100),  # never more than was held
        ({}, OWN_COUNT),
        ({"cocoon": {}}, OWN_COUNT),
        ({"cocoon": [1]}, OWN_COUNT),
        *(
            (costs(lie), OWN_COUNT)
            for lie in (-5, 2**63 - 1, 2**64, 2**80, 1.5, float("nan"), "12", None, True)
        ),
        (costs(100, tokens={"prompt": 2**80}), OWN_COUNT),
        (costs(100, tokens={"completion": -1}), OWN_COUNT),
        (costs(100, proxy={"image": "x" * 20_000}), 110),
        (costs(100, worker={"owner": "\ud800"}), 110),
    ],
)
async def test_costs(tmp_path: Path, last: dict[str, Any], charged: int):
    text, finished = await answered(tmp_path, Gateway(last=last))
    assert text == "hi"
    assert finished.facts.charged == charged
    assert finished.facts.is_estimate is (charged == OWN_COUNT)


async def test_an_answer_for_nothing_is_not_made_twice(tmp_path: Path):
    async with asking(tmp_path, Gateway(last=costs(0))) as assistant:
        async for _ in assistant.answer(QUESTION):
            pass
        with pytest.raises(BadRequestError, match="charged already"):
            async for _ in assistant.answer(QUESTION):
                pass


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"delta": {"content": 5}}, "hi"),
        ({"delta": {"content": "\ud800!"}}, "hi?!"),
        ({"delta": {"content": "a"}, "finish_reason": "x" * 20_000}, "hia"),
        ({"delta": {"content": "a"}, "finish_reason": [1]}, "hia"),
        ({"delta": None}, "hi"),
    ],
)
async def test_pieces(tmp_path: Path, choice: dict[str, Any], text: str):
    said, finished = await answered(tmp_path, Gateway(last={"choices": [choice], **costs(100)}))
    assert said == text
    assert (finished.facts.charged, finished.facts.finish) == (110, "stop")


@pytest.mark.parametrize(
    "gateway",
    [
        *(Gateway(raw=raw) for raw in (b"data: {no\n\n", b"data: [1]\n\n", b"data: \xff\n\n")),
        *(Gateway(last={"choices": choices}) for choices in (None, "abc", [5], 7)),
    ],
)
async def test_an_answer_that_makes_no_sense_is_charged_by_our_count(
    tmp_path: Path, gateway: Gateway
):
    error = await refused(tmp_path, gateway)
    assert error.http_status == 502


@pytest.mark.parametrize("quoted", [-5, 2**63 - 1, 2**63, 1.5, "a", None, True, []])
async def test_quotes(tmp_path: Path, quoted: object):
    told = {"max_cost_nanoton": quoted, "estimated_prompt_tokens": 3}
    await refused(tmp_path, Gateway(quote=told))


@pytest.mark.parametrize("tokens", [-(10**9), 2**70, 1.5, "a", float("nan")])
async def test_prompt_tokens_of_quotes(tmp_path: Path, tokens: object):
    """They matter where money is short: a negative number would make a long answer cheap."""
    told = {"max_cost_nanoton": 10**8, "estimated_prompt_tokens": tokens}
    await refused(tmp_path, Gateway(quote=told))


@pytest.mark.parametrize("told", [[1], {}, "x"])
async def test_no_quote_at_all(tmp_path: Path, told: object):
    await refused(tmp_path, Gateway(quote=told))


@pytest.mark.parametrize(
    "prices",
    [
        {"completion": 5, "prompt": -(10**9)},
        {"completion": 5, "prompt": 2**80},
        {"completion": 5, "reasoning": -7},
        {"completion": -5},
        {"completion": 2**62},
        {"prompt": 5},
    ],
)
async def test_prices(tmp_path: Path, prices: dict[str, int]):
    await refused(tmp_path, Gateway(models={"data": [model(prices)]}))


@pytest.mark.parametrize(
    "data",
    [None, "x", [5], [{"id": 5}], [{}], [model(name="x" * 5000)], [model(name="\ud800")]],
)
async def test_models(tmp_path: Path, data: object):
    await refused(tmp_path, Gateway(models={"data": data}))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"text": "good", **costs(100)}, "good"),
        ({"text": 5}, ""),
        ({"text": "\ud800"}, "?"),
        ({"text": "good", **costs(-1)}, "good"),
        ({"text": "good", **costs(2**63 - 1)}, "good"),
        ([], None),
        ("x", None),
    ],
)
async def test_transcripts(tmp_path: Path, answer: object, said: str | None):
    async with asking(tmp_path, Gateway(text=answer)) as assistant:
        if said is None:
            with pytest.raises(CocoonError):
                await assistant.transcribe(QUESTION, "v.ogg", b"OggS")
        else:
            assert await assistant.transcribe(QUESTION, "v.ogg", b"OggS") == said


async def test_a_transcript_costs_no_more_than_is_held_with_its_markup(tmp_path: Path):
    gateway = Gateway(text={"text": "good", **costs(FREE)})
    async with asking(tmp_path, gateway) as assistant:
        await assistant.transcribe(QUESTION, "v.ogg", b"OggS")
    told = gateway.bodies[-1].partition(b'name="max_cost"')[2].split()[0]
    assert int(told) == FREE * 1000 // 1100
