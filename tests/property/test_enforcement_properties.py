"""Calls are read the same, however the text is cut."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cocoon.engine.enforcement import CallArguments, CallReader, CallStarted, ToolPlan

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=5), json_values, max_size=4)


@given(st.lists(objects, min_size=1, max_size=3), st.integers(1, 9), st.booleans(), st.booleans())
def test_what_is_written_is_read(
    arguments: list[dict[str, object]], step: int, certain: bool, compact: bool
) -> None:
    calls = [{"name": "f", "arguments": value} for value in arguments]
    text = json.dumps(calls, separators=(",", ":") if compact else None)
    reader = CallReader(ToolPlan(frozenset({"f"}), certain))
    read: list[str] = []
    for at in range(0, len(text), step):
        for event in reader.feed(text[at : at + step]):
            if isinstance(event, CallStarted):
                read.append("")
            else:
                assert isinstance(event, CallArguments)
                read[event.index] += event.text
    assert reader.end() == []
    assert [json.loads(item) for item in read] == arguments
