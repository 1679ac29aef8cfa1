"""However an answer is cut into pieces: the same bytes out and the same usage."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.engine.metering import MAX_TOKENS, Meter, MeteredUsage, UsageCost
from cocoon.engine.request_rules import prepare_body
from cocoon.errors import BadRequestError

BODIES = [
    (vector["content_type"], vector["body"].encode())
    for vector in json.loads(
        (Path(__file__).parents[2] / "vectors/engine/metering.json").read_text(encoding="utf-8")
    )
]
FRAGMENTS = st.sampled_from(
    [
        b"data: ",
        b"data:",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"[DONE]",
        b": c",
        b'{"usage":{"prompt_tokens":3,"completion_tokens":4}}',
        b'{"usage":{"prompt_tokens":-3,"completion_tokens":1e9}}',
        b'{"error":{}}',
        b'{"choices":[{"delta":{"content":"x"}}]}',
        b"\xef\xbb\xbf",
        b" ",
        b"\xff",
    ]
)
ANSWERS = st.one_of(
    st.sampled_from(BODIES),
    st.tuples(
        st.sampled_from(["text/event-stream", "application/json", ""]),
        st.lists(FRAGMENTS, max_size=24).map(b"".join),
    ),
)


def run(content_type: str, chunks: list[bytes], annotate: Any = None) -> tuple[bytes, MeteredUsage]:
    meter = Meter(status=200, content_type=content_type, request_size=10, annotate=annotate)
    out = b"".join(meter.feed(chunk) for chunk in chunks) + meter.end()
    return out, meter.finish()


def cut(body: bytes, cuts: list[int]) -> list[bytes]:
    marks = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    return [body[a:b] for a, b in pairwise(marks)]


@given(answer=ANSWERS, cuts=st.lists(st.integers(0, 600), max_size=12))
@pytest.mark.parametrize("annotated", [False, True])
def test_cutting_changes_nothing(
    annotated: bool, answer: tuple[str, bytes], cuts: list[int]
) -> None:
    annotate = (lambda usage: UsageCost(1, 2, usage.prompt)) if annotated else None
    content_type, body = answer
    whole = run(content_type, [body], annotate)
    assert run(content_type, cut(body, cuts), annotate) == whole
    if not annotated:
        assert whole[0] == body
    usage = whole[1]
    assert 0 <= usage.cached <= usage.prompt <= MAX_TOKENS
    assert 0 <= usage.reasoning <= usage.completion <= MAX_TOKENS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(["stream", "stream_options", "max_tokens", "n", "model", "messages"])


@given(
    fields=st.dictionaries(NAMES | st.text(max_size=5), JSON, max_size=6),
    cap=st.none() | st.integers(1, 100),
    spaced=st.booleans(),
)
def test_prepared_bodies_keep_their_meaning(
    fields: dict[str, Any], cap: int | None, spaced: bool
) -> None:
    body = json.dumps(fields, separators=None if spaced else (",", ":")).encode()
    try:
        prepared = prepare_body("/v1/chat/completions", body, cap)
    except BadRequestError:
        return
    result = json.loads(prepared)
    assert prepare_body("/v1/chat/completions", prepared, cap) is prepared
    for name, value in fields.items():
        if name not in {"stream", "stream_options", "max_tokens"}:
            assert result[name] == value
    if result.get("stream"):
        assert result["stream_options"]["include_usage"] is True
    if cap is not None:
        assert 0 <= result["max_tokens"] * max(1, result.get("n", 1)) <= cap
