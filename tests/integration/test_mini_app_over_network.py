"""The Mini App's server with the real assistant over a scripted network: money, stops, retries."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import cocoon
from cocoon.client.api import ClientRequest, ModelInfo, WorkerInfo
from cocoon.telegram.accounts import Accounts
from cocoon.telegram.assistant.network import NetworkAssistant
from cocoon.telegram.settings import AssistantSettings
from cocoon.testing.scripted_client import (
    EVENT_HEADERS,
    SUMMARY,
    ScriptedClient,
    ScriptedResponse,
    Step,
)
from cocoon.testing.served_mini_app import Served, served

pytestmark = pytest.mark.anyio

ID = "a" * 22
COST = int(SUMMARY.cost)
RICH = 10**7


def event(text: str | None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    document = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "demo"}
    return b"data: " + json.dumps({**document, "choices": [choice]}).encode() + b"\n\n"


HELLO: tuple[Step, ...] = (
    event("Hel"),
    event("lo"),
    event(None, "stop"),
    b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"demo","choices":[],'
    b'"usage":{"prompt_tokens":11,"completion_tokens":2,"total_tokens":13}}\n\n',
    b"data: [DONE]\n\n",
)


@asynccontextmanager
async def bench(
    folder: Path, script: Callable[[ClientRequest], ScriptedResponse]
) -> AsyncIterator[tuple[Served, dict[str, str]]]:
    client = ScriptedClient(script, models=(ModelInfo("demo", (WorkerInfo(1000, 0, 8),)),))
    ai = cocoon.AsyncClient(client=client)
    made: list[NetworkAssistant] = []

    def answering(accounts: Accounts) -> NetworkAssistant:
        made.append(NetworkAssistant(ai, accounts, AssistantSettings()))
        return made[0]

    async with served(folder, answering=answering) as one:
        await one.give(42, RICH)
        yield one, await one.login()
        await made[0].close()
    await ai.close()


def body(name: str = ID) -> io.BytesIO:
    asked = {"id": name, "messages": [{"role": "user", "content": "hi"}]}
    return io.BytesIO(json.dumps(asked).encode())


async def ask(one: Served, headers: dict[str, str]) -> tuple[int, str]:
    url = f"{one.url}/app/api/chat"
    async with one.http.post(url, data=body(), headers=headers) as answer:
        return answer.status, await answer.text()


async def settled(one: Served, headers: dict[str, str]) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while (me := await one.get("me", headers))["held_nano"]:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    assert isinstance(me, dict)
    return me


async def test_an_answer_is_paid_for_once(tmp_path: Path) -> None:
    def script(_: ClientRequest) -> ScriptedResponse:
        return ScriptedResponse(list(HELLO), headers=EVENT_HEADERS)

    async with bench(tmp_path, script) as (one, headers):
        status, text = await ask(one, headers)
        assert status == 200
        assert text.count("event: delta") == 2
        done = json.loads(text.rpartition("data: ")[2])
        assert (done["finish"], done["cost_nano"], done["charged_nano"]) == ("stop", COST, COST)
        status, text = await ask(one, headers)
        assert (status, json.loads(text)["error"]["code"]) == (409, "answered")
        me = await settled(one, headers)
        spent = RICH - me["balance_nano"] + me["free_daily_nano"] - me["free_left_nano"]
        assert spent == COST
        assert (await one.get(f"answers/{ID}", headers))["charged_nano"] == COST


async def test_leaving_stops_the_worker_and_settles(tmp_path: Path) -> None:
    responses: list[ScriptedResponse] = []

    def script(_: ClientRequest) -> ScriptedResponse:
        responses.append(ScriptedResponse([event("Hel"), 3600.0], headers=EVENT_HEADERS))
        return responses[0]

    async with bench(tmp_path, script) as (one, headers):
        async with aiohttp.ClientSession() as http:
            url = f"{one.url}/app/api/chat"
            async with http.post(url, data=body(), headers=headers) as answer:
                await answer.content.readuntil(b"\n\n")
                answer.close()
        await settled(one, headers)
        assert (await one.get(f"answers/{ID}", headers))["finish"] == "stopped"
        assert responses[0].closed.is_set()
        status, _ = await ask(one, headers)
        assert status == 409
