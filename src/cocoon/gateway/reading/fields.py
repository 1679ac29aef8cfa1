"""Checks of single fields, with OpenAI's status, ``param`` and ``code`` for each mistake.

A check looks at the bytes of one value. It returns nothing or raises a
:class:`~cocoon.gateway.refusal.Refusal`, whose text says what is expected and never what was sent.
"""

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import Raw

from cocoon.gateway.reading.json_text import decode_string
from cocoon.gateway.refusal import Refusal

Check = Callable[[Raw, str], None]
Members = dict[str, Raw]

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1

_KINDS = {
    ord('"'): "a string",
    ord("{"): "an object",
    ord("["): "an array",
    ord("t"): "a boolean",
    ord("f"): "a boolean",
    ord("n"): "null",
}
_BOOLEANS = (b"true", b"false")
_integer = re.compile(rb"-?\d{1,20}")
_list = msgspec.json.Decoder(list[Raw])
_object = msgspec.json.Decoder(dict[str, Raw])


def first_byte(raw: Raw) -> int:
    """The byte that tells what kind of JSON value this is."""
    return int(memoryview(raw)[0])


def kind_of(raw: Raw) -> str:
    """What a value is, in words."""
    return _KINDS.get(first_byte(raw), "a number")


# --- what is wrong ---


def missing(name: str) -> Refusal:
    """A field that must be there is not."""
    return Refusal(
        f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
    )


def invalid_type(raw: Raw, name: str, expected: str) -> Refusal:
    """A value of another kind; ``expected`` is such as ``a string``."""
    return Refusal(
        f"Invalid type for '{name}': expected {expected}, but got {kind_of(raw)} instead.",
        param=name,
        code="invalid_type",
    )


def invalid_value(name: str, advice: str) -> Refusal:
    """A value of the right kind that makes no sense; ``advice`` is a sentence."""
    return Refusal(f"Invalid value for '{name}': {advice}", param=name, code="invalid_value")


def unsupported(name: str, advice: str) -> Refusal:
    """Something that the network does not do; ``advice`` is a sentence."""
    return Refusal(f"Unsupported parameter: '{name}'. {advice}", param=name, code=_UNSUPPORTED)


_UNSUPPORTED = "unsupported_parameter"


def too_many(name: str, limit: int) -> Refusal:
    """An array with more than ``limit`` elements."""
    return Refusal(
        f"Invalid '{name}': array too long. Expected an array with maximum length {limit}.",
        param=name,
        code="array_above_max_length",
    )


def too_long(name: str, limit: int) -> Refusal:
    """A string with more than ``limit`` characters."""
    return Refusal(
        f"Invalid '{name}': string too long. Expected a string with maximum length {limit}.",
        param=name,
        code="string_above_max_length",
    )


def _range(name: str, kind: str, limit: float, *, above: bool) -> Refusal:
    side, sign = ("above maximum", "<=") if above else ("below minimum", ">=")
    return Refusal(
        f"Invalid '{name}': {kind} {side} value. Expected a value {sign} {limit:g}."
        if kind == "decimal"
        else f"Invalid '{name}': {kind} {side} value. Expected a value {sign} {limit:.0f}.",
        param=name,
        code=f"{kind}_{'above_max' if above else 'below_min'}_value",
    )


# --- reading one value ---


def take_list(raw: Raw, name: str, limit: int, *, least: int = 0) -> list[Raw]:
    """The elements of an array.

    Raises:
        Refusal: it is none, or has fewer than ``least`` or more than ``limit`` elements.
    """
    if first_byte(raw) != 0x5B:
        raise invalid_type(raw, name, "an array of values")
    items = _list.decode(raw)
    if len(items) > limit:
        raise too_many(name, limit)
    if len(items) < least:
        raise Refusal(
            f"Invalid '{name}': empty array. Expected an array with minimum length {least}.",
            param=name,
            code="empty_array",
        )
    return items


def take_object(raw: Raw, name: str) -> Members:
    """The members of an object.

    Raises:
        Refusal: it is none.
    """
    if first_byte(raw) != 0x7B:
        raise invalid_type(raw, name, "an object")
    return _object.decode(raw)


def take_string(raw: Raw, name: str, limit: int, *, least: int = 0) -> str:
    """A string of at most ``limit`` characters.

    Raises:
        Refusal: it is none, or too long.
    """
    text = decode_string(raw)
    if text is None:
        raise invalid_type(raw, name, "a string")
    if len(text) > limit:
        raise too_long(name, limit)
    if len(text) < least:
        raise Refusal(
            f"Invalid '{name}': empty string. Expected a string with minimum length {least}.",
            param=name,
            code="empty_string",
        )
    return text


