"""Arguments of a call as values: from a query string or a JSON body, every one checked."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from cocoon.chain.address import Address
from cocoon.chain.boc import MAX_BOC_BYTES, from_boc
from cocoon.chain.cells import Cell
from cocoon.chain.embedded.http.refusal import RefusedCallError
from cocoon.errors import DecodeError

MAX_NUMBER_TEXT = 80
"""Characters of the longest number: 257 bits as decimals, with sign."""
MAX_TEXT = 256
"""Characters of any other text but bags of cells."""
MAX_LT = (1 << 64) - 1
MAX_METHOD_ID = (1 << 31) - 1

_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]*", re.ASCII)
# A plus sign that was not escaped in a query arrives as a space.
_TO_STANDARD = str.maketrans("-_ ", "+/+")
_TRUE = ("true", "1", "yes")
_FALSE = ("false", "0", "no", "")


class Arguments:
    """The arguments of one call.

    Every method takes the argument's name and raises ``RefusedCallError`` when it is missing
    without a default, or malformed. Null and the empty string count as missing.

    Args:
        values: by name: texts of a query, or JSON values.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        """Whether it was given."""
        return self._values.get(name) not in (None, "")

    def raw(self, name: str) -> Any:
        """As it came; None if missing."""
        return self._values.get(name)

    def _need(self, name: str) -> Any:
        if not self.has(name):
            raise RefusedCallError(f"argument {name!r} is required")
        return self._values[name]

    def text(self, name: str, default: str | None = None, *, limit: int = MAX_TEXT) -> str:
        """A short text."""
        if default is not None and not self.has(name):
            return default
        value = self._need(name)
        if not isinstance(value, str):
            raise RefusedCallError(f"argument {name!r} must be a text")
        if len(value) > limit:
            raise RefusedCallError(f"argument {name!r} is longer than {limit} characters")
        return value

    def integer(self, name: str, default: int | None = None, *, low: int, high: int) -> int:
        """A number in a range."""
        if default is not None and not self.has(name):
            return default
        number = read_integer(self._need(name), name)
        if not low <= number <= high:
            raise RefusedCallError(f"argument {name!r} must be from {low} to {high}")
        return number

    def flag(self, name: str, default: bool = False) -> bool:
        """Yes or no."""
        value = self._values.get(name)
        if value is None:
            return default
        text = str(value).lower() if isinstance(value, (bool, int, str)) else "?"
        if text not in _TRUE + _FALSE:
            raise RefusedCallError(f"argument {name!r} must be true or false")
        return text in _TRUE

    def address(self, name: str = "address") -> Address:
        """An account in workchain 0, in any text form."""
        return read_address(self.text(name), name)

    def addresses(self, name: str, most: int) -> list[Address]:
        """Several, given as a list, by repeating the argument, or with commas between them."""
        return [read_address(item, name) for item in self._texts(name, most)]

    def hashes(self, name: str, most: int) -> list[bytes]:
        """Likewise several of 32 bytes."""
        return [read_hash(item, name) for item in self._texts(name, most)]

    def _texts(self, name: str, most: int) -> list[str]:
        value = self._need(name)
        if isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise RefusedCallError(f"argument {name!r} must be texts")
        if len(value) > most:
            raise RefusedCallError(f"argument {name!r} has more than {most} values")
        return value

    def hash(self, name: str) -> bytes:
        """32 bytes as hex or Base64 in either alphabet."""
        return read_hash(self.text(name), name)

    def cell(self, name: str) -> Cell:
        """A bag of cells as Base64 in either alphabet, or hex."""
        return read_cell(self._need(name), name)

    def maybe_cell(self, name: str) -> Cell | None:
        """A bag of cells, or None if it was not given."""
        return self.cell(name) if self.has(name) else None

    def method(self, name: str = "method") -> str | int:
        """A get-method: its name, or its number."""
        value = self._need(name)
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            return self.text(name)
        return self.integer(name, low=0, high=MAX_METHOD_ID)


def read_integer(value: object, name: str) -> int:
    """An integer: a JSON number, or its text in decimals or hex.

    Raises:
        RefusedCallError: anything else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or len(value) > MAX_NUMBER_TEXT or not _NUMBER.fullmatch(value):
        raise RefusedCallError(f"argument {name!r} must be a number")
    return int(value, 16 if "x" in value or "X" in value else 10)


def read_address(text: str, name: str = "address") -> Address:
    """An account.

    Raises:
        RefusedCallError: malformed, or in another workchain than 0, the only one here.
    """
    try:
        return Address.parse(text.strip())
    except DecodeError as error:
        raise RefusedCallError(f"argument {name!r}: {error}") from None


def read_hash(text: str, name: str = "hash") -> bytes:
    """32 bytes.

    Raises:
        RefusedCallError: neither hex nor Base64 of 32 bytes.
    """
    data = _read_bytes(text) if len(text) <= 64 else None
    if data is None or len(data) != 32:
        raise RefusedCallError(f"argument {name!r} must be 32 bytes in hex or Base64")
    return data


def read_cell(value: object, name: str) -> Cell:
    """The root of a bag of cells.

    Raises:
        RefusedCallError: not such a text, malformed or too large.
    """
    if not isinstance(value, str):
        raise RefusedCallError(f"argument {name!r} must be a bag of cells in Base64 or hex")
    if len(value) > 2 * MAX_BOC_BYTES:
        raise RefusedCallError(f"argument {name!r} has more than {MAX_BOC_BYTES} bytes", 413)
    data = _read_bytes(value)
    if data is None:
        raise RefusedCallError(f"argument {name!r} is neither Base64 nor hex")
    try:
        return from_boc(data)
    except DecodeError as error:
        raise RefusedCallError(f"argument {name!r}: {error}") from None


def _read_bytes(text: str) -> bytes | None:
    if len(text) % 2 == 0 and _HEX.fullmatch(text) and (len(text) >= 64 or len(text) % 4):
        return bytes.fromhex(text)
    standard = text.translate(_TO_STANDARD).replace("\n", "").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
