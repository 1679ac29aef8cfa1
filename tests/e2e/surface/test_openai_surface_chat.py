"""Chat completions with the unmodified openai package against the real model."""

import json
from typing import Any

import openai
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

MODEL = "SmolLM2-135M-Instruct"
HELLO: Any = [{"role": "user", "content": "Say hello."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
CLOCK: Any = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"type": "string", "enum": ["UTC", "CET"]}},
            "required": ["zone"],
            "additionalProperties": False,
        },
    },
}
SCHEMA: Any = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "green", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}


def create(ai: openai.OpenAI, **more: Any) -> Any:
    options = {"model": MODEL, "messages": HELLO, "max_tokens": 8, "temperature": 0}
    return ai.chat.completions.create(**{**options, **more})


def test_a_whole_answer_with_its_usage(ai: openai.OpenAI) -> None:
    answer = create(ai)
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    usage = answer.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert 0 < usage.completion_tokens <= 8


def test_the_cost_is_in_the_headers_and_in_the_block(ai: openai.OpenAI) -> None:
    raw = ai.chat.completions.with_raw_response.create(
        model=MODEL, messages=HELLO, max_tokens=4, temperature=0
    )
    cost = int(raw.headers["x-cocoon-cost-nanoton"])
    assert cost > 0
    assert raw.headers["x-cocoon-proxy-evidence"] == "tdx-simulated"
    assert len(raw.headers["x-cocoon-proxy-image"]) == 64
    extra = raw.parse().model_extra or {}
    assert extra["cocoon"]["cost_nanoton"] == cost


def test_a_stream_says_the_same_and_ends_with_the_usage(ai: openai.OpenAI) -> None:
    whole = create(ai)
    text, usage, reasons = "", None, []
    with create(ai, stream=True, stream_options={"include_usage": True}) as stream:
        for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reasons += [choice.finish_reason] if choice.finish_reason else []
    assert text == whole.choices[0].message.content
    assert usage is not None
    assert usage.completion_tokens == whole.usage.completion_tokens
    assert reasons == [whole.choices[0].finish_reason]


def test_a_stream_without_asking_has_no_usage(ai: openai.OpenAI) -> None:
    with create(ai, stream=True) as stream:
        chunks = list(stream)
    assert chunks
    assert all(chunk.usage is None for chunk in chunks)
    assert all(chunk.choices for chunk in chunks)


def test_the_package_s_own_stream_helper(ai: openai.OpenAI) -> None:
    with ai.chat.completions.stream(
        model=MODEL, messages=HELLO, max_tokens=60, temperature=0, stop=["!", "."]
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "content.delta" in kinds
    assert final.choices[0].message.content


def test_several_answers(ai: openai.OpenAI) -> None:
    answer = create(ai, n=2, temperature=1.5, max_tokens=6, seed=7)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.message.content for choice in answer.choices)
    with create(ai, n=2, max_tokens=4, stream=True) as stream:
        seen = {choice.index for chunk in stream for choice in chunk.choices}
    assert seen == {0, 1}


def test_stop(ai: openai.OpenAI) -> None:
    plain = create(ai, max_tokens=16).choices[0].message.content
    word = plain.split()[1]
    stopped = create(ai, max_tokens=16, stop=[word]).choices[0]
    assert stopped.finish_reason == "stop"
    assert word not in stopped.message.content
    assert plain.startswith(stopped.message.content)


def test_seed(ai: openai.OpenAI) -> None:
    def ask(seed: int) -> str:
        text: str = create(ai, temperature=1.2, max_tokens=12, seed=seed).choices[0].message.content
        return text

    assert ask(42) == ask(42)
    assert len({ask(seed) for seed in (1, 2, 3)}) > 1


def test_logprobs(ai: openai.OpenAI) -> None:
    answer = create(ai, logprobs=True, top_logprobs=3)
    content = answer.choices[0].logprobs.content
    assert len(content) == answer.usage.completion_tokens
    assert all(len(item.top_logprobs) == 3 and item.logprob <= 0 for item in content)
    assert content[0].token == content[0].top_logprobs[0].token  # at temperature 0


def test_logprobs_in_a_stream(ai: openai.OpenAI) -> None:
    with create(ai, logprobs=True, top_logprobs=2, stream=True) as stream:
        found = [
            item
            for chunk in stream
            for choice in chunk.choices
            if choice.logprobs and choice.logprobs.content
            for item in choice.logprobs.content
        ]
    assert found
    assert all(len(item.top_logprobs) == 2 for item in found)


def test_logit_bias(ai: openai.OpenAI) -> None:
    """A token that is pushed down does not come; the numbers are those of the engine's tokens."""
    plain = create(ai, max_tokens=1).choices[0].message.content
    # Whatever the first token was, a large bias for another one replaces it.
    pushed = {
        create(ai, max_tokens=1, logit_bias={str(n): 100}).choices[0].message.content
        for n in (500, 600)
    }
    assert len(pushed | {plain}) > 1


