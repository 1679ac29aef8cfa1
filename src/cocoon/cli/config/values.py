"""Checks of single configuration values. Each takes a parsed value and its place."""

import math
import re
from collections.abc import Callable, Collection
from pathlib import Path

from cocoon.chain.address import Address
from cocoon.cli.config.reader import Context
from cocoon.errors import DecodeError

MAX_PORT = 65535
_TON = re.compile(r"(?P<whole>[0-9]{1,9})(?:\.(?P<part>[0-9]{1,9}))?", re.ASCII)
MAX_INT64 = 2**63 - 1


def text(value: object, context: Context) -> str:
    """A non-empty string."""
    if not isinstance(value, str) or not value.strip():
        raise context.error("must be a non-empty string")
    return value


def any_text(value: object, context: Context) -> str:
    """A string, possibly empty."""
    if not isinstance(value, str):
        raise context.error("must be a string")
    return value


def flag(value: object, context: Context) -> bool:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        raise context.error("must be true or false")
    return value


def whole(low: int, high: int = MAX_INT64) -> Callable[[object, Context], int]:
    """An integer from ``low`` to ``high``."""

    def parse(value: object, context: Context) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise context.error("must be a whole number")
        if not low <= value <= high:
            raise context.error(f"must be from {low} to {high}")
        return value

    return parse


def seconds(value: object, context: Context) -> float:
    """A positive, finite number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise context.error("must be a number of seconds")
    if not math.isfinite(value) or value <= 0:
        raise context.error("must be more than 0 seconds")
    return float(value)


port = whole(0, MAX_PORT)
"""A TCP port; 0 lets the system choose."""


def one_of(*choices: str) -> Callable[[object, Context], str]:
    """One of a few words."""

    def parse(value: object, context: Context) -> str:
        if value not in choices:
            raise context.error(f"must be one of {', '.join(choices)}")
        return str(value)

    return parse


def path(value: object, context: Context) -> Path:
    """A path; a relative one counts from the file that names it, ``~`` is the home directory."""
    return context.folder / Path(text(value, context)).expanduser()


def endpoint(value: object, context: Context) -> tuple[str, int]:
    """``host:port`` with a port from 1."""
    host, colon, digits = text(value, context).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (digits.isascii() and digits.isdigit()) or len(digits) > 5:
        raise context.error("must be host:port")
    number = int(digits)
    if not 1 <= number <= MAX_PORT:
        raise context.error(f"port {number} is not from 1 to {MAX_PORT}")
    return host, number


def engine_url(value: object, context: Context) -> str:
    """``http://…``, ``https://…`` or ``unix:/path``."""
    url = text(value, context)
    if not url.startswith(("http://", "https://", "unix:/")):
        raise context.error("must begin with http://, https:// or unix:/")
    return url


def http_url(value: object, context: Context) -> str:
    """``http://…`` or ``https://…``, without a slash at the end."""
    url = text(value, context)
    if not url.startswith(("http://", "https://")):
        raise context.error("must begin with http:// or https://")
    return url.rstrip("/")


def ton(value: object, context: Context) -> int:
    """An amount in TON, as text such as ``"0.5"`` or a whole number; in nanoTON."""
    written = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = _TON.fullmatch(written) if isinstance(written, str) else None
    if match is None:
        raise context.error('must be an amount in TON, such as "0.5"')
    return int(match["whole"]) * 10**9 + int((match["part"] or "").ljust(9, "0"))


def address(value: object, context: Context) -> str:
    """A TON address in any text form; kept as written, because its flags matter."""
    written = text(value, context)
    try:
        Address.parse(written)
    except DecodeError as error:
        raise context.error(f"is not a TON address: {error}") from None
    return written


def hex_bytes(length: int) -> Callable[[object, Context], bytes]:
    """``length`` bytes written as hex digits."""

    def parse(value: object, context: Context) -> bytes:
        try:
            raw = bytes.fromhex(text(value, context))
        except ValueError:
            raise context.error("must be hex digits") from None
        if len(raw) != length:
            raise context.error(f"must be {length} bytes in hex ({2 * length} digits)")
        return raw

    return parse


def list_of(
    parse_item: Callable[[object, Context], object],
) -> Callable[[object, Context], tuple[object, ...]]:
    """An array whose items all pass the same check."""

    def parse(value: object, context: Context) -> tuple[object, ...]:
        if not isinstance(value, Collection) or isinstance(value, str | dict):
            raise context.error("must be an array")
        return tuple(
            parse_item(item, Context(context.folder, f"{context.where}[{index}]"))
            for index, item in enumerate(value)
        )

    return parse
