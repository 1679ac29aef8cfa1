"""Every stream shape of vLLM, SGLang, Ollama and llama.cpp through the relay and the translators.

What each stream says was read from its file by eye. See vectors/engines/README.md for which are
recordings.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from cocoon.errors import EngineError
from cocoon.gateway.answers.shape import AnswerShape, PassedOn
from cocoon.gateway.messages.answer import Wanted
from cocoon.gateway.messages.shape import MessagesShape
from cocoon.gateway.responses.shape import ResponseShape
from cocoon.testing.engine_shapes import EngineShape, engine_shapes
from cocoon.testing.scripted_client import SUMMARY

WEATHER = ("get_weather", {"city": "Paris"})
PIECES = (10**6, 50, 1)
"""Bytes that come at a time."""


@dataclass(frozen=True)
class Said:
    """What a stream says, of its first choice."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, dict[str, str]], ...] = ()
    finish: str = "stop"
    usage: tuple[int, int] | None = None
    cached: int = 0
    thought: int = 0
    error: str = ""
    logprobs: int = 0


LLAMA_TEXT = "Hello! I'm here to help with"
SAID = {
    "vllm-chat_stream": Said("Hello there", usage=(12, 3), cached=8),
    "vllm-tool_calls_stream": Said(
        calls=(WEATHER, ("get_time", {})), finish="tool_calls", usage=(180, 31)
    ),
    "vllm-reasoning_stream": Said("Hi!", "The user greets.", usage=(10, 6)),
    "vllm-reasoning_content_stream": Said("Hi!", "The user greets.", usage=(10, 6)),
    "vllm-logprobs_stream": Said("Yes", finish="length", usage=(9, 1), logprobs=1),
    "vllm-choices_stream": Said("One", usage=(7, 4)),
    "vllm-error_in_stream": Said("Hel", error="Internal server error"),
    "vllm-continuous_usage_stream": Said("AB", usage=(5, 3)),
    "sglang-chat_stream": Said("Hello there", usage=(12, 3), cached=8),
    "sglang-tool_calls_stream": Said(calls=(WEATHER,), finish="tool_calls", usage=(170, 22)),
    "sglang-reasoning_stream": Said("Hi!", "The user greets.", usage=(10, 9), thought=5),
    "sglang-logprobs_stream": Said("Yes", finish="length", usage=(9, 1), logprobs=1),
    "sglang-choices_stream": Said("One", usage=(7, 4)),
    "sglang-error_in_stream": Said("Hel", error="The request was aborted."),
    "ollama-chat_stream": Said("Hello there", usage=(12, 3)),
    "ollama-tool_calls_stream": Said(calls=(WEATHER,), finish="tool_calls", usage=(160, 20)),
    "ollama-reasoning_stream": Said("Hi!", "The user greets.", usage=(10, 7)),
    "ollama-error_in_stream": Said("Hel", error="an error was encountered while running the model"),
    "llama.cpp-chat_stream": Said(LLAMA_TEXT, finish="length", usage=(33, 8)),
    "llama.cpp-tool_calls_stream": Said(calls=(WEATHER,), finish="tool_calls", usage=(150, 18)),
    "llama.cpp-reasoning_stream": Said("Hi!", "The user greets.", usage=(10, 8)),
    "llama.cpp-logprobs_stream": Said("Hello! I", finish="length", usage=(33, 3), logprobs=3),
    "llama.cpp-error_in_stream": Said("Hel", error="context shift is disabled"),
    "llama.cpp-timings_only_stream": Said(LLAMA_TEXT, finish="length"),
}
OTHERS = {
    "llama.cpp-completion_stream": "no chat: passed on only, below",
    "llama.cpp-json_schema_stream": "its long text is JSON, below",
}
STREAMS = [shape for shape in engine_shapes() if shape.is_stream]
CHATS = [shape for shape in STREAMS if str(shape) in SAID]
each_chat = pytest.mark.parametrize("shape", CHATS, ids=str)
each_piece = pytest.mark.parametrize("piece", PIECES)


def test_every_stream_is_here() -> None:
    assert {str(shape) for shape in STREAMS} == SAID.keys() | OTHERS.keys()


def run(form: AnswerShape, shape: EngineShape, piece: int) -> list[dict[str, Any]]:
    return events(written(form, shape, piece))


def written(form: AnswerShape, shape: EngineShape, piece: int) -> bytes:
    """All bytes for the caller, as cocoon.gateway.inference drives a form."""
    out = form.begin()
    try:
        for at in range(0, len(shape.body), piece):
            out += form.feed(shape.body[at : at + piece])
        return out + form.finish(SUMMARY)
    except EngineError as error:
        return out + form.fail(error)


def events(data: bytes) -> list[dict[str, Any]]:
    """Objects of the events; comments and ``[DONE]`` left out."""
    found = []
    assert data.endswith(b"\n\n")
    for event in data.decode().split("\n\n"):
        lines = [line[5:].strip() for line in event.splitlines() if line.startswith("data:")]
        if lines and lines != ["[DONE]"]:
            found.append(json.loads("\n".join(lines)))
    return found


