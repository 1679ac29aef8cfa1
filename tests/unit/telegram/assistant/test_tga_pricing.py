"""What users pay and what their money buys: exact numbers, rounded for the service."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.accounting import Nano
from cocoon.errors import InsufficientFundsError, PaymentError, UpstreamError
from cocoon.telegram.assistant import told
from cocoon.telegram.assistant.pricing import (
    LEAST_TOKENS,
    MILLION,
    PROMPT_MARGIN,
    Plan,
    Terms,
    estimate,
    plan,
    with_markup,
)

PRICES = {"prompt": 2 * MILLION, "completion": 3 * MILLION}


def terms(**more: object) -> Terms:
    usual = {
        "max_cost": Nano(100_000),
        "prompt_tokens": 10,
        "max_tokens": 1000,
        "max_coefficient": 2000,
        "prices": PRICES,
        "cheapest": 1000,
    }
    return Terms(**{**usual, **more})


@pytest.mark.parametrize(
    ("cost", "markup", "price"),
    [
        (0, 0, 0),
        (0, 500, 0),
        (1, 0, 1),
        (1, 1, 2),
        (999, 1, 1000),
        (1000, 1, 1001),
        (1001, 1, 1003),
        (1900, 100, 2090),
        (1901, 100, 2092),
        (told.MAX_COST, 100_000, told.MAX_COST * 101),
    ],
)
def test_markup_is_rounded_up(cost: int, markup: int, price: int):
    assert with_markup(Nano(cost), markup) == price


def test_a_price_beyond_all_amounts_is_refused():
    with pytest.raises(PaymentError):
        with_markup(Nano(2**63 - 1), 1)


def test_enough_money_buys_all_that_was_asked_for():
    whole = terms()
    assert plan(whole, Nano(110_000), 100) == Plan(Nano(110_000), 1000, 2000)
    assert plan(terms(max_coefficient=None), Nano(100_000), 0).max_coefficient is None
    # One nanoTON less is too little for the reservation.
    assert plan(whole, Nano(109_999), 100).max_coefficient == 1000


def test_short_money_buys_a_shorter_answer_at_the_cheapest():
    prompt, each = 10 * PROMPT_MARGIN * 2, 3
    least = prompt + LEAST_TOKENS * each
    assert plan(terms(), Nano(least), 0) == Plan(Nano(least), LEAST_TOKENS, 1000)
    assert plan(terms(), Nano(least + 2), 0) == Plan(Nano(least), LEAST_TOKENS, 1000)
    assert plan(terms(), Nano(least + 3), 0) == Plan(Nano(least + 3), LEAST_TOKENS + 1, 1000)
    with pytest.raises(InsufficientFundsError):
        plan(terms(), Nano(least - 1), 0)
    # No longer than was asked for, and an answer that is wanted short may be short.
    assert plan(terms(), Nano(99_999), 0) == Plan(Nano(prompt + 3000), 1000, 1000)
    assert plan(terms(max_tokens=5), Nano(prompt + 15), 0).max_tokens == 5


def test_reasoning_counts_at_its_price():
    dear = terms(prices={**PRICES, "reasoning": 30 * MILLION})
    assert plan(dear, Nano(40 + LEAST_TOKENS * 30), 0).max_tokens == LEAST_TOKENS
    with pytest.raises(InsufficientFundsError):
        plan(dear, Nano(40 + LEAST_TOKENS * 30 - 1), 0)


@pytest.mark.parametrize("gap", [{"prices": None}, {"cheapest": None}])
def test_without_known_prices_short_money_buys_nothing(gap: dict[str, None]):
    with pytest.raises(InsufficientFundsError):
        plan(terms(**gap), Nano(99_999), 0)


def test_short_money_never_buys_a_dearer_worker_than_was_accepted():
    assert plan(terms(max_coefficient=1000, cheapest=1500), Nano(5000), 0).max_coefficient == 1000
    assert plan(terms(max_coefficient=None, cheapest=1500), Nano(5000), 0).max_coefficient == 1500
    assert plan(terms(max_coefficient=2000, cheapest=1500), Nano(5000), 0).max_coefficient == 1500


@given(
    available=st.integers(0, 10**12),
    markup=st.integers(0, 100_000),
    prompt=st.integers(0, 10**6),
    price=st.integers(0, 10**9),
    most=st.integers(1, 10**5),
)
def test_what_is_held_is_there_and_pays_what_was_planned(
    available: int, markup: int, prompt: int, price: int, most: int
):
    prices = {"prompt": price, "completion": price}
    asked = terms(prompt_tokens=prompt, max_tokens=most, prices=prices, max_cost=Nano(10**13))
    try:
        planned = plan(asked, Nano(available), markup)
    except InsufficientFundsError:
        return
    assert planned.hold <= available
    assert min(LEAST_TOKENS, most) <= planned.max_tokens <= most
    likely = estimate(prompt * PROMPT_MARGIN, planned.max_tokens, prices)
    assert with_markup(likely, markup) <= planned.hold


def test_our_own_count():
    assert estimate(1, 1, None) == 0
    assert estimate(10, 20, PRICES) == 80
    assert estimate(1, 0, {"prompt": 1, "completion": 1}) == 1
    assert estimate(MILLION, 1, {"completion": MILLION}) == 1
    assert estimate(0, 0, PRICES) == 0


@pytest.mark.parametrize("value", [-1, 11, 1.0, True, None, "1"])
def test_numbers_that_are_told(value: object):
    assert told.number(0, 10) == 0
    assert told.number(10, 10) == 10
    with pytest.raises(UpstreamError):
        told.number(value, 10)


def test_names_that_are_told():
    assert told.name("x" * told.MAX_NAME) == "x" * told.MAX_NAME
    for bad in ("x" * (told.MAX_NAME + 1), "a\nb", 5, None, "\ud800"):
        assert told.name(bad) == ""
