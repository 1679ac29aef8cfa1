"""The Responses API: requests of any form, answers of any form, bytes in any split."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cocoon.errors import UpstreamError
from cocoon.gateway.reading.incoming import Incoming
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.responses import read_response
from cocoon.gateway.responses.shape import ResponseShape
from cocoon.gateway.settings import GatewaySettings

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
WORDS = st.sampled_from(
    ["message", "user", "assistant", "function_call", "function_call_output", "reasoning", "c1",
     "input_text", "output_text", "refusal", "system", "function", "auto", "required", "f"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["type", "role", "content", "text", "call_id", "name", "arguments", "output", "summary",
     "tools", "mode", "format", "schema", "effort", "parameters"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | WORDS | TEXT,
    lambda v: st.lists(v, max_size=4) | st.dictionaries(NAMES, v, max_size=5),
    max_leaves=20,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["input", "tools", "tool_choice", "text", "reasoning", "instructions", "include", "stream",
         "metadata", "temperature", "top_logprobs", "max_output_tokens"]
    ),
    VALUES,
)  # fmt: skip
DELTAS = st.fixed_dictionaries(
    {},
    optional={
        "content": st.none() | TEXT,
        "reasoning": TEXT,
        "reasoning_content": st.none() | TEXT,
        "refusal": TEXT,
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {"function": st.fixed_dictionaries({"name": st.just("f") | st.none(),
                                                    "arguments": TEXT})},
                optional={"index": st.none() | st.integers(0, 2), "id": st.none() | WORDS},
            ),
            max_size=2,
        ),
    },
)  # fmt: skip
CHUNKS = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries(
                {"index": st.integers(0, 1), "delta": DELTAS},
                optional={
                    "finish_reason": st.sampled_from(
                        [None, "stop", "length", "tool_calls", "abort"]
                    )
                },
            ),
            max_size=2,
        )
    },
    optional={
        "usage": st.none() | st.just({"prompt_tokens": 1, "completion_tokens": 2}),
        "error": st.none() | st.just("broken"),
    },
)


def run(parts: list[bytes]) -> list[dict[str, Any]]:
    """The events that come of a stream, without the ids that differ from call to call."""
    shape = ResponseShape(b'"model":"demo"')
    out = shape.begin()
    try:
        for part in parts:
            out += shape.feed(part)
        out += shape.finish(None)
    except UpstreamError as error:
        out += shape.fail(error)
    events = []
    for event in out.split(b"\n\n")[:-1]:
        name, data = event.split(b"\n")
        body = json.loads(data.removeprefix(b"data: "))
        assert name == b"event: " + body["type"].encode()
        events.append(body)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return [_plain(event) for event in events]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        left_out = ("id", "item_id", "call_id", "created_at", "completed_at")
        return {k: _plain(v) for k, v in value.items() if k not in left_out}
    return [_plain(v) for v in value] if isinstance(value, list) else value


@given(st.lists(CHUNKS, max_size=8), st.lists(st.integers(1, 60), max_size=30), st.booleans())
def test_any_split_gives_the_same_events(
    chunks: list[Any], cuts: list[int], carriage: bool
) -> None:
    end = b"\r\n\r\n" if carriage else b"\n\n"
    stream = b"".join(b"data: " + json.dumps(c).encode() + end for c in chunks)
    stream += b"data: [DONE]" + end
    parts, rest = [], stream
    for cut in cuts:
        parts.append(rest[:cut])
        rest = rest[cut:]
    assert run([*parts, rest]) == run([stream])


@given(st.lists(CHUNKS, max_size=8))
def test_deltas_add_up_to_the_object_at_the_end(chunks: list[Any]) -> None:
    events = run([b"data: " + json.dumps(c).encode() + b"\n\n" for c in chunks])
    output = events[-1]["response"]["output"]
    for index, item in enumerate(output):
        deltas = [
            event["delta"]
            for event in events
            if event["type"].endswith("delta") and event["output_index"] == index
        ]
        if item["type"] == "function_call":
            whole = item["arguments"]
        else:
            whole = "".join(part.get("text", part.get("refusal")) for part in item["content"])
        assert "".join(deltas) == whole
    added = [event["output_index"] for event in events if event["type"].endswith("item.added")]
    assert added == list(range(len(output)))
    done = {e["output_index"]: e["item"] for e in events if e["type"].endswith("item.done")}
    assert all(output[index] == item for index, item in done.items())
    if events[-1]["type"] == "response.completed":
        assert len(done) == len(output)


@given(FIELDS)
def test_every_object_is_a_chat_or_a_refusal(sent: dict[str, Any]) -> None:
    body = json.dumps({"model": "demo", "input": "hi", **sent}).encode()
    try:
        call = read_response(Incoming("/v1/responses", body), GatewaySettings())
    except Refusal:
        return
    chat = json.loads(call.request.body)
    assert all(
        message["role"] in ("system", "user", "assistant", "tool") for message in chat["messages"]
    )
    begun = call.shape.begin()
    assert json.loads(begun.split(b"\n")[1].removeprefix(b"data: "))["response"]["output"] == []
