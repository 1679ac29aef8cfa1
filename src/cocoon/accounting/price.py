"""What usage costs: the official rounding rule, the price list and the reservation of a request.

The official node computes adjusted tokens in IEEE doubles, and both ends of a payment must agree to
the token. This module is therefore the one place in Cocoon's books where a ``float`` appears; what
comes out is an integer again. Source: ``onchain.md`` §13, ``wire-protocol.md`` §6.2 and §6.3.
"""

from dataclasses import dataclass
from typing import Protocol

from cocoon.accounting.amount import MAX_AMOUNT, Nano, Tokens
from cocoon.errors import PaymentError

COEFFICIENT_UNIT = 1000
"""Coefficient of price x1.0."""
MULTIPLIER_UNIT = 10_000
"""Multiplier of weight x1.0."""
MAX_COEFFICIENT = 2**31 - 1
"""The official worker narrows the coefficient to int32 (``wire-protocol.md`` §6.2)."""
MAX_MULTIPLIER = 2**32 - 1
"""Multipliers are 32-bit on chain (``onchain.md`` §3)."""

_EXACT_UNIT = COEFFICIENT_UNIT * MULTIPLIER_UNIT
# The official expression rounds seven times, each by at most 2^-53 of the value: together less
# than 2^-50. Below 2^49 tokens that is less than one token, above it this shift covers it.
_ROUNDING_SHIFT = 49


def adjust(count: int, coefficient: int, multiplier: int) -> Tokens:
    """Adjusted tokens of ``count`` raw tokens, rounded exactly as the official node rounds.

    The order of the operations is part of the protocol: ``(99700, 1464, 25000)`` gives 364901,
    where exact arithmetic gives 364902.

    Args:
        count: raw tokens (for a reservation: tokens plus bytes), 0…2⁶³-1.
        coefficient: price factor of the worker, 1000 = x1.0.
        multiplier: weight of the token class, 10000 = x1.0.

    Raises:
        PaymentError: an argument or the result is out of range.
    """
    _check_factors(count, coefficient, multiplier)
    # One expression per official step: count x (coefficient x 0.001) x multiplier x 0.0001.
    return Tokens(int(float(count) * (coefficient * 0.001) * multiplier * 0.0001))


