import asyncio
import json
from typing import Any

import pytest

from cocoon import errors
from cocoon.client.api import ClientRequest, ModelInfo
from cocoon.gateway import (
    ExtraReply,
    ExtraRequest,
    ExtraRoute,
    Gateway,
    GatewaySettings,
    hash_api_key,
)
from cocoon.gateway.answers.usage_block import cocoon_block
from cocoon.testing.scripted_client import (
    EVENT_HEADERS,
    SUMMARY,
    ScriptedClient,
    ScriptedResponse,
    failing,
)

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"
MESSAGES = b'"messages":[{"role":"user","content":"hi"}]'
ASK = b'{"model":"demo",' + MESSAGES + b"}"
STREAM = b'{"model":"demo",' + MESSAGES + b',"stream":true}'
EVENT = b'data: {"choices":[{"delta":{}}]}\n\n'
DONE = b"data: [DONE]\n\n"
BLOCK = cocoon_block(SUMMARY)
COMMENT = b": cocoon " + BLOCK + b"\n\n"


def answering(*steps: Any, **options: Any) -> ScriptedClient:
    return ScriptedClient(lambda _: ScriptedResponse(steps, **options))


def streaming(*steps: Any) -> ScriptedClient:
    return answering(*steps, headers=EVENT_HEADERS)


async def test_an_answer_is_passed_on_with_length_type_and_what_it_cost(call: Any) -> None:
    client = answering(b'{"id":', b"1}")
    answer = await call(Gateway(client), "POST", CHAT, [ASK[:9], ASK[9:]])
    assert (answer.status, answer.body) == (200, b'{"id":1,"cocoon":' + BLOCK + b"}")
    headers = answer.headers
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(answer.body))
    assert headers["x-cocoon-cost-nanoton"] == "1900"
    assert headers["x-cocoon-total-tokens"] == "19"
    assert headers["x-cocoon-proxy-image"] == "ab" * 32
    assert len(headers["x-request-id"]) == 24
    assert client.requests[0].path == CHAT


async def test_nothing_of_the_callers_headers_enters_the_network(call: Any) -> None:
    client = answering(b"{}")
    headers = {"Authorization": "Bearer k", "Cookie": "c=1", "User-Agent": "me", "X-A": "b"}
    await call(Gateway(client), "POST", CHAT, ASK, headers)
    assert client.requests[0].headers == (("Content-Type", "application/json"),)


async def test_a_stream_is_passed_on_event_by_event_without_length(call: Any) -> None:
    usage = b'data: {"choices":[],"usage":{"total_tokens":1}}\n\n'
    app = Gateway(streaming(EVENT, EVENT, usage, DONE))
    answer = await call(app, "POST", CHAT, STREAM)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in answer.headers
    assert answer.parts == [EVENT, EVENT, COMMENT + DONE]


async def test_a_stream_that_breaks_ends_with_an_error_event(call: Any) -> None:
    app = Gateway(streaming(EVENT, b"data: half", errors.UnavailableError("the worker is gone")))
    answer = await call(app, "POST", CHAT, STREAM)
    assert answer.status == 200
    assert answer.parts[0] == EVENT
    assert answer.parts[1].startswith(b"data: ")
    error = json.loads(answer.parts[1][6:])["error"]
    assert (error["message"], error["code"]) == ("the worker is gone", "unavailable")
    assert error["cocoon"]["request_id"] == answer.headers["x-request-id"]
    assert error["cocoon"]["retryable"]


