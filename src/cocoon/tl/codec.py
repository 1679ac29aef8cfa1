"""What generated TL classes share: limits, the byte-string framing and the entry points.

Positions are always multiples of four, because every TL value is; padding follows from that.
A read function takes ``(data, position, size)`` and returns ``(value, next position)``.
Bytes that do not parse raise :class:`DecodeError`, values that cannot be written
:class:`LocalProtocolError`; nothing else leaves this package. Nesting is bounded by the schema,
which has no cycles, so no input can cause recursion. Source: ``wire-protocol.md`` §1.1.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, Self, TypeVar

import msgspec

from cocoon.errors import DecodeError, LocalProtocolError

MAX_MESSAGE = 2**24
"""Bytes of one boxed object; the frame layer allows no more (§2.6)."""
MAX_VECTOR = 2**16
"""Elements of one vector; the official reader only checks against the bytes that are left."""

BOOL_TRUE = 0x997275B5
BOOL_FALSE = 0xBC799737

_LONG_FORM = 254  # first byte of a string of 254 bytes or more: three bytes of length follow
_HUGE_FORM = 255  # seven bytes of length follow; we read it, but nothing we may send needs it
_INT256 = 32

BOOLS: Mapping[int, bool] = {BOOL_TRUE: True, BOOL_FALSE: False}
BOOL_IDS: Mapping[bool, int] = {True: BOOL_TRUE, False: BOOL_FALSE}

Put = Callable[[bytes], None]
T_co = TypeVar("T_co", covariant=True)


class Reader(Protocol[T_co]):
    """A read function: ``(data, position, size)`` → ``(value, next position)``."""

    def __call__(self, data: bytes, pos: int, size: int, /) -> tuple[T_co, int]:
        """Read one value."""


_U32 = struct.Struct("<I")
_SHORT_FRAMES = tuple((bytes((n,)), bytes(-(n + 1) % 4)) for n in range(_LONG_FORM))
_LONG_TAILS = tuple(bytes(-n % 4) for n in range(4))

# What reading too far or an unknown Bool raises inside generated code, and what packing a value
# of the wrong range or Python type raises. Turned into our own classes at the entry points.
_READ_ERRORS = (struct.error, IndexError, KeyError)
_WRITE_ERRORS = (struct.error, KeyError, TypeError, AttributeError, UnicodeError, OverflowError)


class Reticent(msgspec.Struct, frozen=True, gc=False):
    """A value whose ``repr`` shows numbers, but of strings and bytes only the length.

    They hold prompts, answers, keys and secrets, which must not reach a log through a careless
    format string.
    """

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({fields})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, _outline(getattr(self, name))) for name in self.__struct_fields__]


class TLObject(Reticent, frozen=True, gc=False):
    """Base of the generated classes, one for each combinator of the schema."""

    ID: ClassVar[int] = 0
    NAME: ClassVar[str] = ""
    RESULT: ClassVar[str] = ""
    IS_FUNCTION: ClassVar[bool] = False
    FIELDS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Name and type (as in the schema) of each field, in wire order."""

    def to_bytes(self) -> bytes:
        """Return the boxed encoding: id, then fields.

        Raises:
            LocalProtocolError: a value is out of range, a flag disagrees with the presence of its
                field, or the result is longer than ``MAX_MESSAGE``.
        """
        parts: list[bytes] = []
        try:
            self._write(parts.append)
            data = b"".join(parts)
        except _WRITE_ERRORS as error:
            raise LocalProtocolError(f"{self.NAME}: {type(error).__name__}: {error}") from None
        if len(data) > MAX_MESSAGE:
            raise LocalProtocolError(f"{self.NAME}: {len(data)} bytes, more than {MAX_MESSAGE}")
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Parse the boxed encoding of exactly this combinator; all of ``data`` must be used.

        Raises:
            DecodeError: ``data`` is not that.
        """
        value = decode(data)
        if type(value) is not cls:
            raise DecodeError(f"{value.NAME} where {cls.NAME} was expected")
        return value

    def _write(self, put: Put) -> None:
        raise NotImplementedError

    @classmethod
    def _read(cls, data: bytes, pos: int, size: int) -> tuple[Self, int]:
        raise NotImplementedError


def _outline(value: object) -> str:
    if isinstance(value, bytes | str):
        return f"<{len(value)} {'bytes' if isinstance(value, bytes) else 'characters'}>"
    if isinstance(value, tuple):
        return f"<{len(value)} elements>"
    return repr(value)


READERS: dict[int, Reader[TLObject]] = {}
"""The read function of every generated combinator by id; filled by ``types.py``."""


def decode(data: bytes) -> TLObject:
    """Parse one boxed object of any combinator; all of ``data`` must be used.

    Raises:
        DecodeError: unknown id, malformed, too long, or bytes are left over.
    """
    size = len(data)
    if size > MAX_MESSAGE:
        raise DecodeError(f"{size} bytes, more than {MAX_MESSAGE}")
    if type(data) is not bytes:
        data = bytes(data)
    try:
        read = READERS[_U32.unpack_from(data)[0]]
    except _READ_ERRORS:
        raise DecodeError("unknown constructor") from None
    try:
        value, pos = read(data, 4, size)
    except _READ_ERRORS:
        raise DecodeError("malformed object") from None
    if pos != size:
        raise DecodeError(f"{value.NAME}: {size - pos} bytes left over")
    return value


def peek_id(data: bytes) -> int | None:
    """Return the constructor id that ``data`` begins with, or None when it is too short."""
    return int(_U32.unpack_from(data)[0]) if len(data) >= _U32.size else None


def is_known_id(constructor_id: int | None) -> bool:
    """Tell whether the schema has this id; unknown messages are ignored."""
    return constructor_id in READERS


def decode_result(function: type[TLObject] | TLObject, data: bytes) -> TLObject:
    """Parse the answer to a query: a constructor of the function's result type, nothing else.

    Raises:
        DecodeError: malformed, or of another type.
    """
    value = decode(data)
    if value.RESULT != function.RESULT or value.IS_FUNCTION:
        raise DecodeError(f"{value.NAME} is no answer to {function.NAME}")
    return value


# --- used by generated code ------------------------------------------------------------------


def read_bytes(data: bytes, pos: int, size: int) -> tuple[bytes, int]:
    """Read a ``bytes`` field."""
    length = data[pos]
    if length < _LONG_FORM:
        start = pos + 1
    elif length == _LONG_FORM:
        length = int.from_bytes(data[pos + 1 : pos + 4], "little")
        start = pos + 4
    else:
        length = int.from_bytes(data[pos + 1 : pos + 8], "little")
        start = pos + 8
    end = start + length
    after = (end + 3) & ~3
    if after > size:
        raise DecodeError("string runs past the end")
    return data[start:end], after


def read_str(data: bytes, pos: int, size: int) -> tuple[str, int]:
    """Read a ``string`` field; bytes that are not UTF-8 survive as surrogates."""
    length = data[pos]
    if length < _LONG_FORM:  # as in read_bytes; spelled out because headers are many short strings
        end = pos + 1 + length
        after = (end + 3) & ~3
        if after > size:
            raise DecodeError("string runs past the end")
        return data[pos + 1 : end].decode("utf-8", "surrogateescape"), after
    raw, after = read_bytes(data, pos, size)
    return raw.decode("utf-8", "surrogateescape"), after


def read_count(data: bytes, pos: int, size: int, least: int) -> tuple[int, int]:
    """Read the count of a vector whose elements have at least ``least`` bytes each."""
    count = int.from_bytes(data[pos : pos + 4], "little", signed=True)
    pos += 4
    if count < 0 or count > MAX_VECTOR or count * least > size - pos:
        raise DecodeError(f"vector of {count} elements in {size - pos} bytes")
    return count, pos


def bad_flags(flags: int) -> DecodeError:
    """Return the error for a negative ``flags`` field (bit 31 is reserved)."""
    return DecodeError(f"flags {flags:#x} has bit 31 set")


def unknown_boxed(name: str) -> DecodeError:
    """Return the error for an id that is not a constructor of the field's type."""
    return DecodeError(f"{name}: constructor of another type")


