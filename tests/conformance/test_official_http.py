"""Callers of the official client's HTTP interface find what they know at our gateway, in front of
an official proxy and worker (stand-ins) that take only what the official ones take.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from conformance_net import HOST, MODEL, WALLET, open_net, our_root, registered, sse_engine
from official import chain
from official.proxy import OfficialProxy
from official.tl import Obj, decode
from official.worker import EngineAnswer, OfficialWorker

from cocoon.cli.client_role import ClientRole
from cocoon.client import ClientSettings
from cocoon.gateway import GatewaySettings

pytestmark = pytest.mark.anyio

CHAT_PATH, COMPLETIONS_PATH = "/v1/chat/completions", "/v1/completions"
MESSAGES = [{"role": "user", "content": "hello"}]
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "created": 0,
    "model": MODEL,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}],
    "usage": USAGE,
}


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status_code: int
    content_type: str
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class Caller:
    """Somebody who used the official client's HTTP interface."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def get(self, path: str) -> Reply:
        return await self._ask("GET", path, None)

    async def post(self, path: str, json: dict[str, Any]) -> Reply:
        return await self._ask("POST", path, json)

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Reply:
        async with self._session.request(method, self._url + path, json=body) as answer:
            kind = answer.headers.get("content-type", "")
            return Reply(answer.status, kind, await answer.text())


@asynccontextmanager
async def gateway(
    folder: Path,
) -> AsyncIterator[tuple[Caller, OfficialProxy, OfficialWorker]]:
    async with open_net(folder) as net:
        proxy = await net.official_proxy()
        front, back = (
            await net.reverse(proxy.client_port, "any"),
            await net.reverse(proxy.worker_port),
        )
        worker = await net.official_worker(
            back.port, engine=lambda _: EngineAnswer(body=[json.dumps(ANSWER).encode()])
        )
        settings = ClientSettings(
            wallet=chain.friendly(WALLET),
            root=our_root(**registered(9, front.port)),
            dial=net.dial(),
        )
        role = ClientRole(settings, GatewaySettings(), HOST, 0)
        await role.start()
        net.stack.push_async_callback(role.close)
        url = f"http://{HOST}:{role.port}"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
            http = Caller(session, url)
            for _ in range(500):
                if (await http.get("/ready")).status_code == 200:
                    break
            yield http, proxy, worker


BODIES: list[tuple[str, dict[str, Any]]] = [
    (CHAT_PATH, {}),
    (CHAT_PATH, {"temperature": 0.5, "top_p": 1, "stop": ["x"], "presence_penalty": None}),
    (CHAT_PATH, {"max_completion_tokens": 5, "reasoning_effort": "low", "user": None}),
    (CHAT_PATH, {"response_format": {"type": "json_object"}, "n": 2, "max_tokens": 7}),
    (COMPLETIONS_PATH, {"max_tokens": 3, "seed": 1, "echo": False}),
    (COMPLETIONS_PATH, {"max_completion_tokens": 3}),
    # They ask for nothing, or for what happens anyway.
    (CHAT_PATH, {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}),
    (CHAT_PATH, {"logprobs": False, "top_logprobs": 0, "logit_bias": {}, "modalities": ["text"]}),
    (CHAT_PATH, {"metadata": {"a": "b"}, "store": False, "service_tier": "auto", "user": "me"}),
    (CHAT_PATH, {"ignore_eos": False, "skip_special_tokens": True, "stop_token_ids": []}),
    (CHAT_PATH, {"include_stop_str_in_output": False, "spaces_between_special_tokens": True}),
    (COMPLETIONS_PATH, {"logit_bias": {}, "min_tokens": 0, "user": "me"}),
]


