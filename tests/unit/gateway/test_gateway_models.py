"""Models that a key may see, in both forms; quotes of what it may not ask for."""

import json
from typing import Any

import pytest

from cocoon.client.api import ModelInfo, Outcome, WorkerInfo
from cocoon.gateway import Gateway
from cocoon.gateway.gate import Caller, Demand
from cocoon.gateway.keys.scopes import allows_model
from cocoon.gateway.refusal import Refusal
from cocoon.testing.scripted_client import ScriptedClient, ScriptedResponse

pytestmark = pytest.mark.anyio

VERSION = {"anthropic-version": "2023-06-01"}
NAMES = ["a/one", "a/two", "b/one", "b/two"]


class ModelGate:
    """A key for some models, which counts what it admits."""

    headers = ((b"x-ratelimit-limit-requests", b"7"),)

    def __init__(self, *globs: str) -> None:
        self.globs = globs
        self.admitted: list[Demand] = []
        self.settled: list[int] = []

    async def identify(self, credential: bytes | None) -> Caller:
        return Caller("key-1")

    async def admit(self, caller: Caller, demand: Demand) -> "ModelGate":
        self.check(caller, demand.endpoint, demand.model)
        self.admitted.append(demand)
        return self

    def check(self, caller: Caller, endpoint: str, model: str) -> None:
        if endpoint == "/v1/completions":
            raise Refusal("no", status=403, code="endpoint_not_allowed")
        if not self.allows_model(caller, model):
            raise Refusal("no", status=403, code="model_not_allowed", param="model")

    def allows_model(self, caller: Caller, model: str) -> bool:
        return allows_model(self.globs, model)

    def extend(self, most: object) -> bool:
        return True

    def settle(self, outcome: Outcome, status: int) -> None:
        self.settled.append(status)


def gateway(*globs: str, full: str = "") -> tuple[Gateway, ModelGate]:
    worker = WorkerInfo(1000, 0, 1, model=full, context_length=4096)
    models = [ModelInfo(name, (worker,)) for name in NAMES]
    gate = ModelGate(*globs)
    client = ScriptedClient(lambda _: ScriptedResponse([b"{}"]), models=models)
    return Gateway(client, gate=gate), gate


async def ids(call: Any, app: Gateway, **options: Any) -> list[str]:
    answer = await call(app, "GET", "/v1/models", **options)
    assert answer.status == 200, answer.body
    return [model["id"] for model in json.loads(answer.body)["data"]]


@pytest.mark.parametrize("headers", [{}, VERSION], ids=["openai", "anthropic"])
async def test_a_key_sees_its_models(call: Any, headers: dict[str, str]) -> None:
    assert await ids(call, gateway()[0], headers=headers) == NAMES
    app, _ = gateway("a/*", "b/two")
    assert await ids(call, app, headers=headers) == ["a/one", "a/two", "b/two"]
    assert await ids(call, gateway("nothing")[0], headers=headers) == []
    # A key for one exact model sees it, although lists have base names.
    assert await ids(call, gateway("x@c:h", full="x@c:h")[0], headers=headers) == NAMES
    found = await call(app, "GET", "/v1/models/a/one", headers=headers)
    assert json.loads(found.body)["id"] == "a/one"
    for name in ("b/one", "c/one"):
        missing = await call(app, "GET", f"/v1/models/{name}", headers=headers)
        assert missing.status == 404
        assert "no proxy knows" in missing.body.decode()


async def test_pages_in_anthropics_form(call: Any) -> None:
    app, _ = gateway()

    async def page(query: bytes) -> dict[str, Any]:
        answer = await call(app, "GET", "/v1/models", headers=VERSION, query=query)
        assert answer.status == 200
        assert answer.headers["request-id"] == answer.headers["x-request-id"]
        found: dict[str, Any] = json.loads(answer.body)
        found["data"] = [model["id"] for model in found["data"]]
        return found

    first = await page(b"limit=3")
    assert first == {
        "data": NAMES[:3],
        "has_more": True,
        "first_id": NAMES[0],
        "last_id": NAMES[2],
    }
    assert (await page(b"limit=3&after_id=b/one")) == {
        "data": NAMES[3:],
        "has_more": False,
        "first_id": NAMES[3],
        "last_id": NAMES[3],
    }
    assert (await page(b"before_id=b/two&limit=2"))["data"] == NAMES[1:3]
    assert (await page(b"after_id=b/two"))["last_id"] is None
    one = json.loads((await call(app, "GET", "/v1/models/a/one", headers=VERSION)).body)
    assert one["type"] == "model"
    assert one["max_input_tokens"] == 4096
    for query in (b"limit=0", b"limit=1001", b"limit=x", b"limit=\xc2\xb2", b"after_id=nobody"):
        answer = await call(app, "GET", "/v1/models", headers=VERSION, query=query)
        error = json.loads(answer.body)
        assert (answer.status, error["type"]) == (400, "error")
        assert error["error"]["details"]["param"] == query.split(b"=")[0].decode()


async def test_a_quote_obeys_the_key_and_is_free(call: Any) -> None:
    app, gate = gateway("a/*")

    async def quote(model: str, endpoint: str) -> tuple[int, str | None]:
        request = {"model": model, "messages": [{"role": "user", "content": "hi"}], "prompt": "x"}
        body = json.dumps({"endpoint": endpoint, "request": request}).encode()
        answer = await call(app, "POST", "/v1/quote", body)
        return answer.status, json.loads(answer.body).get("error", {}).get("code")

    assert await quote("a/one", "/v1/chat/completions") == (200, None)
    assert await quote("b/one", "/v1/chat/completions") == (403, "model_not_allowed")
    assert await quote("a/one", "/v1/completions") == (403, "endpoint_not_allowed")
    assert gate.admitted == gate.settled == []


async def test_counting_tokens_obeys_the_key(call: Any) -> None:
    app, gate = gateway("a/*")
    for model, status in (("a/one", 200), ("b/one", 403)):
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        answer = await call(app, "POST", "/v1/messages/count_tokens", json.dumps(body).encode())
        assert answer.status == status, answer.body
        assert answer.headers.get("x-ratelimit-limit-requests") == ("7" if status == 200 else None)
    assert [demand.endpoint for demand in gate.admitted] == ["/v1/messages/count_tokens"]