def framing(length: int) -> tuple[bytes, bytes]:
    """Return what stands before and after ``length`` bytes in a ``bytes`` field.

    Raises:
        LocalProtocolError: 2^24 bytes or more; no message could carry them.
    """
    if length < _LONG_FORM:
        return _SHORT_FRAMES[length]
    if length >= MAX_MESSAGE:
        raise LocalProtocolError(f"{length} bytes in one field, {MAX_MESSAGE - 1} are possible")
    return (length << 8 | _LONG_FORM).to_bytes(4, "little"), _LONG_TAILS[length & 3]


def put_bytes(put: Put, value: bytes) -> None:
    """Write a ``bytes`` field, copying the value only once, at the final join."""
    head, tail = framing(len(value))
    put(head)
    put(value)
    put(tail)


def put_str(put: Put, value: str) -> None:
    """Write a ``string`` field."""
    put_bytes(put, value.encode("utf-8", "surrogateescape"))


def put_count(put: Put, count: int) -> None:
    """Write the count of a vector."""
    if count > MAX_VECTOR:
        raise LocalProtocolError(f"{count} elements in a vector, more than {MAX_VECTOR}")
    put(_U32.pack(count))


def int256(value: bytes) -> bytes:
    """Return ``value`` if it has 32 bytes; ``struct`` would pad or cut it in silence."""
    if len(value) != _INT256:
        raise LocalProtocolError(f"{len(value)} bytes in a 32-byte field")
    return value


def flags_word(flags: int) -> int:
    """Return ``flags`` if bit 31 is clear."""
    if flags < 0:
        raise LocalProtocolError("flags must not be negative")
    return flags


def presence_error(name: str, bit: int) -> LocalProtocolError:
    """Return the error for a field whose presence disagrees with its flag."""
    return LocalProtocolError(f"{name}: presence disagrees with flag bit {bit}")
