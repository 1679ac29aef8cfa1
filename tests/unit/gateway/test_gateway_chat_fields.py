"""Every field of a chat: what OpenAI refuses is refused in the same words for programs."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cocoon.client.proxy_pins import ProxyPins
from cocoon.gateway.reading.body import Endpoint, read_call
from cocoon.gateway.reading.incoming import InferenceCall
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()
HELLO = [{"role": "user", "content": "hello"}]
NONE: Mapping[bytes, bytes] = {}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
OTHER = {"type": "function", "function": {"name": "g"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def chat(headers: Mapping[bytes, bytes] = NONE, **fields: Any) -> InferenceCall:
    body = {"model": "demo", "messages": HELLO, **fields}
    return read_call(Endpoint.CHAT, json.dumps(body).encode(), SETTINGS, headers)


def sent(call: InferenceCall) -> dict[str, Any]:
    result = json.loads(call.request.body)
    assert isinstance(result, dict)
    return result


def said(**parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [parts]}]


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, set()),
        ({"tools": [TOOL]}, {"tools"}),
        ({"tools": [TOOL], "tool_choice": "auto"}, {"tools"}),
        ({"tools": [TOOL], "tool_choice": "required"}, {"tools", "tool-choice"}),
        (
            {
                "tools": [TOOL],
                "tool_choice": {"type": "function", "function": {"name": "f"}},
            },
            {"tools", "tool-choice"},
        ),
        ({"response_format": {"type": "text"}}, set()),
        ({"response_format": {"type": "json_object"}}, {"json-object"}),
        ({"response_format": SCHEMA}, {"json-schema"}),
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs"}),
        ({"logprobs": False, "top_logprobs": 0}, set()),
        ({"seed": 1}, {"seed"}),
        ({"logit_bias": {"5": -100}}, {"logit-bias"}),
        ({"logit_bias": {}}, set()),
        ({"n": 2}, {"choices"}),
        ({"n": 1}, set()),
        ({"top_k": 40, "min_p": 0.1}, {"sampling"}),
        (
            {
                "messages": said(
                    type="image_url", image_url={"url": "data:image/png;base64,AA", "detail": "low"}
                )
            },
            {"image-input"},
        ),
        (
            {"messages": said(type="input_audio", input_audio={"data": "AA", "format": "wav"})},
            {"audio-input"},
        ),
        (
            {"messages": said(type="file", file={"file_data": "data:x", "filename": "a"})},
            {"file-input"},
        ),
        ({"functions": [{"name": "f"}]}, {"tools"}),
    ],
)
def test_a_request_says_what_it_needs(fields: dict[str, Any], needs: set[str]) -> None:
    assert set(chat(**fields).request.requires) == {"chat"} | needs


def test_what_concerns_only_the_caller_stays_here() -> None:
    call = chat(
        user="u",
        metadata={"a": "b"},
        store=False,
        service_tier="auto",
        safety_identifier="s",
        prompt_cache_key="k",
        modalities=["text"],
        prediction={"type": "content", "content": "x"},
        web_search_options=None,
        tools=[],
        tool_choice="auto",
        parallel_tool_calls=True,
        verbosity="low",
        reasoning_effort="high",
    )
    assert set(sent(call)) == {"model", "messages", "max_tokens", "verbosity", "reasoning_effort"}
    assert call.user == "u"


def test_allowed_tools_become_the_tools() -> None:
    named = {"type": "function", "function": {"name": "g"}}
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
    call = chat(tools=[TOOL, OTHER], tool_choice=choice)
    assert (sent(call)["tools"], sent(call)["tool_choice"]) == ([OTHER], "required")
    assert "tool-choice" in call.request.requires


def test_a_whole_conversation_passes() -> None:
    messages = [
        {"role": "developer", "content": "be kind"},
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "1"}]},
        {"role": "assistant", "refusal": "no"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "function", "name": "f", "content": None},
    ]
    assert sent(chat(messages=messages))["messages"] == messages


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": []}, "messages", "empty_array"),
    ({"messages": HELLO * 2049}, "messages", "array_above_max_length"),
    ({"messages": ["hi"]}, "messages[0]", "invalid_type"),
    ({"messages": [*HELLO, {}]}, "messages[1].role", "missing_required_parameter"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role", "invalid_value"),
    ({"messages": [{"role": 5, "content": "x"}]}, "messages[0].role", "invalid_type"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "user", "content": []}]}, "messages[0].content", "empty_array"),
    (
        {"messages": [{"role": "tool", "content": "x"}]},
        "messages[0].tool_call_id",
        "missing_required_parameter",
    ),
    (
        {"messages": [{"role": "user", "content": "x", "tool_calls": [CALL]}, *HELLO]},
        "messages",
        "",
    ),
    ({"messages": said(text="a")}, "messages[0].content[0].type", "missing_required_parameter"),
    ({"messages": said(type="video")}, "messages[0].content[0].type", "invalid_value"),
    ({"messages": said(type="text", text=5)}, "messages[0].content[0].text", "invalid_type"),
    (
        {"messages": said(type="image_url", image_url={"url": "https://example.org/a.png"})},
        "messages[0].content[0].image_url.url",
        "invalid_value",
    ),
    (
        {"messages": said(type="file", file={"file_id": "f"})},
        "messages[0].content[0].file.file_id",
        "unsupported_parameter",
    ),
    ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    ({"temperature": -1}, "temperature", "decimal_below_min_value"),
    ({"temperature": "hot"}, "temperature", "invalid_type"),
    ({"top_p": 1.5}, "top_p", "decimal_above_max_value"),
    ({"presence_penalty": 3}, "presence_penalty", "decimal_above_max_value"),
    ({"frequency_penalty": -3}, "frequency_penalty", "decimal_below_min_value"),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"n": 1.5}, "n", "invalid_type"),
    ({"max_tokens": "5"}, "max_tokens", "invalid_type"),
    ({"logprobs": 1}, "logprobs", "invalid_type"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    ({"top_logprobs": 2}, "top_logprobs", "invalid_value"),
    ({"stop": ["a"] * 5}, "stop", "array_above_max_length"),
    ({"stop": 5}, "stop", "invalid_type"),
    ({"stop": [5]}, "stop[0]", "invalid_type"),
    ({"seed": "x"}, "seed", "invalid_type"),
    ({"logit_bias": {"a": 1}}, "logit_bias", "invalid_value"),
    ({"logit_bias": {"1": 101}}, "logit_bias", "decimal_above_max_value"),
    ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "object_above_max_properties"),
    ({"metadata": {"a" * 65: ""}}, "metadata", "property_name_above_max_length"),
    ({"metadata": {"a": "b" * 513}}, "metadata", "string_above_max_length"),
    ({"metadata": {"a": 1}}, "metadata", "invalid_type"),
    ({"user": 5}, "user", "invalid_type"),
    ({"user": "x" * 257}, "user", "string_above_max_length"),
    ({"safety_identifier": "x" * 65}, "safety_identifier", "string_above_max_length"),
    ({"service_tier": "gold"}, "service_tier", "invalid_value"),
    ({"reasoning_effort": "huge"}, "reasoning_effort", "invalid_value"),
    ({"verbosity": 1}, "verbosity", "invalid_type"),
    ({"store": True}, "store", "unsupported_parameter"),
    ({"web_search_options": {}}, "web_search_options", "unsupported_parameter"),
    ({"modalities": ["text", "audio"]}, "modalities[1]", "unsupported_parameter"),
    ({"audio": {"voice": "x"}}, "audio", "unsupported_parameter"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type", "unsupported_parameter"),
    ({"tools": [{}]}, "tools[0].type", "missing_required_parameter"),
    ({"tools": [TOOL] * 129}, "tools", "array_above_max_length"),
    (
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        "tools[0].function.name",
        "invalid_value",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "a", "parameters": []}}]},
        "tools[0].function.parameters",
        "invalid_type",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "a", "description": "x" * 2**17}}]},
        "tools[0]",
        "string_above_max_length",
    ),
    ({"tool_choice": "required"}, "tool_choice", "invalid_value"),
    ({"tools": [TOOL], "tool_choice": "some"}, "tool_choice", "invalid_value"),
    ({"tools": [TOOL], "tool_choice": 5}, "tool_choice", "invalid_type"),
    (
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "tool_choice",
        "invalid_value",
    ),
    ({"function_call": "auto"}, "function_call", "invalid_value"),
    ({"response_format": "json"}, "response_format", "invalid_type"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
    (
        {"response_format": {"type": "json_schema"}},
        "response_format.json_schema",
        "missing_required_parameter",
    ),
    ({"max_cost": -1}, "max_cost", "integer_below_min_value"),
    ({"max_cost": "1 TON"}, "max_cost", "invalid_type"),
]


@pytest.mark.parametrize(("fields", "param", "code"), MISTAKES)
def test_mistakes_have_openais_param_and_code(
    fields: dict[str, Any], param: str, code: str
) -> None:
    if not code:  # engines ignore tool calls of a user; so do we, they cost nothing to carry
        assert chat(**fields)
        return
    with pytest.raises(Refusal) as refused:
        chat(**fields)
    refusal = refused.value
    assert (refusal.status, refusal.kind) == (400, "invalid_request_error")
    assert (refusal.param, refusal.code) == (param, code)


# --- headers ---


def test_headers_say_the_same_as_fields_and_fields_win() -> None:
    image, operator = "ab" * 32, "cd" * 32
    headers = {
        b"x-cocoon-max-coefficient": b"1500",
        b"x-cocoon-max-cost": b"9000000000000",
        b"x-cocoon-timeout": b"2.5",
        b"x-cocoon-user": "Jürgen".encode(),
        b"x-cocoon-pin-image": f"{image}, {operator}".encode(),
        b"x-cocoon-pin-evidence": b"tdx,snp",
        b"x-cocoon-pin-operator": operator.encode(),
    }
    call = chat(headers)
    request = call.request
    assert (request.max_coefficient, request.timeout) == (1500, 2.5)
    assert (call.max_cost, call.user) == (9_000_000_000_000, "Jürgen")
    assert request.pins == ProxyPins(
        frozenset({image, operator}), frozenset({"tdx", "snp"}), frozenset({operator})
    )
    own = chat(
        headers,
        max_coefficient=0,
        max_cost=0,
        timeout=7,
        user="me",
        pin={"operators": [image]},
    )
    assert (own.request.max_coefficient, own.max_cost, own.user) == (0, 0, "me")
    assert own.request.timeout == 7
    assert own.request.pins == ProxyPins(operators=frozenset({image}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-cocoon-max-coefficient", b"1.5"),
        (b"x-cocoon-max-coefficient", b"9999999999"),
        (b"x-cocoon-max-cost", b"-1"),
        (b"x-cocoon-max-cost", b"1" * 30),
        (b"x-cocoon-timeout", b"0"),
        (b"x-cocoon-timeout", b"nan"),
        (b"x-cocoon-user", b"\xff"),
        (b"x-cocoon-user", b"x" * 300),
        (b"x-cocoon-pin-image", b"AB"),
        (b"x-cocoon-pin-evidence", b"bogus"),
        (b"x-cocoon-pin-operator", b"," * 80),
    ],
)
def test_wrong_headers_are_refused_by_name(name: bytes, value: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        chat({name: value})
    assert (refused.value.status, refused.value.param) == (400, name.decode())


def test_an_operator_is_pinned_only_where_one_is_proven() -> None:
    pins = ProxyPins(operators=frozenset({"ab" * 32}))
    assert pins.accept("", "tdx", "ab" * 32)
    assert not pins.accept("", "tdx", "cd" * 32)
    assert not pins.accept("", "tdx")
    assert "operator" in str(pins.refusal())
