"""What requests cost in the end is told once, whatever happens to them."""

import asyncio

import pytest

from cocoon.accounting import Nano, PriceList, Tokens
from cocoon.client import charges
from cocoon.client.api import Outcome
from cocoon.client.charges import Charges, Tally
from cocoon.tl.types import TokensUsed

pytestmark = pytest.mark.anyio
PRICES = PriceList(Nano(20), Nano(10))
A, B = b"a" * 32, b"b" * 32


def used(prompt: int, cached: int, completion: int, reasoning: int) -> TokensUsed:
    total = prompt + cached + completion + reasoning
    return TokensUsed(prompt, cached, completion, reasoning, total)


async def test_one_attempt() -> None:
    told: list[Outcome] = []
    book, tally = Charges(PRICES), Tally(told.append)
    book.expect(A, tally, Tokens(100), 0.0)
    tally.done()
    assert told == []
    book.told(A, used(1, 2, 3, 4))
    book.told(A, used(9, 9, 9, 9))
    book.lost()
    assert told == [Outcome(Nano(200), told=True, prompt_tokens=3, completion_tokens=7)]


async def test_two_attempts_add_up_in_any_order() -> None:
    told: list[Outcome] = []
    first, second, tally = Charges(PRICES), Charges(PRICES), Tally(told.append)
    first.expect(A, tally, Tokens(100), 0.0)
    second.expect(B, tally, Tokens(100), 0.0)
    second.told(B, used(1, 0, 0, 0))
    assert told == []
    tally.done()
    assert told == []
    first.lost()
    assert told == [Outcome(Nano(2020), told=False, prompt_tokens=1)]


async def test_a_request_that_was_never_sent_costs_nothing() -> None:
    told: list[Outcome] = []
    Tally(told.append).done()
    assert told == [Outcome(Nano(0), told=True)]


async def test_a_proxy_is_not_believed_beyond_what_was_agreed() -> None:
    told: list[Outcome] = []
    book, tally = Charges(PRICES), Tally(told.append)
    for request_id, count in ((A, 101), (B, 2**62)):
        book.expect(request_id, tally, Tokens(100), 0.0)
        book.told(request_id, TokensUsed(0, 0, 0, 0, count))
    tally.done()
    assert told[0].cost == 4000


async def test_a_proxy_that_never_tells_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(charges, "PATIENCE", 0.01)
    told: list[Outcome] = []
    book, tally = Charges(PRICES), Tally(told.append)
    now = asyncio.get_running_loop().time()
    book.expect(A, tally, Tokens(100), now + 0.02)
    tally.done()
    book.abandoned(A)
    book.abandoned(A)
    book.abandoned(B)
    await asyncio.sleep(0.01)
    assert told == []
    await asyncio.sleep(0.05)
    assert told == [Outcome(Nano(2000), told=False)]
    assert len(book) == 0


async def test_counts_that_do_not_add_up_stay_within_what_was_agreed() -> None:
    told: list[Outcome] = []
    book, tally = Charges(PRICES), Tally(told.append)
    big = 2**63 - 1
    for request_id, counts in ((A, (big, big, big, big)), (B, (60, 0, big, big))):
        book.expect(request_id, tally, Tokens(100), 0.0)
        book.told(request_id, TokensUsed(*counts, 5))
    tally.done()
    assert told == [Outcome(Nano(200), told=True, prompt_tokens=160, completion_tokens=40)]


async def test_what_the_attempts_can_cost_together() -> None:
    book, tally = Charges(PRICES), Tally(lambda _: None)
    assert tally.most == 0
    book.expect(A, tally, Tokens(100), 0.0)
    assert tally.most == 2000
    book.told(A, used(1, 0, 0, 0))
    assert tally.most == 20
    book.expect(B, tally, Tokens(100), 0.0)
    book.lost()
    assert tally.most == 2020


async def test_the_outcome_is_told_once_whatever_is_said_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(charges, "PATIENCE", 0.01)
    told: list[Outcome] = []
    book, tally = Charges(PRICES), Tally(told.append)
    now = asyncio.get_running_loop().time()
    book.expect(A, tally, Tokens(100), now)
    tally.done()
    book.abandoned(A)
    book.abandoned(A)  # no second timer
    book.told(A, used(1, 0, 0, 0))
    book.expect(A, tally, Tokens(100), now)  # an id that is used again, as no client does
    await asyncio.sleep(0.03)
    assert told == [Outcome(Nano(20), told=True, prompt_tokens=1)]
    assert len(book) == 1  # the first one's timer does not end the second
    book.told(A, used(1, 0, 0, 0))
    assert len(told) == 1


async def test_a_proxy_has_time_to_tell_after_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(charges, "PATIENCE", 0.05)
    told: list[Outcome] = []
    book, tally = Charges(PRICES), Tally(told.append)
    book.expect(A, tally, Tokens(100), asyncio.get_running_loop().time() - 1.0)
    tally.done()
    book.abandoned(A)
    await asyncio.sleep(0.02)
    assert told == []
    book.told(A, used(1, 0, 0, 0))
    assert told[0].told
