"""Messages requests as chat completions, and every refusal in Anthropic's form."""

import json
from typing import Any

import pytest

from cocoon.errors import InsufficientFundsError
from cocoon.gateway.messages import ANTHROPIC, read_messages
from cocoon.gateway.reading.incoming import Incoming
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()
SECRET = "s3cr3t-value"
ASK: dict[str, Any] = {
    "model": "demo",
    "max_tokens": 4000,
    "messages": [{"role": "user", "content": "Hello?"}],
}
TOOL: dict[str, Any] = {"name": "f", "input_schema": {"type": "object"}}
IMAGE: dict[str, Any] = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
}


def read(**members: Any) -> Any:
    body = json.dumps({**ASK, **members}).encode()
    return read_messages(Incoming("/v1/messages", body), SETTINGS)


def chat(**members: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(read(**members).request.body)
    return body


def turns(*messages: tuple[str, Any]) -> list[dict[str, Any]]:
    told = [{"role": role, "content": content} for role, content in messages]
    result: list[dict[str, Any]] = chat(messages=told)["messages"]
    return result


def test_text_stays_text_and_turns_of_one_role_become_one() -> None:
    blocks = [{"type": "text", "text": "a", "citations": None}, {"type": "text", "text": "b"}]
    assert turns(("user", blocks), ("user", "c")) == [{"role": "user", "content": "a\nb\nc"}]
    assert turns(("user", "a"), ("assistant", "b"), ("assistant", "c"), ("user", "d")) == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "bc"},
        {"role": "user", "content": "d"},
    ]


def test_system_turns() -> None:
    told = turns(("user", "a"), ("system", [{"type": "text", "text": "b"}]), ("user", "c"))
    assert [message["role"] for message in told] == ["user", "system", "user"]


def test_results_of_tools_come_before_what_the_user_says() -> None:
    call = {"type": "tool_use", "id": "c", "name": "f", "input": {"a": [1, "x"]}}
    result = {
        "type": "tool_result",
        "tool_use_id": "c",
        "is_error": True,
        "content": [{"type": "text", "text": "down"}, IMAGE],
    }
    told = turns(
        ("user", "a"),
        ("assistant", [{"type": "text", "text": "b"}, call]),
        ("user", [result, {"type": "text", "text": "And?"}]),
    )
    assert told[1]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": [1, "x"]}'}
    assert told[2] == {"role": "tool", "tool_call_id": "c", "content": "Error: down"}
    assert [part["type"] for part in told[3]["content"]] == ["image_url", "text"]


def test_thoughts_go_along_only_while_tools_are_being_called() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "unsigned"}
    call = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "c"}
    hidden = {"type": "redacted_thinking", "data": "x"}
    old = ("assistant", [thought, {"type": "text", "text": "b"}])
    told = turns(("user", "a"), old, ("user", "c"), ("assistant", [hidden, thought, call]),
                 ("user", [result]))  # fmt: skip
    assert "reasoning_content" not in told[1]
    assert told[3]["reasoning_content"] == "hm"
    assert told[4]["content"] == ""


def test_documents_are_text() -> None:
    plain = {"type": "text", "media_type": "text/plain", "data": "body"}
    document = {"type": "document", "title": "T", "context": "C", "source": plain}
    found = {
        "type": "search_result",
        "title": "R",
        "source": "https://example.org",
        "content": [{"type": "text", "text": "hit"}],
    }
    assert turns(("user", [document, found]))[0]["content"] == "T\nC\nbody\nR\nhit"


@pytest.mark.parametrize(
    ("members", "written"),
    [
        ({"tools": [TOOL], "tool_choice": {"type": "auto"}}, {"tool_choice": "auto"}),
        ({"tools": [TOOL], "tool_choice": {"type": "none"}}, {"tool_choice": "none"}),
        (
            {
                "tools": [TOOL],
                "tool_choice": {
                    "type": "tool",
                    "name": "f",
                    "disable_parallel_tool_use": True,
                },
            },
            {
                "tool_choice": {"type": "function", "function": {"name": "f"}},
                "parallel_tool_calls": False,
            },
        ),
        ({"thinking": {"type": "disabled"}}, {"chat_template_kwargs": {"enable_thinking": False}}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning_effort": "low"}),
        (
            {
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "output_config": {"effort": "max"},
            },
            {"reasoning_effort": "high"},
        ),
        ({"top_k": 5, "top_p": 0.5}, {"top_k": 5, "top_p": 0.5}),
        ({"temperature": 1, "seed": 4}, {"temperature": 1, "seed": 4}),
        (
            {"output_format": {"type": "json_schema", "schema": {"type": "object"}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "output",
                        "strict": True,
                        "schema": {"type": "object"},
                    },
                }
            },
        ),
    ],
)
def test_options(members: dict[str, Any], written: dict[str, Any]) -> None:
    body = chat(**members)
    assert {name: body[name] for name in written} == written


def test_what_has_no_effect_is_accepted() -> None:
    ignored = {"cache_control": {"type": "ephemeral"}, "service_tier": "auto", "speed": "standard"}
    assert chat(**ignored, top_k=0, stop_sequences=[], tools=[], system=None) == chat()


def test_the_user_and_cocoon_s_own_members() -> None:
    call = read(metadata={"user_id": "u-1"}, timeout=3, max_coefficient=7)
    assert call.user == "u-1"
    assert (call.request.timeout, call.request.max_coefficient) == (3, 7)


