"""Whatever a body holds: it is refused with a typed error, or goes on as a checked JSON object."""

import json

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cocoon.errors import BadRequestError
from cocoon.worker.validation import (
    CHAT_FIELDS,
    CHAT_PATH,
    COMPLETION_FIELDS,
    COMPLETIONS_PATH,
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
names = st.sampled_from([*sorted({*CHAT_FIELDS, *COMPLETION_FIELDS}), "unknown", "a b", ""])
bodies = st.dictionaries(names, json_values, max_size=8)
paths = st.sampled_from([CHAT_PATH, COMPLETIONS_PATH, "/v1/models"])


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


def check(path: str, body: bytes) -> None:
    try:
        accepted = validate(path, body, "m")
    except BadRequestError:
        return
    value = msgspec.json.decode(accepted.body)
    rules = CHAT_FIELDS if path == CHAT_PATH else COMPLETION_FIELDS
    assert set(value) <= set(rules)
    assert value["model"] == "m"
    assert None not in value.values()
    if value.get("stream"):
        assert value["stream_options"]["include_usage"] is True
    assert accepted.max_tokens is None or accepted.max_tokens >= 0
