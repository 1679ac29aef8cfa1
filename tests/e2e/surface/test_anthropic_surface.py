"""Anthropic's messages with the anthropic package against the real model."""

from typing import Any

import anthropic
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

MODEL = "SmolLM2-135M-Instruct"
SHORT: Any = {
    "model": MODEL,
    "max_tokens": 8,
    "extra_body": {"temperature": 0},
    "messages": [{"role": "user", "content": "Say hello."}],
}
TOOL: Any = {
    "name": "get_time",
    "description": "The time in a zone",
    "input_schema": {
        "type": "object",
        "properties": {"zone": {"type": "string", "enum": ["UTC", "CET"]}},
        "required": ["zone"],
        "additionalProperties": False,
    },
}


def texts(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_a_whole_answer(claude: anthropic.Anthropic) -> None:
    message = claude.messages.create(**SHORT, system="Be brief.")
    assert message.role == "assistant"
    assert texts(message)
    assert message.stop_reason in ("end_turn", "max_tokens")
    assert message.usage.input_tokens > 0
    assert 0 < message.usage.output_tokens <= 8


def test_a_stream_says_the_same(claude: anthropic.Anthropic) -> None:
    whole = texts(claude.messages.create(**SHORT))
    with claude.messages.stream(**SHORT) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == whole == texts(final)
    assert final.usage.output_tokens > 0


def test_raw_events(claude: anthropic.Anthropic) -> None:
    with claude.messages.create(**SHORT, stream=True) as stream:
        kinds = [event.type for event in stream]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]


def test_stop_sequences(claude: anthropic.Anthropic) -> None:
    whole = texts(claude.messages.create(**SHORT)).split()
    message = claude.messages.create(**SHORT, stop_sequences=[whole[1]])
    assert whole[1] not in texts(message)


def test_tools(claude: anthropic.Anthropic) -> None:
    options = {**SHORT, "max_tokens": 60}
    message = claude.messages.create(**options, tools=[TOOL], tool_choice={"type": "any"})
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert call.name == "get_time"
    assert call.input["zone"] in ("UTC", "CET")
    assert message.stop_reason == "tool_use"
    again = claude.messages.create(
        model=MODEL,
        max_tokens=8,
        tools=[TOOL],
        messages=[
            {"role": "user", "content": "What time is it?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "12:00"}],
            },
        ],
    )
    assert again.content


def test_tool_use_in_a_stream(claude: anthropic.Anthropic) -> None:
    options = {**SHORT, "max_tokens": 60}
    chosen: Any = {"type": "tool", "name": "get_time"}
    with claude.messages.stream(**options, tools=[TOOL], tool_choice=chosen) as stream:
        message = stream.get_final_message()
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert call.input["zone"] in ("UTC", "CET")


def test_count_tokens(claude: anthropic.Anthropic) -> None:
    few = claude.messages.count_tokens(model=MODEL, messages=SHORT["messages"])
    many = claude.messages.count_tokens(
        model=MODEL, messages=[{"role": "user", "content": "Say hello. " * 20}]
    )
    assert 0 < few.input_tokens < many.input_tokens


@pytest.mark.anyio
async def test_async(async_claude: anthropic.AsyncAnthropic) -> None:
    assert texts(await async_claude.messages.create(**SHORT))
    async with async_claude.messages.stream(**SHORT) as stream:
        text = "".join([part async for part in stream.text_stream])
    assert text


def test_errors_are_of_the_package_s_classes(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as unknown:
        claude.messages.create(**{**SHORT, "model": "no-such-model"})
    assert unknown.value.body["error"]["type"] == "not_found_error"  # type: ignore[index]
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(**{**SHORT, "messages": []})
