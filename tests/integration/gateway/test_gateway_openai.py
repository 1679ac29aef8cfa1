"""The unmodified ``openai`` package against the gateway."""

import asyncio
import json
from typing import Any

import openai
import pytest

from cocoon import errors
from cocoon.client.api import ClientRequest
from cocoon.gateway import GatewaySettings, hash_api_key
from cocoon.gateway.refusal import http_status
from cocoon.testing.scripted_client import (
    EVENT_HEADERS,
    ScriptedClient,
    ScriptedResponse,
    failing,
)

pytestmark = pytest.mark.anyio

HELLO: Any = [{"role": "user", "content": "hello"}]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chunk(text: str | None = None, usage: Any = None) -> bytes:
    choices = [] if text is None else [{"index": 0, "delta": {"content": text}}]
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "demo"}
    return b"data: " + json.dumps({**body, "choices": choices, "usage": usage}).encode() + b"\n\n"


def answer(request: ClientRequest) -> ScriptedResponse:
    body = json.loads(request.body)
    if body.get("stream"):
        steps = [chunk("wo"), chunk("rld"), chunk(usage=USAGE), b"data: [DONE]\n\n"]
        return ScriptedResponse(steps, headers=EVENT_HEADERS)
    if request.path == "/v1/completions":
        choices: Any = [{"index": 0, "text": "world", "finish_reason": "stop", "logprobs": None}]
        kind = "text_completion"
    else:
        message = {"role": "assistant", "content": "world"}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        kind = "chat.completion"
    whole = {"id": "c", "object": kind, "created": 1, "model": body["model"], "choices": choices}
    return ScriptedResponse([json.dumps({**whole, "usage": USAGE}).encode()])


def sdk(port: int, key: str = "none") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        base_url=f"http://127.0.0.1:{port}/v1", api_key=key, max_retries=0, timeout=10
    )


async def test_chat_completion_and_models(gateway: Any) -> None:
    client = ScriptedClient(answer)
    async with gateway(client) as port, sdk(port) as ai:
        reply = await ai.chat.completions.create(
            model="demo", messages=HELLO, extra_body={"max_coefficient": 1200, "timeout": 9}
        )
        assert reply.choices[0].message.content == "world"
        assert reply.usage is not None
        assert reply.usage.total_tokens == 5
        assert reply._request_id
        text = await ai.completions.create(model="demo", prompt="hello", max_tokens=5)
        assert text.choices[0].text == "world"
        assert [m.id async for m in ai.models.list()] == ["demo"]
        assert (await ai.models.retrieve("demo")).id == "demo"
    assert (client.requests[0].max_coefficient, client.requests[0].timeout) == (1200, 9.0)
    assert client.requests[1].max_tokens == 5