@pytest.mark.parametrize(("path", "fields"), BODIES, ids=str)
async def test_official_workers_take_our_bodies(
    tmp_path: Path, path: str, fields: dict[str, Any]
) -> None:
    """Also what they would refuse as the caller wrote it, where the meaning can be kept."""
    content = {"messages": MESSAGES} if path == CHAT_PATH else {"prompt": "hello"}
    async with gateway(tmp_path) as (http, _, worker):
        answer = await http.post(path, json={"model": MODEL, **content, **fields})
        assert answer.status_code == 200, answer.text
        assert answer.json()["usage"]["prompt_tokens"] == 7
        assert len(worker.queries) == 1


async def test_official_fields_of_the_body(tmp_path: Path) -> None:
    """§5.2: they go into the message, and out of the body."""
    async with gateway(tmp_path) as (http, proxy, _):
        body = {
            "model": MODEL,
            "messages": MESSAGES,
            "max_tokens": 50,
            "max_completion_tokens": 40,
            "max_coefficient": 3000,
            "timeout": 30,
            "enable_debug": True,
            "request_guid": "guid",
        }
        answer = await http.post(CHAT_PATH, json=body)
        assert answer.status_code == 200, answer.text
        link = next(peer.link for peer in proxy.peers if peer.kind == "client")
        query = next(obj for obj in link.received if obj.name == "client.runQueryEx")
        assert query["model"].decode() == MODEL
        assert (query["max_tokens"], query["max_coefficient"]) == (40, 3000)
        assert query["timeout"] == pytest.approx(28.5, abs=2)
        assert query["debug"] is True
        request = decode(query["query"])
        assert (request["method"], request["url"]) == (b"POST", CHAT_PATH.encode())
        sent = json.loads(request["payload"])
        assert sent == {"model": MODEL, "messages": MESSAGES, "max_completion_tokens": 40}
        headers = {h["name"].decode().lower(): h["value"] for h in request["headers"]}
        # The engine behind an official worker gets these and no others; HTTP/1.1 needs Host.
        assert headers["host"] == b"localhost"
        assert set(headers) == {"host", "content-type", "content-length"}
        assert "debug" in answer.json()