def read_chat(chunks: list[dict[str, Any]]) -> Said:
    """What a program that knows OpenAI's chunks reads."""
    text = reasoning = finish = error = ""
    calls: dict[int, list[str]] = {}
    usage, logprobs = None, 0
    for chunk in chunks:
        if "error" in chunk:
            error = chunk["error"]["message"]
            continue
        if not chunk["choices"]:
            usage = chunk["usage"]
        for choice in chunk["choices"]:
            if choice["index"]:
                continue
            delta = choice["delta"]
            text += delta.get("content") or ""
            reasoning += delta.get("reasoning") or delta.get("reasoning_content") or ""
            logprobs += len((choice.get("logprobs") or {}).get("content") or ())
            for call in delta.get("tool_calls") or ():
                function = call["function"]
                known = calls.setdefault(call["index"], [function.get("name") or "", ""])
                known[1] += function.get("arguments") or ""
            finish = choice.get("finish_reason") or finish
    made = tuple((name, json.loads(arguments)) for name, arguments in calls.values())
    if error:
        return Said(text, error=error)
    if usage is None:
        return Said(text, reasoning, made, finish, logprobs=logprobs)
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    counted = usage["prompt_tokens"], usage["completion_tokens"]
    thought = usage.get("reasoning_tokens") or 0
    return Said(text, reasoning, made, finish, counted, cached, thought, logprobs=logprobs)


@each_piece
@each_chat
def test_passed_on(shape: EngineShape, piece: int) -> None:
    said = SAID[str(shape)]
    data = written(PassedOn(show_usage=True), shape, piece)
    chunks = events(data)
    assert read_chat(chunks) == said
    assert b"cocoon" in data
    if said.usage is not None:
        assert chunks[-1]["cocoon"]["cost_nanoton"] == int(SUMMARY.cost)
    silent = run(PassedOn(), shape, piece)
    assert all(chunk.get("choices") or "error" in chunk for chunk in silent)
    assert read_chat(silent).text == said.text


@each_piece
@each_chat
def test_as_a_response(shape: EngineShape, piece: int) -> None:
    said = SAID[str(shape)]
    told = run(ResponseShape(b'"model":"m"', logprobs=True), shape, piece)
    deltas: dict[str, str] = {}
    for event in told:
        if event["type"].endswith(".delta"):
            deltas[event["type"]] = deltas.get(event["type"], "") + event["delta"]
    assert deltas.get("response.output_text.delta", "") == said.text
    response = told[-1]["response"]
    if said.error:
        assert told[-1]["type"] == "response.failed"
        assert response["error"]["message"] == said.error
        return
    items = {item["type"]: item for item in response["output"]}
    text = "".join(part["text"] for part in items.get("message", {}).get("content", ()))
    calls = [item for item in response["output"] if item["type"] == "function_call"]
    assert text == said.text
    assert tuple((c["name"], json.loads(c["arguments"])) for c in calls) == said.calls
    assert ("reasoning" in items) is bool(said.reasoning)
    if said.reasoning:
        assert said.reasoning in json.dumps(items["reasoning"])
    complete = said.finish != "length"
    assert response["status"] == ("completed" if complete else "incomplete")
    assert told[-1]["type"] == f"response.{response['status']}"
    if said.logprobs:
        assert len(items["message"]["content"][0]["logprobs"]) == said.logprobs
    if said.usage is not None:
        usage = response["usage"]
        assert (usage["input_tokens"], usage["output_tokens"]) == said.usage
        assert usage["input_tokens_details"]["cached_tokens"] == said.cached
        assert usage["output_tokens_details"]["reasoning_tokens"] == said.thought


@each_piece
@each_chat
def test_as_a_message(shape: EngineShape, piece: int) -> None:
    said = SAID[str(shape)]
    told = run(MessagesShape(Wanted("m", thinking=True), stream=True), shape, piece)
    blocks: list[dict[str, Any]] = []
    filled: list[dict[str, str]] = []
    for event in told:
        if event["type"] == "content_block_start":
            blocks.append(event["content_block"])
            filled.append({})
        elif event["type"] == "content_block_delta":
            kind = event["delta"]["type"]
            value = next(v for name, v in event["delta"].items() if name != "type")
            filled[-1][kind] = filled[-1].get(kind, "") + value
    assert "".join(block.get("text_delta", "") for block in filled) == said.text
    assert "".join(block.get("thinking_delta", "") for block in filled) == said.reasoning
    if said.error:
        assert told[-1]["type"] == "error"
        assert told[-1]["error"]["message"] == said.error
        return
    calls = tuple(
        (block["name"], json.loads(parts.get("input_json_delta") or "{}"))
        for block, parts in zip(blocks, filled, strict=True)
        if block["type"] == "tool_use"
    )
    assert calls == said.calls
    assert told[-1]["type"] == "message_stop"
    last = told[-2]
    reasons = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
    assert last["delta"]["stop_reason"] == reasons[said.finish]
    if said.usage is not None:
        usage = last["usage"]
        prompt, completion = said.usage
        assert usage["input_tokens"] == prompt - said.cached
        assert usage["output_tokens"] == completion
        assert usage.get("cache_read_input_tokens", 0) == said.cached


@each_piece
def test_json_of_a_schema_arrives_whole(piece: int) -> None:
    (shape,) = engine_shapes("json_schema_stream")
    text = read_chat(run(PassedOn(), shape, piece)).text
    assert isinstance(json.loads(text)["a"], int)
    response = run(ResponseShape(b'"model":"m"'), shape, piece)[-1]["response"]
    assert response["output"][0]["content"][0]["text"] == text
    told = run(MessagesShape(Wanted("m"), stream=True), shape, piece)
    deltas = [event["delta"] for event in told if event["type"] == "content_block_delta"]
    assert "".join(delta["text"] for delta in deltas) == text


@each_piece
def test_a_bare_completion_is_passed_on(piece: int) -> None:
    (shape,) = engine_shapes("completion_stream")
    data = written(PassedOn(show_usage=True), shape, piece)
    chunks = events(data)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "-in-a"
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["usage"]["completion_tokens"] == 4
    assert b": cocoon {" in data