def take_bool(raw: Raw | None, name: str) -> bool:
    """A boolean; False without one.

    Raises:
        Refusal: it is something else.
    """
    if raw is None:
        return False
    text = bytes(raw)
    if text not in _BOOLEANS:
        raise invalid_type(raw, name, "a boolean")
    return text == b"true"


def take_int(raw: Raw | None, name: str, low: int = 0, high: int = INT32_MAX) -> int | None:
    """An integer in ``low``…``high``; None without one.

    Raises:
        Refusal: it is something else.
    """
    if raw is None:
        return None
    text = bytes(raw)
    if not _integer.fullmatch(text):
        raise invalid_type(raw, name, "an integer")
    value = int(text)
    if value < low:
        raise _range(name, "integer", low, above=False)
    if value > high:
        raise _range(name, "integer", high, above=True)
    return value


def take_number(raw: Raw, name: str, low: float, high: float) -> float:
    """A number in ``low``…``high``.

    Raises:
        Refusal: it is something else.
    """
    if first_byte(raw) in _KINDS:
        raise invalid_type(raw, name, "a decimal")
    value = float(bytes(raw))
    if value < low:
        raise _range(name, "decimal", low, above=False)
    if value > high:
        raise _range(name, "decimal", high, above=True)
    return value


# --- checks for tables ---


def number(low: float, high: float) -> Check:
    """A number in a range."""

    def check(raw: Raw, name: str) -> None:
        take_number(raw, name, low, high)

    return check


def integer(low: int = 0, high: int = INT32_MAX) -> Check:
    """An integer in a range."""

    def check(raw: Raw, name: str) -> None:
        take_int(raw, name, low, high)

    return check


def boolean(raw: Raw, name: str) -> None:
    """True or false."""
    take_bool(raw, name)


def string(limit: int, *, least: int = 0) -> Check:
    """A string of at most ``limit`` characters; only those that may be too long are decoded."""

    def check(raw: Raw, name: str) -> None:
        if first_byte(raw) != 0x22:
            raise invalid_type(raw, name, "a string")
        if not least + 2 <= len(memoryview(raw)) <= limit + 2:
            take_string(raw, name, limit, least=least)

    return check


def one_of(*words: str) -> Check:
    """One of a few strings."""
    plain = frozenset(b'"%b"' % word.encode() for word in words)
    listed = ", ".join(f"'{word}'" for word in words)

    def check(raw: Raw, name: str) -> None:
        if bytes(memoryview(raw)[:64]) in plain:
            return
        if first_byte(raw) != 0x22:
            raise invalid_type(raw, name, f"one of {listed}")
        if decode_string(raw) not in words:
            raise Refusal(
                f"Invalid value for '{name}'. Supported values are: {listed}.",
                param=name,
                code="invalid_value",
            )

    return check


def obj(raw: Raw, name: str) -> None:
    """An object."""
    if first_byte(raw) != 0x7B:
        raise invalid_type(raw, name, "an object")


def strings(limit: int, length: int) -> Check:
    """A string or an array of at most ``limit`` strings, each of at most ``length`` characters."""
    single = string(length)

    def check(raw: Raw, name: str) -> None:
        if first_byte(raw) == 0x22:
            single(raw, name)
            return
        if first_byte(raw) != 0x5B:
            raise invalid_type(raw, name, "a string or an array of strings")
        for index, item in enumerate(take_list(raw, name, limit)):
            single(item, f"{name}[{index}]")

    return check


def refused(advice: str) -> Check:
    """Something that the network never does, whatever its value."""

    def check(raw: Raw, name: str) -> None:  # noqa: ARG001
        raise unsupported(name, advice)

    return check


def run_checks(members: Mapping[str, Raw], checks: Mapping[str, Check]) -> None:
    """Check every member that the table knows.

    Raises:
        Refusal: one of them is wrong.
    """
    get = checks.get
    for name, raw in members.items():
        check = get(name)
        if check is not None:
            check(raw, name)


def require(members: Mapping[str, Raw], names: Iterable[str]) -> None:
    """See that these are there.

    Raises:
        Refusal: one is not.
    """
    for name in names:
        if name not in members:
            raise missing(name)
