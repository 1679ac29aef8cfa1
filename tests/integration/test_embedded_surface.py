"""What the embedded engine declares, shown with the real model: one test for each feature at least.

Bodies go the way that they go in a worker: checked, prepared, sent, and read to the end.
"""

import asyncio
import base64
import json
import math
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import psutil
import pytest

from cocoon.engine.base import EngineRequest
from cocoon.engine.llama import MODEL_ALIAS, LlamaEngine, LlamaSettings
from cocoon.engine.request_rules import encode_body
from cocoon.errors import BadRequestError
from cocoon.wire import features
from cocoon.worker.validation import CHAT_PATH, COMPLETIONS_PATH, validate

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

ASK = [{"role": "user", "content": "What is the weather in Paris?"}]
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather", "parameters": CITY},
}
ZONE = {
    "type": "object",
    "properties": {"zone": {"$ref": "#/$defs/zone"}},
    "required": ["zone"],
    "$defs": {"zone": {"enum": ["UTC", "CET"]}},
}
CLOCK = {"type": "function", "function": {"name": "get_time", "parameters": ZONE}}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[LlamaEngine]:
    engine = LlamaEngine(LlamaSettings(slots=2, context=512))
    await engine.start()
    yield engine
    pids = (engine.pid, engine.embedder_pid)
    await engine.close()
    assert not any(psutil.pid_exists(pid) for pid in pids if pid is not None)


async def post(engine: LlamaEngine, path: str, **body: Any) -> tuple[int, bytes]:
    raw = msgspec.json.encode({"model": MODEL_ALIAS, **body})
    accepted = validate(path, raw, MODEL_ALIAS)
    there, fields = engine.prepare(path, accepted.fields, b"")
    deadline = asyncio.get_running_loop().time() + 30
    answer = await engine.send(EngineRequest("POST", there, body=encode_body(fields)), deadline)
    out = b""
    while (chunk := await answer.next_chunk()) is not None:
        out += chunk
    return answer.status, out


async def whole(engine: LlamaEngine, path: str, **body: Any) -> Any:
    status, out = await post(engine, path, **body)
    assert status == 200, out
    return json.loads(out)


async def chat(engine: LlamaEngine, **body: Any) -> Any:
    body = {"messages": ASK, "temperature": 0, "max_tokens": 60, **body}
    return await whole(engine, CHAT_PATH, **body)


async def stream(engine: LlamaEngine, path: str, **body: Any) -> list[Any]:
    status, out = await post(engine, path, stream=True, **body)
    assert status == 200
    lines = [line[6:] for line in out.splitlines() if line.startswith(b"data: ")]
    assert lines.pop() == b"[DONE]"
    return [json.loads(line) for line in lines]


async def test_every_declared_word_is_one(engine: LlamaEngine) -> None:
    found = await engine.capabilities()
    assert (found.engine, found.context_length) == ("llama.cpp", 512)
    assert found.version
    assert not found.shares_prompt_cache
    assert features.readable(found.features)
    assert {features.EMBEDDINGS, features.TOOLS, features.TOOL_CHOICE} <= set(found.features)
    assert not {features.RERANK, features.IMAGE_INPUT} & set(found.features)


# --- several answers ---


