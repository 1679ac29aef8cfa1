"""Order of the events of a Messages stream, for what engines write."""

import json
from typing import Any

import pytest

from cocoon.errors import EngineError, UpstreamError
from cocoon.gateway.answers.chat_stream import MAX_EVENT, ChatReader
from cocoon.gateway.answers.chat_tool_calls import MAX_CALLS, MAX_HELD, PIECE, ToolCallDelta
from cocoon.gateway.messages.answer import Wanted, whole_message
from cocoon.gateway.messages.stream import MessagesStream

WANTED = Wanted("demo", thinking=True, stops=("END",))


def chunk(delta: dict[str, Any] | None = None, **members: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, **members}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def tool(index: int | None, identity: str | None, name: str | None, arguments: str) -> bytes:
    piece: dict[str, Any] = {"function": {"name": name, "arguments": arguments}}
    if index is not None:
        piece["index"] = index
    if identity is not None:
        piece["id"] = identity
    return chunk({"tool_calls": [piece]})


def translated(*parts: bytes, wanted: Wanted = WANTED) -> list[dict[str, Any]]:
    stream = MessagesStream(wanted, "msg_1")
    data = stream.begin() + b"".join(stream.feed(part) for part in parts) + stream.finish()
    events = []
    for event in data.decode().split("\n\n")[:-1]:
        kind, _, text = event.partition("\ndata: ")
        value = json.loads(text)
        assert kind == f"event: {value['type']}"
        events.append(value)
    return events


def calls(*parts: bytes) -> list[tuple[str, str, str]]:
    """Tool calls of a stream: id, name, arguments."""
    found: dict[int, list[str]] = {}
    reader = ChatReader()
    for event in [e for part in parts for e in reader.feed(part)] + reader.finish():
        assert isinstance(event, ToolCallDelta)
        if event.name:
            assert event.index == len(found)
            found[event.index] = [event.id, event.name, ""]
        found[event.index][2] += event.arguments
    return [(a, b, c) for a, b, c in found.values()]


def test_blocks_follow_each_other() -> None:
    events = translated(
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "hm"}),
        chunk({"content": "a"}),
        chunk({"content": "b"}),
        tool(0, "c", "f", "{}"),
        chunk({"content": "z"}, finish_reason="stop"),
        b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n',
        b"data: [DONE]\n\n",
    )
    shown = [
        (event["type"].removeprefix("content_block_"), event.get("index"))
        for event in events
        if event["type"].startswith("content_block_")
    ]
    assert shown == [
        ("start", 0),
        ("delta", 0),
        ("delta", 0),
        ("stop", 0),
        ("start", 1),
        ("delta", 1),
        ("delta", 1),
        ("stop", 1),
        ("start", 2),
        ("delta", 2),
        ("stop", 2),
        ("start", 3),
        ("delta", 3),
        ("stop", 3),
    ]
    assert [event["type"] for event in events[:2]] == ["message_start", "ping"]
    assert events[4]["delta"] == {"type": "signature_delta", "signature": "unsigned"}
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert events[-2]["usage"] == {
        "input_tokens": 3,
        "output_tokens": 2,
        "cache_read_input_tokens": 0,
    }
    assert events[-1] == {"type": "message_stop"}


def test_thoughts_that_nobody_asked_for_are_left_out() -> None:
    events = translated(
        chunk({"reasoning": "hm"}, finish_reason="stop"), wanted=Wanted("demo", thinking=False)
    )
    kinds = [event["type"] for event in events]
    assert kinds == ["message_start", "ping", "message_delta", "message_stop"]


@pytest.mark.parametrize(
    ("members", "reason", "sequence"),
    [
        ({"finish_reason": "stop"}, "end_turn", None),
        ({"finish_reason": "stop", "stop_reason": "END"}, "stop_sequence", "END"),
        ({"finish_reason": "stop", "matched_stop": "END"}, "stop_sequence", "END"),
        ({"finish_reason": "stop", "matched_stop": 151645}, "end_turn", None),
        ({"finish_reason": "stop", "stop_reason": "other"}, "end_turn", None),
        ({"finish_reason": "length"}, "max_tokens", None),
        ({"finish_reason": "content_filter"}, "refusal", None),
        ({"finish_reason": "eos"}, "end_turn", None),
    ],
)
def test_stop_reasons(members: dict[str, Any], reason: str, sequence: str | None) -> None:
    delta = translated(chunk({"content": "a"}, **members))[-2]["delta"]
    assert delta == {"stop_reason": reason, "stop_sequence": sequence}


