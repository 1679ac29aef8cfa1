"""Whatever a body holds: it is refused with a typed error, or goes on as a checked JSON object."""

import json

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cocoon.errors import BadRequestError
from cocoon.wire.refusals import param_of
from cocoon.worker.validation import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    ENDPOINTS,
    validate,
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=True)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FORMS = [path for path, endpoint in ENDPOINTS.items() if endpoint.is_form]
ALL_NAMES = {name for endpoint in ENDPOINTS.values() for name in endpoint.fields}
names = st.sampled_from([*sorted(ALL_NAMES), "unknown", "a b", ""])
bodies = st.dictionaries(names, json_values, max_size=8)
paths = st.sampled_from([*(path for path in ENDPOINTS if path not in FORMS), "/v1/models"])
# What stands in messages, tools, formats and schemas, right and wrong, at any place.
words = st.sampled_from(
    [
        "type",
        "function",
        "text",
        "content",
        "role",
        "name",
        "parameters",
        "$ref",
        "pattern",
        "url",
        "image_url",
        "json_schema",
        "schema",
        "user",
        "maxItems",
        "enum",
        "arguments",
        "#",
        "{9}",
    ]
)
trees = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5),
    max_leaves=25,
)
deep = st.sampled_from(["messages", "tools", "tool_choice", "response_format", "stop", "functions"])


@given(paths, bodies)
@settings(max_examples=400)
def test_any_object(path: str, body: dict[str, object]) -> None:
    body = {"model": "m", "messages": [], **body} if path == CHAT_PATH else {"model": "m", **body}
    check(path, json.dumps(body).encode())


@given(paths, st.binary(max_size=200))
@example(CHAT_PATH, b'{"model":"m","messages":[],"model":"n"}')
@example(CHAT_PATH, b'{"model":"m","messages":[],"n":1e999}')
@example(CHAT_PATH, b'{"model":"m\\ud800","messages":[]}')
@example(COMPLETIONS_PATH, b'{"model":"m","prompt":[1,"a",{}]}')
def test_any_bytes(path: str, body: bytes) -> None:
    check(path, body)


@given(deep, trees)
@settings(max_examples=400)
def test_anything_inside_of_chat_fields(name: str, value: object) -> None:
    body = {"model": "m", "messages": [], name: value}
    check(CHAT_PATH, json.dumps(body).encode())


@given(st.sampled_from(FORMS), st.binary(max_size=300), st.text(max_size=40))
@example(FORMS[0], b"--b\r\n\r\n\r\n--b--", "multipart/form-data; boundary=b")
def test_any_form(path: str, body: bytes, content_type: str) -> None:
    for kind in (content_type, "multipart/form-data; boundary=b"):
        try:
            validate(path, body, "m", content_type=kind)
        except BadRequestError:
            continue


@given(st.integers(0, 50), st.integers(0, 50) | st.none(), st.integers(1, 4))
def test_no_body_asks_for_more_than_the_cap(cap: int, limit: int | None, n: int) -> None:
    body = {"model": "m", "messages": [], "n": n} | ({} if limit is None else {"max_tokens": limit})
    try:
        accepted = validate(CHAT_PATH, json.dumps(body).encode(), "m", cap=cap)
    except BadRequestError as refused:
        param = param_of(str(refused))
        assert cap < (n if limit is None else n * limit)
        assert param in (None, "max_tokens")
        return
    value = msgspec.json.decode(accepted.body)
    assert value["max_tokens"] * n <= cap
    assert accepted.max_tokens is not None
    assert accepted.max_tokens <= cap


def check(path: str, body: bytes) -> None:
    try:
        accepted = validate(path, body, "m")
    except BadRequestError:
        return
    value = msgspec.json.decode(accepted.body)
    rules = ENDPOINTS[path].fields
    assert set(value) <= set(rules)
    # What was accepted is accepted again, and the same.
    assert validate(path, accepted.body, "m").body == accepted.body
    assert value["model"] == "m"
    assert None not in value.values()
    if value.get("stream"):
        assert value["stream_options"]["include_usage"] is True
    assert accepted.max_tokens is None or accepted.max_tokens >= 0
