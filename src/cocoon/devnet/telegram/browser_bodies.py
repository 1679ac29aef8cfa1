"""What the stand-in's page sends with its calls, as values."""

from collections.abc import Awaitable, Callable

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.people import Person
from cocoon.errors import BadRequestError

Action = Callable[[Person, Json], Awaitable[Json]]
"""What a person does: the call's body, and its answer."""


def number_of(body: Json, name: str, *, optional: bool = False) -> int:
    """A whole number of at most 2⁵³; 0 where an optional one is missing.

    Raises:
        BadRequestError: it is none.
    """
    value = body.get(name)
    if value is None and optional:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**53:
        raise BadRequestError(f"{name} is a number")
    return value


def text_of(body: Json, name: str, most: int, *, optional: bool = False) -> str:
    """A text of at most so many UTF-16 units; empty where an optional one is missing.

    Raises:
        BadRequestError: it is none, or longer.
    """
    value = body.get(name)
    if value is None and optional:
        return ""
    if not isinstance(value, str) or len(value.encode("utf-16-le", "replace")) // 2 > most:
        raise BadRequestError(f"{name} is a text of at most {most} characters")
    return value
