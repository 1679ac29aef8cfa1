"""What a gateway elsewhere tells, before anybody counts on it.

The ``openai`` package builds its objects from whatever came, unchecked: a number may be a list, and
a list nothing. What makes no sense must neither end a handler nor leave money held.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from cocoon.accounting.amount import MAX_AMOUNT
from cocoon.errors import UpstreamError
from cocoon.sdk.cost import AdjustedTokens, Cost, Party

MAX_COST = MAX_AMOUNT // 1000
"""NanoTON: nine million TON, which no request costs; with a markup it still fits 63 bits."""
MAX_PRICE = 10**15
"""NanoTON for a million tokens, likewise."""
MAX_TOKENS = 2**40
MAX_NAME = 200
"""Characters of names and words."""


@contextmanager
def understood() -> Iterator[None]:
    """Around reading what came.

    Raises:
        UpstreamError: instead of what Python says about an object that is not as it should be.
    """
    try:
        yield
    except (AttributeError, TypeError, ValueError) as error:
        raise UpstreamError("what the network answered makes no sense") from error


def number(value: object, most: int) -> int:
    """A whole number from 0 to ``most``.

    Raises:
        UpstreamError: it is something else.
    """
    if type(value) is not int or not 0 <= value <= most:
        raise UpstreamError("a number that the network told makes no sense")
    return value


def name(value: object) -> str:
    """A name or word that can be shown and stored; empty for anything else."""
    is_good = isinstance(value, str) and len(value) <= MAX_NAME and value.isprintable()
    return str(value) if is_good else ""


def text(value: object) -> str:
    """A text without halves of characters; empty for anything else."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def cost(told: Cost) -> Cost:
    """The same, with names that can be stored.

    Raises:
        UpstreamError: an amount or a count is impossible.
    """
    number(told.cost_nanoton, MAX_COST)
    for count in _counts(told.tokens):
        number(count, MAX_TOKENS)
    worker = None if told.worker is None else _party(told.worker)
    return Cost(told.cost_nanoton, told.tokens, _party(told.proxy), worker, told.timings)


def _counts(tokens: AdjustedTokens) -> tuple[int, ...]:
    return tokens.prompt, tokens.cached, tokens.completion, tokens.reasoning


def _party(party: Party) -> Party:
    return Party(name(party.image), name(party.evidence), name(party.address), name(party.owner))