def upper_bound(weighted_count: int, coefficient: int) -> Tokens:
    """The most that :func:`adjust` can give for parts that sum up to ``weighted_count``.

    Exact integer arithmetic, rounded up, plus the largest error of the official doubles; so that
    splitting a count into classes and rounding each can never come out higher.

    Args:
        weighted_count: sum of count x multiplier over the parts.
        coefficient: highest coefficient of any part.

    Raises:
        PaymentError: the result does not fit an amount.
    """
    exact = -(-weighted_count * coefficient // _EXACT_UNIT)
    return Tokens(exact + (exact >> _ROUNDING_SHIFT))


class PriceFields(Protocol):
    """Whatever carries the six price values, for example the chain's contract parameters."""

    @property
    def price_per_token(self) -> int: ...  # noqa: D102
    @property
    def worker_fee_per_token(self) -> int: ...  # noqa: D102
    @property
    def prompt_multiplier(self) -> int: ...  # noqa: D102
    @property
    def cached_multiplier(self) -> int: ...  # noqa: D102
    @property
    def completion_multiplier(self) -> int: ...  # noqa: D102
    @property
    def reasoning_multiplier(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class PriceList:
    """The network's prices, as the root contract states them.

    Args:
        price_per_token: what a client pays for one adjusted token.
        worker_fee_per_token: what a worker earns for it; the difference stays with the proxy.
        prompt_multiplier: weight of a prompt token, 10000 = x1.0; likewise the other three.
    """

    price_per_token: Nano
    worker_fee_per_token: Nano
    prompt_multiplier: int = MULTIPLIER_UNIT
    cached_multiplier: int = MULTIPLIER_UNIT
    completion_multiplier: int = MULTIPLIER_UNIT
    reasoning_multiplier: int = MULTIPLIER_UNIT

    def __post_init__(self) -> None:
        for multiplier in self.multipliers:
            if not 0 <= multiplier <= MAX_MULTIPLIER:
                raise PaymentError(f"price multiplier out of range: {multiplier}")

    @classmethod
    def from_fields(cls, fields: PriceFields) -> "PriceList":
        """Take the prices out of contract parameters (plain integers there).

        Raises:
            PaymentError: a value is out of range.
        """
        return cls(
            Nano(fields.price_per_token),
            Nano(fields.worker_fee_per_token),
            fields.prompt_multiplier,
            fields.cached_multiplier,
            fields.completion_multiplier,
            fields.reasoning_multiplier,
        )

    @property
    def multipliers(self) -> tuple[int, int, int, int]:
        """Prompt, cached, completion, reasoning: the order of ``tokensUsed``."""
        return (
            self.prompt_multiplier,
            self.cached_multiplier,
            self.completion_multiplier,
            self.reasoning_multiplier,
        )

    def cost(self, tokens: Tokens) -> Nano:
        """What a client owes for this many adjusted tokens.

        Raises:
            PaymentError: the product does not fit an amount.
        """
        return Nano(int(tokens) * int(self.price_per_token))

    def fee(self, tokens: Tokens) -> Nano:
        """What a worker has earned with this many adjusted tokens.

        Raises:
            PaymentError: the product does not fit an amount.
        """
        return Nano(int(tokens) * int(self.worker_fee_per_token))

    def reservation(self, query_bytes: int, max_tokens: int, max_coefficient: int) -> Tokens:
        """The most that a request of this size can cost: what the proxy sets aside for it.

        The official reservation (:func:`official_reservation`) ignores the multipliers, so with a
        completion weight of 8.0 the charge could be eight times what was set aside (defect D2,
        ``onchain.md`` §18). Ours prices the worst case: every byte of the query is a prompt token
        of the dearer prompt class, and all ``max_tokens`` are of the dearer completion class. The
        HTTP head and JSON around the messages outweigh what a chat template adds. A worker
        that reports more anyway is not believed: settlement stops at the reservation.

        Args:
            query_bytes: length of the boxed ``http.request``.
            max_tokens: the client's limit on generated tokens.
            max_coefficient: the client's limit on the coefficient, 1000 = x1.0.

        Raises:
            PaymentError: an argument is negative or the result does not fit an amount.
        """
        prompt = max(self.prompt_multiplier, self.cached_multiplier)
        completion = max(self.completion_multiplier, self.reasoning_multiplier)
        _check_factors(query_bytes, max_coefficient, prompt)
        _check_factors(max_tokens, max_coefficient, completion)
        return upper_bound(query_bytes * prompt + max_tokens * completion, max_coefficient)


def official_reservation(query_bytes: int, max_tokens: int, max_coefficient: int) -> Tokens:
    """What the official proxy sets aside; kept to compare and to explain its refusals.

    Raises:
        PaymentError: an argument is negative or the result does not fit an amount.
    """
    _check_factors(query_bytes, max_coefficient, MULTIPLIER_UNIT)
    _check_factors(max_tokens, max_coefficient, MULTIPLIER_UNIT)
    return adjust(max_tokens + query_bytes, max_coefficient, MULTIPLIER_UNIT)


def _check_factors(count: int, coefficient: int, multiplier: int) -> None:
    if not 0 <= count <= MAX_AMOUNT:
        raise PaymentError(f"token count out of range: {count}")
    if not 0 <= coefficient <= MAX_COEFFICIENT:
        raise PaymentError(f"coefficient out of range: {coefficient}")
    if not 0 <= multiplier <= MAX_MULTIPLIER:
        raise PaymentError(f"price multiplier out of range: {multiplier}")
