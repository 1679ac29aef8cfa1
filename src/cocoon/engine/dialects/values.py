"""Small helpers to read and write JSON values inside request fields.

Everything here raises only `BadRequestError` for what a caller sent.
"""

from typing import Any, Final

import msgspec

from cocoon.engine.base import Fields
from cocoon.errors import BadRequestError

TRUE: Final = b"true"
FALSE: Final = b"false"
ONE: Final = b"1"
ZERO: Final = b"0"

_BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode


def raw(value: Any) -> msgspec.Raw:
    """A value as JSON text."""
    return msgspec.Raw(msgspec.json.encode(value))


def object_of(fields: Fields, name: str) -> dict[str, msgspec.Raw] | None:
    """The object in a field, or None if the field is absent.

    Raises:
        BadRequestError: it is something else.
    """
    value = fields.get(name)
    if value is None:
        return None
    try:
        return _decode_object(value)
    except _BAD_JSON:
        raise BadRequestError(f"field '{name}' must be an object") from None


def array_of(fields: Fields, name: str) -> list[msgspec.Raw] | None:
    """The array in a field, or None if the field is absent.

    Raises:
        BadRequestError: it is something else.
    """
    value = fields.get(name)
    if value is None:
        return None
    try:
        return _decode_array(value)
    except _BAD_JSON:
        raise BadRequestError(f"field '{name}' must be an array") from None


def text_of(value: msgspec.Raw | None) -> str | None:
    """The string, or None if it is absent or not a string."""
    if value is None:
        return None
    try:
        return _decode_text(value)
    except _BAD_JSON:
        return None


def is_text(value: msgspec.Raw) -> bool:
    """Whether a JSON value is a string."""
    return bytes(memoryview(value)[:1]) == b'"'