def test_json_object(ai: openai.OpenAI) -> None:
    answer = create(
        ai,
        messages=[{"role": "user", "content": "Give me a short JSON object with a name."}],
        response_format={"type": "json_object"},
        max_tokens=120,
    )
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(answer.choices[0].message.content), dict)
    else:
        assert answer.choices[0].message.content.lstrip().startswith("{")


def test_json_schema(ai: openai.OpenAI) -> None:
    answer = create(
        ai,
        messages=[{"role": "user", "content": "Which colour has the sky?"}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "colour", "strict": True, "schema": SCHEMA},
        },
        max_tokens=30,
    )
    assert json.loads(answer.choices[0].message.content)["colour"] in ("red", "green", "blue")


def test_tool_choice_required(ai: openai.OpenAI) -> None:
    answer = create(ai, tools=[WEATHER, CLOCK], tool_choice="required", max_tokens=60)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls
    for call in choice.message.tool_calls:
        assert call.id
        assert call.function.name in ("get_weather", "get_time")
        assert isinstance(json.loads(call.function.arguments), dict)


def test_tool_choice_by_name(ai: openai.OpenAI) -> None:
    chosen = {"type": "function", "function": {"name": "get_time"}}
    answer = create(ai, tools=[WEATHER, CLOCK], tool_choice=chosen, max_tokens=60)
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == "get_time"
    assert json.loads(call.function.arguments)["zone"] in ("UTC", "CET")


def test_tool_choice_none_and_auto(ai: openai.OpenAI) -> None:
    none = create(ai, tools=[WEATHER], tool_choice="none")
    assert not none.choices[0].message.tool_calls
    auto = create(ai, tools=[WEATHER], tool_choice="auto", max_tokens=40)
    message = auto.choices[0].message
    assert message.content is not None or message.tool_calls


def test_tool_call_deltas(ai: openai.OpenAI) -> None:
    """The parts of a streamed call join to one call with JSON arguments."""
    name, arguments, ids, reason = "", "", set(), None
    with create(ai, tools=[WEATHER], tool_choice="required", max_tokens=60, stream=True) as stream:
        for chunk in stream:
            for choice in chunk.choices:
                reason = choice.finish_reason or reason
                for call in choice.delta.tool_calls or []:
                    if call.index:
                        continue
                    ids |= {call.id} if call.id else set()
                    name += call.function.name or ""
                    arguments += call.function.arguments or ""
    assert name == "get_weather"
    assert len(ids) == 1
    assert "city" in json.loads(arguments)
    assert reason == "tool_calls"


def test_a_conversation_with_a_tool_s_result(ai: openai.OpenAI) -> None:
    call = {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather in Oslo?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "4 degrees, rain"},
    ]
    assert create(ai, messages=messages, tools=[WEATHER]).choices[0].message.content is not None


def test_fields_that_are_accepted_without_effect(ai: openai.OpenAI) -> None:
    answer = create(
        ai,
        user="someone",
        metadata={"purpose": "test"},
        service_tier="auto",
        safety_identifier="s",
        prompt_cache_key="k",
        store=False,
        max_tokens=2,
    )
    assert answer.choices


def test_max_completion_tokens_penalties_and_top_p(ai: openai.OpenAI) -> None:
    answer = ai.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        max_completion_tokens=3,
        frequency_penalty=0.5,
        presence_penalty=0.5,
        top_p=0.9,
        parallel_tool_calls=False,
        extra_body={"top_k": 10, "min_p": 0.05},
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 3


@pytest.mark.anyio
async def test_async(async_ai: openai.AsyncOpenAI) -> None:
    text = ""
    stream = await async_ai.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=6, temperature=0, stream=True
    )
    async for chunk in stream:
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
    whole = await async_ai.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=6, temperature=0
    )
    assert text == whole.choices[0].message.content


def test_native_fields(ai: openai.OpenAI) -> None:
    image = ai.chat.completions.with_raw_response.create(
        model=MODEL, messages=HELLO, max_tokens=2
    ).headers["x-cocoon-proxy-image"]
    answer = create(
        ai,
        max_tokens=2,
        extra_body={
            "max_coefficient": 2000,
            "timeout": 30,
            "pin": {"proxy_images": [image], "evidence": ["tdx-simulated"]},
        },
    )
    assert answer.choices
    with pytest.raises(openai.InternalServerError) as refused:
        create(ai, max_tokens=2, extra_body={"pin": {"proxy_images": ["00" * 32]}})
    assert refused.value.code == "attestation_failed"
