import time

import pytest

from cocoon.gateway.answers.sse import MAX_EVENT, EventRelay

ONE = b'data: {"choices":[{"delta":{"content":"a"}}],"usage":null}\n\n'
TWO = b'data: {"choices":[{"delta":{"content":"\\"choices\\":[]"}}]}\n\n'
USAGE = b'data: {"id":"x","choices":[],"usage":{"total_tokens":3}}\n\n'
FILTERS = b'data: {"choices":[],"prompt_filter_results":[]}\n\n'
DONE = b"data: [DONE]\n\n"


def relayed(stream: bytes, size: int, *, show_usage: bool = False) -> bytes:
    relay = EventRelay(show_usage=show_usage)
    parts = [stream[at : at + size] for at in range(0, len(stream), size)]
    return b"".join([relay.feed(part) for part in parts]) + relay.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_only_the_usage_event_is_dropped_however_bytes_arrive(size: int) -> None:
    stream = ONE + FILTERS + TWO + USAGE + DONE
    assert relayed(stream, size) == ONE + FILTERS + TWO + DONE
    assert relayed(stream, size, show_usage=True) == stream


@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_carriage_returns_end_events_too(size: int) -> None:
    stream = (ONE + USAGE + DONE).replace(b"\n", b"\r\n")
    assert relayed(stream, size) == (ONE + DONE).replace(b"\n", b"\r\n")


def test_a_usage_event_without_its_end_is_dropped_and_other_rests_are_kept() -> None:
    assert relayed(ONE + USAGE[:-1], 9) == ONE
    assert relayed(ONE + b"data: half", 9) == ONE + b"data: half"


def test_whole_events_go_on_at_once_and_half_ones_wait() -> None:
    relay = EventRelay(show_usage=False)
    assert relay.feed(ONE) == ONE
    assert relay.feed(TWO[:20]) == b""
    assert relay.feed(TWO[20:] + DONE[:3]) == TWO
    assert relay.feed(DONE[3:]) == b""
    assert relay.finish() == DONE


def test_an_endless_event_is_not_held() -> None:
    relay = EventRelay(show_usage=False)
    assert relay.feed(b"x" * MAX_EVENT) == b""
    assert relay.feed(b"y") == b"x" * MAX_EVENT + b"y"
    assert relay.feed(USAGE) == USAGE
    assert relay.finish() == b""


def test_garbage_that_looks_like_usage_passes() -> None:
    for event in (
        b'data: {"choices":[],"usage":\n\n',
        b'data: {"choices":[],"usage":null}\n\n',
        b'data: {"choices":[],"usage":' + b"[" * 5000 + b"\n\n",
        b': "choices":[]\n\n',
    ):
        assert relayed(event, 1000) == event


BLOCK = b'{"cost_nanoton":5}'


def finished(stream: bytes, size: int, *, show_usage: bool) -> bytes:
    relay = EventRelay(show_usage=show_usage)
    parts = [stream[at : at + size] for at in range(0, len(stream), size)]
    return b"".join([relay.feed(part) for part in parts]) + relay.finish(BLOCK)


@pytest.mark.parametrize("size", [1, 2, 7, 50, 10_000])
def test_the_cost_is_in_the_usage_event_or_in_a_comment_before_the_end(size: int) -> None:
    shown = USAGE[:-3] + b',"cocoon":' + BLOCK + b"}\n\n"
    comment = b": cocoon " + BLOCK + b"\n\n"
    stream = ONE + TWO + USAGE + DONE
    assert finished(stream, size, show_usage=True) == ONE + TWO + shown + DONE
    assert finished(stream, size, show_usage=False) == ONE + TWO + comment + DONE
    assert finished(ONE + DONE, size, show_usage=True) == ONE + comment + DONE
    assert finished(ONE, size, show_usage=True) == ONE + comment


def test_the_end_waits_for_the_cost_and_nothing_else_does() -> None:
    relay = EventRelay(show_usage=True)
    assert relay.feed(ONE + USAGE) == ONE
    assert relay.feed(TWO) == USAGE + TWO  # that was not the end
    assert relay.feed(DONE) == b""
    assert relay.finish(BLOCK).endswith(DONE)


def test_text_that_says_done_is_no_end() -> None:
    text = b'data: {"choices":[{"delta":{"content":"data: [DONE]"}}]}\n\n'
    relay = EventRelay(show_usage=True)
    assert relay.feed(text) == text
    assert finished(text + DONE, 9, show_usage=True).startswith(text + b": cocoon")


def test_what_is_held_back_has_a_limit() -> None:
    relay = EventRelay(show_usage=True)
    comment = b": " + b"x" * 1000 + b"\n\n"
    sent = relay.feed(USAGE)
    for _ in range(300):
        sent += relay.feed(comment)
    assert len(sent) > MAX_EVENT
    assert sent + relay.finish() == USAGE + 300 * comment


@pytest.mark.parametrize(
    "parts",
    [
        [DONE, *[b":\n\n"] * 3000],
        [b":\n\n" * 60_000 + DONE],
        [DONE + b"\n" * 100_000],
        [b"x"] * 60_000,
        [b'data: {"choices":[1],"usage":{},"x":[' + b'{"choices":[]},' * 6000 + b"1]}\n"],
    ],
    ids=["dripping comments", "many comments", "line ends", "dripping event", "usage inside"],
)
def test_no_engine_buys_time_with_few_bytes(parts: list[bytes]) -> None:
    relay = EventRelay(show_usage=True)
    began = time.process_time()
    out = b"".join([relay.feed(part) for part in parts]) + relay.finish(BLOCK)
    assert time.process_time() - began < 1.0  # their square takes minutes
    assert out.replace(b": cocoon " + BLOCK + b"\n\n", b"") in (
        b"".join(parts),
        b"".join(parts) + b"\n\n",
        b"".join(parts) + b"\n",
    )


def test_what_was_held_comes_before_what_follows() -> None:
    relay = EventRelay(show_usage=True)
    endless = b"x" * (MAX_EVENT + 1)
    assert relay.feed(DONE) == b""
    assert relay.feed(ONE + endless) == DONE + ONE + endless
