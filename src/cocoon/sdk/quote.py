"""What a request will cost, before it runs."""

from collections.abc import Mapping
from typing import Any

import openai

from cocoon.accounting import Nano
from cocoon.sdk.options import show_ton

CHAT = "/chat/completions"


class Quote(openai.BaseModel):
    """The answer of ``POST /v1/quote``; members that are new here stay readable by name.

    Attributes:
        max_cost_nanoton: nanoTON that the request can cost at most; what the proxy reserves.
        max_tokens: completion tokens at most that this counts with.
        model: the model.
    """

    max_cost_nanoton: int
    max_tokens: int | None = None
    model: str | None = None

    @property
    def max_cost(self) -> Nano:
        """The most that it can cost, as an amount."""
        return Nano(self.max_cost_nanoton)

    def __str__(self) -> str:
        model = f" of {self.model}" if self.model else ""
        return f"at most {show_ton(self.max_cost_nanoton)} for this request{model}"


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