def block(value: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [value]}]}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": SECRET}, "max_tokens"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": SECRET}, "messages"),
    ({"messages": [{"role": "user", "content": 3}]}, "messages.0.content"),
    ({"messages": [{"role": SECRET, "content": "a"}]}, "messages.0.role"),
    ({"messages": [{"role": "assistant", "content": SECRET}]}, "messages.0.role"),
    (block({"type": SECRET}), "messages.0.content.0.type"),
    (block({"type": "web_search_tool_result", "content": SECRET}), "messages.0.content.0.type"),
    (block({"type": "text"}), "messages.0.content.0.text"),
    (block({"type": "image", "source": SECRET}), "messages.0.content.0.source"),
    (
        block({"type": "image", "source": {"type": "url", "url": f"https://{SECRET}"}}),
        "messages.0.content.0.source.type",
    ),
    (
        block({"type": "image", "source": {**IMAGE["source"], "data": "!"}}),
        "messages.0.content.0.source.data",
    ),
    (
        block({"type": "image", "source": {**IMAGE["source"], "media_type": SECRET}}),
        "messages.0.content.0.source.media_type",
    ),
    (
        block({"type": "document", "source": {"type": "base64", "data": SECRET}}),
        "messages.0.content.0.source.type",
    ),
    (block({"type": "tool_result", "content": SECRET}), "messages.0.content.0.tool_use_id"),
    ({"system": [IMAGE]}, "system.0.type"),
    ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0.type"),
    ({"tools": [{"name": SECRET + "?", "input_schema": {}}]}, "tools.0.name"),
    ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
    ({"tools": [TOOL, TOOL]}, "tools.1.name"),
    ({"tools": [{**TOOL, "defer_loading": True}]}, "tools.0"),
    ({"tool_choice": {"type": "any"}}, "tool_choice.type"),
    ({"tools": [TOOL], "tool_choice": {"type": SECRET}}, "tool_choice.type"),
    ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": SECRET}}, "tool_choice.name"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, "thinking.budget_tokens"),
    ({"thinking": {"type": SECRET}}, "thinking.type"),
    ({"output_config": {"effort": SECRET}}, "output_config.effort"),
    ({"output_config": {"format": {"type": SECRET}}}, "output_config.format.type"),
    ({"temperature": 1.5}, "temperature"),
    ({"top_p": SECRET}, "top_p"),
    ({"top_k": -1}, "top_k"),
    ({"stop_sequences": [" "]}, "stop_sequences.0"),
    ({"metadata": {"user_id": SECRET * 30}}, "metadata.user_id"),
    ({"mcp_servers": [SECRET]}, "mcp_servers"),
    ({"container": SECRET}, "container"),
    ({"speed": "fast"}, "speed"),
    ({"n": 2}, "n"),
    ({SECRET: 1}, "a member"),
    ({"messages": [{"role": "user", "content": ""}]}, "messages.0.content"),
    (
        {"messages": [{"role": "assistant", "content": "x"}, {"role": "user", "content": []}]},
        "messages.1.content",
    ),
    (
        {"messages": [{"role": "assistant", "content": "x"}, {"role": "system", "content": ""}]},
        "messages.1.content",
    ),
]


@pytest.mark.parametrize(("members", "place"), REFUSED)
def test_refusals(members: dict[str, Any], place: str) -> None:
    with pytest.raises(Refusal) as caught:
        read(**members)
    assert caught.value.param == place
    answer = ANTHROPIC.answer(caught.value, "r-1")
    told = json.loads(answer.body)
    assert answer.status == 400
    assert (told["type"], told["request_id"]) == ("error", "r-1")
    assert told["error"]["type"] == "invalid_request_error"
    assert place in told["error"]["message"]
    assert SECRET not in answer.body.decode()
    assert dict(answer.headers)[b"x-should-retry"] == b"false"


@pytest.mark.parametrize(
    ("status", "code", "shown", "word"),
    [
        (401, "invalid_api_key", 401, "authentication_error"),
        (403, None, 403, "permission_error"),
        (404, "not_found", 404, "not_found_error"),
        (408, "timeout", 408, "timeout_error"),
        (413, "request_too_large", 413, "request_too_large"),
        (429, "rate_limit_exceeded", 429, "rate_limit_error"),
        (429, "insufficient_quota", 402, "billing_error"),
        (402, "max_cost_exceeded", 402, "billing_error"),
        (405, None, 405, "invalid_request_error"),
    ],
)
def test_refusals_of_the_gateway(status: int, code: str | None, shown: int, word: str) -> None:
    answer = ANTHROPIC.answer(Refusal("no", status=status, code=code), "r")
    told = json.loads(answer.body)["error"]
    assert (answer.status, told["type"]) == (shown, word)
    assert told.get("details", {}).get("error_code") == code


def test_an_empty_purse_and_what_a_failure_cost() -> None:
    answer = ANTHROPIC.answer(InsufficientFundsError("no money"), "r")
    told = json.loads(answer.body)["error"]
    assert (answer.status, told["type"]) == (402, "billing_error")
    assert told["cocoon"]["charged_nanoton"] == 0
    assert told["cocoon"]["retryable"] is False


def test_bugs_show_nothing() -> None:
    answer = ANTHROPIC.answer(ValueError(SECRET), "r")
    assert answer.status == 500
    assert SECRET not in answer.body.decode()