async def test_defaults(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (http, proxy, _):
        assert (
            await http.post(CHAT_PATH, json={"model": MODEL, "messages": MESSAGES})
        ).status_code == 200
        link = next(peer.link for peer in proxy.peers if peer.kind == "client")
        query = next(obj for obj in link.received if obj.name == "client.runQueryEx")
        assert (query["max_tokens"], query["max_coefficient"]) == (1000, 4000)
        assert query["timeout"] == pytest.approx(114, abs=2)
        # The official client only declares the default; ours also tells the engine.
        assert json.loads(decode(query["query"])["payload"])["max_tokens"] == 1000


async def test_stream_that_an_official_worker_held_back(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (http, _, worker):
        worker.engine = sse_engine
        body = {"model": MODEL, "messages": MESSAGES, "stream": True}
        answer = await http.post(CHAT_PATH, json=body)
        assert answer.content_type.startswith("text/event-stream")
        lines = [line for line in answer.text.split("\n\n") if line]
        # Parsers of event streams skip the comment that tells the cost.
        assert lines[-2].startswith(": cocoon {")
        events = [line for line in lines if not line.startswith(":")]
        assert len(events) == 4  # three pieces and [DONE]; nobody asked for the usage event
        assert events[-1] == "data: [DONE]"


async def test_models(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (http, _, _):
        listed = (await http.get("/v1/models")).json()
        assert listed["object"] == "list"
        (model,) = listed["data"]
        assert (model["id"], model["object"], model["created"]) == (MODEL, "model", 0)
        (worker,) = model["workers"]
        official = {"coefficient": 1000, "running_requests": 0, "max_running_requests": 60}
        assert worker.items() >= official.items()
        # What else we tell is empty: nobody knows it of an official worker.
        assert not any(value for name, value in worker.items() if name not in official)


async def test_jsonstats(tmp_path: Path) -> None:
    """§5.2: what applies has the official names."""
    async with gateway(tmp_path) as (http, proxy, _):
        await http.post(CHAT_PATH, json={"model": MODEL, "messages": MESSAGES})
        proxy.commit()
        stats = (await http.get("/jsonstats")).json()
        assert stats["status"]["enabled"] is True
        assert stats["localconf"]["owner_address"] == chain.friendly(WALLET)
        assert stats["root_contract_config"]["price_per_token"] == 2
        (entry,) = stats["proxies"]
        assert entry["proxy_sc_address"] == chain.friendly(proxy.contract)
        assert entry["tokens_used_proxy_max"] == 10
        assert entry["tokens_used_proxy_committed_to_blockchain"] == 10


TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


async def test_refusals_become_http_errors(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (http, proxy, worker):
        base = {"model": MODEL, "messages": MESSAGES}
        answer = await http.post(CHAT_PATH, json={**base, "tools": TOOLS})
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert "unknown option 'tools'" in error["message"]
        assert (error["param"], error["code"]) == ("tools", "unsupported_parameter")
        assert error["cocoon"]["charged_nanoton"] == 0
        assert "official workers" in error["cocoon"]["fix"]
        answer = await http.post(CHAT_PATH, json={**base, "model": "nobody has this"})
        assert answer.status_code in (400, 404)
        worker.engine = lambda _: EngineAnswer(502, "Bad Gateway", headers=[])
        assert (await http.post(CHAT_PATH, json=base)).status_code == 502

        def reject(code: int) -> Any:
            return lambda peer, query: proxy.reject(peer, query, code, "no")

        seen = {}
        for code in (651, 652, 602, 621):
            proxy.script = reject(code)
            seen[code] = (await http.post(CHAT_PATH, json={**base, "timeout": 3})).status_code
        # 602 and 621 are 400 officially; a proxy's own 621 means that it knows no such model.
        assert seen == {651: 502, 652: 504, 602: 400, 621: 404}


async def test_translated_apis_tell_the_same_refusal(tmp_path: Path) -> None:
    tool = {"name": "f", "input_schema": {"type": "object"}}
    async with gateway(tmp_path) as (http, _, _):
        body = {"model": MODEL, "messages": MESSAGES, "max_tokens": 9, "tools": [tool]}
        answer = await http.post("/v1/messages", json=body)
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["type"] == "invalid_request_error"
        assert error["details"] == {"error_code": "unsupported_parameter", "param": "tools"}
        assert "official workers" in error["cocoon"]["fix"]
        body = {"model": MODEL, "input": "hello"}
        assert (await http.post("/v1/responses", json=body)).status_code == 200
        function = {"type": "function", "name": "f", "parameters": {"type": "object"}}
        answer = await http.post("/v1/responses", json={**body, "tools": [function]})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "tools")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"input": "hello"}),
        ("/v1/rerank", {"query": "q", "documents": ["d"]}),
        ("/tokenize", {"prompt": "hello"}),
        ("/v1/audio/speech", {"input": "hello", "voice": "alloy"}),
    ],
)
async def test_endpoints_that_official_workers_lack(
    tmp_path: Path, path: str, body: dict[str, Any]
) -> None:
    """Nothing is sent, so nothing can be charged."""
    async with gateway(tmp_path) as (http, proxy, worker):
        answer = await http.post(path, json={"model": MODEL, **body})
        assert answer.status_code == 400, answer.text
        error = answer.json()["error"]
        assert error["code"] == "unsupported_by_workers"
        assert "official" in error["message"]
        assert error["cocoon"]["charged_nanoton"] == 0
        assert worker.queries == []
        link = next(peer.link for peer in proxy.peers if peer.kind == "client")
        assert not [obj for obj in link.received if obj.name.startswith("client.runQuery")]


async def test_engine_error_bodies_pass(tmp_path: Path) -> None:
    """An HTTP error of the model server is a successful query."""
    error = b'{"error":{"message":"too long"}}'

    def engine(_: Obj) -> EngineAnswer:
        return EngineAnswer(400, "Bad Request", body=[error])

    async with gateway(tmp_path) as (http, _, worker):
        worker.engine = engine
        answer = await http.post(CHAT_PATH, json={"model": MODEL, "messages": MESSAGES})
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "too long"