def test_a_refusal() -> None:
    events = translated(chunk({"refusal": "No."}), chunk({}, finish_reason="stop"))
    assert events[3]["delta"]["text"] == "No."
    assert events[-2]["delta"]["stop_reason"] == "refusal"


def test_only_the_first_choice_is_read() -> None:
    other = b'data: {"choices":[{"index":1,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n'
    with pytest.raises(UpstreamError):
        translated(other)


@pytest.mark.parametrize("end", [{}, {"finish_reason": "abort"}, {"finish_reason": ""}])
def test_an_answer_without_an_end_fails(end: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError):
        translated(chunk({"content": "a"}, **end))


def test_what_came_before_a_failure_goes_out_first() -> None:
    stream = MessagesStream(WANTED, "m")
    data = chunk({"content": "a"}) + b'data: {"error":"cuda"}\n\n' + chunk({"content": "b"})
    assert b'"text":"a"' in stream.feed(data)
    with pytest.raises(EngineError, match="cuda"):
        stream.feed(b"\n")
    with pytest.raises(EngineError, match="cuda"):
        stream.finish()


def test_a_call_that_comes_back_fails() -> None:
    with pytest.raises(UpstreamError, match="went back"):
        translated(tool(0, "a", "f", "{"), tool(1, "b", "g", "{}"), tool(0, None, None, "}"))


F, G = ("a", "f", '{"x":1}'), ("b", "g", "{}")


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        # OpenAI, vLLM, SGLang
        (
            [
                tool(0, "a", "f", ""),
                tool(0, None, None, '{"x"'),
                tool(0, None, None, ":1}"),
                tool(1, "b", "g", "{}"),
            ],
            [F, G],
        ),
        # Ollama: every call is whole and has the number 0
        ([tool(0, "a", "f", '{"x":1}'), tool(0, "b", "g", "{}")], [F, G]),
        # no numbers
        ([tool(None, "a", "f", '{"x":'), tool(None, None, None, "1}"), tool(None, "b", "g", "{}")],
         [F, G]),
        # neither numbers nor ids
        ([tool(None, None, "f", "{}"), tool(None, None, "g", "{}")],
         [("", "f", "{}"), ("", "g", "{}")]),
        # older vLLM: name and a new id in every delta
        ([tool(0, "a", "f", '{"x"'), tool(0, "q", "f", ":"), tool(0, "r", "f", "1}")], [F]),
        # the name comes later than the id
        ([tool(0, "a", None, '{"x"'), tool(0, None, "f", ":1}")], [F]),
    ],
)  # fmt: skip
def test_tool_calls_of_engines(parts: list[bytes], found: list[tuple[str, str, str]]) -> None:
    assert calls(*parts) == found


def test_arguments_may_be_an_object() -> None:
    piece = {"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}
    assert calls(chunk({"tool_calls": [piece]})) == [F]


@pytest.mark.parametrize(
    "part",
    [
        tool(0, "a", None, "{}"),
        b"".join(tool(number, "a", "f", "") for number in range(MAX_CALLS + 1)),
        tool(0, "a", "f" * 300, ""),
        tool(0, "a", "f", "") + tool(0, None, None, "1") * (MAX_HELD // PIECE),
        b"data: " + b"x" * (MAX_EVENT + 1),
        b'data: {"choices":[],"usage":{"prompt_tokens":-1}}\n\n',
        b'data: {"choices":[{"delta":{"content":3}}]}\n\n',
        b"data: {\n\n",
    ],
)
def test_nonsense_of_engines(part: bytes) -> None:
    with pytest.raises(UpstreamError):
        calls(part)


def test_a_call_that_the_limit_cut_off_is_left_out() -> None:
    def answer(reason: str) -> bytes:
        call = {"id": "a", "function": {"name": "f", "arguments": '{"x":'}}
        message = {"content": "Hm.", "tool_calls": [call]}
        return json.dumps({"choices": [{"message": message, "finish_reason": reason}]}).encode()

    message = json.loads(whole_message("m", answer("length"), WANTED))
    assert [block["type"] for block in message["content"]] == ["text"]
    assert message["stop_reason"] == "max_tokens"
    with pytest.raises(UpstreamError):
        whole_message("m", answer("tool_calls"), WANTED)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"choices":[]}', b'{"choices":[{}]}', b"\xff"]
)
def test_a_whole_answer_that_is_none(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        whole_message("m", body, WANTED)
