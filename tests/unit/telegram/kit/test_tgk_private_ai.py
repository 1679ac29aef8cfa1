"""The developer's kit and its examples, with real aiogram against the stand-in for Telegram."""

import asyncio
import json
import re
import runpy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiogram import Bot, Dispatcher

import cocoon
from cocoon.accounting import Nano
from cocoon.devnet.telegram import StandInTelegram
from cocoon.errors import ConfigError
from cocoon.net.http_server import HttpServer
from cocoon.telegram import PrivateAI
from cocoon.telegram.kit import private_ai
from cocoon.testing.scripted_client import (
    EVENT_HEADERS,
    SUMMARY,
    ScriptedClient,
    ScriptedResponse,
    Step,
)
from cocoon.testing.telegram import GENEROUS, bot_for

pytestmark = pytest.mark.anyio
EXAMPLES = Path(__file__).parents[4] / "examples"
COST = int(SUMMARY.cost)
FREE = Nano(10**6)


def event(text: str | None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    document = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "demo"}
    return b"data: " + json.dumps({**document, "choices": [choice]}).encode() + b"\n\n"


END = (event(None, "stop"), b"data: [DONE]\n\n")


@dataclass
class Bench:
    telegram: StandInTelegram
    client: ScriptedClient
    ai: PrivateAI


@asynccontextmanager
async def bench(folder: Path, steps: Sequence[Step], **more: Any) -> AsyncIterator[Bench]:
    client = ScriptedClient(lambda _: ScriptedResponse(list(steps), headers=EVENT_HEADERS))
    async with (
        StandInTelegram(rates=GENEROUS) as telegram,
        cocoon.AsyncClient(client=client) as network,
        PrivateAI(network, store=folder / "bot.sqlite", **{"free_daily": FREE, **more}) as ai,
    ):
        yield Bench(telegram, client, ai)


@asynccontextmanager
async def polling(telegram: StandInTelegram, ai: PrivateAI) -> AsyncIterator[Bot]:
    """The example's bot, as it is."""
    dispatcher: Dispatcher = runpy.run_path(str(EXAMPLES / "telegram_bot.py"))["private_bot"](ai)
    bot = bot_for(telegram)
    task = asyncio.create_task(
        dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False)
    )
    try:
        yield bot
    finally:
        await dispatcher.stop_polling()
        await task
        await bot.session.close()


async def test_the_example_answers_and_everybody_pays_for_themselves(tmp_path: Path):
    async with bench(tmp_path, [event("Hel"), event("**lo**"), *END]) as one:
        alice, bob = one.telegram.person("Alice"), one.telegram.person("Bob")
        async with polling(one.telegram, one.ai):
            asked = await alice.send("hi")
            answer = await alice.chat.answer(after=asked)
            assert answer.text == "Hello"
            assert [entity["type"] for entity in answer.entities] == ["bold"]
            asked = await alice.send("/balance")
            told = await alice.chat.answer(after=asked)
            assert Nano(int(FREE) - COST).ton() in told.text
            asked = await bob.send("/balance")
            assert FREE.ton() in (await bob.chat.answer(after=asked)).text
            asked = await alice.send("and again")
            await alice.chat.answer(after=asked)
        sent = json.loads(one.client.requests[-1].body)["messages"]
        assert [turn["content"] for turn in sent] == ["hi", "Hel**lo**", "and again"]


async def test_the_stop_button_stops_and_charges_what_was_used(tmp_path: Path):
    async with bench(tmp_path, [event("Once"), event(" upon"), 20.0]) as one:
        alice = one.telegram.person("Alice")
        async with polling(one.telegram, one.ai):
            asked = await alice.send("a story")
            await alice.chat.wait_draft(lambda draft: "Once" in draft.text)
            await alice.stop()
            answer = await alice.chat.answer(after=asked)
            assert answer.text.startswith("Once")
            account = await one.ai.accounts.account(alice.id)
            assert int(account.free_left) == int(FREE) - COST
            assert int(account.held) == 0


async def test_what_goes_wrong_is_said_in_the_chat(tmp_path: Path):
    async with bench(tmp_path, [event("x"), *END], free_daily=Nano(10)) as one:
        alice = one.telegram.person("Alice")
        async with polling(one.telegram, one.ai):
            asked = await alice.send("hi")
            assert "TON" in (await alice.chat.answer(after=asked)).text
        assert one.client.requests == []


async def test_the_mini_apps_server_streams_to_who_telegram_says_it_is(tmp_path: Path):
    async with bench(tmp_path, [event("Hel"), event("lo"), *END]) as one:
        alice = one.telegram.person("Alice")
        make = runpy.run_path(str(EXAMPLES / "mini_app_server.py"))["app"]
        server = HttpServer(make(one.ai, one.telegram.token), "127.0.0.1", 0)
        await server.start()
        body = {"init_data": one.telegram.init_data(alice), "id": "q1", "text": "hi"}
        try:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
                assert (await http.post("/ask", json=body)).text == "Hello"
                again = await http.post("/ask", json=body)
                assert again.text.startswith("\n[")
                forged = body["init_data"].replace("Alice", "Bob")
                refused = await http.post("/ask", json={**body, "init_data": forged})
                assert refused.status_code == 401
        finally:
            await server.stop()
        assert len(one.client.requests) == 1
        account = await one.ai.accounts.account(alice.id)
        assert int(account.free_left) == int(FREE) - COST


async def test_the_ten_lines_of_the_documentation_are_a_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page = (EXAMPLES.parent / "docs" / "howto" / "telegram-develop.md").read_text()
    code = re.search(r"## A bot in ten lines\n+```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    lines, polls = code[1].rsplit("\n\n", 1)
    assert polls.startswith("dispatcher.run_polling(")
    client = ScriptedClient(
        lambda _: ScriptedResponse([event("Hello"), *END], headers=EVENT_HEADERS)
    )
    network = cocoon.AsyncClient(client=client)
    monkeypatch.setattr(private_ai, "AsyncClient", lambda: network)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(lines, names)  # our own page
    async with StandInTelegram(rates=GENEROUS) as telegram:
        alice, bot = telegram.person("Alice"), bot_for(telegram)
        task = asyncio.create_task(names["dispatcher"].start_polling(bot, handle_signals=False))
        asked = await alice.send("hi")
        assert (await alice.chat.answer(after=asked)).text == "Hello"
        await names["dispatcher"].stop_polling()
        await task
    assert network.is_closed()
    assert (tmp_path / "bot.sqlite").exists()


async def test_values_that_make_no_sense(tmp_path: Path):
    async with cocoon.AsyncClient(client=ScriptedClient(lambda _: None)) as network:
        with pytest.raises(ConfigError):
            PrivateAI(network, remember=-1)
        with pytest.raises(ConfigError):
            PrivateAI(network, markup=-1)


def test_the_package_is_light_until_it_is_used():
    import subprocess
    import sys

    code = "import sys, cocoon.telegram; sys.exit('aiogram' in sys.modules or len(dir()) < 1)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0
