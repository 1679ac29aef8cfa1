import pytest

from cocoon.engine.sse import SseCutter, event_data, split_events


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_events_of_all_line_ends(end: bytes) -> None:
    stream = end.join(
        [b": hi", b"data: a", b"data:b", b"", b"event: x", b"", b"data:  c", b"", b""]
    )
    whole = SseCutter().cut(stream + end)
    assert [event_data(event) for event in split_events(whole)][:3] == [b"a\nb", None, b" c"]


def test_every_cut_gives_whole_events() -> None:
    stream = b"data: 1\r\n\r\ndata: 2\n\ndata: 3\r\rdata: 4\n\n"
    for first in range(len(stream)):
        cutter = SseCutter()
        whole = cutter.cut(stream[:first])
        rest = cutter.cut(stream[first:])
        data = [event_data(e) for part in (whole, rest) for e in split_events(part)]
        assert [d for d in data if d is not None] == [b"1", b"2", b"3", b"4"]
        assert whole + rest + cutter.pending == stream


def test_byte_order_mark_and_fields_without_colon() -> None:
    assert event_data(b"\xef\xbb\xbfdata: a\n\n") == b"a"
    assert event_data(b"data\n\n") == b""
    assert event_data(b"database: a\n\n") is None


@pytest.mark.parametrize("size", [1, 4, 100])
def test_oversized_event_stops_the_cutter(size: int) -> None:
    stream = b"data: 1\n\ndata: 234567890123\n\ndata: 5\n\n"
    cutter = SseCutter(max_event_size=12)
    out = b"".join(cutter.cut(stream[i : i + size]) for i in range(0, len(stream), size))
    assert out == b"data: 1\n\n"
    assert cutter.overflowed
