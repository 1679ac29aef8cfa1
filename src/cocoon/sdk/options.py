"""Cocoon's own request fields as typed arguments, for ``extra_body`` of the ``openai`` package."""

from collections.abc import Iterable
from typing import Any

from cocoon.accounting import Nano
from cocoon.accounting.amount import NANO_PER_TON


def options(
    *,
    max_cost: int | None = None,
    max_coefficient: int | None = None,
    timeout: float | None = None,
    pin_images: Iterable[str] | None = None,
    pin_evidence: Iterable[str] | None = None,
    pin_operators: Iterable[str] | None = None,
    user: str | None = None,
    debug: bool = False,
) -> dict[str, Any]:
    """Fields for ``extra_body``; what is None is left to the client's defaults.

    ::

        ai.chat.completions.create(..., extra_body=cocoon.options(max_cost=5_000_000))

    Args:
        max_cost: nanoTON that the request may cost at most; else it is refused unsent.
        max_coefficient: highest price multiplier accepted, × 1000.
        timeout: seconds for the whole answer.
        pin_images: image hashes of acceptable proxies, lower-case hex of 32 bytes each.
        pin_evidence: acceptable kinds of evidence of the proxy, such as ``tdx``.
        pin_operators: keys of acceptable operators, lower-case hex of 32 bytes each.
        user: the end user on whose behalf this is.
        debug: ask every hop for its debug record.
    """
    pins = {
        "proxy_images": pin_images,
        "evidence": pin_evidence,
        "operators": pin_operators,
    }
    fields: dict[str, Any] = {
        "max_cost": None if max_cost is None else int(max_cost),
        "max_coefficient": max_coefficient,
        "timeout": timeout,
        "pin": {name: list(value) for name, value in pins.items() if value is not None} or None,
        "user": user,
        "enable_debug": debug or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def show_ton(nano: int) -> str:
    """An amount for people: ``0.0052 TON``."""
    return Nano(nano).ton() if nano >= 0 else f"-{Nano(-nano).ton()}"


__all__ = ["NANO_PER_TON", "options", "show_ton"]
