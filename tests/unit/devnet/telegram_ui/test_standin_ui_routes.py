"""The page's routes without a browser: who may ask, and what is answered."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from cocoon.devnet.telegram import StandInTelegram
from cocoon.devnet.telegram.browser import BrowserOptions, mount_page
from cocoon.devnet.telegram.people import Person
from cocoon.testing.telegram import GENEROUS, bot_for

pytestmark = pytest.mark.anyio


class Ui:
    def __init__(self, telegram: StandInTelegram, session: aiohttp.ClientSession) -> None:
        self.telegram = telegram
        self.session = session

    async def act(self, name: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        url = f"{self.telegram.url}/ui/{name}"
        async with self.session.post(url, json=body or {}, headers=headers) as reply:
            return reply.status, await reply.json()

    @contextlib.asynccontextmanager
    async def frames(self, person: Person) -> AsyncIterator["asyncio.Queue[Any]"]:
        found: asyncio.Queue[Any] = asyncio.Queue()

        async def read() -> None:
            url = f"{self.telegram.url}/ui/events?as={person.id}"
            async with self.session.get(url, read_bufsize=1 << 22) as reply:
                async for line in reply.content:
                    if line.startswith(b"data: "):
                        found.put_nowait(json.loads(line[6:]))

        task = asyncio.ensure_future(read())
        try:
            yield found
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def ui() -> AsyncIterator[Ui]:
    telegram = StandInTelegram(rates=GENEROUS)
    mount_page(telegram, BrowserOptions(app_url="http://127.0.0.1:9/app/"))
    async with telegram, aiohttp.ClientSession() as session:
        yield Ui(telegram, session)


async def test_the_page_says_what_it_is_and_loads_nothing_from_elsewhere(ui: Ui) -> None:
    async with ui.session.get(ui.telegram.url) as reply:
        html = await reply.text()
        policy = reply.headers["Content-Security-Policy"]
    assert "Stand-in, not Telegram" in html
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http://" not in html
    assert "https://" not in html


@pytest.mark.parametrize("name", ["nothing.js", "__init__.py", "..%2Fserver.py", "..%5Cserver.py"])
async def test_only_files_of_the_page_are_served(ui: Ui, name: str) -> None:
    async with ui.session.get(f"{ui.telegram.url}/page/{name}") as reply:
        assert reply.status == 404


async def test_other_sites_can_do_nothing(ui: Ui) -> None:
    person = ui.telegram.person("Ada")
    body = {"as": str(person.id), "chat": person.id, "text": "x"}
    status, _ = await ui.act("send", body, Origin="https://evil.example")
    assert status == 403
    url = f"{ui.telegram.url}/ui/send"
    async with ui.session.post(url, data=json.dumps(body)) as reply:  # no preflight for text/plain
        assert reply.status == 415
    async with ui.session.post(url, json=body, headers={"Host": "evil.example"}) as reply:
        assert reply.status == 403
    assert not person.chat.messages
    assert (await ui.act("send", body, Origin=ui.telegram.url))[0] == 200


async def test_frames_are_the_state_and_then_what_changes(ui: Ui) -> None:
    ada = ui.telegram.person("Ada", started=True)
    ben = ui.telegram.person("Ben", started=True)
    bot = bot_for(ui.telegram)
    async with ui.frames(ada) as frames, asyncio.timeout(20):
        state = await frames.get()
        assert state["t"] == "state"
        assert state["me"]["first_name"] == "Ada"
        assert [chat["id"] for chat in state["chats"]] == [ada.id]
        assert state["app"] == {"url": "http://127.0.0.1:9/app/"}
        assert not state["wallet"]
        await bot.send_message(ben.id, "for Ben alone")
        await bot.send_message_draft(chat_id=ada.id, draft_id=3, text="par")
        draft = await frames.get()
        assert (draft["t"], draft["draft"]["text"]) == ("draft", "par")
        sent = await bot.send_message(ada.id, "whole")
        assert (await frames.get())["drafts"] == []
        assert (await frames.get())["message"]["text"] == "whole"
        await bot.edit_message_text("whole!", chat_id=ada.id, message_id=sent.message_id)
        assert (await frames.get())["message"]["text"] == "whole!"
        await bot.delete_message(ada.id, sent.message_id)
        assert (await frames.get()) == {"t": "deleted", "chat": ada.id, "ids": [sent.message_id]}
        await ui.act("stars", {"as": str(ada.id), "amount": 5})
        assert (await frames.get())["me"]["stars"] == 5
    await bot.session.close()


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("send", {}, 400),
        ("send", {"chat": 1, "text": "x"}, 400),
        ("send", {"chat": True, "text": "x"}, 400),
        ("send", {"chat": "me", "text": "   "}, 400),
        ("send", {"chat": "me", "text": "x" * 4097}, 400),
        ("send", {"chat": "me", "text": "x", "reply_to": 99}, 400),
        ("send", {"chat": "me", "text": "x", "thread": 99}, 400),
        ("send", {"as": "5", "chat": "me", "text": "x"}, 400),
        ("press", {"chat": "me", "message": 1, "data": "x"}, 400),
        ("forward", {"chat": "me", "messages": []}, 400),
        ("forward", {"chat": "me", "messages": ["x"] * 200}, 400),
        ("choose", {"chat": "me", "query": "q", "result": "r"}, 400),
        ("pay", {"slug": "nothing"}, 404),
        ("stars", {"amount": -1}, 400),
        ("stars", {"amount": 10**9}, 400),
        ("webapp", {"kind": "main", "theme_params": "dark"}, 400),
        ("webapp", {"kind": "button", "url": "javascript:1", "theme_params": {}}, 400),
        ("wallet", {}, 400),
        ("unknown", {}, 404),
        ("stop", {"chat": "me"}, 200),
        ("webapp", {"kind": "main", "theme_params": {"bg_color": "#ffffff"}}, 200),
    ],
)
async def test_actions_are_checked(ui: Ui, name: str, body: dict[str, Any], status: int) -> None:
    person = ui.telegram.person("Ada")
    if body.get("chat") == "me":
        body = body | {"chat": person.id}
    answered, words = await ui.act(name, body)
    assert answered == status
    assert status == 200 or words["error"]


async def test_a_file_is_never_a_page(ui: Ui) -> None:
    person = ui.telegram.person("Ada")
    form = aiohttp.FormData({"as": str(person.id), "chat": str(person.id), "kind": "document"})
    form.add_field("file", b"<script>", filename="x.html", content_type="text/html")
    async with ui.session.post(f"{ui.telegram.url}/ui/upload", data=form) as reply:
        assert reply.status == 200
    file_id = person.chat.messages[-1].raw["document"]["file_id"]
    async with ui.session.get(f"{ui.telegram.url}/ui/file/{file_id}") as reply:
        assert reply.headers["Content-Type"] == "application/octet-stream"
        assert reply.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in reply.headers["Content-Security-Policy"]
    async with ui.session.get(f"{ui.telegram.url}/ui/file/none") as reply:
        assert reply.status == 404


async def test_the_page_has_one_address(ui: Ui) -> None:
    port = ui.telegram.url.rsplit(":", 1)[1]
    async with ui.session.get(f"http://localhost:{port}/?as=1", allow_redirects=False) as reply:
        assert reply.status == 302
        assert reply.headers["Location"] == f"{ui.telegram.url}/?as=1"


@pytest.mark.parametrize(("told", "seconds"), [("7", 7), ("", 1), ("x", 1), ("999999", 86_400)])
async def test_a_recording_is_what_it_says(ui: Ui, told: str, seconds: int) -> None:
    person = ui.telegram.person("Ada")
    fields = {"as": str(person.id), "chat": str(person.id), "kind": "voice", "seconds": told}
    form = aiohttp.FormData(fields)
    kind = "audio/webm;codecs=opus"
    form.add_field("file", b"\x1aE\xdf\xa3", filename="voice", content_type=kind)
    async with ui.session.post(f"{ui.telegram.url}/ui/upload", data=form) as reply:
        assert reply.status == 200
    voice = person.chat.messages[-1].raw["voice"]
    assert (voice["mime_type"], voice["duration"]) == ("audio/webm", seconds)
