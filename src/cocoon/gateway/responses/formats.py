"""``text`` of a Responses call: the form that its answer shall have."""

import re
from typing import Any

from msgspec import Raw, Struct

from cocoon.gateway.refusal import Refusal
from cocoon.gateway.responses.checks import invalid_type, missing, one_of

FORMATS = ("text", "json_object", "json_schema")
VERBOSITIES = ("low", "medium", "high")
NULL = Raw(b"null")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)


class Format(Struct, omit_defaults=True):
    """``text.format``."""

    type: str
    name: str | None = None
    schema: Raw = NULL
    description: str | None = None
    strict: bool | None = None


class TextConfig(Struct, omit_defaults=True):
    """``text``."""

    format: Format | None = None
    verbosity: str | None = None


def check_format(text: TextConfig | None) -> TextConfig:
    """``text`` with what it is without being given.

    Raises:
        Refusal: it is wrong.
    """
    if text is None:
        return TextConfig(Format("text"))
    one_of(text.verbosity, VERBOSITIES, "text.verbosity")
    if text.format is None:
        return TextConfig(Format("text"), text.verbosity)
    one_of(text.format.type, FORMATS, "text.format.type")
    if text.format.type == "json_schema":
        _check_schema(text.format)
    return text


def chat_format(text: TextConfig | None) -> dict[str, Any] | None:
    """``response_format`` of a chat, or None for plain text.

    Raises:
        Refusal: ``text`` is wrong.
    """
    wanted = check_format(text).format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return {"type": "json_object"}
    schema = {
        "name": wanted.name,
        "description": wanted.description,
        "schema": wanted.schema,
        "strict": wanted.strict,
    }
    given = {name: value for name, value in schema.items() if value is not None}
    return {"type": "json_schema", "json_schema": given}


def _check_schema(wanted: Format) -> None:
    if wanted.name is None:
        raise missing("text.format.name")
    if not _NAME.fullmatch(wanted.name):
        raise Refusal(
            "Invalid 'text.format.name': expected 1 to 64 letters, digits, underscores and "
            "hyphens.",
            param="text.format.name",
            code="invalid_value",
        )
    first = memoryview(wanted.schema)[0]
    if first == ord("n"):
        raise missing("text.format.schema")
    if first != ord("{"):
        raise invalid_type("text.format.schema", "an object")
