"""The old form of tools: asked as tools, answered as ``function_call``."""

import json
from typing import Any

import pytest

from cocoon.errors import UpstreamError
from cocoon.gateway import Gateway, GatewaySettings
from cocoon.gateway.answers.functions_shape import FunctionsShape
from cocoon.gateway.answers.shape import PassedOn
from cocoon.gateway.reading.body import Endpoint, read_call
from cocoon.gateway.refusal import Refusal
from cocoon.testing.engine_shapes import EngineShape, engine_shapes
from cocoon.testing.scripted_client import (
    EVENT_HEADERS,
    SUMMARY,
    ScriptedClient,
    ScriptedResponse,
)

F: dict[str, Any] = {"name": "get_weather", "parameters": {"type": "object"}}
USER = {"role": "user", "content": "hi"}


def read(**members: Any) -> Any:
    body = json.dumps({"model": "demo", "messages": [USER], **members}).encode()
    return read_call(Endpoint.CHAT, body, GatewaySettings())


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("none", "none"),
        ("auto", "auto"),
        ({"name": "get_weather"}, {"type": "function", "function": {"name": "get_weather"}}),
    ],
)
def test_asked_as_tools(choice: Any, expected: Any) -> None:
    call = read(functions=[F], function_call=choice)
    sent = json.loads(call.request.body)
    assert sent["tools"] == [{"type": "function", "function": F}]
    assert sent.get("tool_choice") == expected
    assert not {"functions", "function_call"} & sent.keys()
    assert "tools" in call.request.requires
    assert ("tool-choice" in call.request.requires) is isinstance(choice, dict)
    assert isinstance(call.shape, FunctionsShape)


def test_earlier_calls_and_their_results() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    result = {"role": "function", "name": "f", "content": "rain"}
    plain = {"role": "assistant", "content": "ok", "function_call": None}
    sent = json.loads(read(messages=[USER, call, result, plain, call, result]).request.body)
    messages = sent["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant", "tool"] + ["assistant"] * 2 + [
        "tool"
    ]
    for at, identity in ((1, "call_1"), (4, "call_2")):
        (made,) = messages[at]["tool_calls"]
        assert made["id"] == messages[at + 1]["tool_call_id"] == identity
        assert made["function"] == call["function_call"]
        assert messages[at + 1]["content"] == "rain"
    assert all("function_call" not in message for message in messages)


CALLED = {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"function_call": "auto"}, "function_call", "invalid_value"),
    ({"functions": [F], "function_call": "required"}, "function_call", "invalid_value"),
    ({"functions": [F], "function_call": {"name": "g"}}, "function_call", "invalid_value"),
    (
        {"functions": [F], "function_call": {}},
        "function_call.name",
        "missing_required_parameter",
    ),
    ({"functions": [F], "function_call": 1}, "function_call", "invalid_type"),
    ({"functions": [F], "tools": []}, "functions", "invalid_value"),
    ({"functions": {}}, "functions", "invalid_type"),
    ({"functions": [{}]}, "functions[0].name", "missing_required_parameter"),
    (
        {"functions": [F], "messages": [USER, {"role": "function", "name": "f", "content": ""}]},
        "messages[1]",
        "invalid_value",
    ),
    (
        {"messages": [{**CALLED, "function_call": {"name": "f"}}]},
        "messages[0].function_call.arguments",
        "missing_required_parameter",
    ),
    (
        {"messages": [{**CALLED, "function_call": {"name": "f", "arguments": {}}}]},
        "messages[0].function_call.arguments",
        "invalid_type",
    ),
    (
        {"messages": [{**CALLED, "tool_calls": [{}]}]},
        "messages[0].function_call",
        "invalid_value",
    ),
    ({"functions": [F], "messages": [1]}, "messages[0]", "invalid_type"),
    ({"functions": [F], "messages": 1}, "messages", "invalid_type"),
]


@pytest.mark.parametrize(("members", "param", "code"), WRONG, ids=str)
def test_what_is_refused(members: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(**members)
    assert (refused.value.param, refused.value.code) == (param, code)


SHAPES = engine_shapes("tool_calls_stream")


@pytest.mark.parametrize("piece", [10**6, 60, 1])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_streams_of_all_engines(shape: EngineShape, piece: int) -> None:
    form = FunctionsShape(PassedOn(show_usage=True))
    data = form.begin()
    for at in range(0, len(shape.body), piece):
        data += form.feed(shape.body[at : at + piece])
    data += form.finish(SUMMARY)
    name = arguments = finish = ""
    usage = None
    for event in data.decode().split("\n\n"):
        if not event.startswith("data: {"):
            continue
        chunk = json.loads(event.removeprefix("data: "))
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            assert "tool_calls" not in choice["delta"]
            call = choice["delta"].get("function_call") or {}
            name += call.get("name", "")
            arguments += call.get("arguments", "")
            finish = choice.get("finish_reason") or finish
    assert (name, json.loads(arguments)) == ("get_weather", {"city": "Paris"})
    assert finish == "function_call"
    assert usage is not None
    assert b"data: [DONE]" in data


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_through_the_gateway(call: Any, stream: bool) -> None:
    piece = {"index": 0, "id": "c", "type": "function"}
    piece["function"] = {"name": "get_weather", "arguments": "{}"}  # type: ignore[assignment]
    part = {"role": "assistant", "content": None, "tool_calls": [piece]}
    name = "delta" if stream else "message"
    answer = {"choices": [{"index": 0, name: part, "finish_reason": "tool_calls"}]}
    text = json.dumps(answer).encode()
    if stream:
        response = ScriptedResponse(
            [b"data: " + text + b"\n\n", b"data: [DONE]\n\n"], headers=EVENT_HEADERS
        )
    else:
        response = ScriptedResponse([text])
    body = {"model": "demo", "messages": [USER], "functions": [F], "stream": stream}
    app = Gateway(ScriptedClient(lambda _: response))
    got = (await call(app, "POST", "/v1/chat/completions", json.dumps(body).encode())).body
    first = json.loads(got.split(b"\n\n")[0].removeprefix(b"data: "))
    (choice,) = first["choices"]
    assert choice["finish_reason"] == "function_call"
    expected = {"name": "get_weather", "arguments": "{}"}
    assert choice[name] == {"role": "assistant", "content": None, "function_call": expected}
    assert b"cocoon" in got


@pytest.mark.parametrize(
    "text",
    [
        b'"tool_calls"',
        b'{"tool_calls"',
        b'{"choices":[1],"tool_calls":1}',
        b'["tool_calls"]',
        b'{"choices":[{"message":{"tool_calls":[1]}}]}',
    ],
)
def test_nonsense_of_an_engine(text: bytes) -> None:
    with pytest.raises(UpstreamError):
        FunctionsShape(PassedOn()).whole(200, text, None)


def test_errors_and_answers_without_calls_stay() -> None:
    form = FunctionsShape(PassedOn())
    assert form.whole(200, b'{"choices":[]}', None) == b'{"choices":[]}'
    failed = form.whole(400, b'{"error":"tool_calls"}', None)
    assert json.loads(failed)["error"]["message"] == "tool_calls"
    none = b'{"choices":[{"index":0,"message":{"content":"a","tool_calls":null}}]}'
    assert json.loads(form.whole(200, none, None))["choices"][0]["message"] == {"content": "a"}
