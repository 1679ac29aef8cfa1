"""Whatever an engine writes, the old form of calls ends in bytes or in an UpstreamError."""

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cocoon.errors import UpstreamError
from cocoon.gateway.answers.functions_shape import FunctionsShape
from cocoon.gateway.answers.shape import PassedOn

NAMES = ["choices", "index", "delta", "message", "tool_calls", "function"]
NAMES += ["name", "id", "arguments", "finish_reason"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON | st.binary(max_size=40), max_size=4), st.integers(1, 40))
def test_only_upstream_errors(parts: list[Any], piece: int) -> None:
    texts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in parts]
    stream = b"".join(b"data: " + text + b"\n\n" for text in texts)
    with contextlib.suppress(UpstreamError):
        form = FunctionsShape(PassedOn())
        for at in range(0, len(stream), piece):
            form.feed(stream[at : at + piece])
        form.finish(None)
    for text in texts:
        with contextlib.suppress(UpstreamError):
            FunctionsShape(PassedOn()).whole(200, text, None)
