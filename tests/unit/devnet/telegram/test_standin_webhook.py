"""Updates that are posted, and the stand-in's HTTP side."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiohttp import web

from cocoon.devnet.telegram import StandInTelegram, is_stand_in_token
from cocoon.devnet.telegram.webhook import SECRET_HEADER, chat_of
from cocoon.errors import ConfigError
from cocoon.testing.telegram import running_bot

pytestmark = pytest.mark.anyio


@dataclass
class Hook:
    """A server that takes updates.

    Attributes:
        answers: statuses of the next posts; 200 after them.
        hold: posts of these chats wait for ``released``.
    """

    url: str = ""
    got: list[Any] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    answers: list[int] = field(default_factory=list)
    body: dict[str, Any] | None = None
    hold: set[int] = field(default_factory=set)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.StreamResponse:
        update = await request.json()
        self.secrets.add(request.headers.get(SECRET_HEADER, ""))
        if chat_of(update) in self.hold:
            await self.released.wait()
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            async with self.more:
                self.got.append(update)
                self.more.notify_all()
        body, self.body = self.body, None
        return web.json_response(body, status=status) if body else web.Response(status=status)

    async def until(self, count: int) -> list[Any]:
        async with asyncio.timeout(10), self.more:
            await self.more.wait_for(lambda: len(self.got) >= count)
        return self.got


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    made, app = Hook(), web.Application()
    app.router.add_post("/hook", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


@pytest.fixture
async def running() -> AsyncIterator[tuple[StandInTelegram, Bot]]:
    async with running_bot() as both:
        yield both


async def test_updates_are_posted_with_the_secret(
    running: tuple[StandInTelegram, Bot], hook: Hook
) -> None:
    telegram, bot = running
    alice = telegram.person()
    await alice.send("before")
    await bot.set_webhook(hook.url, secret_token="s3cret")
    await alice.send("after")
    got = await hook.until(2)
    assert [update["message"]["text"] for update in got] == ["before", "after"]
    assert hook.secrets == {"s3cret"}
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == (hook.url, 0)


async def test_what_is_not_taken_is_posted_again_in_order(
    running: tuple[StandInTelegram, Bot], hook: Hook
) -> None:
    telegram, bot = running
    hook.answers = [500, 403]
    await bot.set_webhook(hook.url)
    alice = telegram.person()
    for text in ("one", "two", "three"):
        await alice.send(text)
    got = await hook.until(3)
    assert [update["message"]["text"] for update in got] == ["one", "two", "three"]
    info = await bot.get_webhook_info()
    assert info.last_error_message == "Wrong response from the webhook: 403 Forbidden"


async def test_one_chat_does_not_hold_up_another(
    running: tuple[StandInTelegram, Bot], hook: Hook
) -> None:
    telegram, bot = running
    alice, bob = telegram.person("Alice"), telegram.person("Bob")
    hook.hold = {alice.id}
    await bot.set_webhook(hook.url)
    await alice.send("slow")
    await alice.send("behind")
    await bob.send("quick")
    assert [u["message"]["text"] for u in await hook.until(1)] == ["quick"]
    hook.released.set()
    assert [u["message"]["text"] for u in await hook.until(3)] == ["quick", "slow", "behind"]


async def test_an_answer_may_call_a_method(
    running: tuple[StandInTelegram, Bot], hook: Hook
) -> None:
    telegram, bot = running
    alice = telegram.person()
    hook.body = {"method": "sendMessage", "chat_id": alice.id, "text": "at once"}
    await bot.set_webhook(hook.url)
    await alice.send("hello")
    assert (await alice.chat.answer()).text == "at once"


async def test_deleting_the_webhook_keeps_or_drops_updates(
    running: tuple[StandInTelegram, Bot], hook: Hook
) -> None:
    telegram, bot = running
    await bot.set_webhook("http://127.0.0.1:1/hook")
    await telegram.person().send("hello")
    assert (await bot.get_webhook_info()).pending_update_count == 1
    await bot.delete_webhook()
    assert len(await bot.get_updates()) == 1
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == []


@pytest.mark.parametrize(
    ("url", "changed"),
    [
        ("http://example.org/hook", {}),
        ("https://192.0.2.1/hook", {}),
        ("ftp://127.0.0.1/hook", {}),
        ("http://[::1", {}),
        ("http://127.0.0.1:1/", {"secret_token": "no spaces"}),
        ("http://127.0.0.1:1/", {"secret_token": "x" * 257}),
        ("http://127.0.0.1:1/", {"max_connections": 101}),
    ],
)
async def test_wrong_webhooks(
    running: tuple[StandInTelegram, Bot], url: str, changed: dict[str, Any]
) -> None:
    with pytest.raises(TelegramBadRequest):
        await running[1].set_webhook(url, **changed)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
async def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ConfigError):
        StandInTelegram(host=host)


async def test_it_takes_no_token_of_telegrams() -> None:
    with pytest.raises(ConfigError):
        StandInTelegram(token="123456:AAAA")
    first = StandInTelegram()
    assert is_stand_in_token(first.token)
    assert StandInTelegram(token=first.token).token == first.token


async def test_requests_that_name_other_hosts_are_refused(
    running: tuple[StandInTelegram, Bot],
) -> None:
    telegram, _ = running
    url = f"{telegram.url}/bot{telegram.token}/getMe"
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={"Host": "attacker.example"}) as answer:
            assert answer.status == 403
        async with session.get(url, headers={"Host": "localhost:1"}) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"chat_id": 1', "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'{"chat_id": {}, "text": "x"}', "application/json", 400),
        (b"chat_id=1&text=%ff", "application/x-www-form-urlencoded", 400),
        (b"--b\r\nnonsense", "multipart/form-data; boundary=b", 400),
        (b"no form", "multipart/form-data", 400),
        (b"", "text/plain", 400),
    ],
)
async def test_bodies_that_make_no_sense(
    running: tuple[StandInTelegram, Bot], body: bytes, kind: str, status: int
) -> None:
    telegram, _ = running
    url = f"{telegram.url}/bot{telegram.token}/sendMessage"
    headers = {"Content-Type": kind}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers) as answer,
    ):
        said = await answer.json()
    assert (answer.status, said["ok"], said["error_code"]) == (status, False, status)


async def test_files_need_the_token(running: tuple[StandInTelegram, Bot]) -> None:
    telegram, bot = running
    shown = await telegram.person().send_document(b"x", name="a.txt")
    path = (await bot.get_file(shown.raw["document"]["file_id"])).file_path
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{telegram.url}/file/bot1:other/{path}") as answer:
            assert answer.status == 401
        async with session.get(f"{telegram.url}/file/bot{telegram.token}/other") as answer:
            assert answer.status == 404


async def test_a_restarted_server_goes_on(running: tuple[StandInTelegram, Bot]) -> None:
    telegram, bot = running
    await telegram.person().send("hello")
    await telegram.close()
    await telegram.start()
    assert len(await bot.get_updates()) == 1
