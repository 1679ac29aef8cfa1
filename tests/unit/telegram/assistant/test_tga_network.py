"""Holding, streaming, settling: the assistant over a scripted network."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest

import cocoon
from cocoon.accounting import Nano
from cocoon.client.api import ModelInfo, Outcome, WorkerInfo
from cocoon.errors import (
    BadRequestError,
    CocoonError,
    InsufficientFundsError,
    OverloadedError,
    UnavailableError,
    UnknownModelError,
    UnsupportedError,
)
from cocoon.gateway import Gateway
from cocoon.net.http_server import HttpServer
from cocoon.sdk.settlement import Costs
from cocoon.store import sqlite_url
from cocoon.telegram.accounts import AccountPolicy, Accounts, Charged
from cocoon.telegram.assistant.network import NetworkAssistant
from cocoon.telegram.assistant.running import Running
from cocoon.telegram.assistant.values import Delta, Finished, Question, Turn
from cocoon.telegram.settings import AssistantSettings
from cocoon.testing.scripted_client import (
    EVENT_HEADERS,
    SUMMARY,
    ScriptedClient,
    ScriptedResponse,
    Step,
)

pytestmark = pytest.mark.anyio
FREE = Nano(10**6)
COST = int(SUMMARY.cost)
DEAR = {"prompt": 10**6, "completion": 10**6}


def event(text: str | None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    document = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "demo"}
    return b"data: " + json.dumps({**document, "choices": [choice]}).encode() + b"\n\n"


USAGE = (
    b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"demo","choices":[],'
    b'"usage":{"prompt_tokens":11,"completion_tokens":2,"total_tokens":13}}\n\n'
)
END: tuple[Step, ...] = (event(None, "stop"), USAGE, b"data: [DONE]\n\n")
HELLO: tuple[Step, ...] = (event("Hel"), event("lo"), *END)


def streamed(*steps: Step) -> Callable[[object], ScriptedResponse]:
    return lambda _: ScriptedResponse(list(steps), headers=EVENT_HEADERS)


@dataclass
class Bench:
    client: ScriptedClient
    accounts: Accounts
    assistant: NetworkAssistant

    async def money(self) -> tuple[int, int, int]:
        """Balance, what is left of the allowance, what is held."""
        found = await self.accounts.account(7)
        return int(found.balance), int(found.free_left), int(found.held)


@asynccontextmanager
async def bench(
    folder: Path,
    script: Callable[[object], object] | None = None,
    *,
    free: Nano = FREE,
    markup: int = 0,
    settings: AssistantSettings | None = None,
    models: Sequence[ModelInfo] = (ModelInfo("demo", (WorkerInfo(1000, 0, 8),)),),
    over_http: bool = False,
) -> AsyncIterator[Bench]:
    client = ScriptedClient(script or streamed(*HELLO), models=models)
    accounts = Accounts(sqlite_url(folder / "t.sqlite"), AccountPolicy(free_daily=free))
    await accounts.start()
    server = HttpServer(Gateway(client), "127.0.0.1", 0)
    if over_http:
        await server.start()
        url = f"http://127.0.0.1:{server.port}/v1"
        ai: openai.AsyncOpenAI = openai.AsyncOpenAI(base_url=url, api_key="unused")
    else:
        ai = cocoon.AsyncClient(client=client)
    assistant = NetworkAssistant(ai, accounts, settings or AssistantSettings(), markup=markup)
    try:
        yield Bench(client, accounts, assistant)
    finally:
        await assistant.close()
        await ai.close()
        if over_http:
            await server.stop()
        await accounts.close()


def question(text: str = "hello?", reference: str = "chat:7:1", **more: object) -> Question:
    return replace(
        Question(user=7, reference=reference, chat="7", turns=(Turn("user", text),)), **more
    )


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def ask(one: Bench, asked: Question | None = None) -> tuple[str, Finished]:
    events = [item async for item in one.assistant.answer(asked or question())]
    assert isinstance(events[-1], Finished)
    return "".join(item.text for item in events if isinstance(item, Delta)), events[-1]


@pytest.mark.parametrize("over_http", [False, True])
async def test_an_answer_streams_and_is_charged_what_it_cost(tmp_path: Path, over_http: bool):
    async with bench(tmp_path, markup=100, over_http=over_http) as one:
        text, finished = await ask(one)
        assert text == "Hello"
        facts = finished.facts
        assert (facts.cost, facts.charged, facts.finish) == (COST, COST + COST // 10, "stop")
        assert not facts.is_estimate
        assert facts.proxy["evidence"] == "tdx-simulated"
        assert await one.money() == (0, int(FREE) - facts.charged, 0)
        assert await one.assistant.facts("chat:7:1") == facts
        assert await one.assistant.last_facts("7") == facts
        body = json.loads(one.client.requests[-1].body)
        assert body["messages"] == [{"role": "user", "content": "hello?"}]


async def test_a_reference_is_charged_once(tmp_path: Path):
    async with bench(tmp_path) as one:
        await ask(one)
        before = await one.money()
        with pytest.raises(BadRequestError):
            await ask(one)
        assert await one.money() == before
        assert len(one.client.requests) == 1


@pytest.mark.parametrize("over_http", [False, True])
async def test_who_stops_pays_for_what_was_used_and_sees_who_answered(
    tmp_path: Path, over_http: bool
):
    script = streamed(event("Hel"), 5.0, event("lo"))
    async with bench(tmp_path, script, over_http=over_http) as one:
        async with aclosing(one.assistant.answer(question())) as answer:
            async for item in answer:
                assert isinstance(item, Delta)
                break
        facts = await one.assistant.facts("chat:7:1")
        assert facts is not None
        assert facts.finish == "stopped"
        assert facts.is_estimate is over_http
        assert facts.cost > 0
        if not over_http:
            assert facts.cost == COST
        assert await one.money() == (0, int(FREE) - facts.charged, 0)


@pytest.mark.parametrize("over_http", [False, True])
async def test_who_stops_stops_the_worker(tmp_path: Path, over_http: bool):
    response = ScriptedResponse([event("Hel"), 30.0, event("lo")], headers=EVENT_HEADERS)
    async with bench(tmp_path, lambda _: response, over_http=over_http) as one:
        async with aclosing(one.assistant.answer(question())) as answer:
            await anext(answer)
        async with asyncio.timeout(5):
            await response.closed.wait()


async def test_a_caller_that_is_cancelled_pays_too(tmp_path: Path):
    async with bench(tmp_path, streamed(event("Hel"), 5.0)) as one:
        task = asyncio.create_task(ask(one))
        while not one.client.requests:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await one.assistant.close()
        assert await one.money() == (0, int(FREE) - COST, 0)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OverloadedError("x"), OverloadedError),
        (UnavailableError("x"), UnavailableError),
        (UnsupportedError("x"), UnsupportedError),
    ],
)
@pytest.mark.parametrize("over_http", [False, True])
async def test_what_never_began_costs_nothing_and_may_be_asked_again(
    tmp_path: Path, error: CocoonError, told: type[CocoonError], over_http: bool
):
    async with bench(tmp_path, lambda _: error, over_http=over_http) as one:
        with pytest.raises(told):
            await ask(one)
        assert await one.money() == (0, int(FREE), 0)
        if over_http:  # what failed there may have been paid for
            assert len(one.client.requests) == 1
        one.client.script = streamed(*HELLO)
        assert (await ask(one))[0] == "Hello"


async def test_an_answer_that_breaks_off_is_charged_what_it_cost(tmp_path: Path):
    async with bench(tmp_path, streamed(event("Hel"), OverloadedError("gone"))) as one:
        answer = one.assistant.answer(question())
        assert await anext(answer) == Delta("Hel")
        with pytest.raises(CocoonError):
            await anext(answer)
        facts = await one.assistant.facts("chat:7:1")
        assert facts is not None
        assert facts.finish == "error"
        assert await one.money() == (0, int(FREE) - facts.charged, 0)


async def test_who_is_cancelled_twice_pays_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with bench(tmp_path) as one:
        settle, begun, gate = one.accounts.settle, asyncio.Event(), asyncio.Event()

        async def slow(*told: Any) -> Charged:
            begun.set()
            await gate.wait()
            return await settle(*told)

        monkeypatch.setattr(one.accounts, "settle", slow)
        task = asyncio.create_task(ask(one))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
        await one.assistant.close()
        assert await one.money() == (0, int(FREE) - COST, 0)


async def test_a_cost_that_no_proxy_told_is_our_own_count(tmp_path: Path):
    async with bench(tmp_path) as one:
        (offer,) = await one.assistant._catalog.offers()
        running = Running(question("hello!!!"), replace(offer, prices=DEAR), time.time)
        running.costs = costs = Costs()
        assert (await running.used(1)).cost == 0
        running.take_whole(object())
        costs.begin()
        assert (await running.used(0.01)).cost == 3  # nothing is known yet
        costs.end(Outcome(Nano(999), told=False))
        used = await running.used(1)
        assert (used.cost, used.is_estimate, used.prompt_tokens) == (3, True, 2)
        costs.begin()
        costs.end(Outcome(Nano(1), told=True))
        assert (await running.used(1)).is_estimate  # one of the two is still unknown


async def test_an_answer_without_a_word_is_charged_what_it_cost(tmp_path: Path):
    async with bench(tmp_path, streamed(*END)) as one:
        text, finished = await ask(one)
        assert (text, finished.facts.charged) == ("", COST)
        assert await one.money() == (0, int(FREE) - COST, 0)
        assert await one.assistant.facts("chat:7:1") == finished.facts


async def test_without_money_nothing_is_sent(tmp_path: Path):
    async with bench(tmp_path, free=Nano(100)) as one:
        with pytest.raises(InsufficientFundsError, match="TON"):
            await ask(one)
        assert one.client.requests == []
        assert await one.money() == (0, 100, 0)


async def test_with_little_money_the_answer_is_shorter_and_cheap(tmp_path: Path):
    models = (ModelInfo("demo", (WorkerInfo(1000, 0, 8), WorkerInfo(1800, 0, 8))),)
    async with bench(tmp_path, free=Nano(3000), models=models) as one:
        await ask(one)
        asked = one.client.requests[-1]
        assert 64 <= asked.max_tokens < 300
        assert asked.max_coefficient == 1000
        balance, free, held = await one.money()
        assert (balance, held) == (0, 0)
        assert free == 3000 - COST


async def test_two_answers_at_once_never_spend_the_same_money(tmp_path: Path):
    script = streamed(event("a"), 0.2, *END)
    async with bench(tmp_path, script, free=Nano(3000)) as one:
        answers = [ask(one, question(reference=f"chat:7:{n}")) for n in range(4)]
        ended = await asyncio.gather(*answers, return_exceptions=True)
        assert sum(isinstance(item, InsufficientFundsError) for item in ended) == 3
        assert await one.money() == (0, 3000 - COST, 0)


async def test_models_are_those_offered_with_the_default_first(tmp_path: Path):
    words = ("chat", "image-input")
    models = (
        ModelInfo("a", (WorkerInfo(1500, 0, 8),)),
        ModelInfo("b", (WorkerInfo(1200, 0, 8, features=words),)),
        ModelInfo("hidden", ()),
        ModelInfo("voice", (WorkerInfo(1000, 0, 8, features=("transcriptions",)),)),
    )
    settings = AssistantSettings(model="b", models=("a", "b", "voice"), titles={"b": "Big one"})
    async with bench(tmp_path, models=models, settings=settings, markup=500) as one:
        found = await one.assistant.models()
        assert [item.name for item in found] == ["b", "a", "voice"]
        assert found[0].title == "Big one"
        assert found[0].inputs == {"text", "image"}
        assert found[2].endpoints == {"transcription"}
        assert found[0].price is not None
        assert int(found[0].price) == 18_000_000  # 10 nanoTON × 1.2 × 1.5
        with pytest.raises(UnknownModelError):
            await ask(one, question(model="hidden"))
        with pytest.raises(UnknownModelError):
            await ask(one, question(model="voice"))
        turn = Turn("user", "what is this?", ("data:image/png;base64,AA==",))
        with pytest.raises(UnsupportedError):
            await ask(one, question(model="a", turns=(turn,)))
        assert one.client.requests == []


async def test_pictures_and_system_prompt_go_along(tmp_path: Path):
    words = ("chat", "image-input")
    models = (ModelInfo("b", (WorkerInfo(1000, 0, 8, features=words),)),)
    async with bench(tmp_path, models=models) as one:
        turn = Turn("user", "what is this?", ("data:image/png;base64,iVBORw0KGgo=",))
        await ask(one, question(turns=(turn,), system="Be brief."))
        messages = json.loads(one.client.requests[-1].body)["messages"]
        assert messages[0] == {"role": "system", "content": "Be brief."}
        assert [part["type"] for part in messages[1]["content"]] == ["text", "image_url"]


async def test_users_and_services_do_not_share_prompt_caches(tmp_path: Path):
    async with bench(tmp_path) as one:
        for number, user in enumerate((7, 7, 8)):
            await ask(one, question(reference=f"chat:{number}", user=user))
        scopes = [request.cache_scope for request in one.client.requests]
        assert scopes[0] == scopes[1] != scopes[2]


async def test_recordings_are_transcribed_and_charged(tmp_path: Path):
    models = (ModelInfo("voice", (WorkerInfo(1000, 0, 8, features=("transcriptions",)),)),)
    answer = ScriptedResponse([b'{"text":"good morning"}'])
    async with bench(tmp_path, lambda _: answer, models=models, free=Nano(10**8)) as one:
        asked = question(turns=())
        assert await one.assistant.transcribe(asked, "v.ogg", b"OggS" * 50) == "good morning"
        assert await one.money() == (0, 10**8 - COST, 0)
    async with bench(tmp_path / "x") as one:
        with pytest.raises(UnsupportedError):
            await one.assistant.transcribe(question(turns=()), "v.ogg", b"OggS")


async def test_nothing_of_the_content_is_kept_or_shown(tmp_path: Path):
    secret = "my secret is 4711"
    async with bench(tmp_path, streamed(event("answer-0815"), *END)) as one:
        asked = question(secret, system="system-99")
        await ask(one, asked)
        assert "4711" not in repr(asked)
        assert "99" not in repr(asked)
        kept = contents(tmp_path)
        for text in ("4711", "answer-0815", "system-99"):
            assert text.encode() not in kept


async def test_a_gateway_elsewhere_cannot_be_verified(tmp_path: Path):
    async with bench(tmp_path, over_http=True) as one:
        assert await one.assistant.verification() is None


async def test_facts_survive_as_json(tmp_path: Path):
    async with bench(tmp_path) as one:
        _, finished = await ask(one)
        encoded = msgspec.json.encode(finished.facts)
        assert msgspec.json.decode(encoded, type=type(finished.facts)) == finished.facts
