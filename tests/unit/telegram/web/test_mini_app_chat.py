"""``POST chat`` over a real server: events, stops, retries with one id, and who is refused."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from cocoon.errors import (
    InsufficientFundsError,
    OverloadedError,
    PriceError,
    UnknownModelError,
    UnsupportedError,
    UpstreamError,
)
from cocoon.telegram.settings import Limits
from cocoon.testing.served_mini_app import COST, Served, served, settings

pytestmark = pytest.mark.anyio

ID = "a" * 22
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n rest").decode()


def question(text: str = "hi", name: str = ID, **more: Any) -> dict[str, Any]:
    return {"id": name, "messages": [{"role": "user", "content": text}], **more}


def events_of(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        if any(lines):
            fields = dict(line.split(": ", 1) for line in lines)
            found.append((fields["event"], json.loads(fields["data"])))
    return found


async def ask(one: Served, headers: dict[str, str], body: Any) -> list[tuple[str, Any]]:
    url = f"{one.url}/app/api/chat"
    async with one.http.post(url, headers=headers, json=body) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["content-type"].startswith("text/event-stream")
        return events_of(await answer.text())


@asynccontextmanager
async def asking(
    one: Served, headers: dict[str, str], body: Any
) -> AsyncIterator[aiohttp.ClientResponse]:
    """An answer that has begun; leaving closes the connection."""
    async with aiohttp.ClientSession() as http:
        url = f"{one.url}/app/api/chat"
        async with http.post(url, headers=headers, json=body) as answer:
            assert answer.status == 200
            yield answer
            answer.close()


async def soon(check: Any) -> None:
    async with asyncio.timeout(5):
        while not check():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)


async def test_an_answer(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        await one.give(42, 10_000)
        events = await ask(one, headers, question(price_class="economy", system="be kind"))
        assert [name for name, _ in events] == ["delta", "delta", "done"]
        assert "".join(data["text"] for name, data in events if name == "delta") == "Hello"
        done = events[-1][1]
        assert (done["id"], done["finish"], done["charged_nano"]) == (ID, "stop", int(COST))
        asked = one.assistant.questions[0]
        assert (asked.reference, asked.chat, asked.user) == (f"app:42:{ID}", "app:42", 42)
        assert (asked.max_coefficient, asked.max_tokens, asked.system) == (1000, 1024, "be kind")
        assert [(turn.role, turn.text) for turn in asked.turns] == [("user", "hi")]
        assert one.places.running == 0
        told = await one.get(f"answers/{ID}", headers)
        assert told == done


async def test_pieces_come_when_they_are_there(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        one.assistant.pause.clear()
        async with asking(one, headers, question()) as answer:
            first = await answer.content.readuntil(b"\n\n")
            assert events_of(first.decode()) == [("delta", {"text": "Hel"})]
            one.assistant.pause.set()
            rest = events_of((await answer.content.read()).decode())
            assert [name for name, _ in rest] == ["delta", "done"]


async def test_texts_of_any_kind_survive(tmp_path: Path) -> None:
    pieces = ["line\nend\n\n", "event: done\ndata: {}\n\n", "🦎\u2028\r\n", '"\\', "\0"]
    async with served(tmp_path) as one:
        one.assistant.pieces = pieces
        events = await ask(one, await one.login(), question())
        assert [data["text"] for name, data in events if name == "delta"] == pieces


async def test_closing_the_connection_stops_and_charges_what_was_used(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        one.assistant.pause.clear()
        async with asking(one, headers, question()) as answer:
            await answer.content.readuntil(b"\n\n")
        async with asyncio.timeout(5):
            await one.assistant.stopped.wait()
        await soon(lambda: one.places.running == 0)
        told = await one.get(f"answers/{ID}", headers)
        assert (told["finish"], told["charged_nano"]) == ("stopped", int(COST))
        assert (await one.get("me", headers))["held_nano"] == 0


async def test_an_id_is_charged_once(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        await ask(one, headers, question())
        told = await one.post("chat", headers, question(), 409)
        assert (told["error"]["code"], told["error"]["action"]) == ("answered", None)
        assert (await one.get("me", headers))["free_left_nano"] == 1000 - int(COST)
        assert len(one.assistant.questions) == 1
        # The same id of somebody else is another answer.
        await ask(one, await one.login(43, "o" * 22), question())


async def test_an_id_that_failed_for_free_may_be_asked_again(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        one.assistant.error = OverloadedError("every worker is busy")
        told = (await one.post("chat", headers, question(), 503))["error"]
        assert (told["code"], told["action"]) == ("unavailable", "retry")
        one.assistant.error = None
        assert (await ask(one, headers, question()))[-1][0] == "done"


async def test_while_an_id_is_answered_it_is_not_asked_again(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        one.assistant.pause.clear()
        async with asking(one, headers, question()) as answer:
            await answer.content.readuntil(b"\n\n")
            told = (await one.post("chat", headers, question(), 409))["error"]
            assert (told["code"], told["retry_after"]) == ("running", 2)


async def test_so_many_at_once(tmp_path: Path) -> None:
    base = settings(tmp_path, limits=Limits(answers_at_once=1, answers_in_all=2))
    async with served(tmp_path, base=base) as one:
        people = [await one.login(user, f"{user:022}") for user in (1, 2, 3)]
        one.assistant.pause.clear()
        async with asking(one, people[0], question()) as answer:
            await answer.content.readuntil(b"\n\n")
            told = (await one.post("chat", people[0], question(name="b" * 22), 429))["error"]
            assert (told["code"], told["action"]) == ("busy", "wait")
            async with asking(one, people[1], question()) as other:
                await other.content.readuntil(b"\n\n")
                await one.post("chat", people[2], question(), 429)
        await soon(lambda: one.places.running == 0)
        one.assistant.pause.set()
        await ask(one, people[2], question())


async def test_running_out_of_money(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        for at in range(3):
            await ask(one, headers, question(name=f"{at:022}"))
        told = (await one.post("chat", headers, question(), 402))["error"]
        assert (told["code"], told["action"]) == ("insufficient_funds", "topup")
        assert told["missing_nano"] == 200
        await one.give(42, 200)
        await ask(one, headers, question())
        assert (await one.get("me", headers))["balance_nano"] == 0
        overview = await one.accounts.overview()
        assert [(code, count) for _, code, count in overview.failures] == [
            ("app_insufficient_funds", 1)
        ]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UnknownModelError("nobody serves it"), 404, "model_not_found"),
        (UnsupportedError("it cannot look at pictures"), 400, "unsupported"),
        (PriceError("only dearer workers"), 402, "price_too_high"),
        (InsufficientFundsError("too little"), 402, "insufficient_funds"),
        (RuntimeError("what I wrote"), 500, "internal"),
    ],
)
async def test_failures_before_the_answer(
    tmp_path: Path, error: Exception, status: int, code: str
) -> None:
    async with served(tmp_path) as one:
        one.assistant.error = error
        with capture_logs() as logs:
            told = await one.post("chat", await one.login(), question("my prompt"), status)
        assert told["error"]["code"] == code
        assert "what I wrote" not in json.dumps([told, logs])
        assert "my prompt" not in json.dumps([told, logs])


async def test_a_failure_within_the_answer_is_its_last_event(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        one.assistant.error = UpstreamError("the answer broke off")
        one.assistant.error_after = 1
        events = await ask(one, await one.login(), question())
        assert [name for name, _ in events] == ["delta", "error"]
        assert events[-1][1] == {
            "code": "unavailable",
            "message": "the answer broke off",
            "action": "retry",
            "retry_after": None,
            "missing_nano": None,
        }
        assert one.places.running == 0


async def test_a_late_head_and_comments_while_nothing_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocoon.telegram.web.chat.HEAD_SECONDS", 0.01)
    monkeypatch.setattr("cocoon.telegram.web.chat.BEAT_SECONDS", 0.01)
    async with served(tmp_path) as one:
        headers = await one.login()
        one.assistant.pause.clear()
        one.assistant.pause_at = 0
        async with asking(one, headers, question()) as answer:
            for _ in range(3):
                assert await answer.content.readuntil(b"\n\n") == b": \n\n"
            one.assistant.pause.set()
            rest = events_of((await answer.content.read()).decode())
            assert [name for name, _ in rest] == ["delta", "delta", "done"]


async def test_an_error_after_the_late_head_is_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocoon.telegram.web.chat.HEAD_SECONDS", 0.01)
    async with served(tmp_path) as one:
        headers = await one.login()
        one.assistant.pause.clear()
        one.assistant.pause_at = 0
        one.assistant.error, one.assistant.error_after = PriceError("dear"), 1
        async with asking(one, headers, question()) as answer:
            await answer.content.readuntil(b"\n\n")
            one.assistant.pause.set()
            rest = events_of((await answer.content.read()).decode())
            assert [name for name, _ in rest] == ["delta", "error"]


async def test_an_answer_that_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocoon.telegram.web.chat.DEADLINE_GRACE", -599.9)
    async with served(tmp_path) as one:
        one.assistant.pause.clear()
        events = await ask(one, await one.login(), question())
        assert [name for name, _ in events] == ["delta", "error"]
        assert events[-1][1]["code"] == "timeout"
        assert one.assistant.stopped.is_set()


async def test_a_shutdown_says_so(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        one.assistant.pause.clear()
        async with asking(one, headers, question()) as answer:
            await answer.content.readuntil(b"\n\n")
            stopping = asyncio.create_task(one.server.stop())
            rest = events_of((await answer.content.read()).decode())
            assert [(name, data["code"]) for name, data in rest] == [("error", "unavailable")]
            await stopping
        assert one.assistant.stopped.is_set()


NO_QUESTIONS: list[Any] = [
    {},
    [],
    {"id": ID},
    {"id": "short", "messages": [{"role": "user", "content": "x"}]},
    {"id": "a" * 65, "messages": [{"role": "user", "content": "x"}]},
    {"id": "a:" * 11, "messages": [{"role": "user", "content": "x"}]},
    {"id": ID, "messages": []},
    {"id": ID, "messages": [{"role": "system", "content": "x"}]},
    {"id": ID, "messages": [{"role": "assistant", "content": "x"}]},
    {"id": ID, "messages": [{"role": "user", "content": ""}]},
    {"id": ID, "messages": [{"role": "user", "content": None}]},
    {"id": ID, "messages": [{"role": "user", "content": "x", "name": "y"}]},
    question(user=43),
    question(model="m" * 201),
    question(price_class="gold"),
    question(max_tokens=0),
    question(max_tokens="1"),
    {"id": ID, "messages": [{"role": "user", "content": "x", "images": ["http://a/b.png"]}]},
    {"id": ID, "messages": [{"role": "user", "content": "x", "images": [PNG[:-4] + "é==="]}]},
    {
        "id": ID,
        "messages": [{"role": "user", "content": "x", "images": [PNG.replace("png", "svg+xml")]}],
    },
    {
        "id": ID,
        "messages": [{"role": "user", "content": "x", "images": [PNG.replace("png", "gif")]}],
    },
    {
        "id": ID,
        "messages": [
            {"role": "assistant", "content": "x", "images": [PNG]},
            {"role": "user", "content": "x"},
        ],
    },
]


async def test_questions_that_are_none(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        for body in NO_QUESTIONS:
            told = await one.post("chat", headers, body, 400)
            assert told["error"]["code"] == "invalid", body
        assert not one.assistant.questions
        assert one.places.running == 0


TOO_LARGE = [
    question("x" * 32_001),
    question(system="x" * 32_001),
    {"id": ID, "messages": [{"role": "user", "content": "x"}] * 201},
    {"id": ID, "messages": [{"role": "user", "content": "x", "images": [PNG] * 4}]},
    {
        "id": ID,
        "messages": [{"role": "user", "content": "", "images": [PNG + "A" * 3 * 2**20]}],
    },
    question("x" * 8_000_000),
]


async def test_questions_that_are_too_large(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        for body in TOO_LARGE:
            told = await one.post("chat", headers, body, 413)
            assert told["error"]["code"] == "too_large"
        assert not one.assistant.questions


async def test_pictures_go_with_their_message(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        body = {"id": ID, "messages": [{"role": "user", "content": "", "images": [PNG, PNG]}]}
        await ask(one, await one.login(), body)
        assert one.assistant.questions[0].turns[0].images == (PNG, PNG)


async def test_max_tokens_is_never_above_the_services(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        await ask(one, headers, question(max_tokens=10**9))
        await ask(one, headers, question(name="b" * 22, max_tokens=5))
        assert [asked.max_tokens for asked in one.assistant.questions] == [1024, 5]


async def test_memory_for_questions_is_given_back(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        free = one.places._free
        await ask(one, headers, question("x" * 30_000))
        await one.post("chat", headers, question(price_class="gold"), 400)
        one.places.hold(free - 1000)
        told = (await one.post("chat", headers, question("x" * 30_000, "b" * 22), 429))["error"]
        assert told["code"] == "busy"
        one.places.hold(1000 - free)
        assert one.places._free == free


async def test_a_caller_that_leaves_while_sending(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        _, writer = await asyncio.open_connection("127.0.0.1", one.server.port)
        head = "POST /app/api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n"
        writer.write(f"{head}authorization: {headers['authorization']}\r\n\r\n{{".encode())
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        await soon(lambda: one.journal.counts["caller_gone"] == 1)
        assert not one.assistant.questions


async def test_callers_that_leave_at_any_moment_leave_nothing_behind(tmp_path: Path) -> None:
    base = settings(tmp_path, limits=Limits(answers_at_once=100, api_calls_per_minute=1000))
    async with served(tmp_path, base=base) as one:
        headers = await one.login()
        await one.give(42, 100 * int(COST))
        free, url = one.places._free, f"{one.url}/app/api/chat"
        one.assistant.pieces = ["x"] * 5
        one.assistant.pause_at = 3

        async def leave(at: int) -> None:
            body = question(name=f"{at:022}")
            async with aiohttp.ClientSession() as http:
                try:
                    async with asyncio.timeout(at / 400):
                        async with http.post(url, headers=headers, json=body) as answer:
                            await answer.read()
                except TimeoutError:
                    return

        one.assistant.pause.clear()
        leaving = asyncio.gather(*(leave(at) for at in range(60)))
        await asyncio.sleep(0.1)
        one.assistant.pause.set()
        await leaving
        await soon(lambda: one.places.running == 0)
        assert one.places._free == free
        async with asyncio.timeout(5):
            while (await one.get("me", headers))["held_nano"]:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        entries = await one.accounts.ledger(42)
        charged = [entry.reference for entry in entries if entry.kind == "charge"]
        assert len(charged) == len(set(charged))
        assert set(one.assistant.kept) <= set(charged)
        assert (await one.accounts.overview()).holds == 0
        assert one.journal.counts["internal"] == 0


def test_the_server_needs_no_bot_library() -> None:
    code = (
        "import sys, cocoon.telegram.web.app, cocoon.telegram.auth.login\n"
        "assert 'aiogram' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
