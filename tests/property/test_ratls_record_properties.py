"""Counting TLS records does not depend on how the network cuts the stream."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.net.ratls_stream import RecordCounter


@given(st.lists(st.integers(0, 300), max_size=12), st.lists(st.integers(1, 40), max_size=400))
@settings(max_examples=300)
def test_records_are_counted_once_each(sizes: list[int], cuts: list[int]) -> None:
    stream = b"".join(b"\x17\x03\x03" + size.to_bytes(2, "big") + bytes(size) for size in sizes)
    counter, at, seen = RecordCounter(), 0, 0
    for cut in cuts:
        seen += counter.feed(stream[at : at + cut])
        at += cut
    ends = [sum(size + 5 for size in sizes[: i + 1]) for i in range(len(sizes))]
    assert seen == sum(end <= at for end in ends)
    assert seen + counter.feed(stream[at:]) == len(sizes)
