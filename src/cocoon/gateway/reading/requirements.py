"""What a worker must be able to do to answer a request, in the words of the network.

The words travel with the request (:attr:`~cocoon.client.api.ClientRequest.requires`), so a proxy
can choose a worker, or say that there is none, before anything is computed or paid.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Raw

from cocoon.gateway.reading.fields import Members
from cocoon.wire import features

SAMPLING_FIELDS: Final = frozenset(
    {
        "top_k",
        "min_p",
        "top_a",
        "typical_p",
        "repetition_penalty",
        "length_penalty",
        "min_tokens",
        "ignore_eos",
        "stop_token_ids",
        "include_stop_str_in_output",
        "truncate_prompt_tokens",
    }
)
"""The engines' own sampling options, which OpenAI does not have."""

_DECIDING: Final = SAMPLING_FIELDS | {
    "tools",
    "logprobs",
    "seed",
    "logit_bias",
    "n",
    "best_of",
}
_FORMATS = {"json_schema": features.JSON_SCHEMA, "json_object": features.JSON_OBJECT}


def chat_requires(
    members: Members, *, media: Iterable[str] = (), commands: bool = False, shape: str = ""
) -> tuple[str, ...]:
    """Features that a chat needs.

    Args:
        members: of its checked body.
        media: features that its messages need.
        commands: whether ``tool_choice`` demands a call.
        shape: type of ``response_format``, or empty.
    """
    found = {features.CHAT, *media}
    if shape in _FORMATS:
        found.add(_FORMATS[shape])
    deciding = _DECIDING & members.keys()
    if deciding:
        _common(members, deciding, found)
        if "tools" in deciding:
            found.add(features.TOOLS)
        if "seed" in deciding:
            found.add(features.SEED)
    if commands:
        found.add(features.TOOL_CHOICE)
    return tuple(sorted(found))


def completion_requires(members: Members) -> tuple[str, ...]:
    """Features that a text completion needs; official workers take ``seed`` there."""
    found = {features.COMPLETIONS}
    deciding = _DECIDING & members.keys()
    if deciding:
        _common(members, deciding, found)
    return tuple(sorted(found))


def _common(members: Members, deciding: frozenset[str] | set[str], found: set[str]) -> None:
    if "logprobs" in deciding:
        found.add(features.LOGPROBS)
    if "logit_bias" in deciding:
        found.add(features.LOGIT_BIAS)
    if _many(members.get("n")) or _many(members.get("best_of")):
        found.add(features.CHOICES)
    if deciding & SAMPLING_FIELDS:
        found.add(features.SAMPLING)


def _many(raw: Raw | None) -> bool:
    return raw is not None and bytes(raw) not in (b"0", b"1")
