"""Rules for single values: what a field's JSON text must be.

A value is checked as the text that it is; nothing is decoded that need not be. A rule may also look
inside (`Rule.inside`); then it returns the value written anew, so that of a name given twice only
the value that was checked remains, and the engine cannot see another one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cocoon.engine.request_rules import MAX_COUNT
from cocoon.wire import refusals

Check = Callable[[msgspec.Raw], bool]
Inside = Callable[[msgspec.Raw, str], msgspec.Raw]

MAX_INTEGER_DIGITS = 20
BAD_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field's value must be.

    Attributes:
        text: ends the sentence "field 'x' must be …".
        accepts: whether this JSON value is allowed, as far as one sees from outside.
        inside: checks what is in it. Gets the value and the way to it, returns the value in the
            form that may go on, raises BadRequestError.
    """

    text: str
    accepts: Check
    inside: Inside | None = None

    def apply(self, raw: msgspec.Raw, path: str) -> msgspec.Raw:
        """Check a value.

        Returns: the value that may go on.

        Raises:
            BadRequestError: it is not allowed.
        """
        if not self.accepts(raw):
            raise refusals.wrong(path, f"be {self.text}")
        return raw if self.inside is None else self.inside(raw, path)


_SIGNED = frozenset(b"-0123456789")
_BOOLEANS = (b"true", b"false")


def first(raw: msgspec.Raw) -> int:
    """The first byte of a value, which tells its type."""
    return int(memoryview(raw)[0])


def is_null(raw: msgspec.Raw) -> bool:
    """Whether the value is ``null``."""
    return first(raw) == ord("n")


def starts_with(*starts: bytes) -> Check:
    """Values whose text begins with one of these bytes."""
    allowed = frozenset(b"".join(starts))
    return lambda raw: first(raw) in allowed


def is_boolean(raw: msgspec.Raw) -> bool:
    """``true`` or ``false``."""
    return bytes(raw) in _BOOLEANS


def is_integer(raw: msgspec.Raw) -> bool:
    """An integer without fraction or exponent."""
    if first(raw) not in _SIGNED:
        return False
    text = bytes(raw)
    return text.removeprefix(b"-").isdigit() and len(text) <= MAX_INTEGER_DIGITS


def count_in(least: int, most: int = 2**64) -> Check:
    """Integers from `least`, which is 0 or more, to `most`."""

    def accepts(raw: msgspec.Raw) -> bool:
        return is_integer(raw) and least <= int(bytes(raw)) <= most

    return accepts


def number_in(low: float, high: float) -> Check:
    """Numbers from `low` to `high`."""

    def accepts(raw: msgspec.Raw) -> bool:
        if first(raw) not in _SIGNED or len(memoryview(raw)) > 64:
            return False
        return low <= float(bytes(raw)) <= high

    return accepts


def text_of(raw: msgspec.Raw, path: str) -> str:
    """The string that a value is.

    Raises:
        BadRequestError: it is none, or not well-formed.
    """
    try:
        return _decode_string(raw)
    except BAD_JSON:
        raise refusals.wrong(path, "be a string") from None


_decode_string = msgspec.json.Decoder(str).decode


def string_up_to(characters: int) -> Rule:
    """Strings of no more than so many characters."""

    def inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
        # A character is at most twelve bytes of JSON: two escaped surrogates.
        if len(memoryview(raw)) > 12 * characters + 2 or len(text_of(raw, path)) > characters:
            raise refusals.wrong(path, f"be a string of at most {characters} characters")
        return raw

    return Rule("a string", starts_with(b'"'), inside)


def one_of(*words: str) -> Rule:
    """One of these words."""
    text = "one of " + ", ".join(words) if len(words) > 1 else words[0]
    allowed = frozenset(words)

    def inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
        if len(memoryview(raw)) > 1024 or text_of(raw, path) not in allowed:
            raise refusals.wrong(path, f"be {text}")
        return raw

    return Rule(text, starts_with(b'"'), inside)


def either(text: str, *rules: Rule) -> Rule:
    """The first rule that takes a value as seen from outside looks inside."""

    def inside(raw: msgspec.Raw, path: str) -> msgspec.Raw:
        rule = next(rule for rule in rules if rule.accepts(raw))
        return rule.apply(raw, path)

    return Rule(text, lambda raw: any(rule.accepts(raw) for rule in rules), inside)


def encoded(value: Any) -> msgspec.Raw:
    """A value as JSON text."""
    return msgspec.Raw(msgspec.json.encode(value))


STRING: Final = Rule("a string", starts_with(b'"'))
BOOLEAN: Final = Rule("true or false", is_boolean)
NUMBER: Final = Rule("a number", starts_with(bytes(_SIGNED)))
INTEGER: Final = Rule("an integer", is_integer)
COUNT: Final = Rule("an integer of 0 or more", count_in(0))
TOKENS: Final = Rule(f"an integer from 0 to {MAX_COUNT}", count_in(0, MAX_COUNT))
POSITIVE: Final = Rule("an integer of 1 or more", count_in(1))
PENALTY: Final = Rule("a number from -2 to 2", number_in(-2, 2))
NULL: Final = Rule("null", is_null)
FALSE: Final = Rule("false: nothing is stored", lambda raw: bytes(raw) == b"false")
