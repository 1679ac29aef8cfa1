"""The events of a streamed response, in OpenAI's order, whatever the engine writes."""

import json
from typing import Any

import pytest

from cocoon.accounting import Nano
from cocoon.client.api import PeerSummary, RequestSummary
from cocoon.errors import DeadlineError, UpstreamError
from cocoon.gateway.responses import assembly
from cocoon.gateway.responses.shape import ResponseShape

SUMMARY = RequestSummary(3, 1, 4, 2, 10, Nano(100), PeerSummary("ab" * 32, "tdx"))
DONE = b"data: [DONE]\n\n"
Events = list[tuple[str, dict[str, Any]]]


def chunk(fr: str | None = None, logprobs: Any = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": fr, "logprobs": logprobs}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def usage(**more: Any) -> bytes:
    counts = {"prompt_tokens": 3, "completion_tokens": 4, **more}
    return b"data: " + json.dumps({"choices": [], "usage": counts}).encode() + b"\n\n"


def call(index: int | None = None, arguments: str = "", **more: Any) -> bytes:
    name = more.pop("name", None)
    piece = {"index": index, "function": {"name": name, "arguments": arguments}, **more}
    return chunk(tool_calls=[piece])


def parse(data: bytes) -> Events:
    events: Events = []
    for event in data.decode().split("\n\n")[:-1]:
        first, second = event.split("\n")
        body = json.loads(second.removeprefix("data: "))
        assert first == f"event: {body['type']}"
        events.append((body["type"].removeprefix("response."), body))
    assert [body["sequence_number"] for _, body in events] == list(range(len(events)))
    return events


def stream(*parts: bytes, **options: Any) -> Events:
    shape = ResponseShape(b'"model":"demo"', **options)
    data = shape.begin() + b"".join(shape.feed(part) for part in parts)
    return parse(data + shape.finish(SUMMARY))


def kinds(events: Events) -> list[str]:
    """Names of the events between the two first and the last; repeated deltas once."""
    names = [name for name, _ in events]
    assert names[:2] == ["created", "in_progress"]
    return [n for i, n in enumerate(names[2:]) if n != names[i + 1] or not n.endswith("delta")]


def final(events: Events) -> dict[str, Any]:
    response: dict[str, Any] = events[-1][1]["response"]
    return response


TEXT_EVENTS = [
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
]
CALL_EVENTS = [
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
]
REASONING_EVENTS = [
    "output_item.added",
    "content_part.added",
    "reasoning_text.delta",
    "reasoning_text.done",
    "content_part.done",
    "output_item.done",
]


def test_text() -> None:
    events = stream(
        chunk(role="assistant", content=""),
        chunk(content="he"),
        chunk(content="llo"),
        chunk(fr="stop"),
        usage(),
        DONE,
    )
    assert kinds(events) == [*TEXT_EVENTS, "completed"]
    response = final(events)
    assert response["status"] == "completed"
    assert response["completed_at"] >= response["created_at"]
    assert response["output"][0]["content"] == [
        {"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}
    ]
    assert response["output"][0]["status"] == "completed"
    assert response["usage"]["total_tokens"] == 7
    assert response["cocoon"]["cost_nanoton"] == 100
    assert events[2][1]["item"]["content"] == []
    assert events[2][1]["item"]["id"] == events[4][1]["item_id"] == response["output"][0]["id"]


def test_reasoning_then_text_then_calls() -> None:
    events = stream(
        chunk(reasoning_content="a"),
        chunk(reasoning="b"),
        chunk(content="c"),
        call(0, "", id="x", name="f"),
        call(0, '{"a":'),
        call(0, "1}"),
        call(1, "{}", id="y", name="g"),
        chunk(fr="tool_calls"),
        usage(prompt_tokens_details={"cached_tokens": 2}, reasoning_tokens=1),
        DONE,
    )
    assert kinds(events) == [
        *REASONING_EVENTS, *TEXT_EVENTS, *CALL_EVENTS, *CALL_EVENTS, "completed",
    ]  # fmt: skip
    response = final(events)
    thought, message, first, second = response["output"]
    assert thought["content"] == [{"type": "reasoning_text", "text": "ab"}]
    assert thought["summary"] == []
    assert message["content"][0]["text"] == "c"
    assert (first["name"], first["call_id"], first["arguments"]) == ("f", "x", '{"a":1}')
    assert (second["name"], second["call_id"], second["arguments"]) == ("g", "y", "{}")
    assert response["usage"]["input_tokens_details"]["cached_tokens"] == 2
    assert response["usage"]["output_tokens_details"]["reasoning_tokens"] == 1
    done = [body["item"] for name, body in events if name == "output_item.done"]
    assert done == response["output"]
    assert len({item["id"] for item in done}) == 4


def test_reasoning_as_the_summary_that_was_asked_for() -> None:
    events = stream(chunk(reasoning="a"), chunk(content="b"), chunk(fr="stop"), summarize=True)
    assert kinds(events)[:6] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    thought = final(events)["output"][0]
    assert thought["summary"] == [{"type": "summary_text", "text": "a"}]
    assert thought["content"] == []
    assert events[3][1]["summary_index"] == 0


def test_a_refusal_alone_and_after_text() -> None:
    events = stream(chunk(refusal="no"), chunk(refusal="!"), chunk(fr="stop"))
    assert kinds(events)[2:4] == ["refusal.delta", "refusal.done"]
    assert final(events)["output"][0]["content"] == [{"type": "refusal", "refusal": "no!"}]
    both = stream(chunk(content="well"), chunk(refusal="no"), chunk(fr="stop"))
    assert [part["type"] for part in final(both)["output"][0]["content"]] == [
        "output_text",
        "refusal",
    ]
    assert [b["content_index"] for n, b in both if n.endswith("delta")] == [0, 1]


def test_log_probabilities_go_with_the_text() -> None:
    tokens = {"content": [
        {"token": "h", "logprob": -0.5, "bytes": [104],
         "top_logprobs": [{"token": "x", "logprob": -2, "bytes": None}]},
    ]}  # fmt: skip
    late = {"content": [{"token": "i", "logprob": None}]}
    parts = (
        chunk(content="h", logprobs=tokens),
        chunk(content="", logprobs=late),
        chunk(fr="stop"),
    )
    events = stream(*parts, logprobs=True)
    text = final(events)["output"][0]["content"][0]
    assert [token["token"] for token in text["logprobs"]] == ["h", "i"]
    assert text["logprobs"][0]["top_logprobs"] == [{"token": "x", "bytes": [], "logprob": -2.0}]
    deltas = [body for name, body in events if name == "output_text.delta"]
    assert [token["token"] for token in deltas[0]["logprobs"]] == ["h"]
    done = next(body for name, body in events if name == "output_text.done")
    assert done["logprobs"] == text["logprobs"]
    assert final(stream(*parts))["output"][0]["content"][0]["logprobs"] == []


@pytest.mark.parametrize(
    ("reason", "status", "detail"),
    [
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("stop", "completed", None),
        ("eos", "completed", None),
        ("function_call", "completed", None),
    ],
)
def test_ends(reason: str, status: str, detail: str | None) -> None:
    events = stream(chunk(content="a"), chunk(fr=reason), DONE)
    response = final(events)
    assert (events[-1][0], response["status"]) == (status, status)
    assert response["output"][0]["status"] == status
    details = response["incomplete_details"]
    assert details == (None if detail is None else {"reason": detail})


def test_a_call_cut_short_is_incomplete() -> None:
    response = final(stream(call(0, '{"a', id="x", name="f"), chunk(fr="length"), DONE))
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["arguments"] == '{"a'


@pytest.mark.parametrize("reason", ["abort", "error"])
def test_an_engine_that_gave_up(reason: str) -> None:
    events = stream(chunk(content="a"), chunk(fr=reason), DONE)
    assert [name for name, _ in events[-2:]] == ["error", "failed"]
    assert final(events)["error"]["code"] == "server_error"
    assert final(events)["output"][0]["content"][0]["text"] == "a"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"message": "too long", "code": 400}, "invalid_prompt"),
        ({"message": "too long", "code": 429}, "rate_limit_exceeded"),
        ({"message": "too long", "code": 500}, "server_error"),
        ({"message": "too long"}, "server_error"),
        ("too long", "server_error"),
    ],
)
def test_an_error_among_the_chunks(error: Any, code: str) -> None:
    broken = b"data: " + json.dumps({"error": error}).encode() + b"\n\n"
    events = stream(chunk(content="a"), broken, chunk(content="never"))
    name, body = events[-2]
    assert (name, body["message"], body["code"]) == ("error", "too long", code)
    response = final(events)
    assert response["status"] == "failed"
    assert response["error"] == {"code": code, "message": "too long"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["cocoon"]["cost_nanoton"] == 100


def test_a_stream_that_just_stops_is_a_failure() -> None:
    events = stream(chunk(content="a"))
    assert [name for name, _ in events[-2:]] == ["error", "failed"]
    assert "before it was whole" in final(events)["error"]["message"]
    assert stream(chunk(content="a"), DONE)[-1][0] == "completed"


def test_a_failure_of_the_network() -> None:
    shape = ResponseShape(b'"model":"demo"')
    data = shape.begin() + shape.feed(chunk(content="a") + chunk(content="b"))
    events = parse(data + shape.fail(DeadlineError("took too long")))
    assert [name for name, _ in events[-2:]] == ["error", "failed"]
    error = events[-2][1]
    assert (error["code"], error["message"], error["param"]) == ("timeout", "took too long", None)
    response = final(events)
    assert response["output"][0]["content"][0]["text"] == "ab"
    assert response["output"][0]["status"] == "incomplete"
    assert response["usage"] is None
    assert "cocoon" not in response


def test_a_failure_that_is_none_of_ours_says_nothing() -> None:
    shape = ResponseShape(b'"model":"demo"')
    told = shape.fail(RuntimeError("secret"))
    assert b"secret" not in told
    assert b"response.failed" in told


def test_nothing_at_all_is_an_empty_message() -> None:
    events = stream(chunk(fr="stop"), DONE)
    assert final(events)["output"][0]["content"][0]["text"] == ""
    assert kinds(events) == [name for name in TEXT_EVENTS if name != "output_text.delta"] + [
        "completed"
    ]
    assert final(stream(chunk(fr="length")))["output"] == []


def test_text_after_a_call_is_another_message_but_line_ends_are_not() -> None:
    events = stream(
        chunk(content="a"),
        call(0, "{", id="x", name="f"),
        chunk(content="\n"),
        chunk(content="b"),
        call(0, "}"),
        chunk(fr="stop"),
    )
    types = [item["type"] for item in final(events)["output"]]
    assert types == ["message", "function_call", "message"]
    assert final(events)["output"][1]["arguments"] == "{}"


def test_thoughts_between_texts() -> None:
    parts = [chunk(content="a"), chunk(reasoning="b"), chunk(content="c"), chunk(fr="stop")]
    types = [item["type"] for item in final(stream(*parts))["output"]]
    assert types == ["message", "reasoning", "message"]


def test_calls_without_ids_or_with_the_same_get_ids_of_ours() -> None:
    for identity in (None, "same"):
        calls = [
            {"index": number, "id": identity, "function": {"name": "f", "arguments": "{}"}}
            for number in range(3)
        ]
        ids = [
            item["call_id"]
            for item in final(stream(chunk(tool_calls=calls), chunk(fr="tool_calls")))["output"]
        ]
        assert len(set(ids)) == 3
        assert all(ids)


def test_only_the_first_choice_is_read() -> None:
    other = b'data: {"choices":[{"index":1,"delta":{"content":"other"}}]}\n\n'
    events = stream(chunk(content="a"), other, chunk(fr="stop"))
    assert final(events)["output"][0]["content"][0]["text"] == "a"


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: nonsense\n\n",
        b'data: {"choices":5}\n\n',
        call(0, "{}", id="x", name="f") + call(1, "{}", id="y", name="g") + call(0, "late"),
        chunk(logprobs=5, content="a"),
    ],
)
def test_streams_that_make_no_sense(garbage: bytes) -> None:
    shape = ResponseShape(b'"model":"demo"', logprobs=True)
    with pytest.raises(UpstreamError):
        shape.feed(garbage)