async def test_an_error_answer_to_a_stream_request_is_no_stream(call: Any) -> None:
    app = Gateway(answering(b'{"error":{}}', status=400))
    answer = await call(app, "POST", CHAT, STREAM)
    assert answer.status == 400
    error = json.loads(answer.body)["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", None)
    assert error["cocoon"] == {"retryable": False, "charged_nanoton": 1900, "fix": None}


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (errors.BadRequestError("no"), 400, "invalid_request_error", None),
        (errors.UnknownModelError("no"), 404, "invalid_request_error", "model_not_found"),
        (errors.InsufficientFundsError("no"), 429, "insufficient_quota", "insufficient_quota"),
        (errors.OverloadedError("no"), 503, "server_error", "overloaded"),
        (errors.UnavailableError("no"), 502, "server_error", "unavailable"),
        (errors.DeadlineError("no"), 504, "timeout", "timeout"),
        (errors.UpstreamError("no"), 502, "server_error", "upstream_error"),
        (errors.PolicyError("no"), 502, "server_error", "attestation_failed"),
        (errors.DecodeError("no"), 502, "server_error", "protocol_error"),
        (errors.StoreError("disk /x"), 500, "server_error", "internal_error"),
        (errors.LocalProtocolError("x"), 502, "server_error", "internal_error"),
        (ZeroDivisionError("secret"), 500, "server_error", "internal_error"),
    ],
)
async def test_errors_have_openais_shape(
    call: Any, error: Exception, status: int, kind: str, code: str | None
) -> None:
    answer = await call(Gateway(ScriptedClient(lambda _: error)), "POST", CHAT, ASK)
    shape = json.loads(answer.body)["error"]
    assert (answer.status, shape["type"], shape["code"]) == (status, kind, code)
    assert set(shape) == {"message", "type", "param", "code", "cocoon"}
    assert set(shape["cocoon"]) == {"request_id", "retryable", "charged_nanoton", "fix"}
    assert shape["cocoon"]["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-should-retry"] == str(shape["cocoon"]["retryable"]).lower()
    assert "secret" not in shape["message"]
    assert "/x" not in shape["message"]
    assert ("retry-after" in answer.headers) == (status in (502, 503) and code in RETRY)


RETRY = {"overloaded", "unavailable"}


async def test_a_peers_text_is_shortened_and_cleaned(call: Any) -> None:
    app = Gateway(failing(errors.UpstreamError("a\r\n\x1b[31m" + "x" * 10_000)))
    message = json.loads((await call(app, "POST", CHAT, ASK)).body)["error"]["message"]
    assert len(message) == 500
    assert message.isprintable()


@pytest.mark.parametrize("status", [100, 204, 302, 700])
async def test_odd_statuses_of_an_engine_are_a_failure(call: Any, status: int) -> None:
    answer = await call(Gateway(answering(b"", status=status)), "POST", CHAT, ASK)
    assert answer.status == 502


async def test_an_engine_cannot_show_a_page_or_set_headers(call: Any) -> None:
    odd = (("Content-Type", "text/html"), ("Set-Cookie", "a=b"), ("X-Cocoon-Cost-Nanoton", "0"))
    answer = await call(Gateway(answering(b"<p>", headers=odd)), "POST", CHAT, ASK)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-cocoon-cost-nanoton"] == "1900"


@pytest.mark.parametrize(
    "odd", ["application/j\u017fon", "te\u017ft/plain", "text/plain; charset=\u00e9"]
)
async def test_a_type_that_only_looks_harmless_is_none(call: Any, odd: str) -> None:
    # A browser cannot read such a type, and would look into the answer for a page.
    client = answering(b"<p>", headers=(("Content-Type", odd),))
    answer = await call(Gateway(client), "POST", CHAT, ASK)
    assert answer.headers["content-type"] == "application/octet-stream"


async def test_a_caller_that_leaves_ends_the_request(call: Any) -> None:
    response = ScriptedResponse([EVENT, 30.0, EVENT], headers=EVENT_HEADERS)
    app = Gateway(ScriptedClient(lambda _: response))
    async with asyncio.timeout(5):
        await call(app, "POST", CHAT, STREAM, gone_after=0.01)
    assert response.closed.is_set()
    assert b"callers_gone_total 1.0" in app.metrics.text()


async def test_a_caller_that_leaves_before_the_head_ends_the_request(call: Any) -> None:
    app = Gateway(ScriptedClient(lambda _: errors.UpstreamError("late"), delay=30.0))
    async with asyncio.timeout(5):
        answer = await call(app, "POST", CHAT, ASK, gone_after=0.01)
    assert answer.status == 0


