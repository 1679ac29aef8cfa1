"""The operators' page: for the token's holder, on this machine, without names or content."""

import base64
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from cocoon.accounting import Nano
from cocoon.telegram.web.operator_page import page
from cocoon.testing.served_mini_app import OPERATOR, Served, served, settings

pytestmark = pytest.mark.anyio


def basic(password: str, name: str = "operator") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


async def fill(one: Served) -> None:
    await one.accounts.account(42, "en")
    await one.give(42, 5 * 10**9)
    await one.accounts.hold(42, "chat:1:1", Nano(3 * 10**9))
    await one.accounts.settle("chat:1:1", Nano(2 * 10**9), {"model": "small"})
    await one.accounts.count_failure("unavailable")


async def test_the_page(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        await fill(one)
        async with one.http.get(f"{one.url}/operator", headers=basic(OPERATOR)) as answer:
            html = await answer.text()
            policy = answer.headers["content-security-policy"]
        assert answer.status == 200
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "script" not in policy
        assert "<script" not in html
        assert "http" not in html.replace("http-equiv", "")
        assert "unavailable" in html
        assert ">42<" in html
        assert "<svg" in html


async def test_the_data(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        await fill(one)
        headers = {"authorization": f"Bearer {OPERATOR}"}
        async with one.http.get(f"{one.url}/operator/data", headers=headers) as answer:
            told = await answer.json()
        assert told["service"]["mode"] == "webhook"
        assert told["totals"]["users"] == 1
        assert told["totals"]["balances_nano"] == 3 * 10**9 + 1000
        assert told["days"][-1]["answers"] == 1
        assert len(told["days"]) == 30
        assert told["failures"][0]["code"] == "unavailable"
        assert told["users"][0]["user"] == 42
        assert told["next"] is None


WRONG: list[dict[str, str]] = [
    {},
    {"authorization": ""},
    {"authorization": "Bearer"},
    {"authorization": "Bearer wrong"},
    {"authorization": "Basic %%%"},
    {"authorization": "Basic " + base64.b64encode(OPERATOR.encode()).decode()},
    {"authorization": f"Digest {OPERATOR}"},
    basic("wrong"),
    basic(""),
    basic("x" * 5000),
]


async def test_nobody_else_gets_in(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        for path, headers in product(("/operator", "/operator/data"), WRONG):
            async with one.http.get(one.url + path, headers=headers) as answer:
                assert answer.status == 401
                assert answer.headers["www-authenticate"].startswith("Basic")
                assert "users" not in await answer.json()


async def test_web_pages_and_rebound_names_are_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        for extra in ({"origin": "https://evil.example"}, {"host": "evil.example"}):
            headers = {**basic(OPERATOR), **extra}
            async with one.http.get(f"{one.url}/operator", headers=headers) as answer:
                assert answer.status == 403


async def test_without_a_token_there_is_no_page(tmp_path: Path) -> None:
    base = settings(tmp_path)
    base = replace(base, app=replace(base.app, operator_token=""))
    async with served(tmp_path, base=base) as one:
        for headers in ({}, basic("")):
            async with one.http.get(f"{one.url}/operator", headers=headers) as answer:
                assert answer.status == 404


async def test_many_users_come_page_by_page(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        for user in range(1, 103):
            await one.accounts.account(user)
        headers = basic(OPERATOR)
        async with one.http.get(f"{one.url}/operator/data", headers=headers) as answer:
            first = await answer.json()
        assert (len(first["users"]), first["next"]) == (100, 100)
        after = f"{one.url}/operator/data?after={first['next']}"
        async with one.http.get(after, headers=headers) as answer:
            assert [row["user"] for row in (await answer.json())["users"]] == [101, 102]
        for bad in ("-1", "x", "1" * 20):
            url = f"{one.url}/operator?after={bad}"
            async with one.http.get(url, headers=headers) as answer:
                assert answer.status == 400


def test_codes_are_escaped() -> None:
    day = {"day": "2026-11-22", "answers": 0, "free_nano": 0, "paid_nano": 0, "topped_up_nano": 0}
    html = page(
        {
            "service": {"<b>": "</td><script>"},
            "totals": {},
            "days": [day],
            "topups": {"<i>": 1},
            "failures": [{"day": "2026-11-22", "code": "<u>", "count": 1}],
            "since_start": {"<s>": 1},
            "users": [],
            "next": None,
        }
    )
    assert not any(tag in html for tag in ("<b>", "<script", "<i>", "<u>", "<s>"))
