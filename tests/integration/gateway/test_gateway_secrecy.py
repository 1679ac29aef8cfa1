"""What callers and engines say appears in no log, metric or error."""

import json
import logging
from typing import Any

import openai
import pytest
import structlog

from cocoon import errors
from cocoon.gateway import Gateway, GatewayServer, GatewaySettings
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse

pytestmark = pytest.mark.anyio

SECRET = "pelican-sentinel-4711"


def clients() -> list[ScriptedClient]:
    def raising(error: BaseException) -> ScriptedClient:
        return ScriptedClient(lambda _: error)

    def answering(*steps: Any, **options: Any) -> ScriptedClient:
        return ScriptedClient(lambda _: ScriptedResponse(steps, **options))

    return [
        answering(json.dumps({"text": "x" + SECRET}).encode()),
        answering(SECRET.encode(), status=500, headers=(("Content-Type", SECRET),)),
        answering(b"data: {}\n\n", RuntimeError(SECRET), headers=EVENT_HEADERS),
        raising(KeyError(SECRET)),
        raising(errors.StoreError(SECRET)),
        raising(errors.DecodeError(SECRET)),
    ]


def bodies() -> list[bytes]:
    text = SECRET.encode()
    message = b'"messages":[{"role":"user","content":"' + text + b'"}]'
    return [
        b'{"model":"demo",' + message + b"}",
        b'{"model":"demo",' + message + b',"stream":true}',
        b'{"model":"demo",' + message + b',"max_tokens":"' + text + b'"}',
        b'{"model":"demo",' + message + b',"timeout":"' + text + b'"}',
        b'{"model":["' + text + b'"],' + message + b"}",
        b'{"model":"' + text + b'\\n",' + message + b"}",
        b'{"' + text + b'":1,"' + text + b'":2}',
        b'{"' + text + b'":1e999}',
        b'{"' + text,
        text,
        b'{"a":"' + text + b'\xff"}',
    ]


async def test_the_sentinel_stays_inside(caplog: Any, capfd: Any) -> None:
    import httpx2 as httpx

    caplog.set_level(logging.DEBUG, logger="uvicorn")
    caplog.set_level(logging.DEBUG, logger="cocoon")
    seen: list[bytes] = []
    with structlog.testing.capture_logs() as logs:
        for client in clients():
            app = Gateway(client, GatewaySettings())
            server = GatewayServer(app, port=0, grace=1)
            await server.start()
            url = f"http://127.0.0.1:{server.port}"
            async with httpx.AsyncClient(base_url=url) as http:
                for body in bodies():
                    answer = await http.post("/v1/chat/completions", content=body)
                    # An engine's own answer reaches the caller; everything else is the gateway's.
                    if "x-cocoon-cost-nanoton" not in answer.headers:
                        seen.append(answer.content)
                    seen.append(repr(answer.headers).encode())
                seen.append((await http.get(f"/v1/models/{SECRET}")).content)
                seen.append((await http.get(f"/{SECRET}?{SECRET}={SECRET}")).content)
                seen.append((await http.get("/metrics")).content)
            await server.stop()
            seen.append(repr(client.requests).encode())
    seen.append(repr(logs).encode())
    seen.append(caplog.text.encode())
    out, err = capfd.readouterr()
    seen.extend([out.encode(), err.encode()])
    assert logs
    assert len(seen) > 60
    for text in seen:
        assert SECRET.encode() not in text


async def test_the_package_raises_without_the_sentinel(gateway: Any) -> None:
    client = ScriptedClient(lambda _: ValueError(SECRET))
    async with gateway(client) as port:
        ai = openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key=SECRET, max_retries=0
        )
        async with ai:
            with pytest.raises(openai.InternalServerError) as caught:
                await ai.completions.create(model="demo", prompt=SECRET)
    assert SECRET not in str(caught.value)
