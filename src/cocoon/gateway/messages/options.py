"""Thinking, effort, structured output and sampling, as far as engines have them."""

from typing import Any

import msgspec
from msgspec import Raw

from cocoon.gateway.messages.blocks import OutputConfig, OutputFormat, Thinking
from cocoon.gateway.refusal import Refusal

MIN_BUDGET = 1024
"""Least ``budget_tokens``, as Anthropic's."""
LOW_BUDGET = 4096
MEDIUM_BUDGET = 16384
"""Budgets below these are ``reasoning_effort`` low and medium; larger ones are high."""
MAX_STOPS = 16
MAX_STOP = 1024
"""Stop sequences in a request, and characters in one."""

_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


def chat_thinking(thinking: Thinking, max_tokens: int) -> dict[str, Any]:
    """``chat_template_kwargs`` and ``reasoning_effort``: engines know no budget in tokens.

    Raises:
        Refusal: 400.
    """
    if thinking.display not in (None, "summarized", "omitted"):
        raise _refuse("thinking.display", "must be 'summarized' or 'omitted'")
    if thinking.type == "disabled":
        return {"chat_template_kwargs": {"enable_thinking": False}}
    if thinking.type == "adaptive":
        return {}
    if thinking.type != "enabled":
        raise _refuse("thinking.type", "must be 'enabled', 'disabled' or 'adaptive'")
    budget = thinking.budget_tokens
    if budget is None or not MIN_BUDGET <= budget < max_tokens:
        raise _refuse(
            "thinking.budget_tokens", f"must be at least {MIN_BUDGET} and less than max_tokens"
        )
    effort = "low" if budget < LOW_BUDGET else "medium" if budget < MEDIUM_BUDGET else "high"
    return {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_effort": effort}


def chat_output(config: OutputConfig) -> dict[str, Any]:
    """``reasoning_effort`` and ``response_format``.

    Raises:
        Refusal: 400.
    """
    members: dict[str, Any] = {}
    if config.effort is not None:
        if config.effort not in _EFFORTS:
            raise _refuse("output_config.effort", f"must be one of {', '.join(_EFFORTS)}")
        members["reasoning_effort"] = _EFFORTS[config.effort]
    if config.format is not None:
        members.update(chat_format(config.format, "output_config.format"))
    return members


def chat_format(wanted: OutputFormat, place: str) -> dict[str, Any]:
    """``response_format`` with a JSON schema.

    Raises:
        Refusal: 400.
    """
    if wanted.type != "json_schema":
        raise _refuse(f"{place}.type", "must be 'json_schema'")
    schema = bytes(wanted.schema)
    if not schema.startswith(b"{"):
        raise _refuse(f"{place}.schema", "must be an object")
    named = {"name": "output", "strict": True, "schema": Raw(schema)}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def chat_stops(stops: list[str]) -> dict[str, Any]:
    """``stop``.

    Raises:
        Refusal: 400.
    """
    if len(stops) > MAX_STOPS:
        raise _refuse("stop_sequences", f"at most {MAX_STOPS} are taken")
    for number, stop in enumerate(stops):
        if not stop.strip() or len(stop) > MAX_STOP:
            raise _refuse(
                f"stop_sequences.{number}",
                f"must have 1 to {MAX_STOP} characters, not all of them white space",
            )
    return {"stop": stops} if stops else {}


def check_fraction(raw: Raw, name: str) -> None:
    """Refuse anything but a number from 0 to 1."""
    try:
        value = _number.decode(raw)
    except msgspec.DecodeError:
        raise _refuse(name, "must be a number from 0 to 1") from None
    if not 0 <= value <= 1:
        raise _refuse(name, "must be a number from 0 to 1")


_number = msgspec.json.Decoder(float)


def _refuse(place: str, text: str) -> Refusal:
    return Refusal(f"{place}: {text}", param=place)
