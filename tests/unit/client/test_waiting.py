"""What waits for slow readers is bounded, over all answers of a client."""

import gc
from collections.abc import Callable

import pytest

from cocoon.client.answer import Answer, AnswerState
from cocoon.client.waiting import Waiting
from cocoon.errors import UpstreamError
from cocoon.tl.types import HttpResponse
from cocoon.wire.events import AnswerPart, AnswerStarted

pytestmark = pytest.mark.anyio
HEAD = HttpResponse("HTTP/1.1", 200, "OK", (), b"").to_bytes()
ID = b"a" * 32


def answer(waiting: Waiting, on_end: Callable[[Answer], None] = lambda _: None) -> Answer:
    made = Answer(ID, lambda: 0.0, on_end, waiting=waiting)
    made.receive(AnswerStarted(ID, HEAD))
    return made


def fill(answers: list[Answer], size: int) -> None:
    """Every answer gets pieces until it is cut off."""
    for _ in range(10_000):
        running = [each for each in answers if each.state is AnswerState.STREAMING]
        if not running:
            return
        for each in running:
            each.receive(AnswerPart(ID, bytes(size)))


async def test_one_slow_reader_may_lag_far_behind() -> None:
    waiting = Waiting(total=1000, least=10, most=2000)
    (one,) = made = [answer(waiting)]
    fill(made, 10)
    assert isinstance(one.error, UpstreamError)
    assert 480 <= waiting.held <= 520  # as much as is still free


@pytest.mark.parametrize("count", [1, 5, 100, 1000])
async def test_together_they_never_hold_more_than_is_stated(count: int) -> None:
    total, least, piece = 10_000, 40, 8
    waiting = Waiting(total, least, most=total)
    made = [answer(waiting) for _ in range(count)]
    fill(made, piece)
    assert waiting.held <= total + count * (least + piece)
    assert all(each.given_up for each in made)


async def test_who_reads_is_never_cut_off() -> None:
    waiting = Waiting(total=100, least=10, most=100)
    slow, quick = answer(waiting), answer(waiting)
    for _ in range(1000):
        quick.receive(AnswerPart(ID, bytes(10)))
        assert await quick.next_bytes() == bytes(10)
        if slow.state is AnswerState.STREAMING:
            slow.receive(AnswerPart(ID, bytes(10)))
    assert quick.error is None
    assert slow.error is not None


async def test_nothing_stays_counted() -> None:
    waiting = Waiting()
    read, closed, lost = answer(waiting), answer(waiting), answer(waiting)
    for each in (read, closed, lost):
        each.receive(AnswerPart(ID, bytes(100)))
    assert waiting.held == 300
    await read.next_bytes()
    closed.drop()
    closed.drop()
    assert waiting.held == 100
    del lost, each
    gc.collect()
    assert waiting.held == 0
