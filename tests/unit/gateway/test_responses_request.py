"""What a Responses call becomes in the network, and what is refused."""

import json
from typing import Any

import pytest

from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.responses import read_response
from cocoon.gateway.settings import GatewaySettings

WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": True}
TIME = {"type": "function", "name": "time", "parameters": None}
CALL = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "rain"}
PIXEL = "data:image/png;base64,AAAA"


def read(**fields: Any) -> InferenceCall:
    body = json.dumps({"model": "demo", "input": "hi", **fields}).encode()
    return read_response(Incoming("/v1/responses", body), GatewaySettings())


def chat(**fields: Any) -> Any:
    return json.loads(read(**fields).request.body)


def messages(*items: Any, **fields: Any) -> Any:
    return chat(input=list(items), **fields)["messages"]


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_a_string_is_what_the_user_says() -> None:
    call = read(instructions="be brief", max_output_tokens=7)
    body = json.loads(call.request.body)
    assert call.request.path == "/v1/chat/completions"
    assert body["messages"] == [{"role": "system", "content": "be brief"}, user("hi")]
    assert call.request.max_tokens == 7
    assert not call.stream


def test_options_go_where_a_chat_has_them() -> None:
    body = chat(
        temperature=0.5,
        top_p=0.9,
        stream=True,
        stream_options={"include_obfuscation": True},
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "x", "schema": {}, "strict": True}},
        include=["message.output_text.logprobs", "reasoning.encrypted_content"],
        top_logprobs=2,
        seed=5,
        top_k=3,
        metadata={"a": "b"},
        store=False,
        truncation="auto",
        service_tier="flex",
        prompt_cache_key="k",
        safety_identifier="s",
        max_tool_calls=3,
        previous_response_id=None,
    )
    assert (body["temperature"], body["top_p"], body["seed"], body["top_k"]) == (0.5, 0.9, 5, 3)
    assert body["reasoning_effort"] == "low"
    assert (body["logprobs"], body["top_logprobs"]) == (True, 2)
    assert body["stream_options"] == {"include_usage": True}
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {}, "strict": True},
    }
    for name in ("metadata", "store", "truncation", "service_tier", "input", "include", "text"):
        assert name not in body


def test_own_fields_are_read_once_and_not_sent() -> None:
    call = read(max_coefficient=1200, timeout=9, user="ann", max_cost=5_000_000)
    assert (call.request.max_coefficient, call.request.timeout) == (1200, 9.0)
    assert (call.user, call.max_cost) == ("ann", 5_000_000)
    assert not {"max_coefficient", "timeout", "max_cost", "user"} & set(
        json.loads(call.request.body)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ({"format": {"type": "text"}}, None),
        ({"format": {"type": "json_object"}}, {"type": "json_object"}),
        ({}, None),
    ],
)
def test_forms_of_text(text: Any, expected: Any) -> None:
    assert chat(text=text).get("response_format") == expected


def test_parts_of_what_the_user_says() -> None:
    parts = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": PIXEL, "detail": "low"},
        {"type": "input_file", "file_data": "data:,x", "filename": "a.txt"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    assert messages(user(parts)) == [
        user(
            [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                {"type": "file", "file": {"file_data": "data:,x", "filename": "a.txt"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            ]
        )
    ]
    assert messages(user(parts[:1])) == [user("look")]


def test_instructions_and_what_opens_the_input_are_one_system_message() -> None:
    opening = [
        {"role": "developer", "content": "two"},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "three"}]},
    ]
    late = {"role": "developer", "content": "late"}
    assert messages(*opening, user("hi"), late, instructions="one") == [
        {"role": "system", "content": "one\n\ntwo\n\nthree"},
        user("hi"),
        {"role": "system", "content": "late"},
    ]


def test_a_round_of_function_calls_and_reasoning() -> None:
    thought = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}],
        "encrypted_content": "opaque",
    }
    said = {
        "type": "message",
        "role": "assistant",
        "id": "msg_1",
        "status": "completed",
        "content": [{"type": "output_text", "text": "I look", "annotations": [], "logprobs": []}],
    }
    second = {**CALL, "call_id": "c2", "name": "time"}
    texts = [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]
    sent = messages(
        user("hi"),
        thought,
        said,
        CALL,
        second,
        OUTPUT,
        {**OUTPUT, "call_id": "c2", "output": texts},
    )
    assert sent == [
        user("hi"),
        {
            "role": "assistant",
            "content": "I look",
            "reasoning_content": "hm",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": "{}"},
                },
                {"id": "c2", "type": "function", "function": {"name": "time", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "tool", "tool_call_id": "c2", "content": "a\nb"},
    ]


def test_calls_after_an_output_are_the_next_message() -> None:
    again = [{**CALL, "call_id": "c2"}, {**OUTPUT, "call_id": "c2"}]
    roles = [m["role"] for m in messages(user("hi"), CALL, OUTPUT, *again)]
    assert roles == ["user", "assistant", "tool", "assistant", "tool"]


def test_an_earlier_refusal_is_what_the_assistant_said() -> None:
    said = {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}
    assert messages(user("hi"), said, user("why"))[1] == {"role": "assistant", "content": "no"}


def test_a_summary_stands_in_for_reasoning_without_text() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "short"}]}
    said = {"role": "assistant", "content": "yes"}
    assert messages(user("hi"), thought, said)[1]["reasoning_content"] == "short"


