"""Token usage: raw counts as the engine gives them, and adjusted tokens as they are paid.

Source: ``wire-protocol.md`` §6.1 and §6.2.
"""

from dataclasses import dataclass
from typing import Self

from cocoon.accounting.amount import NO_TOKENS, Tokens
from cocoon.accounting.price import PriceList, adjust
from cocoon.errors import PaymentError


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Raw tokens of one answer; ``cached`` is part of ``prompt``, ``reasoning`` of ``completion``.

    Raises:
        PaymentError: a count is negative or a part is larger than its whole.
    """

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.cached <= self.prompt or not 0 <= self.reasoning <= self.completion:
            raise PaymentError(
                f"token counts do not add up: {self.cached} cached of {self.prompt}, "
                f"{self.reasoning} reasoning of {self.completion}"
            )

    @classmethod
    def from_engine(cls, prompt: int, cached: int, completion: int, reasoning: int) -> Self:
        """Counts as an engine states them; a part beyond its whole is cut to the whole.

        Engines differ in whether reasoning is included in completion; cutting keeps the total at
        what the engine calls the total, where the official formula would subtract.

        Raises:
            PaymentError: a count is negative.
        """
        return cls(prompt, min(cached, prompt), completion, min(reasoning, completion))

    def adjusted(self, coefficient: int, prices: PriceList) -> "AdjustedUsage":
        """Price these counts for a worker with this coefficient (1000 = x1.0).

        Raises:
            PaymentError: the coefficient or a result is out of range.
        """
        return AdjustedUsage(
            adjust(self.prompt - self.cached, coefficient, prices.prompt_multiplier),
            adjust(self.cached, coefficient, prices.cached_multiplier),
            adjust(self.completion - self.reasoning, coefficient, prices.completion_multiplier),
            adjust(self.reasoning, coefficient, prices.reasoning_multiplier),
        )


@dataclass(frozen=True, slots=True)
class AdjustedUsage:
    """Adjusted tokens by class; the fields of ``tokensUsed`` on the wire, ``total`` last."""

    prompt: Tokens = NO_TOKENS
    cached: Tokens = NO_TOKENS
    completion: Tokens = NO_TOKENS
    reasoning: Tokens = NO_TOKENS

    @property
    def total(self) -> Tokens:
        """Sum of the four classes: what is paid.

        Raises:
            PaymentError: the sum does not fit an amount.
        """
        return self.prompt + self.cached + self.completion + self.reasoning

    @classmethod
    def from_wire(
        cls, prompt: int, cached: int, completion: int, reasoning: int, total: int
    ) -> Self:
        """Check a peer's ``tokensUsed``.

        Raises:
            PaymentError: a value is negative or the total is not the sum.
        """
        if prompt + cached + completion + reasoning != total:
            raise PaymentError(f"reported total {total} is not the sum of its parts")
        Tokens(total)
        return cls(Tokens(prompt), Tokens(cached), Tokens(completion), Tokens(reasoning))
