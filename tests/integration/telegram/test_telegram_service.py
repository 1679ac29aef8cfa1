"""The whole service against the stand-in for Telegram: from a message to a paid answer and back."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

import cocoon
from cocoon.accounting import Nano
from cocoon.devnet.telegram.trial import Trial, TrialOptions
from cocoon.errors import ConfigError, StoreError, UnavailableError
from cocoon.telegram.service.service import TelegramService
from cocoon.testing.scripted_client import (
    EVENT_HEADERS,
    SUMMARY,
    ScriptedClient,
    ScriptedResponse,
    Step,
)
from cocoon.testing.telegram import GENEROUS

pytestmark = pytest.mark.anyio
COST = int(SUMMARY.cost)
FREE = Nano(10**6)


def event(text: str | None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    document = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "demo"}
    return b"data: " + json.dumps({**document, "choices": [choice]}).encode() + b"\n\n"


END = (event(None, "stop"), b"data: [DONE]\n\n")


def network(steps: Sequence[Step]) -> ScriptedClient:
    return ScriptedClient(lambda _: ScriptedResponse(list(steps), headers=EVENT_HEADERS))


def options(folder: Path, **more: Any) -> TrialOptions:
    return TrialOptions(folder=folder / "telegram", free_daily=FREE, rates=GENEROUS, **more)


@asynccontextmanager
async def trial(
    folder: Path, steps: Sequence[Step] = (event("Hello"), *END), **more: Any
) -> AsyncIterator[tuple[Trial, ScriptedClient]]:
    client = network(steps)
    async with Trial(options(folder, **more), cocoon.AsyncClient(client=client)) as one:
        yield one, client


async def money(one: Trial, user: int) -> tuple[int, int]:
    """What is left of the allowance, and what is held."""
    account = await one.service.deps.accounts.account(user)
    return int(account.free_left), int(account.held)


async def until(done: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("webhook", [False, True])
async def test_a_message_is_answered_and_charged_once(tmp_path: Path, webhook: bool):
    async with trial(tmp_path, webhook=webhook) as (one, client):
        alice = one.telegram.person("Alice", started=True)
        asked = await alice.send("hi")
        answer = await alice.chat.wait(lambda shown: "Hello" in shown.text)
        assert answer.id > asked.id
        assert await money(one, alice.id) == (int(FREE) - COST, 0)
        assert len(client.requests) == 1
        assert not any(one.telegram.violations.values())
        assert one.service.healthy


async def test_pages_for_operators_and_machines(tmp_path: Path):
    async with trial(tmp_path) as (one, _):
        alice = one.telegram.person("Alice", started=True)
        await alice.send("the secret 4711")
        await alice.chat.wait(lambda shown: "Hello" in shown.text)
        async with httpx2.AsyncClient(base_url=one.app_url) as http:
            assert (await http.get("/healthz")).status_code == 200
            metrics = (await http.get("/metrics")).text
            assert "cocoon_telegram_calls_total" in metrics
            assert (await http.get("/operator")).status_code == 401
            head = {"authorization": f"Bearer {one.operator_token}"}
            page = await http.get("/operator", headers=head)
            data = await http.get("/operator/data", headers=head)
            assert page.status_code == data.status_code == 200
            for text in (page.text, data.text, metrics):
                assert "4711" not in text
                assert "Alice" not in text


async def test_a_stop_lets_answers_end_and_a_start_goes_on(tmp_path: Path):
    client = network([event("Once"), 0.3, event(" upon a time"), *END])
    one = Trial(options(tmp_path), cocoon.AsyncClient(client=client))
    await one.start()
    alice = one.telegram.person("Alice", started=True)
    await alice.send("a story")
    await until(lambda: client.requests)
    await one.service.close()
    assert any("upon a time" in shown.text for shown in alice.chat.messages)
    # What comes while nobody is there waits at Telegram.
    await alice.send("and now?")
    client.script = network([event("Now this"), *END]).script
    again = TelegramService(one.service.settings, cocoon.AsyncClient(client=client))
    await again.start()
    try:
        await alice.chat.wait(lambda shown: "Now this" in shown.text)
    finally:
        await again.close()
        await one.close()
    assert len(client.requests) == 2


async def test_an_answer_that_the_end_cuts_off_is_charged_and_not_asked_again(tmp_path: Path):
    client = network([event("Once"), 30.0])
    one = Trial(options(tmp_path, grace=0.2), cocoon.AsyncClient(client=client))
    await one.start()
    alice = one.telegram.person("Alice", started=True)
    await alice.send("a story")
    await until(lambda: client.requests)
    await asyncio.sleep(0.2)
    await one.service.close()
    again = TelegramService(one.service.settings, cocoon.AsyncClient(client=client))
    await again.start()
    try:
        await asyncio.sleep(0.5)
        account = await again.deps.accounts.account(alice.id)
        assert (int(account.free_left), int(account.held)) == (int(FREE) - COST, 0)
        assert len(client.requests) == 1
    finally:
        await again.close()
        await one.close()


async def test_a_token_that_telegram_does_not_know(tmp_path: Path):
    async with trial(tmp_path) as (one, client):
        settings = one.service.settings
        number, _, rest = settings.bot.token.partition(":")
        wrong = replace(settings.bot, token=f"{number}:{rest[:-1]}x")
        service = TelegramService(
            replace(settings, bot=wrong, app=replace(settings.app, port=0)),
            cocoon.AsyncClient(client=client),
        )
        with pytest.raises(ConfigError, match="BotFather"):
            await service.start()


async def test_telegram_that_cannot_be_reached(tmp_path: Path):
    async with trial(tmp_path) as (one, client):
        settings = one.service.settings
        away = replace(settings.bot, api="http://127.0.0.1:9")
        service = TelegramService(
            replace(settings, bot=away, app=replace(settings.app, port=0)),
            cocoon.AsyncClient(client=client),
        )
        with pytest.raises(UnavailableError):
            await service.start()


async def test_a_second_service_on_one_store_ends_the_first(tmp_path: Path):
    async with trial(tmp_path) as (one, client):
        second = TelegramService(
            replace(one.service.settings, app=replace(one.service.settings.app, port=0)),
            cocoon.AsyncClient(client=client),
        )
        await second.start()
        try:
            alice = one.telegram.person("Alice", started=True)
            with pytest.raises(StoreError):
                await one.service.deps.accounts.hold(alice.id, "chat:1:1", Nano(1))
            async with asyncio.timeout(10):
                with pytest.raises(StoreError, match="another process"):
                    await one.service.wait()
        finally:
            await second.close()


@pytest.mark.parametrize("wrong", ["port", "token"])
async def test_a_second_service_that_cannot_start_leaves_the_first_alone(
    tmp_path: Path, wrong: str
):
    async with trial(tmp_path) as (one, _):
        settings = one.service.settings
        settings = replace(settings, app=replace(settings.app, port=one.service.port))
        if wrong == "token":
            app, bot = replace(settings.app, port=0), replace(settings.bot, token="123456:ABC-DEF")
            settings = replace(settings, app=app, bot=bot)
        second = TelegramService(settings, cocoon.AsyncClient(client=network([])))
        with pytest.raises(ConfigError, match="cannot listen" if wrong == "port" else "token"):
            await second.start()
        alice = one.telegram.person("Alice")
        await one.service.deps.accounts.hold(alice.id, "chat:1:1", Nano(1))


async def test_a_wallet_needs_a_chain(tmp_path: Path):
    async with trial(tmp_path) as (one, _):
        settings = one.service.settings
        priced = replace(settings.money, wallet="0:" + "11" * 32)
        with pytest.raises(ConfigError, match="chain"):
            TelegramService(replace(settings, money=priced), openai.AsyncOpenAI(api_key="x"))
