"""The Mini App's API over a real server: who gets in, and what they are told."""

import asyncio
import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cocoon.accounting import Nano
from cocoon.errors import StoreError, UnavailableError
from cocoon.telegram.assistant.values import Question
from cocoon.telegram.settings import Limits
from cocoon.testing.served_mini_app import NONCE, Served, facts_of, served, settings
from cocoon.testing.signed_init_data import init_data, signed

pytestmark = pytest.mark.anyio

ID = "a" * 22


async def session(one: Served, init: str, nonce: str = NONCE, status: int = 401) -> dict[str, Any]:
    body = {"init_data": init, "nonce": nonce}
    told = await one.post("session", {}, body, status)
    assert isinstance(told, dict)
    return told


async def test_logging_in_and_asking_who_i_am(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        raw = init_data(int(time.time()), start_param="pay")
        told = await session(one, raw, status=200)
        assert told["user"] == {"id": 42, "first_name": "Ann", "language": "en"}
        assert told["start_param"] == "pay"
        assert told["expires"] > time.time()
        me = await one.get("me", {"authorization": f"Bearer {told['token']}"})
        assert (me["balance_nano"], me["free_left_nano"], me["free_daily_nano"]) == (0, 1000, 1000)
        assert (me["ton"], me["stars"], me["languages"]) == (True, True, ["en", "ru"])
        assert me["language"] == "en"
        assert me["limits"]["images"] == 3
        assert me["notes"] == []


async def test_initdata_that_is_refused_and_what_is_logged(tmp_path: Path) -> None:
    now = int(time.time())
    user = {"user": '{"id":42,"first_name":"Ann"}', "auth_date": str(now)}
    refused = {
        "forged": init_data(now).replace("Ann", "Bob"),
        "foreign": signed(user, token="1:other"),
        "not telegrams": signed(user, key=None),
        "other bot": signed(user, bot_id=7),
        "aged": init_data(now - 4000),
        "future": init_data(now + 4000),
        "empty": "",
        "large": "user=" + "x" * 9000,
    }
    async with served(tmp_path) as one:
        with capture_logs() as logs:
            codes = {
                name: (await session(one, raw))["error"]["code"] for name, raw in refused.items()
            }
        assert codes.pop("aged") == "init_data_expired"
        assert set(codes.values()) == {"init_data_refused"}
        assert len(logs) == len(refused)
        assert {line["reason"] for line in logs} == {"forged", "aged", "future", "malformed"}
        text = json.dumps(logs)
        assert not any(word in text for word in ("Ann", "Bob", "hash", "auth_date", NONCE))
        assert one.journal.counts["init_data_refused"] == 7


async def test_initdata_is_for_one_device(tmp_path: Path) -> None:
    raw = init_data(int(time.time()))
    async with served(tmp_path) as one:
        await session(one, raw, status=200)
        await session(one, raw, status=200)
        told = await session(one, raw, "m" * 22)
        assert told["error"]["code"] == "init_data_refused"
        assert told["error"]["action"] == "reopen"


async def test_sessions_that_are_none(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        good = (await one.login())["authorization"]
        for bad in ("", "Bearer", "Bearer ", "Basic YTpi", good[:-4], good + "A", "Bearer ä"):
            headers = {"authorization": bad} if bad else {}
            told = await one.get("me", headers, 401)
            assert told["error"]["code"] == "login_required"
            assert told["error"]["action"] == "login"
        assert (await one.get("me", {"authorization": good.lower()[:7] + good[7:]}))["notes"] == []


async def test_a_session_ends(tmp_path: Path) -> None:
    base = settings(tmp_path, session_seconds=-1.0)
    async with served(tmp_path, base=base) as one:
        told = await one.get("me", await one.login(), 401)
        assert told["error"]["code"] == "login_expired"


async def test_sessions_outlive_a_restart(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
    async with served(tmp_path) as one:
        await one.get("me", headers)


CALLS = [
    ("GET", "me"),
    ("GET", "models"),
    ("POST", "chat"),
    ("GET", f"answers/{ID}"),
    ("GET", "trust"),
    ("GET", "usage"),
    ("GET", "ledger"),
    ("GET", "topups"),
    ("POST", "topups"),
    ("GET", "topups/abc"),
    ("POST", "topups/abc/refund"),
    ("DELETE", "me/data"),
]


async def test_every_call_needs_a_session(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        for method, path in CALLS:
            told = await one.call(method, path, {}, None, 401)
            assert told["error"]["code"] == "login_required", path


async def test_models(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        told = await one.get("models", await one.login())
        assert told == {
            "models": [
                {
                    "name": "small",
                    "title": "Small",
                    "inputs": ["image", "text"],
                    "context": 4096,
                    "price_nano_per_million": 50_000,
                    "price_classes": ["standard", "any"],
                    "workers": 2,
                    "free_workers": 1,
                    "evidence": ["simulated_tdx"],
                    "simulated": True,
                    "default": True,
                }
            ]
        }


async def test_trust_says_what_was_not_checked(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        told = await one.get("trust", headers)
        assert (told["verified"], told["server_reads"], told["sealed"]) == (True, True, False)
        assert "simulated_hardware" in told["not_checked"]
        assert "server_reads" in told["not_checked"]
        assert "lax_settings" not in told["not_checked"]
        one.assistant.verified = None
        told = await one.get("trust", headers)
        assert (told["verified"], told["verification"]) == (False, None)
        assert "gateway" in told["not_checked"]


async def test_trust_names_no_paths_of_the_machine(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        assert one.assistant.verified is not None
        one.assistant.verified["notes"] = ["trusted on SIMULATED evidence (root of /srv/tee)"]
        told = await one.get("trust", await one.login())
        assert "/srv/tee" not in json.dumps(told)
        assert "lax_settings" in told["not_checked"]


async def test_facts_are_only_for_who_asked(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        mine, others = await one.login(42), await one.login(43, "o" * 22)
        question = Question(user=42, reference=f"app:42:{ID}", chat="app:42", turns=())
        one.assistant.kept[question.reference] = facts_of(question, "stop", 5)
        told = await one.get(f"answers/{ID}", mine)
        assert (told["id"], told["charged_nano"]) == (ID, 5)
        assert told["notes"] == [
            "server_reads",
            "worker_by_proxy",
            "no_receipts",
            "simulated_hardware",
        ]
        assert (await one.get(f"answers/{ID}", others, 404))["error"]["code"] == "not_found"
        assert (await one.get("answers/short", mine, 400))["error"]["code"] == "invalid"
        assert (await one.get("answers/42:" + ID, others, 400))["error"]["code"] == "invalid"


async def test_usage_has_every_day(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        await one.give(42, 500)
        await one.accounts.hold(42, "x:1", Nano(1200))
        await one.accounts.settle("x:1", Nano(1100), {})
        days = (await one.get("usage?days=3", headers))["days"]
        assert len(days) == 3
        assert days[-1]["day"] == time.strftime("%Y-%m-%d", time.gmtime())
        assert (days[-1]["answers"], days[-1]["free_nano"], days[-1]["paid_nano"]) == (1, 1000, 100)
        assert days[0]["answers"] == 0
        for bad in ("0", "367", "-1", "x", "", "٣", "9" * 100):
            told = await one.get(f"usage?days={bad}", headers, 200 if bad == "" else 400)
            assert bad == "" or told["error"]["code"] == "invalid"
        assert len((await one.get("usage", headers))["days"]) == 30


async def test_ledger_as_a_file(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        for at in range(3):
            await one.give(42, 100, f"gift-{at}")
        await one.give(43, 9, "others")
        url = f"{one.url}/app/api/ledger"
        async with one.http.get(url, headers=headers) as answer:
            assert answer.headers["content-disposition"].startswith("attachment")
            rows = list(csv.DictReader(io.StringIO(await answer.text())))
        assert [row["amount_nano"] for row in rows] == ["100"] * 3
        async with one.http.get(f"{url}?format=json", headers=headers) as answer:
            lines = [json.loads(line) for line in (await answer.text()).splitlines()]
        assert [line["reference"] for line in lines] == ["gift-0", "gift-1", "gift-2"]
        assert (await one.get("ledger?format=xml", headers, 400))["error"]["code"] == "invalid"


async def test_an_empty_ledger_has_a_head(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        url = f"{one.url}/app/api/ledger"
        async with one.http.get(url, headers=await one.login()) as answer:
            assert (await answer.text()).startswith("id,at,kind")


async def test_topping_up_with_ton(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        body = {"method": "ton", "nano": 2 * 10**9}
        told = await one.post("topups", headers, body)
        assert told["state"] == "open"
        assert told["ton"]["comment"] == f"cocoon:{told['id']}"
        assert told["ton"]["amount"] == "2000000000"
        again = await one.get(f"topups/{told['id']}", headers)
        assert (again["state"], again["ton"], again["refundable"]) == ("open", None, False)
        listed = (await one.get("topups", headers))["topups"]
        assert [row["id"] for row in listed] == [told["id"]]


async def test_topping_up_with_stars_and_giving_back(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers, others = await one.login(), await one.login(43, "o" * 22)
        told = await one.post("topups", headers, {"method": "stars", "stars": 50})
        assert (told["nano"], told["stars"]) == (5000, 50)
        assert told["invoice_link"].endswith("-en")
        name = told["id"]
        refund = f"topups/{name}/refund"
        assert (await one.post(refund, headers, None, 409))["error"]["code"] == "not_refundable"
        await one.accounts.stars_paid(42, name, "charge-1", 50, Nano(5000))
        paid = await one.get(f"topups/{name}", headers)
        assert (paid["state"], paid["refundable"]) == ("paid", True)
        assert (await one.get(f"topups/{name}", others, 404))["error"]["code"] == "not_found"
        await one.post(refund, others, None, 404)
        await one.accounts.hold(42, "x:1", Nano(1001))
        await one.post(refund, headers, None, 409)
        await one.accounts.release("x:1")
        assert (await one.post(refund, headers, None))["state"] == "refunded"
        assert (await one.get("me", headers))["balance_nano"] == 0
        await one.post(refund, headers, None, 409)
        assert one.desk.refunded == [name]


NO_TOPUPS: list[Any] = [
    {},
    [],
    None,
    {"method": "cash"},
    {"method": "ton"},
    {"method": "ton", "nano": 1},
    {"method": "ton", "nano": 10**13},
    {"method": "ton", "nano": 10**9, "stars": 1},
    {"method": "ton", "nano": 1e9},
    {"method": "ton", "nano": "1000000000"},
    {"method": "stars"},
    {"method": "stars", "stars": -1},
    {"method": "stars", "stars": 10**6},
    {"method": "stars", "stars": 50, "nano": 1},
    {"method": "stars", "stars": 50, "extra": 1},
]


async def test_topups_that_are_none(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        for body in NO_TOPUPS:
            told = await one.post("topups", headers, body, 400)
            assert told["error"]["code"] == "invalid", body
        assert await one.accounts.topups(42) == []


async def test_where_nothing_is_sold(tmp_path: Path) -> None:
    async with served(tmp_path, topups=None) as one:
        headers = await one.login()
        me = await one.get("me", headers)
        assert (me["ton"], me["stars"]) == (False, False)
        await one.post("topups", headers, {"method": "ton", "nano": 10**9}, 400)


async def test_blocked_users_keep_their_ledger_and_their_money_back(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        await one.accounts.block(42, True)
        assert (await one.get("me", headers))["notes"] == ["blocked"]
        told = await one.post("topups", headers, {"method": "ton", "nano": 10**9}, 403)
        assert told["error"]["code"] == "blocked"
        body = {"id": ID, "messages": [{"role": "user", "content": "hi"}]}
        assert (await one.post("chat", headers, body, 403))["error"]["code"] == "blocked"
        async with one.http.get(f"{one.url}/app/api/ledger", headers=headers) as answer:
            assert answer.status == 200


async def test_forget_me(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        assert await one.call("DELETE", "me/data", await one.login(), None, 200) == {}
        assert one.forgotten == [42]


async def test_too_many_calls(tmp_path: Path) -> None:
    base = settings(tmp_path, limits=Limits(api_calls_per_minute=3))
    async with served(tmp_path, base=base) as one:
        headers = await one.login()
        await one.get("me", headers)
        await one.get("me", headers)
        told = (await one.get("me", headers, 429))["error"]
        assert (told["code"], told["action"]) == ("rate_limited", "wait")
        assert 1 <= told["retry_after"] <= 20
        await one.login(43, "o" * 22)  # others are not touched
        body = {"init_data": init_data(int(time.time())), "nonce": NONCE}
        await one.post("session", {}, body, 429)


async def test_bodies_that_are_too_large_or_no_json(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()
        url = f"{one.url}/app/api/topups"
        for data, code in (
            (b"x" * 17_000, "too_large"),
            (b"", "invalid"),
            (b"\xff", "invalid"),
            (b"[" * 9000, "invalid"),
            (b'{"method":"\\ud800"}', "invalid"),
        ):
            async with one.http.post(url, data=data, headers=headers) as answer:
                assert (await answer.json())["error"]["code"] == code, data[:10]


async def test_paths_and_methods_that_are_none(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        assert (await one.get("nothing", {}, 404))["error"]["code"] == "not_found"
        assert (await one.get("topups/a/b/c", {}, 404))["error"]["code"] == "not_found"
        async with one.http.get(f"{one.url}/elsewhere") as answer:
            assert answer.status == 404
            assert (await answer.json())["error"]["code"] == "not_found"
        async with one.http.put(f"{one.url}/app/api/me") as answer:
            assert answer.status in (404, 405)


async def test_other_origins_are_told_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        headers = {"origin": "https://evil.example", **await one.login()}
        async with one.http.get(f"{one.url}/app/api/me", headers=headers) as answer:
            assert "access-control-allow-origin" not in answer.headers
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        async with one.http.options(f"{one.url}/app/api/me", headers=headers) as answer:
            assert answer.status in (404, 405)
            assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UnavailableError("no proxy is connected"), 502, "unavailable"),
        (StoreError("disk full at /secret/path"), 503, "unavailable"),
        (RuntimeError("prompt: what I wrote"), 500, "internal"),
    ],
)
async def test_failures_say_no_more_than_they_should(
    tmp_path: Path, error: Exception, status: int, code: str
) -> None:
    async with served(tmp_path) as one:
        headers = await one.login()

        async def fail() -> None:
            raise error

        one.assistant.verification = fail  # type: ignore[assignment]
        with capture_logs() as logs:
            told = (await one.get("trust", headers, status))["error"]
        assert told["code"] == code
        assert "secret" not in told["message"]
        assert "prompt" not in told["message"]
        assert "what I wrote" not in json.dumps(logs)
        assert logs[0]["code"] == code


async def test_the_log_is_not_flooded(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        with capture_logs() as logs:
            for _ in range(100):
                await one.get("me", {}, 401)
        assert len(logs) == 60
        assert one.journal.counts["login_required"] == 100


async def test_a_body_that_never_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocoon.telegram.web.calls.BODY_SECONDS", 0.05)
    async with served(tmp_path) as one:
        headers = await one.login()
        reader, writer = await asyncio.open_connection("127.0.0.1", one.server.port)
        head = "POST /app/api/topups HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n"
        writer.write(f"{head}authorization: {headers['authorization']}\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n")
        assert b" 408 " in answer
        writer.close()


async def test_secrets_do_not_show_in_reprs(tmp_path: Path) -> None:
    from cocoon.telegram.web.shapes import ChatRequest, Message, SessionRequest

    for shape in (
        SessionRequest(init_data="hidden", nonce="hidden"),
        ChatRequest(id="hidden", messages=(Message(role="user", content="hidden"),)),
    ):
        assert "hidden" not in repr(shape)