async def test_several_answers_are_all_counted(engine: LlamaEngine) -> None:
    one = await chat(engine, max_tokens=6)
    three = await chat(engine, max_tokens=6, n=3, temperature=1.3, seed=5)
    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    texts = {choice["message"]["content"] for choice in three["choices"]}
    assert len(texts) > 1  # each has a seed of its own
    again = await chat(engine, max_tokens=6, n=3, temperature=1.3, seed=5)
    assert {choice["message"]["content"] for choice in again["choices"]} == texts
    assert three["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    assert three["usage"]["completion_tokens"] == 18
    assert three["usage"]["total_tokens"] == one["usage"]["prompt_tokens"] + 18


async def test_a_stream_of_several_answers(engine: LlamaEngine) -> None:
    chunks = await stream(engine, CHAT_PATH, messages=ASK, n=3, max_tokens=4, seed=1)
    usage = chunks[-1]
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 12
    assert len({chunk["id"] for chunk in chunks}) == 1
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert all("usage" not in chunk for chunk in chunks[:-1])
    for index in range(3):
        own = [choice for choice in choices if choice["index"] == index]
        assert own[0]["delta"]["role"] == "assistant"
        assert own[-1]["finish_reason"] == "length"


async def test_several_prompts_with_echo(engine: LlamaEngine) -> None:
    answer = await whole(
        engine,
        COMPLETIONS_PATH,
        prompt=["The capital", "A dog"],
        n=2,
        max_tokens=3,
        echo=True,
        seed=3,
    )
    assert answer["object"] == "text_completion"
    texts = [choice["text"] for choice in answer["choices"]]
    assert [text.startswith("The capital") for text in texts] == [True, True, False, False]
    assert all(text.startswith("A dog") for text in texts[2:])
    assert answer["usage"]["completion_tokens"] == 12
    single = await whole(engine, COMPLETIONS_PATH, prompt="A dog", max_tokens=1)
    both = single["usage"]["prompt_tokens"]
    other = await whole(engine, COMPLETIONS_PATH, prompt="The capital", max_tokens=1)
    assert answer["usage"]["prompt_tokens"] == both + other["usage"]["prompt_tokens"]


# --- sampling and log probabilities ---


async def test_seed_and_sampling(engine: LlamaEngine) -> None:
    async def ask(seed: int) -> str:
        more = {"top_k": 50, "min_p": 0.01, "top_p": 0.99, "repetition_penalty": 1.1}
        answer = await chat(engine, seed=seed, temperature=1.4, max_tokens=10, **more)
        text: str = answer["choices"][0]["message"]["content"]
        return text

    assert await ask(7) == await ask(7)
    assert len({await ask(seed) for seed in (-1, 2**40, 3)}) > 1
    assert await ask(-1) == await ask(-1)  # which llama.cpp takes for a random one


async def test_stop_and_logit_bias(engine: LlamaEngine) -> None:
    plain = (await chat(engine, max_tokens=8))["choices"][0]["message"]["content"]
    word = plain.split()[-1]
    stopped = (await chat(engine, max_tokens=8, stop=[word]))["choices"][0]
    assert word not in stopped["message"]["content"]
    assert stopped["finish_reason"] == "stop"
    first = (await whole(engine, "/tokenize", prompt=plain, add_special_tokens=False))["tokens"][0]
    barred = (await chat(engine, max_tokens=8, logit_bias={str(first): -100}))["choices"][0]
    assert barred["message"]["content"][:3] != plain[:3]


async def test_logprobs_of_chat(engine: LlamaEngine) -> None:
    answer = await chat(engine, max_tokens=3, logprobs=True, top_logprobs=2)
    items = answer["choices"][0]["logprobs"]["content"]
    assert len(items) == 3
    assert all(set(item) == {"token", "bytes", "logprob", "top_logprobs"} for item in items)
    assert all(len(item["top_logprobs"]) == 2 for item in items)
    bare = await chat(engine, max_tokens=3, logprobs=True)
    again = bare["choices"][0]["logprobs"]["content"]
    assert [item["top_logprobs"] for item in again] == [[], [], []]
    values = [item["logprob"] for item in items]
    assert [item["logprob"] for item in again] == pytest.approx(values, abs=1e-3)


async def test_logprobs_of_completions_have_the_older_form(engine: LlamaEngine) -> None:
    body = {"prompt": "The capital of France is", "max_tokens": 3, "temperature": 0, "logprobs": 2}
    answer = await whole(engine, COMPLETIONS_PATH, **body)
    choice = answer["choices"][0]
    logprobs = choice["logprobs"]
    assert "".join(logprobs["tokens"]) == choice["text"]
    assert logprobs["text_offset"][0] == 0
    assert all(value <= 0 for value in logprobs["token_logprobs"])
    assert all(len(top) == 2 for top in logprobs["top_logprobs"])
    chunks = await stream(engine, COMPLETIONS_PATH, **body)
    parts = [c["logprobs"] for chunk in chunks for c in chunk["choices"] if c["logprobs"]]
    assert [token for part in parts for token in part["tokens"]] == logprobs["tokens"]
    assert [at for part in parts for at in part["text_offset"]] == logprobs["text_offset"]
    assert chunks[-1]["usage"]["completion_tokens"] == 3


# --- JSON ---


async def test_json_schema(engine: LlamaEngine) -> None:
    schema = {"name": "place", "strict": True, "schema": CITY}
    form = {"type": "json_schema", "json_schema": schema}
    text = (await chat(engine, response_format=form))["choices"][0]["message"]["content"]
    assert set(json.loads(text)) == {"city"}
    completion = await whole(
        engine, COMPLETIONS_PATH, prompt="Paris as JSON:", response_format=form, max_tokens=60
    )
    assert set(json.loads(completion["choices"][0]["text"])) == {"city"}


async def test_json_object(engine: LlamaEngine) -> None:
    form = {"type": "json_object"}
    choice = (await chat(engine, response_format=form, max_tokens=30))["choices"][0]
    assert choice["message"]["content"].lstrip().startswith("{")


# --- tools ---


async def test_tools_required(engine: LlamaEngine) -> None:
    answer = await chat(engine, tools=[WEATHER, CLOCK], tool_choice="required")
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert call["id"].startswith("call_")
    assert call["type"] == "function"
    assert call["function"]["name"] in ("get_weather", "get_time")
    assert isinstance(json.loads(call["function"]["arguments"]), dict)


async def test_a_named_tool_with_references_in_its_schema(engine: LlamaEngine) -> None:
    choice = {"type": "function", "function": {"name": "get_time"}}
    answer = await chat(engine, tools=[WEATHER, CLOCK], tool_choice=choice)
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "get_time"
    assert json.loads(call["function"]["arguments"])["zone"] in ("UTC", "CET")


async def test_functions_are_tools(engine: LlamaEngine) -> None:
    answer = await chat(engine, functions=[CLOCK["function"]], function_call={"name": "get_time"})
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_time"


async def test_streamed_calls_come_in_pieces(engine: LlamaEngine) -> None:
    chunks = await stream(
        engine,
        CHAT_PATH,
        messages=ASK,
        temperature=0,
        max_tokens=60,
        tools=[WEATHER],
        tool_choice="required",
    )
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    calls = [call for choice in choices for call in choice["delta"].get("tool_calls", ())]
    assert calls[0]["function"]["name"] == "get_weather"
    assert calls[0]["id"]
    assert len(calls) > 2
    arguments = "".join(call["function"]["arguments"] for call in calls)
    assert set(json.loads(arguments)) == {"city"}
    assert choices[-1]["finish_reason"] == "tool_calls"
    assert not any(choice["delta"].get("content") for choice in choices)


async def test_tools_none_and_auto_answer(engine: LlamaEngine) -> None:
    none = await chat(engine, tools=[WEATHER], tool_choice="none", max_tokens=8)
    plain = await chat(engine, max_tokens=8)
    assert none["choices"][0]["message"]["content"] == plain["choices"][0]["message"]["content"]
    auto = (await chat(engine, tools=[WEATHER], max_tokens=8))["choices"][0]["message"]
    assert auto["content"] or auto["tool_calls"]


async def test_results_of_tools_are_read(engine: LlamaEngine) -> None:
    function = {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    call = {"id": "call_1", "type": "function", "function": function}
    messages = [
        *ASK,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    answer = await chat(engine, messages=messages, tools=[WEATHER], max_tokens=8)
    assert answer["usage"]["prompt_tokens"] > 60


# --- embeddings, tokens ---


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


async def test_embeddings(engine: LlamaEngine) -> None:
    words = ["a cat on a mat", "a kitten on a rug", "interest rates of central banks"]
    began = time.monotonic()
    answer = await whole(engine, "/v1/embeddings", input=words)  # starts the second child
    assert time.monotonic() - began < 15
    cat, kitten, banks = (item["embedding"] for item in answer["data"])
    assert [item["index"] for item in answer["data"]] == [0, 1, 2]
    assert cosine(cat, kitten) > cosine(cat, banks)
    assert answer["usage"]["prompt_tokens"] > 10
    packed = await whole(engine, "/v1/embeddings", input=words[0], encoding_format="base64")
    raw = base64.b64decode(packed["data"][0]["embedding"])
    assert struct.unpack(f"<{len(raw) // 4}f", raw) == pytest.approx(cat, rel=1e-3, abs=1e-5)
    assert engine.embedder_pid is not None


async def test_a_text_that_is_too_long_to_embed(engine: LlamaEngine) -> None:
    status, out = await post(engine, "/v1/embeddings", input="x " * 3000)
    assert status == 400
    assert json.loads(out)["error"]["param"] == "input"
    fits = await whole(engine, "/v1/embeddings", input="x " * 400)
    assert fits["usage"]["prompt_tokens"] >= 400


async def test_tokens(engine: LlamaEngine) -> None:
    answer = await whole(engine, "/tokenize", prompt="hello world", return_token_strs=True)
    assert answer["count"] == len(answer["tokens"]) == len(answer["token_strs"])
    text = await whole(engine, "/detokenize", tokens=answer["tokens"])
    assert text == {"prompt": "hello world"}


async def test_tokens_of_messages_are_what_chat_counts(engine: LlamaEngine) -> None:
    for tools in ([], [WEATHER]):
        counted = await whole(engine, "/tokenize", messages=ASK, tools=tools)
        answer = await chat(engine, tools=tools, max_tokens=1)
        assert counted["count"] == answer["usage"]["prompt_tokens"]


# --- refusals and errors ---


async def test_too_long_a_prompt_is_the_callers_mistake(engine: LlamaEngine) -> None:
    for more in ({}, {"stream": True}, {"n": 2}):
        status, out = await post(
            engine, CHAT_PATH, messages=[{"role": "user", "content": "hello " * 2000}], **more
        )
        error = json.loads(out)["error"]
        assert status == 400
        assert error["code"] == "context_length_exceeded"
        assert (error["param"], error["type"]) == ("messages", "invalid_request_error")


PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (CHAT_PATH, {"messages": [{"role": "user", "content": [PNG]}]}, "messages"),
        (CHAT_PATH, {"messages": ASK, "n": 100}, "n"),
        (COMPLETIONS_PATH, {"prompt": "a", "suffix": "b"}, "suffix"),
        (COMPLETIONS_PATH, {"prompt": "a", "best_of": 2}, "best_of"),
        (COMPLETIONS_PATH, {"prompt": "a", "echo": True, "logprobs": 1}, "echo"),
        (COMPLETIONS_PATH, {"prompt": [1, 2], "echo": True}, "echo"),
        ("/v1/embeddings", {"input": "a", "dimensions": 5}, "dimensions"),
    ],
)
async def test_what_it_cannot_do(
    engine: LlamaEngine, path: str, body: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadRequestError, match=f"field '{field}"):
        await post(engine, path, **body)


async def test_endpoints_that_it_lacks(engine: LlamaEngine) -> None:
    with pytest.raises(BadRequestError, match="does not serve"):
        await post(engine, "/v1/rerank", query="a", documents=["b"])


async def test_closing_streams_frees_every_slot_in_100_ms(engine: LlamaEngine) -> None:
    """Two answers fill both slots; after the close a request is served at once."""
    deadline = asyncio.get_running_loop().time() + 30
    quick = msgspec.json.encode({"messages": ASK, "max_tokens": 1})
    ask = EngineRequest("POST", CHAT_PATH, body=quick)
    usual = []
    for _ in range(3):
        began = time.perf_counter()
        answer = await engine.send(ask, deadline)
        usual.append(time.perf_counter() - began)
    body = msgspec.json.encode({"messages": ASK, "stream": True, "max_tokens": 400, "n": 2})
    answer = await engine.send(EngineRequest("POST", CHAT_PATH, body=body), deadline)
    for _ in range(3):
        assert await answer.next_chunk()
    began = time.perf_counter()
    await answer.aclose()
    assert await answer.next_chunk() is None
    answer = await engine.send(ask, deadline)
    assert answer.status == 200
    # 100 ms for the slot, the rest is the request's own time; 400 tokens would take seconds.
    assert time.perf_counter() - began < 0.1 + 2 * max(usual)
