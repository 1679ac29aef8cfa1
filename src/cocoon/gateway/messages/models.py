"""``/v1/models`` in Anthropic's form, for calls with the header ``anthropic-version``."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from cocoon.client.api import ModelInfo
from cocoon.gateway.refusal import Refusal

DEFAULT_PAGE: Final = 20
MAX_PAGE: Final = 1000
"""Models on one page, as Anthropic's."""
MAX_ARGUMENTS: Final = 16

_encoder = msgspec.json.Encoder()


def model_page(models: Sequence[ModelInfo], query: bytes) -> bytes:
    """One page of a sorted list.

    Args:
        models: all that the caller may see.
        query: of the call: ``limit``, ``after_id`` and ``before_id``.

    Raises:
        Refusal: 400, an argument makes no sense.
    """
    arguments = _arguments(query)
    limit = _limit(arguments.get("limit"))
    names = [model.name for model in models]
    if "before_id" in arguments:
        end = _place(names, arguments["before_id"], "before_id")
        start = max(0, end - limit)
        has_more = start > 0
    else:
        after = arguments.get("after_id")
        start = 0 if after is None else _place(names, after, "after_id") + 1
        end = start + limit
        has_more = end < len(names)
    page = models[start:end]
    return _encoder.encode(
        {
            "data": [_object(model) for model in page],
            "has_more": has_more,
            "first_id": page[0].name if page else None,
            "last_id": page[-1].name if page else None,
        }
    )


def model_object(model: ModelInfo) -> bytes:
    """One model."""
    return _encoder.encode(_object(model))


def _object(model: ModelInfo) -> dict[str, object]:
    lengths = [worker.context_length for worker in model.workers if worker.context_length]
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.name,
        "created_at": "1970-01-01T00:00:00Z",  # nobody knows: Anthropic's own word for that
        "lifecycle": "active",
        "max_input_tokens": min(lengths, default=None),
        "max_tokens": None,
    }


def _arguments(query: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=MAX_ARGUMENTS)
    except ValueError:
        raise Refusal("the query string has too many arguments") from None
    return dict(reversed(pairs))


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_PAGE):
        raise _invalid("limit", f"expected 1 to {MAX_PAGE}.")
    return int(text)


def _place(names: Sequence[str], name: str, argument: str) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise _invalid(argument, "there is no such model.") from None


def _invalid(name: str, advice: str) -> Refusal:
    return Refusal(f"Invalid value for '{name}': {advice}", param=name, code="invalid_value")
