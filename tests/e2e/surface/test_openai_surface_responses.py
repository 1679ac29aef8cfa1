"""The Responses API with the openai package against the real model."""

import json
from typing import Any

import openai
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

MODEL = "SmolLM2-135M-Instruct"
TOOL: Any = {
    "type": "function",
    "name": "get_time",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"zone": {"type": "string", "enum": ["UTC", "CET"]}},
        "required": ["zone"],
        "additionalProperties": False,
    },
}
SHORT: Any = {"model": MODEL, "input": "Say hello.", "temperature": 0, "max_output_tokens": 16}


def test_a_whole_answer(ai: openai.OpenAI) -> None:
    answer = ai.responses.create(**SHORT, store=False, instructions="Be brief.")
    assert answer.output_text
    assert answer.status in ("completed", "incomplete")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_a_stream_says_the_same(ai: openai.OpenAI) -> None:
    whole = ai.responses.create(**SHORT).output_text
    with ai.responses.create(**SHORT, stream=True) as stream:
        events = list(stream)
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created"
    assert kinds[-1] in ("response.completed", "response.incomplete")
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == whole
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_the_package_s_own_stream_helper(ai: openai.OpenAI) -> None:
    with ai.responses.stream(**{**SHORT, "max_output_tokens": 200}) as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text


def test_tools(ai: openai.OpenAI) -> None:
    answer = ai.responses.create(
        model=MODEL,
        input="What time is it?",
        tools=[TOOL],
        tool_choice="required",
        max_output_tokens=60,
        temperature=0,
    )
    (call,) = [item for item in answer.output if item.type == "function_call"]
    assert call.name == "get_time"
    assert json.loads(call.arguments)["zone"] in ("UTC", "CET")
    again = ai.responses.create(
        model=MODEL,
        input=[
            {"role": "user", "content": "What time is it?"},
            {
                "type": "function_call",
                "call_id": call.call_id,
                "name": call.name,
                "arguments": call.arguments,
            },
            {"type": "function_call_output", "call_id": call.call_id, "output": "12:00"},
        ],
        max_output_tokens=16,
    )
    assert again.output_text


def test_tool_calls_in_a_stream(ai: openai.OpenAI) -> None:
    with ai.responses.create(
        model=MODEL,
        input="What time is it?",
        tools=[TOOL],
        tool_choice={"type": "function", "name": "get_time"},
        max_output_tokens=60,
        temperature=0,
        stream=True,
    ) as stream:
        events = list(stream)
    deltas = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    assert json.loads("".join(deltas))["zone"] in ("UTC", "CET")


def test_structured_output(ai: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    answer = ai.responses.create(
        model=MODEL,
        input="Which colour has the sky?",
        text={"format": {"type": "json_schema", "name": "c", "schema": schema, "strict": True}},
        max_output_tokens=30,
    )
    assert json.loads(answer.output_text)["colour"] in ("red", "blue")


@pytest.mark.anyio
async def test_async(async_ai: openai.AsyncOpenAI) -> None:
    assert (await async_ai.responses.create(**SHORT)).output_text
    kinds = [e.type async for e in await async_ai.responses.create(**SHORT, stream=True)]
    assert "response.output_text.delta" in kinds


def test_what_would_need_storage_is_refused(ai: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ai.responses.create(**SHORT, previous_response_id="resp_1")
    assert refused.value.param == "previous_response_id"
