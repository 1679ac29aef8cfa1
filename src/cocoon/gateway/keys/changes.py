"""What people say about a key, checked: bodies of the admin API, options of the command."""

import re
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from cocoon.gateway.keys.limits import Limits
from cocoon.gateway.keys.record import MAX_NAME, MAX_NOTES, KeyRecord
from cocoon.gateway.keys.scopes import MAX_MODEL_GLOB, MAX_MODELS, SCOPES
from cocoon.gateway.refusal import Refusal

MAX_BODY = 2**16
MAX_TIME = 2**40
"""Unix seconds; far beyond every calendar."""
MAX_OVERLAP = 90 * 86_400


class Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Fields of a key that are set; what is not there stays as it is, or gets its default.

    Attributes:
        name, scopes, models, limits, user_limits, disabled, notes: as in
            :class:`~cocoon.gateway.keys.record.KeyRecord`.
        expires_at: Unix seconds, or None for never.
    """

    name: str | UnsetType = UNSET
    scopes: tuple[str, ...] | UnsetType = UNSET
    models: tuple[str, ...] | UnsetType = UNSET
    limits: Limits | UnsetType = UNSET
    user_limits: Limits | UnsetType = UNSET
    expires_at: int | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET
    notes: str | UnsetType = UNSET

    def checked(self) -> dict[str, Any]:
        """The fields that are set, by name.

        Raises:
            Refusal: 400, with the field as ``param``.
        """
        _check_text("name", self.name, 1, MAX_NAME)
        _check_text("notes", self.notes, 0, MAX_NOTES)
        if self.scopes is not UNSET and not _are_scopes(self.scopes):
            raise _wrong("scopes", f"must be some of {', '.join(SCOPES)}")
        if self.models is not UNSET:
            if len(self.models) > MAX_MODELS:
                raise _wrong("models", f"must be at most {MAX_MODELS} names or globs")
            for glob in self.models:
                _check_text("models", glob, 1, MAX_MODEL_GLOB)
        if isinstance(self.expires_at, int) and not 0 < self.expires_at < MAX_TIME:
            raise _wrong("expires_at", "must be a time in Unix seconds, or null")
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not UNSET}


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a key is rotated: for how many more seconds its old secret works."""

    overlap_seconds: int = 86_400

    def checked(self) -> int:
        """The overlap.

        Raises:
            Refusal: 400.
        """
        if not 0 <= self.overlap_seconds <= MAX_OVERLAP:
            raise _wrong("overlap_seconds", f"must be from 0 to {MAX_OVERLAP}")
        return self.overlap_seconds


T = TypeVar("T")
_changes = msgspec.json.Decoder(Changes)
_rotation = msgspec.json.Decoder(Rotation)


def read_changes(body: bytes) -> dict[str, Any]:
    """Fields of a key from JSON.

    Raises:
        Refusal: 400.
    """
    return _decode(_changes, body or b"{}").checked()


def read_rotation(body: bytes) -> int:
    """The overlap of a rotation from JSON, in seconds.

    Raises:
        Refusal: 400.
    """
    return _decode(_rotation, body or b"{}").checked()


def draft(changes: dict[str, Any], now: int) -> KeyRecord:
    """A key that is yet to be made.

    Args:
        changes: checked fields.
        now: Unix seconds.

    Raises:
        Refusal: 400, it has no name.
    """
    if "name" not in changes:
        raise _wrong("name", "is missing")
    return KeyRecord(key_id="", secret_hash=b"", created_at=now, **changes)


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        # The decoder names the field and what it should be, and a wrong field's own name.
        place = re.search(r" - at `\$\.(\w+)", str(error))
        known = place[1] if place and place[1] in Changes.__struct_fields__ else None
        raise Refusal("the body has a field that is unknown or wrong", param=known) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Refusal("the body is not a JSON object") from None


def _are_scopes(words: tuple[str, ...]) -> bool:
    return 0 < len(words) <= len(SCOPES) and set(words) <= set(SCOPES)


def _check_text(name: str, value: str | UnsetType, least: int, most: int) -> None:
    if value is UNSET:
        return
    assert isinstance(value, str)
    printable = all(c.isprintable() or c in "\n\t" for c in value)
    if not least <= len(value) <= most or not printable:
        raise _wrong(name, f"must be text of {least} to {most} characters")


def _wrong(param: str, what: str) -> Refusal:
    return Refusal(f"`{param}` {what}", param=param)