async def test_the_gateway_has_a_clock_of_its_own(call: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("cocoon.gateway.inference.DEADLINE_GRACE", 0.0)
    body = ASK[:-1] + b',"timeout":0.05}'
    stream = ASK[:-1] + b',"timeout":0.05,"stream":true}'
    app = Gateway(streaming(EVENT, 30.0))
    async with asyncio.timeout(5):
        answer = await call(app, "POST", CHAT, stream)
        assert answer.parts[0] == EVENT
        assert b'"timeout"' in answer.parts[1]
        slow = Gateway(ScriptedClient(lambda _: errors.UpstreamError(""), delay=30.0))
        assert (await call(slow, "POST", CHAT, body)).status == 504


async def test_more_requests_than_allowed_are_told_to_come_back(call: Any) -> None:
    client = ScriptedClient(lambda _: ScriptedResponse([b"{}"]), delay=0.05)
    app = Gateway(client, GatewaySettings(max_running=2))
    answers = await asyncio.gather(*(call(app, "POST", CHAT, ASK) for _ in range(3)))
    assert sorted(a.status for a in answers) == [200, 200, 429]
    refused = next(a for a in answers if a.status == 429)
    assert refused.headers["retry-after"] == "1"
    assert (await call(app, "POST", CHAT, ASK)).status == 200


async def test_large_bodies_share_a_budget(call: Any) -> None:
    client = ScriptedClient(lambda _: ScriptedResponse([b"{}"]), delay=0.05)
    app = Gateway(client, GatewaySettings(max_buffered=150_000))
    large = b'{"model":"demo","pad":"' + b"x" * 100_000 + b'",' + MESSAGES + b"}"
    answers = await asyncio.gather(*(call(app, "POST", CHAT, large) for _ in range(2)))
    assert sorted(a.status for a in answers) == [200, 429]


async def test_bodies_that_are_on_their_way_share_it_too(call: Any) -> None:
    app = Gateway(answering(b"{}"), GatewaySettings(max_buffered=150_000, body_timeout=0.3))
    slow = [b"x" * 100_000, b"x"]
    for path in (CHAT, "/v1/quote"):
        calls = (call(app, "POST", path, slow, body_delay=delay) for delay in (0.2, 0.21))
        answers = await asyncio.gather(*calls)
        assert sorted(a.status for a in answers) == [408, 429]
    large = [b'{"model":"demo","pad":"', b"x" * 140_000, b'",' + MESSAGES + b"}"]
    assert (await call(app, "POST", CHAT, large)).status == 200  # all was given back


async def test_a_huge_piece_of_a_stream_leaves_others_a_turn(call: Any) -> None:
    app = Gateway(streaming(b": keep-alive\n\n" * 200_000))
    body = b'{"model":"demo","input":"hi","stream":true}'
    long = asyncio.ensure_future(call(app, "POST", "/v1/responses", body))
    turns = 0
    while not long.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
    assert (await long).status == 200


async def test_large_bodies_are_refused(call: Any) -> None:
    app = Gateway(answering(b"{}"), GatewaySettings(max_body=1000))
    parts = [b"x" * 400] * 4
    answer = await call(app, "POST", CHAT, parts)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert (await call(app, "POST", CHAT, b"x" * 1001)).status == 413
    declared = await call(app, "POST", CHAT, ASK, {"Content-Length": "2001"})
    assert declared.status == 413


async def test_a_large_answer_is_not_collected(call: Any) -> None:
    app = Gateway(answering(b"x" * 600, b"x" * 600), GatewaySettings(max_response=1000))
    assert (await call(app, "POST", CHAT, ASK)).status == 502


async def test_a_body_that_does_not_come_is_not_waited_for(call: Any) -> None:
    app = Gateway(answering(b"{}"), GatewaySettings(body_timeout=0.02))
    answer = await call(app, "POST", CHAT, [b"{", b"}"], body_delay=30.0)
    assert answer.status == 408


async def test_models(call: Any) -> None:
    client = answering(b"{}")
    app = Gateway(client)
    listed = json.loads((await call(app, "GET", "/v1/models")).body)
    assert listed["object"] == "list"
    assert listed["data"][0]["id"] == "demo"
    worker = listed["data"][0]["workers"][0]
    assert (worker["coefficient"], worker["running_requests"], worker["max_running_requests"]) == (
        1000,
        0,
        8,
    )
    client._models = [ModelInfo("a\udcff", ()), ModelInfo("a\x1b[2J", ())]
    assert json.loads((await call(app, "GET", "/v1/models")).body)["data"] == []
    client._models = [ModelInfo("org/m@main:ff", ())]
    for name in ("org/m", "org/m@main:ff"):
        assert json.loads((await call(app, "GET", f"/v1/models/{name}")).body)["workers"] == []
    missing = await call(app, "GET", "/v1/models/other")
    assert json.loads(missing.body)["error"]["code"] == "model_not_found"


async def test_health_and_readiness(call: Any) -> None:
    client = answering(b"{}")
    app = Gateway(client, GatewaySettings(api_key_hashes=(hash_api_key("k"),)))
    assert (await call(app, "GET", "/ready")).status == 200
    client.ready = False
    assert (await call(app, "GET", "/ready")).status == 503
    assert (await call(app, "HEAD", "/health")).status == 200


async def test_unknown_paths_and_methods(call: Any) -> None:
    app = Gateway(answering(b"{}"))
    answer = await call(app, "GET", "/nothing")
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"]) == (404, "not_found")
    assert "base_url" in error["cocoon"]["fix"]
    answer = await call(app, "GET", CHAT)
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
    answer = await call(app, "POST", "/v1/models")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_keys(call: Any) -> None:
    app = Gateway(
        answering(b"{}"),
        GatewaySettings(api_key_hashes=(hash_api_key("one"), hash_api_key("two"))),
    )
    for value in ("", "Bearer", "Bearer three", "Basic one", "one"):
        answer = await call(app, "POST", CHAT, ASK, {"Authorization": value})
        assert answer.status == 401
        assert json.loads(answer.body)["error"]["code"] == "invalid_api_key"
    for value in ("Bearer one", "bearer two"):
        assert (await call(app, "POST", CHAT, ASK, {"Authorization": value})).status == 200
    assert (await call(app, "GET", "/metrics")).status == 401


async def test_pages_of_this_machine_may_call_and_others_may_not(call: Any) -> None:
    app = Gateway(answering(b"{}"))
    for origin in ("http://localhost:3000", "http://127.0.0.1", "http://[::1]:8080"):
        answer = await call(app, "POST", CHAT, ASK, {"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
    for origin in ("https://evil.example", "http://localhost.evil.example", "null", ""):
        answer = await call(app, "POST", CHAT, ASK, {"Origin": origin})
        assert answer.status == 403
    assert len(app._client.requests) == 3
    named = Gateway(answering(b"{}"), GatewaySettings(allowed_origins=("https://a.example",)))
    assert (await call(named, "POST", CHAT, ASK, {"Origin": "https://a.example"})).status == 200
    assert (await call(named, "POST", CHAT, ASK, {"Origin": "http://localhost"})).status == 403
    public = Gateway(answering(b"{}"), GatewaySettings(allowed_origins=("*",)))
    answer = await call(public, "POST", CHAT, ASK, {"Origin": "https://b.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_preflight(call: Any) -> None:
    app = Gateway(answering(b"{}"), GatewaySettings(api_key_hashes=(hash_api_key("k"),)))
    wanted = "authorization, content-type, x-stainless-os"
    answer = await call(
        app,
        "OPTIONS",
        CHAT,
        headers={"Origin": "http://localhost:3000", "Access-Control-Request-Headers": wanted},
    )
    assert answer.status == 200
    assert answer.headers["access-control-allow-headers"] == wanted
    assert answer.headers["access-control-allow-methods"] == "POST, OPTIONS"


async def test_debug_records_are_added_when_asked_for(call: Any) -> None:
    app = Gateway(answering(b'{"id":1}\n'))
    body = ASK[:-1] + b',"enable_debug":true}'
    answer = json.loads((await call(app, "POST", CHAT, body)).body)
    assert answer["id"] == 1
    assert answer["debug"]["client"]["cost_nanoton"] == 1900
    app = Gateway(streaming(EVENT, DONE))
    body = ASK[:-1] + b',"enable_debug":true,"stream":true}'
    last = (await call(app, "POST", CHAT, body)).parts[-1]
    assert b': debug {"client"' in last


async def test_extra_routes_are_guarded_like_ours(call: Any) -> None:
    async def handle(request: ExtraRequest) -> ExtraReply:
        return ExtraReply(json.dumps(dict(request.query)).encode())

    async def broken(request: ExtraRequest) -> ExtraReply:
        raise errors.StoreError("secret path")

    app = Gateway(
        answering(b"{}"),
        extra_routes={
            "/jsonstats": ExtraRoute(handle),
            "/broken": ExtraRoute(broken, ("POST",)),
            "/health": ExtraRoute(broken),
        },
    )
    answer = await call(app, "GET", "/jsonstats", query=b"a=1&a=2&b=%20")
    assert json.loads(answer.body) == {"a": "1", "b": " "}
    assert (await call(app, "GET", "/broken")).status == 405
    failed = await call(app, "POST", "/broken")
    assert failed.status == 500
    assert b"secret" not in failed.body
    assert (await call(app, "GET", "/health")).status == 200
    assert (await call(app, "GET", "/jsonstats", query=b"a&" * 50)).status == 400


async def test_series_of_metrics_are_bounded(call: Any) -> None:
    def script(request: ClientRequest) -> ScriptedResponse:
        return ScriptedResponse([b"{}"])

    app = Gateway(ScriptedClient(script))
    for number in range(130):
        await call(app, "POST", CHAT, b'{"model":"m%d",' % number + MESSAGES + b"}")
        await call(app, "GET", f"/{number}")
    text = (await call(app, "GET", "/metrics")).body.decode()
    assert 'model="m99"' in text
    assert 'model="m100"' not in text
    assert 'cocoon_gateway_cost_nanoton_total{model="other"} 57000.0' in text
    assert 'endpoint="other",status="404"} 130.0' in text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:10000", 200),
        ("localhost:10000", 200),
        ("LOCALHOST.", 200),
        ("[::1]:10000", 200),
        ("gateway", 200),
        ("host.docker.internal:10000", 200),
        ("api.mine.example:10000", 200),
        ("evil.example", 403),
        ("evil.example:10000", 403),
        ("127.0.0.1.evil.example:10000", 403),
        ("localhost.evil.example", 403),
        ("", 403),
    ],
)
async def test_no_page_calls_itself_this_machine(call: Any, host: str, status: int) -> None:
    origins = ("loopback", "https://api.mine.example")
    app = Gateway(answering(b"{}"), GatewaySettings(allowed_origins=origins))
    headers = {"host": host}
    here = ("127.0.0.1", 10000)
    for method, path in (("GET", "/v1/models"), ("POST", CHAT), ("GET", "/metrics")):
        body = ASK if method == "POST" else b""
        answer = await call(app, method, path, body, headers, server=here)
        assert answer.status == status, path
    assert (await call(app, "GET", "/health", b"", headers, server=here)).status == 200
    away = await call(app, "GET", "/v1/models", b"", headers, server=("192.0.2.1", 10000))
    assert away.status == 200
    keyed = Gateway(answering(b"{}"), GatewaySettings(api_key_hashes=(hash_api_key("k"),)))
    key = {**headers, "authorization": "Bearer k"}
    assert (await call(keyed, "GET", "/v1/models", b"", key, server=here)).status == 200