def test_what_is_held_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_HELD", 4 * 100 + 1024 + 64)
    shape = ResponseShape(b'"model":"demo"')
    begun = shape.begin() + shape.feed(chunk(content="x" * 60))
    with pytest.raises(UpstreamError, match="too long"):
        shape.feed(chunk(reasoning="x" * 60))
    parse(begun + shape.fail(UpstreamError("too long")))


@pytest.mark.parametrize(
    "delta",
    [
        chunk(content="x"),
        chunk(content="x") + chunk(refusal="y"),
        call(0, "{", name="f"),
    ],
    ids=["text", "parts", "arguments"],
)
def test_many_small_deltas_are_held_for_what_they_cost(
    delta: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "MAX_HELD", 2**20)
    shape = ResponseShape(b'"model":"demo"')
    with pytest.raises(UpstreamError, match="too long"):
        shape.feed(delta * 2**14)


def test_items_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_ITEMS", 3)
    shape = ResponseShape(b'"model":"demo"')
    parts = chunk(reasoning="a") + chunk(content="b")
    with pytest.raises(UpstreamError, match="parts"):
        shape.feed(parts * 4)


def test_the_debug_record_is_a_comment_at_the_end() -> None:
    shape = ResponseShape(b'"model":"demo"', debug=True)
    shape.feed(chunk(fr="stop"))
    assert b"\n\n: debug {" in shape.finish(SUMMARY)


