"""Read the JSON form of TL objects: the official runner configuration files.

The reader is as lenient as the official one (``wire-protocol.md`` §9): unknown fields are ignored,
a missing or null field is zero or empty, numbers may be strings of digits, booleans may be
numbers, an int256 is base64 of 32 bytes. Errors name the field, never its value: it may be a key.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import TypeVar

from cocoon.errors import ConfigError
from cocoon.tl import types
from cocoon.tl.codec import MAX_VECTOR, TLObject

T = TypeVar("T", bound=TLObject)

_BITS = {"int": 32, "long": 64}
_EMPTY: Mapping[str, object] = {
    "int": 0, "long": 0, "double": 0.0, "string": "", "Bool": False, "int256": bytes(32),
}  # fmt: skip
_BARE: Mapping[str, type[TLObject]] = {
    "rootConfig.registeredProxy": types.RootConfigRegisteredProxy,
}


def from_json(cls: type[T], document: object) -> T:
    """Build ``cls`` from a parsed JSON object.

    Args:
        cls: one of the configuration classes, such as ``types.WorkerRunnerConfig``,
            ``types.RootConfigPseudo``.
        document: what a JSON parser returned.

    Raises:
        ConfigError: a value has the wrong form; names the field.
    """
    return _object(cls, document, cls.NAME)


def _object(cls: type[T], document: object, where: str) -> T:
    if not isinstance(document, Mapping):
        raise ConfigError(f"{where}: must be a JSON object")
    return cls(*(_field(document.get(name), kind, f"{where}.{name}") for name, kind in cls.FIELDS))


def _field(value: object, kind: str, where: str) -> object:
    if kind.startswith("vector "):
        return _vector(value, kind.removeprefix("vector "), where)
    if value is None:
        if kind not in _EMPTY:
            raise ConfigError(f"{where}: missing")
        return _EMPTY[kind]
    if kind in _BITS:
        return _integer(value, _BITS[kind], where)
    if kind in _SCALARS:
        return _SCALARS[kind](value, where)
    if kind in _BARE:
        return _object(_BARE[kind], value, where)
    raise ConfigError(f"{where}: the type {kind} has no JSON form")


def _vector(value: object, kind: str, where: str) -> tuple[object, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ConfigError(f"{where}: must be a JSON array")
    if len(value) > MAX_VECTOR:
        raise ConfigError(f"{where}: more than {MAX_VECTOR} elements")
    return tuple(_field(item, kind, f"{where}[{index}]") for index, item in enumerate(value))


def _integer(value: object, bits: int, where: str) -> int:
    number = _digits(value) if isinstance(value, str) else value
    if not isinstance(number, int) or isinstance(number, bool):
        raise ConfigError(f"{where}: must be an integer")
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ConfigError(f"{where}: does not fit in {bits} bits")
    return number


def _digits(text: str) -> int | None:
    digits = text.removeprefix("-")
    # 20 characters hold any 64-bit number; the limit keeps int() from long work.
    if len(digits) > 20 or not (digits.isascii() and digits.isdigit()):
        return None
    return int(text)


def _double(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{where}: must be a number")
    try:
        return float(value)
    except OverflowError:
        raise ConfigError(f"{where}: does not fit a double") from None


def _bool(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    number = _digits(value) if isinstance(value, str) else value
    if isinstance(number, int):
        return number != 0
    raise ConfigError(f"{where}: must be true or false")


def _string(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where}: must be a string")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:  # JSON can spell half a surrogate pair, no encoding can
            raise ConfigError(f"{where}: is not valid Unicode") from None
    return value


def _int256(value: object, where: str) -> bytes:
    try:
        raw = base64.b64decode(_string(value, where), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"{where}: must be base64") from None
    if len(raw) != 32:
        raise ConfigError(f"{where}: must be base64 of 32 bytes, has {len(raw)}")
    return raw


_SCALARS = {"double": _double, "Bool": _bool, "string": _string, "int256": _int256}
