"""What messages mean, for explorers: names of operations, and bodies that Cocoon's parsers know."""

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Cell, Reader
from cocoon.chain.contracts.proxy_inbox import parse_proxy_inbox
from cocoon.chain.contracts.replies import parse_bounce, parse_reply
from cocoon.chain.embedded.http.bodies import read_body
from cocoon.chain.message import Message
from cocoon.errors import DecodeError

MAX_COMMENT_BYTES = 4096
MAX_COMMENT_CELLS = 64

NAMES = {
    code: name.lower()
    for name, code in vars(opcodes).items()
    if name.isupper() and isinstance(code, int)
}
"""Names of operations by code."""


def operation(body: Cell) -> int | None:
    """The first word of a body; None if it has none."""
    if body.exotic or body.bits < 32:
        return None
    return body.data >> (body.bits - 32)


def operation_name(body: Cell) -> str | None:
    """Cocoon's name of the operation; None if it is not one of Cocoon's."""
    code = operation(body)
    return None if code is None else NAMES.get(code)


def comment(body: Cell) -> str | None:
    """The text of a comment; None if the body is none, or its text is no UTF-8."""
    if operation(body) != opcodes.TEXT_COMMENT or body.exotic:
        return None
    read = Reader(body)
    read.uint(32)
    try:
        return _snake(read.rest()).decode()
    except (DecodeError, UnicodeDecodeError):
        return None


def _snake(cell: Cell) -> bytes:
    """Bytes that go on in the first reference of each cell."""
    parts: list[bytes] = []
    for _ in range(MAX_COMMENT_CELLS):
        if cell.exotic or cell.bits % 8:
            raise DecodeError("a text does not end within a byte")
        parts.append(cell.data.to_bytes(cell.bits // 8, "big"))
        if not cell.refs:
            return b"".join(parts)[:MAX_COMMENT_BYTES]
        cell = cell.refs[0]
    raise DecodeError(f"a text has more than {MAX_COMMENT_CELLS} cells")


def decoded(message: Message) -> dict[str, Any] | None:
    """What a message says, by the names of Cocoon's parsers; None if none of them knows it.

    Anybody can write any body: this is a reading aid, no proof of who sent what.
    """
    if message.bounced:
        bounce = parse_bounce(message.body)
        if bounce is None:
            return None
        inner = operation_name(bounce.body)
        return {"operation": "bounce", "bounced_operation": inner} | _fields(bounce)
    name = operation_name(message.body)
    value = parse_reply(message.body) or parse_proxy_inbox(message.body)
    if value is not None:
        return {"operation": name} | _fields(value)
    found = read_body(message.body)
    if found is not None:
        return {"operation": name} | {key: _plain(item) for key, item in found.items()}
    return None if name in (None, "text_comment") else {"operation": name}


def _fields(value: Any) -> dict[str, Any]:
    return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}


def _plain(value: Any) -> Any:
    """A field as JSON: hashes in hex, enumerations by name, values in values as objects."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, int):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Address):
        return value.raw()
    if isinstance(value, Cell):
        return value.hash.hex()
    if is_dataclass(value):
        return {"kind": type(value).__name__} | _fields(value)
    return str(value)