def whole(body: Any, status: int = 200, **options: Any) -> Any:
    shape = ResponseShape(b'"model":"demo"', **options)
    return json.loads(shape.whole(status, json.dumps(body).encode(), SUMMARY))


def completion(fr: str = "stop", logprobs: Any = None, **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": fr, "logprobs": logprobs}
    return {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}


def test_a_whole_answer_is_the_same_object() -> None:
    calls = [{"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}] * 2
    answer = whole(completion("tool_calls", reasoning="a", content="b", tool_calls=calls))
    types = [item["type"] for item in answer["output"]]
    assert types == ["reasoning", "message", "function_call", "function_call"]
    assert answer["status"] == "completed"
    assert answer["usage"]["output_tokens"] == 4
    assert answer["cocoon"]["cost_nanoton"] == 100
    assert answer["output"][2]["call_id"] != answer["output"][3]["call_id"]
    assert whole(completion(refusal="no"))["output"][0]["content"][0]["refusal"] == "no"
    assert whole(completion("length", content="a"))["status"] == "incomplete"
    assert whole(completion("abort", content="a"))["status"] == "failed"
    assert "debug" in whole(completion(content="a"), debug=True)


def test_log_probabilities_of_a_whole_answer() -> None:
    body = completion(content="a", logprobs={"content": [{"token": "a", "logprob": -1}]})
    text = whole(body, logprobs=True)["output"][0]["content"][0]
    assert text["logprobs"][0]["logprob"] == -1.0
    assert whole(body)["output"][0]["content"][0]["logprobs"] == []


@pytest.mark.parametrize(
    "body", [{}, {"choices": []}, {"choices": [{"index": 1, "message": {}}]}, 5]
)
def test_whole_answers_that_make_no_sense(body: Any) -> None:
    with pytest.raises(UpstreamError):
        whole(body)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "bad", "type": "BadRequestError", "param": None, "code": 400}},
        {"object": "error", "message": "bad", "type": "BadRequestError", "code": 400},
    ],
)
def test_errors_of_engines_in_openai_form(body: Any) -> None:
    error = whole(body, 400)["error"]
    assert (error["message"], error["type"]) == ("bad", "BadRequestError")


def test_errors_that_are_something_else() -> None:
    assert whole({"error": "bad"}, 400)["error"]["message"] == "bad"
    assert whole([1], 500)["error"]["message"]
