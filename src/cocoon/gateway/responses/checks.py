"""Refusals of the Responses API in OpenAI's words and codes; none quotes a value of the body."""

import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec
from msgspec import Raw

from cocoon.gateway.refusal import Refusal

T = TypeVar("T")

_place = re.compile(r" - at `\$([^`]*)`$")
_expected = re.compile(r"^Expected `([^`]*)`")
_field = re.compile(r"required field `([^`]*)`")
_plain = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
}


def decode(decoder: msgspec.json.Decoder[T], raw: Raw, name: str) -> T:
    """The value of the field ``name``.

    Args:
        decoder: for a type without literals, enumerations and tags: its complaints would quote.
        raw: JSON text that is known to be valid.
        name: of the field, as a caller would write it.

    Raises:
        Refusal: it has another type, or something in it has.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _wrong(str(error), name) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal(f"'{name}' is not valid JSON", param=name, code="invalid_json") from None


def missing(param: str) -> Refusal:
    """A field that must be there is not."""
    return Refusal(
        f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"
    )


def invalid_type(param: str, expected: str) -> Refusal:
    """A field has another type; ``expected`` is such as ``a string``."""
    return Refusal(
        f"Invalid type for '{param}': expected {expected}.", param=param, code="invalid_type"
    )


def invalid_value(param: str, supported: Iterable[str]) -> Refusal:
    """A field has none of the values that it may have."""
    values = ", ".join(f"'{value}'" for value in supported)
    return Refusal(
        f"Invalid value for '{param}'. Supported values are: {values}.",
        param=param,
        code="invalid_value",
    )


def unknown(name: str) -> Refusal:
    """A field that this API does not have."""
    if not _plain.fullmatch(name):
        return Refusal("Unknown parameter with an unusual name.", code="unknown_parameter")
    return Refusal(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def unsupported(param: str, why: str) -> Refusal:
    """A field of OpenAI's API that cannot be had here; ``why`` ends with what to do."""
    return Refusal(
        f"Unsupported parameter: '{param}'. {why}", param=param, code="unsupported_parameter"
    )


def unsupported_value(param: str, why: str) -> Refusal:
    """A value of OpenAI's API that cannot be had here; ``why`` says so and what to do."""
    return Refusal(why, param=param, code="unsupported_value")


def one_of(value: str | None, supported: tuple[str, ...], param: str) -> None:
    """Check a word.

    Raises:
        Refusal: it is none of ``supported``; None is fine.
    """
    if value is not None and value not in supported:
        raise invalid_value(param, supported)


def _wrong(text: str, name: str) -> Refusal:
    """What msgspec complains of, in OpenAI's form: only types and our own names are in it."""
    found = _place.search(text)
    param = (name + (found[1] if found else "")).removeprefix(".")
    absent = _field.search(text)
    if absent:
        return missing(f"{param}.{absent[1]}")
    expected = _expected.search(text)
    if expected is None:
        return invalid_type(param, "another type")
    kinds = [kind for kind in expected[1].split(" | ") if kind != "null"]
    return invalid_type(param, " or ".join(_WORDS.get(kind, "another type") for kind in kinds))
