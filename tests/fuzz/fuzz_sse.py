"""Any bytes, cut anywhere, come out of the cutter again."""

from cocoon.engine.sse import SseCutter, event_data, split_events


def fuzz_one(data: bytes) -> None:
    if not data:
        return
    size = 1 + data[0] % 16
    stream = data[1:]
    cutter = SseCutter(max_event_size=256)
    out = b"".join(cutter.cut(stream[i : i + size]) for i in range(0, len(stream), size))
    events = split_events(out)
    if b"".join(events) != out or not stream.startswith(out):
        raise AssertionError("bytes changed")
    if not cutter.overflowed and out + cutter.pending != stream:
        raise AssertionError("bytes lost")
    for event in events:
        event_data(event)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
