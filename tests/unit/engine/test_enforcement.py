"""Tools for models that know none: what is asked of them, and calls read from their text."""

import json
from typing import Any

import pytest

from cocoon.engine.enforcement import (
    CallArguments,
    CallReader,
    CallStarted,
    ToolPlan,
    calls_schema,
    plan_tools,
)

BOTH = frozenset({"f", "g"})
ASK = [{"role": "user", "content": "hi"}]


def tool(name: str, **parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def read(text: str, *, certain: bool, step: int) -> tuple[str, list[tuple[str, str]]]:
    reader = CallReader(ToolPlan(BOTH, certain))
    events = []
    for at in range(0, len(text), step):
        events += reader.feed(text[at : at + step])
    events += reader.end()
    said, calls = "", []
    for event in events:
        if isinstance(event, CallStarted):
            assert event.index == len(calls)
            calls.append((event.name, ""))
        elif isinstance(event, CallArguments):
            name, arguments = calls[event.index]
            calls[event.index] = (name, arguments + event.text)
        else:
            said += event
    return said, calls


CALLS = '[{"name":"f","arguments":{"a":"}\\"]{","b":[{}]}} , {"name": "g", "arguments": {}}]'


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
@pytest.mark.parametrize("certain", [True, False])
def test_calls(step: int, certain: bool) -> None:
    said, calls = read(CALLS, certain=certain, step=step)
    assert said == ""
    assert [name for name, _ in calls] == ["f", "g"]
    assert json.loads(calls[0][1]) == {"a": '}"]{', "b": [{}]}
    assert calls[1][1] == "{}"


@pytest.mark.parametrize("step", [1, 5, 1000])
@pytest.mark.parametrize(
    "text",
    ["hello", '{"colour": 1}', '[{"name":"other","arguments":{}}]', "[", "{" * 400, "", " [1, 2]"],
)
def test_text_that_is_no_call(text: str, step: int) -> None:
    assert read(text, certain=False, step=step) == (text, [])


def test_a_call_that_is_cut_off_keeps_what_came() -> None:
    assert read('[{"name":"f","arguments":{"a":"b', certain=True, step=3) == (
        "",
        [("f", '{"a":"b')],
    )
    assert read('[{"name":"f","arg', certain=True, step=3) == ("", [])


def plan(**body: Any) -> tuple[ToolPlan | None, dict[str, Any]]:
    own = {"messages": [dict(message) for message in ASK], **body}
    return plan_tools(own), own


def test_demanded_calls_become_a_schema() -> None:
    tools = [tool("f", type="object"), tool("g", type="object")]
    planned, body = plan(tools=tools, tool_choice="required", parallel_tool_calls=True)
    assert planned == ToolPlan(BOTH, certain=True)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["maxItems"] > 1
    assert len(schema["items"]["anyOf"]) == 2
    named = {"type": "function", "function": {"name": "g"}}
    planned, body = plan(tools=tools, tool_choice=named, parallel_tool_calls=False)
    assert planned == ToolPlan(frozenset({"g"}), certain=True)
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["maxItems"] == 1
    assert schema["items"]["properties"]["name"] == {"const": "g"}


def test_auto_and_none() -> None:
    tools = [tool("f")]
    planned, body = plan(tools=tools)
    assert planned == ToolPlan(frozenset({"f"}), certain=False)
    assert "response_format" not in body
    assert '"f"' in body["messages"][0]["content"]
    assert plan(tools=tools, tool_choice="none") == (None, {"messages": ASK})
    assert plan(tools=[])[0] is None
    json_only = {"type": "json_object"}
    planned, body = plan(tools=tools, response_format=json_only)
    assert planned is None
    assert body["response_format"] == json_only


def test_references_lead_to_where_the_parameters_stand() -> None:
    parameters = {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#"}}}}
    schema = calls_schema([{"name": "f", "parameters": parameters}], 1)
    assert schema["$defs"]["f0"]["$ref"] == "#/$defs/f0/$defs/a"
    assert schema["$defs"]["f0"]["$defs"]["a"]["items"]["$ref"] == "#/$defs/f0"


def test_messages_of_tools_become_plain_ones() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "developer", "content": "be brief"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "sun"}]},
    ]
    _, body = plan(messages=messages)
    assert [message["role"] for message in body["messages"]] == ["system", "assistant", "user"]
    assert body["messages"][1]["content"] == '[{"name": "f", "arguments": {}}]'
    assert body["messages"][2]["content"].endswith("sun")
