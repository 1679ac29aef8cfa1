"""What an answer may cost a user: pure rules over the network's quote.

A proxy reserves the most that a request can cost, which is many times what it will: every byte of
the prompt a token, the longest answer, the dearest worker that is accepted. A user with less than
that still gets an answer, a shorter one, from the cheapest workers only; what an answer costs above
the money that was held is the service's loss, not the user's debt.
"""

from dataclasses import dataclass

from cocoon.accounting import Nano
from cocoon.errors import InsufficientFundsError

MILLION = 1_000_000
LEAST_TOKENS = 64
"""An answer shorter than this is not worth asking for."""
PROMPT_MARGIN = 2
"""The prompt's tokens are estimated; they may be so many times as many."""


def with_markup(cost: Nano, markup: int) -> Nano:
    """What users pay for what the network charges, rounded up.

    Args:
        cost: nanoTON.
        markup: in thousandths of it.
    """
    return Nano(-(-int(cost) * (1000 + markup) // 1000))


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is asked.

    Attributes:
        hold: nanoTON to reserve of the user's money.
        max_tokens: longest answer.
        max_coefficient: dearest worker, × 1000; None: the network's own limit.
    """

    hold: Nano
    max_tokens: int
    max_coefficient: int | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a question would like.

    Attributes:
        max_cost: nanoTON that the network may charge at most.
        prompt_tokens: of the prompt, estimated.
        max_tokens: longest answer.
        max_coefficient: dearest worker that is accepted, × 1000, or None.
        prices: nanoTON for a million tokens by class at the cheapest worker, or None.
        cheapest: its coefficient, or None.
    """

    max_cost: Nano
    prompt_tokens: int
    max_tokens: int
    max_coefficient: int | None
    prices: dict[str, int] | None
    cheapest: int | None


def plan(terms: Terms, available: Nano, markup: int) -> Plan:
    """The best that the user's money buys.

    Args:
        terms: of the question.
        available: nanoTON of allowance and balance that nothing is held of.
        markup: in thousandths.

    Raises:
        InsufficientFundsError: not even a short answer can be paid.
    """
    full = with_markup(terms.max_cost, markup)
    if full <= available:
        return Plan(full, terms.max_tokens, terms.max_coefficient)
    if terms.prices is None or terms.cheapest is None:
        raise _short(full)
    prompt = terms.prompt_tokens * PROMPT_MARGIN * terms.prices.get("prompt", 0)
    each = max(terms.prices.get("completion", 0), terms.prices.get("reasoning", 0), 1)
    least = min(LEAST_TOKENS, terms.max_tokens)
    needed = _user_price(prompt + least * each, markup)
    if needed > available:
        raise _short(needed)
    network = int(available) * 1000 // (1000 + markup) * MILLION
    tokens = min(terms.max_tokens, (network - prompt) // each)
    hold = min(_user_price(prompt + tokens * each, markup), available)
    # Where even the cheapest is dearer than accepted the network refuses, and says why.
    dearest = min(terms.cheapest, terms.max_coefficient or terms.cheapest)
    return Plan(hold, max(tokens, least), dearest)


def estimate(prompt_tokens: int, completion_tokens: int, prices: dict[str, int] | None) -> Nano:
    """Our own count of what was used, where nobody told; nanoTON of the network."""
    if prices is None:
        return Nano(0)
    used = prompt_tokens * prices.get("prompt", 0) + completion_tokens * prices.get("completion", 0)
    return Nano(-(-used // MILLION))


def _user_price(millionths: int, markup: int) -> Nano:
    return with_markup(Nano(-(-millionths // MILLION)), markup)


def _short(needed: Nano) -> InsufficientFundsError:
    return InsufficientFundsError(
        f"an answer needs about {needed.ton()}, and allowance and balance do not cover it"
    )