@pytest.mark.parametrize("asked", [False, True])
async def test_streaming(gateway: Any, asked: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if asked else {}
    async with gateway(ScriptedClient(answer)) as port, sdk(port) as ai:
        stream = await ai.chat.completions.create(
            model="demo", messages=HELLO, stream=True, **options
        )
        chunks = [part async for part in stream]
    texts = [part.choices[0].delta.content for part in chunks if part.choices]
    assert texts == ["wo", "rld"]
    usages = [part.usage.total_tokens for part in chunks if part.usage]
    assert usages == ([5] if asked else [])
    assert all(part.choices for part in chunks) != asked


async def test_the_first_event_comes_before_the_last_is_made(gateway: Any) -> None:
    more = asyncio.Event()

    class Slow(ScriptedResponse):
        async def __aiter__(self) -> Any:
            yield chunk("a")
            await more.wait()
            yield chunk("b")

    client = ScriptedClient(lambda _: Slow([], headers=EVENT_HEADERS))
    async with gateway(client) as port, sdk(port) as ai:
        stream = await ai.chat.completions.create(model="demo", messages=HELLO, stream=True)
        events = aiter(stream)
        assert (await anext(events)).choices[0].delta.content == "a"
        more.set()
        assert (await anext(events)).choices[0].delta.content == "b"
        await stream.close()


async def test_an_abandoned_stream_is_abandoned_in_the_network(gateway: Any) -> None:
    response = ScriptedResponse([chunk("a"), 30.0, chunk("b")], headers=EVENT_HEADERS)
    async with gateway(ScriptedClient(lambda _: response)) as port, sdk(port) as ai:
        stream = await ai.chat.completions.create(model="demo", messages=HELLO, stream=True)
        await anext(aiter(stream))
        await stream.close()
        async with asyncio.timeout(5):
            await response.closed.wait()


async def test_a_stream_that_breaks_raises(gateway: Any) -> None:
    steps = [chunk("a"), errors.UnavailableError("the worker is gone")]
    client = ScriptedClient(lambda _: ScriptedResponse(steps, headers=EVENT_HEADERS))
    async with gateway(client) as port, sdk(port) as ai:
        stream = await ai.chat.completions.create(model="demo", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="the worker is gone"):
            _ = [part async for part in stream]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.BadRequestError("x"), openai.BadRequestError),
        (errors.UnknownModelError("x"), openai.NotFoundError),
        (errors.InsufficientFundsError("x"), openai.RateLimitError),
        (errors.OverloadedError("x"), openai.InternalServerError),
        (errors.UnavailableError("x"), openai.InternalServerError),
        (errors.DeadlineError("x"), openai.InternalServerError),
    ],
)
async def test_failures_raise_the_right_class(
    gateway: Any, error: errors.CocoonError, expected: type[openai.APIStatusError]
) -> None:
    async with gateway(failing(error)) as port, sdk(port) as ai:
        with pytest.raises(expected) as caught:
            await ai.chat.completions.create(model="demo", messages=HELLO)
    assert caught.value.status_code == http_status(error)
    assert caught.value.request_id


async def test_refusals_raise_the_right_class(gateway: Any) -> None:
    settings = GatewaySettings(api_key_hashes=(hash_api_key("good"),))
    async with gateway(ScriptedClient(answer), settings) as port:
        async with sdk(port, "bad") as ai:
            with pytest.raises(openai.AuthenticationError):
                await ai.models.list()
        async with sdk(port, "good") as ai:
            assert (await ai.models.list()).data
            with pytest.raises(openai.BadRequestError) as caught:
                await ai.chat.completions.create(model="demo", messages=HELLO, max_tokens=-1)
            assert caught.value.param == "max_tokens"
            with pytest.raises(openai.NotFoundError):
                await ai.files.list()
    full = GatewaySettings(max_running=0)
    async with gateway(ScriptedClient(answer), full) as port, sdk(port) as ai:
        with pytest.raises(openai.RateLimitError):
            await ai.chat.completions.create(model="demo", messages=HELLO)


async def test_the_package_retries_only_what_may_be_retried(gateway: Any) -> None:
    for error, calls in ((errors.OverloadedError("x"), 2), (errors.UpstreamError("x"), 1)):
        client = failing(error)
        async with gateway(client) as port, sdk(port) as ai:
            with pytest.raises(openai.InternalServerError):
                await ai.with_options(max_retries=1).chat.completions.create(
                    model="demo", messages=HELLO
                )
        assert len(client.requests) == calls


async def test_the_synchronous_package(gateway: Any) -> None:
    def ask(port: int) -> tuple[str | None, list[str | None]]:
        with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x") as ai:
            whole = ai.chat.completions.create(model="demo", messages=HELLO)
            stream = ai.chat.completions.create(model="demo", messages=HELLO, stream=True)
            return whole.choices[0].message.content, [
                part.choices[0].delta.content for part in stream
            ]

    async with gateway(ScriptedClient(answer)) as port:
        assert await asyncio.to_thread(ask, port) == ("world", ["wo", "rld"])


async def test_a_running_stream_hears_of_a_shutdown(gateway: Any) -> None:
    response = ScriptedResponse([chunk("a"), 30.0], headers=EVENT_HEADERS)
    async with sdk(0) as ai:
        async with gateway(ScriptedClient(lambda _: response)) as port:
            ai.base_url = f"http://127.0.0.1:{port}/v1"
            stream = await ai.chat.completions.create(model="demo", messages=HELLO, stream=True)
            events = aiter(stream)
            await anext(events)
        with pytest.raises(openai.APIError, match="shutting down"):
            await anext(events)
    assert response.closed.is_set()
