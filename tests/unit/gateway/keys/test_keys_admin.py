"""The admin API over HTTP, and what other keys may not do."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from cocoon.gateway import ExtraReply, ExtraRoute, Gateway
from cocoon.gateway.keys import KeyGate, KeysSettings
from cocoon.gateway.keys.admin import AdminApi
from cocoon.testing.scripted_client import ScriptedClient, ScriptedResponse

pytestmark = pytest.mark.anyio
CHAT = json.dumps({"model": "demo", "messages": [{"role": "user", "content": "secret words"}]})


class Api:
    def __init__(self, call: Any, app: Gateway, key: bytes) -> None:
        self.call, self.app, self.key = call, app, key.decode()

    async def __call__(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, query: str = ""
    ) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key or self.key}"}
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
        data = data.encode() if isinstance(data, str) else data
        answer = await self.call(self.app, method, path, data, headers, query=query.encode())
        text = answer.body.decode()
        return answer.status, json.loads(text) if text.startswith("{") else text


@pytest.fixture
async def api(store: str, make: Callable[..., Any], call: Any) -> Any:
    _, key = make(scopes=("admin", "inference"), name="root")
    gate = KeyGate(KeysSettings(store=store))
    await gate.start()

    async def page(_: Any) -> ExtraReply:
        return ExtraReply(b"{}")

    client = ScriptedClient(lambda _: ScriptedResponse([b'{"id":"c","choices":[]}']))
    routes = {**AdminApi(gate).routes(), "/jsonstats": ExtraRoute(page)}
    yield Api(call, Gateway(client, gate=gate, extra_routes=routes), key)
    await gate.close()


async def test_life_of_a_key(api: Api) -> None:
    status, made = await api(
        "POST",
        "/v1/admin/keys",
        {"name": "team", "models": ["demo*"], "limits": {"day_nanoton": 10**9}},
    )
    assert status == 200
    assert made["key"].startswith(f"sk-cocoon-{made['id']}-")
    await asyncio.sleep(1.2)
    path = f"/v1/admin/keys/{made['id']}"
    assert (await api("POST", "/v1/chat/completions", CHAT.encode(), key=made["key"]))[0] == 200
    await asyncio.sleep(0.4)
    status, own = await api("GET", "/v1/usage", key=made["key"])
    assert status == 200
    assert own["budgets"][0]["cap_nanoton"] == 10**9
    assert own["budgets"][0]["spent_nanoton"] == 1900
    assert own["today"][0]["requests"] == 1
    status, shown = await api("GET", path)
    assert (status, shown["state"], "key" in shown) == (200, "active", False)
    assert shown["budgets"][2]["spent_nanoton"] == 1900
    status, page = await api("GET", "/v1/admin/usage", query="by=key,model")
    assert [row["cost_nanoton"] for row in page["data"]] == [1900]
    status, page = await api("GET", "/v1/admin/usage/export", query=f"key={made['id']}")
    assert page["data"][0]["cost_nanoton"] == 1900
    assert "secret words" not in json.dumps(page)
    status, text = await api("GET", "/v1/admin/usage/export", query="format=csv")
    assert [row["key_id"] for row in csv.DictReader(io.StringIO(text))] == [made["id"]]
    for way in ("", "/rotate", "/revoke"):  # must not be taken for a POST
        await api("HEAD", path + way)
    status, rotated = await api("POST", f"{path}/rotate", {"overlap_seconds": 0})
    assert rotated["key"] != made["key"]
    status, changed = await api("POST", path, {"notes": "n", "expires_at": None})
    assert (status, changed["notes"]) == (200, "n")
    assert (await api("POST", f"{path}/revoke"))[1]["state"] == "revoked"
    assert (await api("POST", path, {"notes": "m"}))[0] == 409
    await asyncio.sleep(1.2)
    assert (await api("GET", "/v1/usage", key=rotated["key"]))[1]["error"]["code"] == (
        "api_key_revoked"
    )


async def test_other_keys_may_not(api: Api) -> None:
    _, made = await api("POST", "/v1/admin/keys", {"name": "user", "scopes": ["chat"]})
    await asyncio.sleep(1.2)
    for path in (
        *("/v1/admin/keys", "/v1/admin/keys/x", "/v1/admin/usage", "/v1/admin/usage/export"),
        *("/jsonstats", "/metrics"),
    ):
        status, answer = await api("GET", path, key=made["key"])
        assert (status, answer["error"]["code"]) == (403, "admin_needed"), path
        assert (await api("GET", path))[0] in (200, 404)
    assert (await api("GET", "/v1/usage", key=made["key"]))[0] == 403
    assert (await api("GET", "/v1/models", key=made["key"]))[0] == 200


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b'{"name":"\xff"}', None),
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\u0000"}, "name"),
        ({"name": "a", "scopes": ["all"]}, "scopes"),
        ({"name": "a", "scopes": []}, "scopes"),
        ({"name": "a", "models": [1]}, "models"),
        ({"name": "a", "limits": {"day_nanoton": -1}}, "limits"),
        ({"name": "a", "limits": {"day": 1}}, "limits"),
        ({"name": "a", "limits": {"day_nanoton": 2**63}}, "limits"),
        ({"name": "a", "expires_at": -5}, "expires_at"),
        ({"name": "a", "secret": "x"}, None),
    ],
)
async def test_bad_bodies(api: Api, body: Any, param: str | None) -> None:
    status, answer = await api("POST", "/v1/admin/keys", body)
    assert (status, answer["error"]["param"]) == (400, param)


async def test_paging_and_bad_queries(api: Api) -> None:
    for number in range(3):
        await api("POST", "/v1/admin/keys", {"name": f"n{number}"})
    seen, cursor = [], ""
    while True:
        _, page = await api("GET", "/v1/admin/keys", query=f"limit=3{cursor}")
        seen += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(set(seen)) == len(seen) == 4
    for path, query in (
        ("keys", "limit=0"),
        ("keys", "limit=x"),
        ("keys", "cursor=%00"),
        ("usage", "by=user"),
        ("usage", "from=yesterday"),
        ("usage", "key=%00"),
        ("usage/export", "format=xml"),
        ("usage/export", "since=-1"),
        ("usage/export", "cursor=99999999999999999999"),
    ):
        assert (await api("GET", f"/v1/admin/{path}", query=query))[0] == 400, query
