"""What the gateway tells of models, and what a request would cost."""

import json
from typing import Any

import pytest

from cocoon.accounting import Nano, PriceList
from cocoon.client.api import ModelInfo, WorkerInfo
from cocoon.errors import UnavailableError
from cocoon.gateway import Gateway, GatewaySettings
from cocoon.gateway.offers import price_per_million
from cocoon.gateway.quote import MEDIA_TOKENS, estimate_prompt
from cocoon.testing.scripted_client import ScriptedClient

pytestmark = pytest.mark.anyio

FULL = "org/m@main:" + "ab" * 32
CAN = ("chat", "tools", "image-input", "json-schema")
WORKERS = (
    WorkerInfo(1500, 1, 4, FULL, "cd" * 32, "tdx", "vllm", 8192, CAN),
    WorkerInfo(2000, 4, 4, FULL, "cd" * 32, "tdx", "sglang", 4096, ("chat", "embeddings")),
)
HELLO = [{"role": "user", "content": "hello, you there"}]


def served(*workers: WorkerInfo, name: str = "org/m") -> Gateway:
    client = ScriptedClient(
        lambda _: UnavailableError("nothing may be sent"), models=[ModelInfo(name, workers)]
    )
    return Gateway(client, GatewaySettings())


async def quoted(call: Any, app: Gateway, **body: Any) -> dict[str, Any]:
    answer = await call(app, "POST", "/v1/quote", json.dumps(body).encode())
    assert answer.status == 200, answer.body
    result = json.loads(answer.body)
    assert isinstance(result, dict)
    return result


async def test_a_model_tells_what_its_workers_can_and_cost(call: Any) -> None:
    model = json.loads((await call(served(*WORKERS), "GET", "/v1/models/org/m")).body)
    told = model["cocoon"]
    assert told["full_names"] == [FULL]
    assert (told["context_length"], told["max_context_length"]) == (4096, 8192)
    assert told["features"]["every_worker"] == ["chat"]
    assert told["features"]["any_worker"] == sorted({*CAN, "embeddings"})
    assert told["input_modalities"] == ["text", "image"]
    assert told["output_modalities"] == ["text", "embeddings"]
    assert told["coefficient"] == 1500
    assert told["nanoton_per_million_tokens"]["prompt"] == 15_000_000
    assert told["capacity"] == {
        "workers": 2,
        "free_workers": 1,
        "running_requests": 5,
        "max_running_requests": 8,
    }
    assert model["workers"][0]["engine"] == "vllm"


async def test_an_old_proxy_tells_little_and_nothing_is_made_up(call: Any) -> None:
    model = json.loads((await call(served(WorkerInfo(1000, 0, 0)), "GET", "/v1/models/org/m")).body)
    told = model["cocoon"]
    assert (told["context_length"], told["full_names"], told["input_modalities"]) == (0, [], [])
    empty = json.loads((await call(served(), "GET", "/v1/models/org/m")).body)["cocoon"]
    assert (empty["coefficient"], empty["nanoton_per_million_tokens"]) == (None, None)


def test_prices_have_a_weight_for_each_class_and_nonsense_has_none() -> None:
    prices = PriceList(Nano(20), Nano(10), 10_000, 5_000, 80_000, 80_000)
    assert price_per_million(prices, 1000) == {
        "prompt": 20_000_000,
        "cached": 10_000_000,
        "completion": 160_000_000,
        "reasoning": 160_000_000,
    }
    assert price_per_million(prices, 2**31) is None
    assert price_per_million(PriceList(Nano(2**62), Nano(0)), 1000) is None


async def test_a_quote_prices_a_request_and_sends_nothing(call: Any) -> None:
    app = served(*WORKERS)
    flat = await quoted(call, app, model="org/m", messages=HELLO, max_tokens=100)
    nested = await quoted(
        call,
        app,
        endpoint="/v1/chat/completions",
        request={"model": "org/m", "messages": HELLO, "max_tokens": 100},
    )
    assert flat == nested
    assert flat["available"]
    assert flat["reason"] is None
    assert (flat["max_tokens"], flat["coefficient"], flat["requires"]) == (100, 1500, ["chat"])
    assert 0 < flat["likely_cost_nanoton"] < flat["max_cost_nanoton"]
    assert flat["workers"] == {"total": 2, "able": 2, "affordable": 2, "free": 1}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": "other"}, "model_not_found"),
        ({"model": "org/m@main:00"}, "unavailable"),
        ({"logprobs": True}, "unsupported_by_workers"),
        ({"max_coefficient": 1499}, "price_too_high"),
        ({"max_coefficient": 1600, "max_cost": 1}, "max_cost_exceeded"),
        ({"endpoint": "/v1/embeddings", "input": "a"}, "overloaded"),
        ({"endpoint": "/v1/audio/speech", "input": "a", "voice": "b"}, "unsupported_by_workers"),
    ],
)
async def test_a_quote_says_why_nobody_would_answer(
    call: Any, body: dict[str, Any], code: str
) -> None:
    request = {"model": "org/m", **({} if "endpoint" in body else {"messages": HELLO}), **body}
    told = await quoted(call, served(*WORKERS), **request)
    assert (told["available"], told["reason"]["code"]) == (False, code)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"endpoint": "/v1/nothing"}, "endpoint"),
        ({"endpoint": "/v1/audio/transcriptions"}, "endpoint"),
        ({"endpoint": 5}, "endpoint"),
        ({"request": 5}, "request"),
        ({"request": {}}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": HELLO, "temperature": 3}, "temperature"),
    ],
)
async def test_a_quote_refuses_what_the_request_would_be_refused_for(
    call: Any, body: dict[str, Any], param: str
) -> None:
    answer = await call(served(), "POST", "/v1/quote", json.dumps(body).encode())
    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, param)


async def test_a_quote_waits_only_so_long_for_its_body(call: Any) -> None:
    app = Gateway(
        ScriptedClient(lambda _: UnavailableError("x")), GatewaySettings(body_timeout=0.02)
    )
    answer = await call(app, "POST", "/v1/quote", [b"{", b"}"], body_delay=30.0)
    assert answer.status == 408


def test_a_prompt_is_estimated_without_its_media() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10_000}}
    body = {"model": "m", "messages": [{"role": "user", "content": [image]}]}
    assert MEDIA_TOKENS < estimate_prompt(json.dumps(body).encode()) < MEDIA_TOKENS + 50
    assert estimate_prompt(b'{"model":"m"}') == 0
