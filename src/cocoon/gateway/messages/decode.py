"""Typed values of a request's members; what does not fit is refused with its place."""

import re
from typing import TypeVar

import msgspec
from msgspec import Raw

from cocoon.gateway.refusal import Refusal

T = TypeVar("T")

_place = re.compile(r" - at `(\S+)`$")
_index = re.compile(r"\[(\d+|\.\.\.)\]")


def typed(raw: Raw, decoder: msgspec.json.Decoder[T], name: str) -> T:
    """The value in ``raw``.

    Args:
        raw: JSON text of the member ``name``.
        decoder: of a type without enumerations, so that its errors never quote a value.
        name: shown in the refusal.

    Raises:
        Refusal: 400 with the place in Anthropic's form, such as ``messages.0.content``.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        text = str(error)
        found = _place.search(text)
        place = name + _index.sub(r".\1", found[1].removeprefix("$")) if found else name
        reason = text[: found.start()] if found else text
        raise Refusal(f"{place}: {reason}", param=place) from None
    except (msgspec.DecodeError, UnicodeError):
        raise Refusal(f"{name}: a string in it is not text", param=name) from None
    except RecursionError:
        raise Refusal(f"{name}: is nested too deep", param=name) from None
