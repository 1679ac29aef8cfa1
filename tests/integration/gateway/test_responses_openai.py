"""The unmodified ``openai`` package speaks the Responses API to a served gateway."""

import json
from typing import Any

import anyio
import openai
import pytest
from pydantic import BaseModel

from cocoon import errors
from cocoon.client.api import ClientRequest
from cocoon.testing.scripted_client import (
    EVENT_HEADERS,
    ScriptedClient,
    ScriptedResponse,
    Step,
    failing,
)

pytestmark = pytest.mark.anyio

USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 4,
    "total_tokens": 13,
    "prompt_tokens_details": {"cached_tokens": 2},
}
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "how it is outside",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class City(BaseModel):
    name: str
    people: int


def event(body: Any) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def chunk(fr: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": fr}
    return event({"id": "c", "object": "chat.completion.chunk", "choices": [choice]})


def told(**message: Any) -> list[bytes]:
    """A message as an engine streams it."""
    steps = [chunk(role="assistant", content="")]
    steps += [chunk(reasoning_content=part) for part in message.get("reasoning_content") or ""]
    steps += [chunk(content=part) for part in message.get("content") or ""]
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        head = {"index": index, "id": call["id"], "type": "function"}
        steps.append(chunk(tool_calls=[{**head, "function": {"name": function["name"]}}]))
        steps += [
            chunk(tool_calls=[{"index": index, "function": {"arguments": part}}])
            for part in function["arguments"]
        ]
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    return [*steps, chunk(fr=reason), event({"choices": [], "usage": USAGE}), b"data: [DONE]\n\n"]


def says(fr: str = "stop", **message: Any) -> ScriptedClient:
    """A network whose model always says the same."""

    def answer(request: ClientRequest) -> ScriptedResponse:
        if json.loads(request.body).get("stream"):
            return ScriptedResponse(told(**message), headers=EVENT_HEADERS)
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": fr}
        whole = {"object": "chat.completion", "choices": [choice], "usage": USAGE}
        return ScriptedResponse([json.dumps(whole).encode()])

    return ScriptedClient(answer)


def streams(*steps: Step) -> ScriptedClient:
    return ScriptedClient(lambda _: ScriptedResponse(steps, headers=EVENT_HEADERS))


def options(port: int) -> Any:
    base_url = f"http://127.0.0.1:{port}/v1"
    return {"base_url": base_url, "api_key": "none", "max_retries": 0, "timeout": 10}


def sdk(port: int) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(**options(port))


async def test_a_whole_answer(gateway: Any) -> None:
    client = says(content="world", reasoning_content="hm")
    async with gateway(client) as port, sdk(port) as ai:
        response = await ai.responses.create(
            model="demo",
            input="hello",
            instructions="be brief",
            metadata={"a": "b"},
            reasoning={"effort": "low"},
            extra_body={"max_coefficient": 1200},
        )
    assert response.output_text == "world"
    assert response.status == "completed"
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (9, 4)
    assert response.usage.input_tokens_details.cached_tokens == 2
    assert (response.instructions, response.metadata) == ("be brief", {"a": "b"})
    assert response.model_extra is not None
    assert response.model_extra["cocoon"]["cost_nanoton"] == 1900
    # All that the package's types demand is there, with these types.
    type(response).model_validate_json(response.to_json())
    assert client.requests[0].max_coefficient == 1200


async def test_a_stream(gateway: Any) -> None:
    async with gateway(says(content="world")) as port, sdk(port) as ai:
        stream = await ai.responses.create(model="demo", input="hello", stream=True)
        events = [event async for event in stream]
    for event in events:
        type(event).model_validate_json(event.to_json())
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert deltas == list("world")
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == "world"
    assert [event.sequence_number for event in events] == list(range(len(events)))


async def test_the_context_manager_and_the_final_response(gateway: Any) -> None:
    client = says(content="world", reasoning_content="hm")
    async with (
        gateway(client) as port,
        sdk(port) as ai,
        ai.responses.stream(model="demo", input="hello") as stream,
    ):
        kinds = [event.type async for event in stream]
        response = await stream.get_final_response()
    assert response.output_text == "world"
    assert "response.reasoning_text.delta" in kinds


async def test_parsed_answers(gateway: Any) -> None:
    client = says(content='{"name":"Rome","people":3}')
    async with gateway(client) as port, sdk(port) as ai:
        parsed = await ai.responses.parse(model="demo", input="a city", text_format=City)
        assert parsed.output_parsed == City(name="Rome", people=3)
        async with ai.responses.stream(model="demo", input="a city", text_format=City) as stream:
            final = await stream.get_final_response()
        assert final.output_parsed == City(name="Rome", people=3)
    sent = json.loads(client.requests[0].body)["response_format"]
    assert (sent["type"], sent["json_schema"]["name"]) == ("json_schema", "City")
    assert sent["json_schema"]["strict"] is True


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_round_of_function_calls(gateway: Any, streamed: bool) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
    }

    client = says(tool_calls=[call, {**call, "id": "call_2"}], reasoning_content="hm")
    items: Any = [{"role": "user", "content": "how is it in Rome?"}]
    async with gateway(client) as port, sdk(port) as ai:
        if streamed:
            async with ai.responses.stream(model="demo", input=items, tools=[WEATHER]) as stream:
                response: Any = await stream.get_final_response()
        else:
            response = await ai.responses.create(model="demo", input=items, tools=[WEATHER])
        calls = [item for item in response.output if item.type == "function_call"]
        assert [(c.name, c.call_id, c.arguments) for c in calls] == [
            ("weather", "call_1", '{"city":"Rome"}'),
            ("weather", "call_2", '{"city":"Rome"}'),
        ]
        items += response.output
        items += [
            {"type": "function_call_output", "call_id": c.call_id, "output": "sun"} for c in calls
        ]
        client.script = says(content="sunny").script
        again = await ai.responses.create(model="demo", input=items, tools=[WEATHER])
    assert again.output_text == "sunny"
    messages = json.loads(client.requests[-1].body)["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool"]
    assert messages[1]["reasoning_content"] == "hm"
    assert [c["id"] for c in messages[1]["tool_calls"]] == ["call_1", "call_2"]


