"""Asking for updates: offsets, repeats, conflicts and everything that can go wrong on the way."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from cocoon.errors import BadRequestError, ConfigError, StoreError
from cocoon.telegram.service import polling as module
from cocoon.telegram.service.inbox import update_id
from cocoon.telegram.service.polling import Polling

pytestmark = pytest.mark.anyio
Answer = web.StreamResponse | dict[str, Any]


class Server:
    """Answers ``getUpdates`` from a list; then waits."""

    def __init__(self) -> None:
        self.answers: list[Answer | Callable[[], Answer]] = []
        self.asked: list[dict[str, Any]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        if not self.answers:
            await asyncio.sleep(0.2)
            return web.json_response({"ok": True, "result": []})
        answer = self.answers.pop(0)
        return web.json_response(answer) if isinstance(answer, dict) else answer


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_post("/getUpdates", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}/getUpdates"
    try:
        yield server
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "CONFLICT_PAUSE", 0.01)


def batch(*numbers: int, **more: Any) -> dict[str, Any]:
    return {"ok": True, "result": [{"update_id": number, **more} for number in numbers]}


async def polled(server: Server, kept: list[int], error: list[Exception] | None = None) -> Polling:
    """Poll until all answers were given and one more question was asked."""
    wanted = len(server.answers) + 1
    failing = error or []

    async def take(*updates: bytes) -> None:
        if failing:
            raise failing.pop()
        kept.extend(json.loads(raw)["update_id"] for raw in updates)

    polling = Polling(server.url, take, update_id, ["message"], long_poll=1)
    task = asyncio.create_task(polling.run())
    try:
        async with asyncio.timeout(5):
            while len(server.asked) < wanted and not task.done():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    finally:
        task.cancel()
        results = await asyncio.gather(task, return_exceptions=True)
    if isinstance(results[0], ConfigError):
        raise results[0]
    return polling


async def test_what_is_kept_is_confirmed_by_the_next_question():
    async with serving() as server:
        server.answers = [batch(5, 6), batch(9)]
        kept: list[int] = []
        polling = await polled(server, kept)
        assert kept == [5, 6, 9]
        assert [asked["offset"] for asked in server.asked[:3]] == [0, 7, 10]
        assert server.asked[0]["allowed_updates"] == ["message"]
        assert polling.healthy


async def test_what_cannot_be_kept_is_not_confirmed():
    async with serving() as server:
        server.answers = [batch(5), batch(5)]
        kept: list[int] = []
        await polled(server, kept, [StoreError("full")])
        assert kept == [5]
        assert [asked["offset"] for asked in server.asked[:3]] == [0, 0, 6]


async def test_what_is_no_update_costs_nobody_else():
    async with serving() as server:
        odd = {"ok": True, "result": [{"update_id": 4}, {"update_id": -9}, [], {"update_id": 5}]}
        server.answers = [odd]
        kept: list[int] = []
        await polled(server, kept)
        assert kept == [4, 5]
        assert server.asked[1]["offset"] == 6


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": False, "error_code": 409, "description": "Conflict"},
        {"ok": False, "error_code": 500},
        {"ok": False, "error_code": 429, "parameters": {"retry_after": 0}},
        {"ok": True, "result": {}},
        {"result": []},
        {},
    ],
)
async def test_trouble_passes(answer: dict[str, Any]):
    async with serving() as server:
        server.answers = [answer, batch(1)]
        kept: list[int] = []
        polling = await polled(server, kept)
        assert kept == [1]
        assert polling.healthy


async def test_pages_that_are_no_answers_pass_too():
    async with serving() as server:
        server.answers = [
            web.Response(text="<html>"),
            web.Response(status=302, headers={"location": "http://127.0.0.1:9/"}),
            batch(1),
        ]
        kept: list[int] = []
        await polled(server, kept)
        assert kept == [1]


@pytest.mark.parametrize("bad", ["[" * 3000 + "]" * 3000, '"\\ud800"'], ids=["deep", "half"])
async def test_an_update_that_nobody_can_read_is_left_out(bad: str):
    broken = '{"ok": true, "result": [{"update_id": 7, "x": %s}%s]}'
    async with serving() as server:
        server.answers = [
            batch(6),
            web.Response(text=broken % (bad, ', {"update_id": 8}')),
            web.Response(text=broken % (bad, "")),
            batch(8),
        ]
        kept: list[int] = []
        polling = await polled(server, kept)
        assert kept == [6, 8]
        assert [asked["offset"] for asked in server.asked] == [0, 7, 7, 8, 9]
        assert [asked["limit"] for asked in server.asked] == [100, 100, 1, 1, 100]
        assert polling.healthy


async def test_a_token_that_telegram_does_not_know_ends_it_without_showing_it():
    async with serving() as server:
        server.answers = [{"ok": False, "error_code": 401, "description": "Unauthorized"}]
        with pytest.raises(ConfigError, match="BotFather") as caught:
            await polled(server, [])
        assert server.url not in str(caught.value)


async def test_nobody_there_is_asked_again(capsys: pytest.CaptureFixture[str]):
    polling = Polling("http://127.0.0.1:9/bot1:SECRET/getUpdates", None, update_id, [])
    task = asyncio.create_task(polling.run())
    await asyncio.sleep(0.1)
    assert not task.done()
    assert not polling.healthy
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    shown = capsys.readouterr()
    assert "SECRET" not in shown.out + shown.err


async def test_a_batch_that_cannot_be_confirmed_is_not_asked_for_in_a_spin(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(module, "CONFLICT_PAUSE", 10.0)
    async with serving() as server:
        server.answers = [{"ok": True, "result": ["x"]} for _ in range(100)]
        task = asyncio.create_task(Polling(server.url, None, update_id, [], long_poll=1).run())
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert len(server.asked) == 1
    with pytest.raises(BadRequestError):
        update_id(b'"x"')
