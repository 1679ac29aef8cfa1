"""Body rules and event relay hold for whatever callers and engines write."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.errors import UpstreamError
from cocoon.gateway.answers.sse import EventRelay
from cocoon.gateway.operations import OPERATIONS
from cocoon.gateway.reading.body import INT32_MAX, Endpoint, read_call
from cocoon.gateway.reading.embeddings import EmbeddingsShape
from cocoon.gateway.reading.incoming import Incoming, Reader
from cocoon.gateway.reading.json_text import decode_object, encode_object
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(TEXT, v, max_size=3), max_leaves=8
)
SPACE = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r\n ")])
NAMES = st.sampled_from(
    [
        "model",
        "messages",
        "prompt",
        "max_tokens",
        "max_completion_tokens",
        "max_coefficient",
        "timeout",
        "n",
        "best_of",
        "stream",
        "stream_options",
        "enable_debug",
        "request_guid",
    ]
)


@given(st.dictionaries(TEXT, VALUES, max_size=6), SPACE, st.booleans())
def test_values_go_through_untouched(
    members: dict[str, Any], separators: tuple[str, str], ascii_only: bool
) -> None:
    body = json.dumps(members, separators=separators, ensure_ascii=ascii_only).encode()
    decoded = decode_object(body, 64)
    assert json.loads(encode_object(decoded)) == members
    for name, value in members.items():
        text = json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode()
        assert bytes(decoded[name]) == text


@given(st.lists(st.tuples(TEXT, VALUES), min_size=1, max_size=5), st.data(), SPACE)
def test_a_name_that_occurs_twice_is_always_found(
    pairs: list[tuple[str, Any]], data: st.DataObject, separators: tuple[str, str]
) -> None:
    pairs = [*pairs, data.draw(st.sampled_from(pairs))]
    pairs = data.draw(st.permutations(pairs))
    comma, colon = separators
    ascii_only = data.draw(st.booleans())
    body = comma.join(
        json.dumps(name, ensure_ascii=ascii_only) + colon + json.dumps(value, separators=separators)
        for name, value in pairs
    )
    with pytest.raises(Refusal, match="twice"):
        decode_object(b"{" + body.encode() + b"}", 64)


@given(st.dictionaries(NAMES, VALUES), st.sampled_from(list(Endpoint)))
def test_every_object_is_a_call_or_a_refusal(fields: dict[str, Any], endpoint: Endpoint) -> None:
    messages = [{"role": "user", "content": "hi"}]
    body = {"model": "demo", "messages": messages, "prompt": "x", **fields}
    try:
        call = read_call(endpoint, json.dumps(body).encode(), SETTINGS)
    except Refusal:
        return
    assert 0 <= call.request.max_tokens <= INT32_MAX
    assert 0 <= call.request.max_coefficient <= INT32_MAX
    assert 0 < call.request.timeout <= SETTINGS.max_timeout
    sent = json.loads(call.request.body)
    own = ("max_coefficient", "timeout", "enable_debug", "request_guid")
    assert not any(name in sent for name in own)
    limit = sent.get("max_completion_tokens", sent.get("max_tokens"))
    assert call.request.max_tokens % max(limit, 1) == 0


@given(st.binary(max_size=200))
def test_any_bytes_are_a_refusal_or_an_object(body: bytes) -> None:
    try:
        members = decode_object(body, 8)
    except Refusal:
        return
    assert json.loads(encode_object(members)) == json.loads(body)


EVENTS = st.sampled_from(
    [
        b'data: {"choices":[{"delta":{}}]}',
        b'data: {"choices":[],"usage":{"total_tokens":1}}',
        b'data: {"choices": [ ], "usage": {}}',
        b"data: [DONE]",
        b": comment",
        b"",
        b"\n",
        b"data",
    ]
)
ENDS = st.sampled_from([b"\n\n", b"\r\n\r\n"])


@given(st.lists(st.tuples(EVENTS, ENDS)), st.lists(st.integers(1, 40)), st.booleans())
def test_the_relay_does_not_depend_on_how_bytes_arrive(
    events: list[tuple[bytes, bytes]], cuts: list[int], show_usage: bool
) -> None:
    stream = b"".join(event + end for event, end in events)
    whole = EventRelay(show_usage=show_usage)
    expected = whole.feed(stream) + whole.finish()
    relay = EventRelay(show_usage=show_usage)
    got = b""
    rest = stream
    for cut in cuts:
        got += relay.feed(rest[:cut])
        rest = rest[cut:]
    got += relay.feed(rest) + relay.finish()
    assert got == expected
    if show_usage:
        assert got == stream
    else:
        assert b'"usage"' not in got


FIELD = st.sampled_from(
    [
        *("model", "messages", "prompt", "input", "query", "documents", "tokens", "voice", "tools"),
        *("tool_choice", "response_format", "logit_bias", "metadata", "stop", "seed", "user"),
        *("pin", "max_cost", "modalities", "functions", "dimensions", "stream", "stream_options"),
    ]
)
PART_NAMES = (
    *("role", "content", "type", "text", "image_url", "file", "input_audio", "url"),
    *("function", "name", "parameters", "allowed_tools", "mode", "json_schema", "schema"),
)
PARTS = st.dictionaries(st.sampled_from(PART_NAMES), VALUES)
READERS = st.sampled_from([operation.read for operation in OPERATIONS])


@given(READERS, st.dictionaries(FIELD, VALUES | PARTS | st.lists(PARTS, max_size=3)))
def test_every_reader_makes_a_call_or_a_refusal(read: Reader, fields: dict[str, Any]) -> None:
    body = {"model": "demo", "max_tokens": 5, **fields}
    try:
        call = read(Incoming("/x", json.dumps(body).encode(), {}), SETTINGS)
    except Refusal as refusal:
        if refusal.status != 400:
            raise
        return
    assert call.request.requires
    assert 0 <= call.request.max_tokens <= INT32_MAX


@given(st.binary(max_size=300), st.booleans(), st.integers(200, 599))
def test_answers_of_any_bytes_pass_or_are_the_engines_failure(
    body: bytes, as_base64: bool, status: int
) -> None:
    shape = EmbeddingsShape(as_base64=as_base64)
    try:
        out = shape.whole(status, body, None)
    except UpstreamError:
        assert status < 400
        return
    if status >= 400:
        assert set(json.loads(out)["error"]) == {"message", "type", "param", "code", "cocoon"}