def test_thoughts_that_led_to_nothing_are_dropped() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "short"}]}
    assert messages(thought, user("hi")) == [user("hi")]


def test_tools_are_nested() -> None:
    body = chat(tools=[WEATHER, TIME], parallel_tool_calls=False, tool_choice="required")
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "weather", "parameters": {"type": "object"}, "strict": True},
        },
        {"type": "function", "function": {"name": "time"}},
    ]
    assert body["tool_choice"] == "required"
    assert body["parallel_tool_calls"] is False


def test_a_named_choice_and_allowed_tools() -> None:
    named = chat(tools=[WEATHER, TIME], tool_choice={"type": "function", "name": "time"})
    assert named["tool_choice"] == {"type": "function", "function": {"name": "time"}}
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "time"}],
    }
    body = chat(tools=[WEATHER, TIME], tool_choice=allowed)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["time"]
    assert body["tool_choice"] == "required"


def test_choices_without_tools_are_left_out() -> None:
    body = chat(tool_choice="auto", parallel_tool_calls=True, tools=[])
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)


STATE = "unsupported_parameter"
REFUSED: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"store": True}, "store", STATE),
    ({"previous_response_id": "resp_1"}, "previous_response_id", STATE),
    ({"conversation": "conv_1"}, "conversation", STATE),
    ({"conversation": {"id": "conv_1"}}, "conversation", STATE),
    ({"background": True}, "background", STATE),
    ({"prompt": {"id": "p"}}, "prompt", STATE),
    ({"moderation": {"model": "m"}}, "moderation", STATE),
    ({"context_management": [{"type": "compaction"}]}, "context_management", STATE),
    ({"max_tokens": 5}, "max_tokens", STATE),
    ({"response_format": {"type": "text"}}, "response_format", STATE),
    ({"messages": []}, "messages", STATE),
    ({"n": 2}, "n", "unknown_parameter"),
    ({"model": None}, "model", "missing_required_parameter"),
    ({"model": ""}, "model", "invalid_value"),
    ({"model": 5}, "model", "invalid_type"),
    ({"input": None}, "input", "missing_required_parameter"),
    ({"input": []}, "input", "missing_required_parameter"),
    ({"input": 5}, "input", "invalid_type"),
    ({"input": [5]}, "input[0]", "invalid_type"),
    ({"input": [{}]}, "input[0].type", "missing_required_parameter"),
    ({"input": [{"type": "secret"}]}, "input[0].type", "invalid_value"),
    ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type", "unsupported_value"),
    ({"input": [{"type": "web_search_call"}]}, "input[0].type", "unsupported_value"),
    ({"input": [{"type": "message", "content": "x"}]}, "input[0].role", None),
    ({"input": [{"role": "secret", "content": "x"}]}, "input[0].role", "invalid_value"),
    ({"input": [{"role": "user"}]}, "input[0].content", "missing_required_parameter"),
    ({"input": [user([{"type": "secret"}])]}, "input[0].content[0].type", "invalid_value"),
    ({"input": [user([{"text": "x"}])]}, "input[0].content[0].type", None),
    ({"input": [user([{"type": "input_text"}])]}, "input[0].content[0].text", None),
    ({"input": [user([{"type": "input_text", "text": 5}])]}, "input[0].content[0].text", None),
    ({"input": [user([{"type": "input_image"}])]}, "input[0].content[0].image_url", None),
    (
        {"input": [user([{"type": "input_image", "image_url": "https://secret"}])]},
        "input[0].content[0].image_url",
        "invalid_value",
    ),
    (
        {"input": [user([{"type": "input_image", "file_id": "f"}])]},
        "input[0].content[0].file_id",
        "unsupported_value",
    ),
    (
        {"input": [user([{"type": "input_file", "file_url": "u"}])]},
        "input[0].content[0].file_url",
        "unsupported_value",
    ),
    ({"input": [user([{"type": "input_file"}])]}, "input[0].content[0].file_data", None),
    ({"input": [user([{"type": "input_audio"}])]}, "input[0].content[0].input_audio", None),
    ({"input": [user([])]}, "input", "empty_array"),
    ({"input": [{**CALL, "call_id": None}]}, "input[0].call_id", None),
    ({"input": [{**CALL, "arguments": None}]}, "input[0].arguments", None),
    ({"input": [{**CALL, "arguments": {}}]}, "input[0].arguments", "invalid_type"),
    ({"input": [CALL]}, "input", None),
    ({"input": [CALL, CALL, OUTPUT]}, "input[1].call_id", None),
    ({"input": [OUTPUT]}, "input[0].call_id", None),
    ({"input": [CALL, {**OUTPUT, "output": None}]}, "input[1].output", None),
    (
        {"input": [CALL, {**OUTPUT, "output": [{"type": "input_image"}]}]},
        "input[1].output[0].type",
        "unsupported_value",
    ),
    ({"tools": {}}, "tools", "invalid_type"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type", "unsupported_value"),
    ({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools[0].type", "unsupported_value"),
    ({"tools": [{"type": "secret"}]}, "tools[0].type", "invalid_value"),
    ({"tools": [{"type": "function"}]}, "tools[0].name", "missing_required_parameter"),
    ({"tools": [{"type": "function", "name": "a b"}]}, "tools[0].name", "invalid_value"),
    ({"tools": [{**WEATHER, "parameters": []}]}, "tools[0].parameters", "invalid_type"),
    ({"tools": [TIME] * 129}, "tools", "array_above_max_length"),
    ({"tool_choice": "secret"}, "tool_choice", "invalid_value"),
    ({"tool_choice": "required"}, "tools", None),
    ({"tool_choice": {"type": "function", "name": "secret"}}, "tool_choice.name", None),
    ({"tool_choice": {"type": "mcp"}}, "tool_choice.type", "unsupported_value"),
    ({"tool_choice": {"type": "allowed_tools", "mode": "auto"}}, "tool_choice.tools", None),
    ({"text": {"format": {"type": "secret"}}}, "text.format.type", "invalid_value"),
    ({"text": {"format": {}}}, "text.format.type", "missing_required_parameter"),
    ({"text": {"format": {"type": "json_schema"}}}, "text.format.name", None),
    ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema", None),
    ({"text": {"verbosity": "secret"}}, "text.verbosity", "invalid_value"),
    ({"reasoning": {"effort": "secret"}}, "reasoning.effort", "invalid_value"),
    ({"reasoning": {"effort": "max"}}, "reasoning.effort", None),
    ({"include": ["secret"]}, "include[0]", "invalid_value"),
    ({"temperature": 2.5}, "temperature", "decimal_above_max_value"),
    ({"temperature": "hot"}, "temperature", "invalid_type"),
    ({"top_p": -0.5}, "top_p", "decimal_below_min_value"),
    ({"max_output_tokens": 0}, "max_output_tokens", "integer_below_min_value"),
    ({"max_output_tokens": 2**31}, "max_output_tokens", "integer_above_max_value"),
    ({"max_output_tokens": 2**80}, "max_output_tokens", None),
    ({"max_output_tokens": 1.5}, "max_output_tokens", "invalid_type"),
    ({"top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    ({"metadata": {"a": 5}}, None, "invalid_type"),
    ({"metadata": {"a": "x" * 513}}, "metadata", "string_above_max_length"),
    ({"metadata": {str(i): "" for i in range(17)}}, "metadata", "object_above_max_properties"),
    ({"safety_identifier": "x" * 65}, "safety_identifier", "string_above_max_length"),
    ({"service_tier": "secret"}, "service_tier", "invalid_value"),
    ({"truncation": "secret"}, "truncation", "invalid_value"),
    ({"stream_options": {}}, "stream_options", None),
    ({"stream": "yes"}, "stream", "invalid_type"),
    ({"seed": "x"}, "seed", "invalid_type"),
    ({"timeout": -1}, "timeout", None),
]


@pytest.mark.parametrize(("fields", "param", "code"), REFUSED)
def test_refusals_name_the_field(fields: Any, param: str | None, code: str | None) -> None:
    with pytest.raises(Refusal) as caught:
        read(**fields)
    refusal = caught.value
    assert (refusal.status, refusal.kind) == (400, "invalid_request_error")
    if param is not None:
        assert refusal.param == param
    if code is not None:
        assert refusal.code == code
    assert "secret" not in str(refusal)


def test_a_body_that_is_no_object() -> None:
    for body in (b"", b"[]", b"{", b'{"model":"m","model":"m"}', b"\xff"):
        with pytest.raises(Refusal) as caught:
            read_response(Incoming("/v1/responses", body), GatewaySettings())
        assert caught.value.code == "invalid_json"


def test_what_is_repeated_fits_on_a_line_and_has_a_limit() -> None:
    tool = b'{"type":"function","name":"f",\n"parameters":{\r\n}}'
    pretty = b'{"model":"demo","input":"hi","tools":[%b]}' % tool
    begun = read_response(Incoming("/v1/responses", pretty), GatewaySettings()).shape.begin()
    assert all(line.startswith((b"event: ", b"data: ")) for line in begun.split(b"\n") if line)
    long = read(instructions="x" * 2**19).shape.begin()
    assert len(long) < 4000
    assert b'"instructions":null' in long
