"""Texts as Telegram counts and trims them: in UTF-16 units.

Source: https://core.telegram.org/bots/api#messageentity (``offset`` and ``length`` in UTF-16 code
units).
"""

import re

from cocoon.devnet.telegram.answers import Json

_FOUND = re.compile(
    r"(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]{3,32})?(?!\w))"
    r"|(?P<mention>(?<!\w)@[A-Za-z][A-Za-z0-9_]{2,31}(?!\w))"
    r"|(?P<url>(?<!\w)https?://[^\s<>\"]+)"
    r"|(?P<hashtag>(?<!\w)#\w{1,64})"
)
MAX_DETECTED = 100


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(encode(text)) // 2


def encode(text: str) -> bytes:
    """UTF-16, little end first; halves of pairs that stand alone are kept."""
    return text.encode("utf-16-le", "surrogatepass")


def splits_pair(encoded: bytes, offset: int) -> bool:
    """Whether the unit at ``offset`` is the second half of a letter."""
    second = encoded[2 * offset + 1 : 2 * offset + 2]
    first = encoded[2 * offset - 1 : 2 * offset] if offset else b""
    return b"\xdc" <= second <= b"\xdf" and b"\xd8" <= first <= b"\xdb"


def cut(text: str, entity: Json) -> str:
    """The part of a text that an entity covers."""
    encoded = encode(text)
    begin = 2 * int(entity["offset"])
    return encoded[begin : begin + 2 * int(entity["length"])].decode("utf-16-le", "replace")


def detect(text: str) -> list[Json]:
    """Entities that Telegram itself finds in what people write: commands, mentions, addresses."""
    if not any(mark in text for mark in "/@#"):
        return []
    found: list[Json] = []
    for match in _FOUND.finditer(text):
        offset = units(text[: match.start()])
        length = units(match.group())
        found.append({"type": str(match.lastgroup), "offset": offset, "length": length})
        if len(found) == MAX_DETECTED:
            break
    return found
