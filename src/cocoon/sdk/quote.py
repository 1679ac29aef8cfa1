"""What a request will cost, before it runs."""

from collections.abc import Mapping
from typing import Any

import openai

from cocoon.accounting import Nano
from cocoon.sdk.options import show_ton

CHAT = "/chat/completions"


class Workers(openai.BaseModel):
    """How many workers there are: of the model, able to do it, at an accepted price, and free."""

    total: int = 0
    able: int = 0
    affordable: int = 0
    free: int = 0


class Reason(openai.BaseModel):
    """Why a request would be refused now: a word for programs and a sentence."""

    code: str
    message: str


class Quote(openai.BaseModel):
    """The answer of ``POST /v1/quote``.

    Attributes:
        endpoint, model: what it is for.
        max_cost_nanoton: nanoTON that it can cost at most; what a proxy would reserve.
        likely_cost_nanoton: an estimate; ``estimate`` says how it was made.
        max_tokens: completion tokens that it counts with.
        max_coefficient: highest price multiplier accepted, × 1000.
        estimated_prompt_tokens: tokens of the prompt, estimated.
        coefficient: of the cheapest worker that is able; None where there is none.
        workers: who could answer.
        available: whether somebody could take it now.
        reason: why not.
    """

    max_cost_nanoton: int
    endpoint: str = ""
    model: str = ""
    likely_cost_nanoton: int | None = None
    max_tokens: int = 0
    max_coefficient: int = 0
    estimated_prompt_tokens: int = 0
    estimate: str = ""
    coefficient: int | None = None
    workers: Workers = Workers()
    available: bool = False
    reason: Reason | None = None

    @property
    def max_cost(self) -> Nano:
        """The most that it can cost, as an amount."""
        return Nano(self.max_cost_nanoton)

    def __str__(self) -> str:
        likely = ""
        if self.likely_cost_nanoton is not None:
            likely = f", likely {show_ton(self.likely_cost_nanoton)}"
        said = f"at most {show_ton(self.max_cost_nanoton)}{likely}; "
        if self.reason is not None:
            return f"{said}not available now: {self.reason.message}"
        return f"{said}{self.workers.free} of {self.workers.total} workers could take it now"


def quote_body(path: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The body that asks for a quote.

    Args:
        path: of the endpoint, with or without ``/v1``.
        request: arguments as for that endpoint, with ``extra_body`` as there.
    """
    fields = {name: value for name, value in request.items() if not _is_unset(value)}
    extra = fields.pop("extra_body", None) or {}
    endpoint = path if path.startswith("/v1/") else f"/v1/{path.lstrip('/')}"
    return {"endpoint": endpoint, **fields, **extra}


def _is_unset(value: object) -> bool:
    return isinstance(value, openai.NotGiven | openai.Omit)