async def test_log_probabilities(gateway: Any) -> None:
    tokens = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]}
    choice = {"index": 0, "delta": {"content": "a"}, "logprobs": tokens}
    client = streams(event({"choices": [choice]}), chunk(fr="stop"), b"data: [DONE]\n\n")
    async with gateway(client) as port, sdk(port) as ai:
        stream = await ai.responses.create(
            model="demo",
            input="hello",
            stream=True,
            include=["message.output_text.logprobs"],
            top_logprobs=1,
        )
        events = [event async for event in stream]
    done = next(event for event in events if event.type == "response.output_text.done")
    assert [(token.token, token.logprob) for token in done.logprobs] == [("a", -0.5)]


async def test_too_few_tokens_are_an_incomplete_response(gateway: Any) -> None:
    async with gateway(says("length", content="wor")) as port, sdk(port) as ai:
        response = await ai.responses.create(model="demo", input="x", max_output_tokens=3)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


async def test_a_stream_that_breaks_ends_with_error_and_failed(gateway: Any) -> None:
    client = streams(chunk(content="a"), errors.UnavailableError("the worker is gone"))
    async with gateway(client) as port, sdk(port) as ai:
        stream = await ai.responses.create(model="demo", input="hello", stream=True)
        events = [event async for event in stream]
    error, failed = events[-2:]
    assert error.type == "error"
    assert (error.code, error.message) == ("unavailable", "the worker is gone")
    assert failed.type == "response.failed"
    assert failed.response.error is not None
    assert failed.response.error.code == "server_error"


async def test_errors_before_the_first_byte_are_the_packages_classes(gateway: Any) -> None:
    refused = ScriptedResponse(
        [b'{"object":"error","message":"too long","type":"BadRequestError","code":400}'],
        status=400,
    )
    async with gateway(ScriptedClient(lambda _: refused)) as port, sdk(port) as ai:
        with pytest.raises(openai.BadRequestError, match="too long"):
            await ai.responses.create(model="demo", input="hello")
    async with gateway(failing(errors.UnknownModelError("no such model"))) as port, sdk(port) as ai:
        with pytest.raises(openai.NotFoundError):
            await ai.responses.create(model="other", input="hello", stream=True)


async def test_what_would_have_to_be_stored_is_refused(gateway: Any) -> None:
    client = says(content="never")
    async with gateway(client) as port, sdk(port) as ai:
        for more in ({"store": True}, {"previous_response_id": "resp_1"}, {"background": True}):
            with pytest.raises(openai.BadRequestError) as caught:
                await ai.responses.create(model="demo", input="hello", **more)
            assert (caught.value.param, caught.value.code) == (
                next(iter(more)),
                "unsupported_parameter",
            )
        with pytest.raises(openai.NotFoundError, match="not stored"):
            await ai.responses.retrieve("resp_1")
        with pytest.raises(openai.NotFoundError, match="not stored"):
            await ai.responses.delete("resp_1")
        with pytest.raises(openai.NotFoundError, match="not stored"):
            await ai.responses.cancel("resp_1")
        with pytest.raises(openai.NotFoundError, match="not stored"):
            await ai.responses.input_items.list("resp_1")
    assert not client.requests


def _in_one_thread(port: int) -> None:
    with openai.OpenAI(**options(port)) as ai:
        assert ai.responses.create(model="demo", input="hello").output_text == "world"
        with ai.responses.create(model="demo", input="hello", stream=True) as plain:
            assert [e.delta for e in plain if e.type == "response.output_text.delta"] == [*"world"]
        with ai.responses.stream(model="demo", input="hello") as stream:
            assert stream.get_final_response().output_text == "world"


async def test_the_sync_package(gateway: Any) -> None:
    async with gateway(says(content="world")) as port:
        await anyio.to_thread.run_sync(_in_one_thread, port)
