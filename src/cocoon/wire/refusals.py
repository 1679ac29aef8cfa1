"""The texts in which a worker says what is wrong with a request body.

An error travels as text, also between official nodes, so the text is what a gateway has to go by
when it tells a caller which field is meant. The forms are:

* ``unknown option 'NAME' in request`` (the official one, ``wire-protocol.md`` §5.4);
* ``field 'NAME' is missing``;
* ``field 'NAME' must …``;
* ``field 'NAME': this worker's engine …``, of an engine that cannot do what is asked.

NAME is a field or the way to one, such as ``messages[0].content[1].image_url``. Names are quoted
only if they look like names; an unknown one that does not is ``unknown option with an unusual name
in …``. No text quotes a value.
"""

import re
from typing import Final

from cocoon.errors import BadRequestError

MAX_NAME: Final = 256
_NAME = r"[A-Za-z0-9_.\-\[\]]{1,256}"
_PRINTABLE = re.compile(r"[A-Za-z0-9_.\-]{1,64}(?:\[\])?", re.ASCII)
_TEXT = re.compile(rf"(?:unknown option|field) '({_NAME})'", re.ASCII)


def unknown(name: str, path: str = "") -> BadRequestError:
    """The refusal of a field that is not on the list.

    Args:
        name: as the caller wrote it.
        path: the way to the object that it stands in; empty: the body itself.
    """
    shown = f"'{inside(path, name)}'" if _PRINTABLE.fullmatch(name) else "with an unusual name"
    return BadRequestError(f"unknown option {shown} in request")


def missing(path: str) -> BadRequestError:
    """The refusal of a body without a field that it needs."""
    return BadRequestError(f"field '{path}' is missing")


def wrong(path: str, rule: str) -> BadRequestError:
    """The refusal of a value.

    Args:
        path: the way to it, of names from our own tables and positions only.
        rule: what it must do, such as ``be a string``.
    """
    return BadRequestError(f"field '{path}' must {rule}")


def inside(path: str, name: str) -> str:
    """The way to a field of the object at `path`."""
    return f"{path}.{name}" if path else name


def param_of(text: str) -> str | None:
    """The field that a refusal names; None where it names none."""
    found = _TEXT.search(text[:1024])
    return found[1] if found else None
