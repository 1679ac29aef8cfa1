"""The unmodified ``anthropic`` package against a served gateway with scripted engines."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from cocoon.client.api import ClientRequest, ModelInfo
from cocoon.errors import (
    OverloadedError,
    UnavailableError,
    UnknownModelError,
    UnsupportedError,
    UpstreamError,
)
from cocoon.gateway import GatewaySettings, hash_api_key
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse

pytestmark = pytest.mark.anyio
ASK: dict[str, Any] = {
    "model": "demo",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Hello?"}],
}
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 5,
    "prompt_tokens_details": {"cached_tokens": 2},
}
TOOL: Any = {
    "name": "get_time",
    "description": "The time.",
    "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}},
    "cache_control": {"type": "ephemeral"},
}


def whole(message: dict[str, Any], reason: str = "stop", **more: Any) -> ScriptedResponse:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    body = {"object": "chat.completion", "choices": [{**choice, **more}], "usage": USAGE}
    return ScriptedResponse([json.dumps(body).encode()])


def chunks(*deltas: dict[str, Any] | str) -> ScriptedResponse:
    """Deltas, then a finish reason; usage in a chunk of its own."""
    events: list[dict[str, Any]] = []
    for delta in deltas:
        if isinstance(delta, str):
            events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": delta}]})
        else:
            events.append({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    events.append({"choices": [], "usage": USAGE})
    steps = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    return ScriptedResponse([*steps, b"data: [DONE]\n\n"], headers=EVENT_HEADERS)


def answering(*answers: Any) -> ScriptedClient:
    left = list(answers)
    return ScriptedClient(lambda _: left.pop(0) if len(left) > 1 else left[0])


def sent(client: ScriptedClient) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(client.requests[-1].body)
    return body


async def with_package(
    gateway: Any,
    client: ScriptedClient,
    use: Callable[[anthropic.AsyncAnthropic], Awaitable[Any]],
    settings: GatewaySettings | None = None,
    **options: Any,
) -> Any:
    async with gateway(client, settings) as port:
        base = f"http://127.0.0.1:{port}"
        options = {"api_key": "sk-x", "max_retries": 0, **options}
        async with anthropic.AsyncAnthropic(base_url=base, **options) as claude:
            return await use(claude)


async def test_a_message(gateway: Any) -> None:
    client = answering(whole({"content": "Hi."}))

    async def use(claude: anthropic.AsyncAnthropic) -> Any:
        return await claude.messages.create(
            **ASK,
            system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            stop_sequences=["END"],
            metadata={"user_id": "u-1"},
            extra_body={"max_coefficient": 1234, "temperature": 0.5},
        )

    message = await with_package(gateway, client, use)
    assert message.id.startswith("msg_")
    assert (message.role, message.model, message.stop_reason) == ("assistant", "demo", "end_turn")
    assert [block.text for block in message.content] == ["Hi."]
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (9, 2, 5)
    assert message.cocoon["cost_nanoton"] == 1900
    assert message._request_id
    body = sent(client)
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
    ]
    assert (body["temperature"], body["stop"], body["max_tokens"]) == (0.5, ["END"], 50)
    assert client.requests[-1].max_coefficient == 1234
    assert client.requests[-1].path == "/v1/chat/completions"
    assert "max_coefficient" not in body


async def test_models(gateway: Any) -> None:
    models = [ModelInfo(f"m{n:02}", ()) for n in range(25)]
    client = ScriptedClient(lambda _: whole({}), models=models)

    async def use(claude: anthropic.AsyncAnthropic) -> None:
        assert [model.id async for model in claude.models.list()] == [m.name for m in models]
        page = await claude.models.list(limit=10, before_id="m20")
        assert [model.id for model in page.data] == [m.name for m in models[10:20]]
        one = await claude.models.retrieve("m07")
        assert (one.id, one.type, one.lifecycle) == ("m07", "model", "active")
        assert one.created_at.year == 1970
        with pytest.raises(anthropic.NotFoundError):
            await claude.models.retrieve("nobody")

    await with_package(gateway, client, use)


def test_the_synchronous_package(gateway: Any) -> None:
    client = ScriptedClient(
        lambda request: (
            chunks({"content": "Hi"}, {"content": "."}, "stop")
            if json.loads(request.body).get("stream")
            else whole({"content": "Hi."})
        )
    )

    def use(port: int) -> tuple[str, str]:
        with anthropic.Anthropic(base_url=f"http://127.0.0.1:{port}", api_key="sk-x") as claude:
            first = claude.messages.create(**ASK).content[0]
            with claude.messages.stream(**ASK) as stream:
                return first.text, "".join(stream.text_stream)

    async def main() -> tuple[str, str]:
        async with gateway(client) as port:
            return await asyncio.to_thread(use, port)

    assert asyncio.run(main()) == ("Hi.", "Hi.")


@pytest.mark.parametrize("options", [{"api_key": "sk-k"}, {"api_key": None, "auth_token": "sk-k"}])
async def test_both_ways_to_give_a_key(gateway: Any, options: dict[str, Any]) -> None:
    settings = GatewaySettings(api_key_hashes=(hash_api_key("sk-k"),))
    client = answering(whole({"content": "Hi."}))
    message = await with_package(
        gateway, client, lambda claude: claude.messages.create(**ASK), settings, **options
    )
    assert message.content


async def test_a_stream(gateway: Any) -> None:
    client = answering(
        chunks({"role": "assistant", "content": ""}, {"content": "H"}, {"content": "i"}, "length")
    )

    async def use(claude: anthropic.AsyncAnthropic) -> Any:
        stream = await claude.messages.create(**ASK, stream=True)
        return [event async for event in stream]

    events = await with_package(gateway, client, use)
    assert [event.type for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[-2].delta.stop_reason == "max_tokens"
    assert events[-2].usage.input_tokens == 9
    assert events[-2].cocoon["cost_nanoton"] == 1900
    assert sent(client)["stream_options"] == {"include_usage": True}


async def test_the_stream_helper_with_thoughts_and_tools(gateway: Any) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": ""}}
    client = answering(
        chunks(
            {"reasoning_content": "Zones"},
            {"reasoning": "…"},
            {"content": "Let me look."},
            {"tool_calls": [{"index": 0, **call}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"zone":'}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '"UTC"}'}}]},
            {"tool_calls": [{"index": 1, **call, "id": "call_2"}]},
            {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
            "tool_calls",
        )
    )

    async def use(claude: anthropic.AsyncAnthropic) -> Any:
        thinking: Any = {"type": "enabled", "budget_tokens": 2000}
        options: Any = {**ASK, "max_tokens": 4000, "thinking": thinking, "tools": [TOOL]}
        async with claude.messages.stream(**options) as stream:
            return await stream.get_final_message()

    message = await with_package(gateway, client, use)
    kinds = [block.type for block in message.content]
    assert kinds == ["thinking", "text", "tool_use", "tool_use"]
    assert message.content[0].thinking == "Zones…"
    assert message.content[2].input == {"zone": "UTC"}
    assert (message.content[2].id, message.content[3].id) == ("call_1", "call_2")
    assert message.stop_reason == "tool_use"
    assert message.usage.output_tokens == 5
    body = sent(client)
    assert body["chat_template_kwargs"] == {"enable_thinking": True}
    assert body["reasoning_effort"] == "low"
    assert body["tools"][0]["function"]["parameters"] == TOOL["input_schema"]
    assert "cache_control" not in json.dumps(body)


async def test_a_loop_with_a_tool(gateway: Any) -> None:
    arguments = {"name": "get_time", "arguments": '{"zone":"UTC"}'}
    client = answering(
        whole(
            {
                "content": None,
                "reasoning_content": "I need the time.",
                "tool_calls": [{"id": "call_1", "type": "function", "function": arguments}],
            },
            "tool_calls",
        ),
        whole({"content": "Noon."}),
    )

    async def use(claude: anthropic.AsyncAnthropic) -> Any:
        messages = list(ASK["messages"])
        options: Any = {**ASK, "tools": [TOOL], "tool_choice": {"type": "any"}}
        options["thinking"] = {"type": "adaptive"}
        first = await claude.messages.create(**options)
        assert first.stop_reason == "tool_use"
        (call,) = [block for block in first.content if block.type == "tool_use"]
        assert call.input == {"zone": "UTC"}
        assert sent(client)["tool_choice"] == "required"
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "12:00"}
        messages += [
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        return await claude.messages.create(**{**options, "messages": messages})

    message = await with_package(gateway, client, use)
    assert message.content[0].text == "Noon."
    assert sent(client)["messages"][1:] == [
        {
            "role": "assistant",
            "tool_calls": [{"id": "call_1", "type": "function", "function": arguments}],
            "content": "",
            "reasoning_content": "I need the time.",
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "12:00"},
    ]


async def test_an_image(gateway: Any) -> None:
    client = answering(whole({"content": "A dot."}))
    data = base64.b64encode(b"\x89PNG").decode()
    source: Any = {"type": "base64", "media_type": "image/png", "data": data}
    content: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    ask: Any = {**ASK, "messages": [{"role": "user", "content": content}]}
    await with_package(gateway, client, lambda claude: claude.messages.create(**ask))
    assert sent(client)["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "text", "text": "What is it?"},
    ]
    assert "image-input" in client.requests[-1].requires


class Answer(BaseModel):
    number: int


async def test_structured_output(gateway: Any) -> None:
    client = answering(whole({"content": '{"number":4}'}))
    message = await with_package(
        gateway, client, lambda claude: claude.messages.parse(**ASK, output_format=Answer)
    )
    assert message.parsed_output == Answer(number=4)
    wanted = sent(client)["response_format"]
    assert wanted["json_schema"]["schema"]["required"] == ["number"]


async def test_which_stop_sequence(gateway: Any) -> None:
    client = answering(whole({"content": "a"}, stop_reason="END"))
    ask: Any = {**ASK, "stop_sequences": ["END"]}
    message = await with_package(gateway, client, lambda claude: claude.messages.create(**ask))
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")


async def test_a_refusal_of_the_model(gateway: Any) -> None:
    client = answering(whole({"content": None, "refusal": "No."}))
    message = await with_package(gateway, client, lambda claude: claude.messages.create(**ASK))
    assert (message.stop_reason, message.content[0].text) == ("refusal", "No.")


ERRORS = [
    (UnknownModelError("no such model"), anthropic.NotFoundError, 404, "not_found_error"),
    (OverloadedError("all busy"), anthropic.APIStatusError, 529, "overloaded_error"),
    (UnavailableError("no proxy"), anthropic.InternalServerError, 502, "api_error"),
]


@pytest.mark.parametrize(("error", "kind", "status", "word"), ERRORS)
async def test_failures_of_the_network(
    gateway: Any, error: Exception, kind: type[anthropic.APIStatusError], status: int, word: str
) -> None:
    client = ScriptedClient(lambda _: error)
    with pytest.raises(kind) as caught:
        await with_package(gateway, client, lambda claude: claude.messages.create(**ASK))
    assert caught.value.status_code == status
    assert caught.value.type == word
    body: Any = caught.value.body
    assert body["type"] == "error"
    assert body["request_id"] == caught.value.request_id


async def test_a_wrong_key(gateway: Any) -> None:
    settings = GatewaySettings(api_key_hashes=(hash_api_key("sk-k"),))
    client = answering(whole({"content": "Hi."}))
    with pytest.raises(anthropic.AuthenticationError) as caught:
        await with_package(
            gateway, client, lambda claude: claude.messages.create(**ASK), settings, api_key="no"
        )
    assert caught.value.type == "authentication_error"


async def test_an_error_answer_of_the_engine(gateway: Any) -> None:
    body = b'{"error":{"message":"too long","type":"BadRequestError","code":400}}'
    client = answering(ScriptedResponse([body], status=400))
    with pytest.raises(anthropic.BadRequestError) as caught:
        await with_package(gateway, client, lambda claude: claude.messages.create(**ASK))
    assert (caught.value.type, caught.value.api_message) == ("invalid_request_error", "too long")


BREAKS = [
    [UpstreamError("the worker went away")],
    [b'data: {"error":{"message":"out of memory","code":500}}\n\n'],
    [b'data: {"object":"error","message":"out of memory","code":500}\n\n'],
    [b"data: nonsense\n\n"],
    [],
]


@pytest.mark.parametrize("end", BREAKS)
async def test_a_stream_that_breaks_off(gateway: Any, end: list[Any]) -> None:
    start = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    client = answering(ScriptedResponse([start, *end], headers=EVENT_HEADERS))
    texts: list[str] = []

    async def use(claude: anthropic.AsyncAnthropic) -> None:
        async with claude.messages.stream(**ASK) as stream:
            async for text in stream.text_stream:
                texts.append(text)

    with pytest.raises(anthropic.APIStatusError) as caught:
        await with_package(gateway, client, use)
    assert texts == ["Hi"]
    assert caught.value.type == "api_error"


async def test_tokens_are_counted_by_a_worker(gateway: Any) -> None:
    client = answering(ScriptedResponse([b'{"count":17,"max_model_len":4096,"tokens":[1,2]}']))

    async def use(claude: anthropic.AsyncAnthropic) -> Any:
        return await claude.messages.count_tokens(
            model="demo", messages=ASK["messages"], tools=[TOOL]
        )

    counted = await with_package(gateway, client, use)
    assert counted.input_tokens == 17
    assert counted.cocoon["estimated"] is False
    assert counted.cocoon["cost_nanoton"] == 1900
    request: ClientRequest = client.requests[-1]
    assert (request.path, request.requires) == ("/tokenize", ("tokenize",))
    assert set(sent(client)) == {"model", "messages", "tools", "add_generation_prompt"}


@pytest.mark.parametrize(
    "failure",
    [
        UnsupportedError("no worker can"),
        ScriptedResponse([b'{"error":{"message":"unsupported method"}}'], status=400),
        ScriptedResponse([b"[]"]),
    ],
)
async def test_an_estimate_says_that_it_is_one(gateway: Any, failure: Any) -> None:
    client = answering(failure)

    async def use(claude: anthropic.AsyncAnthropic) -> Any:
        return await claude.messages.count_tokens(
            model="demo", messages=[{"role": "user", "content": "Hello! " * 40}]
        )

    counted = await with_package(gateway, client, use)
    assert counted.input_tokens == 74
    assert counted.cocoon == {"estimated": True}


async def test_counting_for_an_unknown_model_is_refused(gateway: Any) -> None:
    client = ScriptedClient(lambda _: UnknownModelError("no such model"))

    async def use(claude: anthropic.AsyncAnthropic) -> Any:
        return await claude.messages.count_tokens(model="demo", messages=ASK["messages"])

    with pytest.raises(anthropic.NotFoundError):
        await with_package(gateway, client, use)
