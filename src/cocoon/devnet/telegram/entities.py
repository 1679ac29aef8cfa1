"""Entities that a bot sends: which are allowed, and how they may lie in each other.

Source: https://core.telegram.org/bots/api#formatting-options: of two entities with common
characters one lies inside the other; bold, italic, underline, strikethrough and spoiler can contain
and be part of any other but pre and code; blockquotes cannot lie in blockquotes; all others cannot
contain each other. Telegram repairs or drops some entities that break these rules; the stand-in
refuses them, so that a bot's mistake is seen.
"""

from collections.abc import Sequence
from typing import Any

from cocoon.devnet.telegram.answers import BotApiError, Json, bad_request
from cocoon.devnet.telegram.limits import MAX_ENTITIES
from cocoon.devnet.telegram.text import encode, splits_pair

STYLES = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
QUOTES = frozenset({"blockquote", "expandable_blockquote"})
CODE = frozenset({"pre", "code"})
FOUND = frozenset({"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"})
"""Kinds that Telegram finds by itself; a bot may name them, and they are passed over."""
KINDS = STYLES | QUOTES | CODE | FOUND | {"text_link", "text_mention", "custom_emoji", "date_time"}
_FIELDS = {
    "text_link": ("url",),
    "text_mention": ("user",),
    "custom_emoji": ("custom_emoji_id",),
    "date_time": ("unix_time",),
}
_OPTIONAL = frozenset({"language", "date_time_format"})
MAX_URL = 2048
_MAX_OFFSET = 1_000_000


def check_entities(text: str, entities: Sequence[Any]) -> list[Json]:
    """Checks a list of entities.

    Args:
        text: what they lie in.
        entities: decoded JSON from a call.

    Returns:
        Those that are shown, in order; each with the fields of its kind only.

    Raises:
        BotApiError: 400.
    """
    if len(entities) > MAX_ENTITIES:
        raise bad_request("ENTITIES_TOO_LONG")
    if not entities:
        return []
    encoded = encode(text)
    checked = [_check_one(entity, encoded) for entity in entities]
    shown = [entity for entity in checked if entity["type"] not in FOUND]
    shown.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    _check_nesting(shown)
    return shown


def _check_one(entity: Any, encoded: bytes) -> Json:
    if not isinstance(entity, dict):
        raise bad_request("can't parse MessageEntity: expected an Object")
    kind = entity.get("type")
    offset: Any = entity.get("offset")
    length: Any = entity.get("length")
    if not isinstance(kind, str) or kind not in KINDS:
        raise bad_request("can't parse MessageEntity: unsupported type specified")
    if not _is_number(offset) or offset < 0 or offset > _MAX_OFFSET:
        raise bad_request(f"receive an entity with incorrect offset {offset}"[:128])
    if not _is_number(length) or length <= 0 or length > _MAX_OFFSET:
        raise bad_request(f"receive an entity with incorrect length {length}"[:128])
    end = offset + length
    if end > len(encoded) // 2:
        raise bad_request(
            f"entity beginning at UTF-16 offset {offset} ends after the end of the text "
            f"at UTF-16 offset {end}"
        )
    if splits_pair(encoded, offset):
        raise bad_request(f"entity begins in a middle of a UTF-16 symbol at offset {offset}")
    if splits_pair(encoded, end):
        raise bad_request(f"entity ends in a middle of a UTF-16 symbol at offset {end}")
    return {"type": kind, "offset": offset, "length": length} | _fields(kind, entity)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _fields(kind: str, entity: Json) -> Json:
    needed = _FIELDS.get(kind, ())
    for name in needed:
        if not entity.get(name):
            raise bad_request(f"can't parse MessageEntity: can't find field \"{name}\"")
    if kind == "text_link":
        url = entity["url"]
        if not isinstance(url, str) or len(url) > MAX_URL or any(c.isspace() for c in url):
            raise bad_request("can't parse MessageEntity: wrong URL")
    return {name: entity[name] for name in (*needed, *_OPTIONAL) if entity.get(name)}


def _check_nesting(entities: Sequence[Json]) -> None:
    open_: list[Json] = []
    for entity in entities:
        while open_ and _end(open_[-1]) <= entity["offset"]:
            open_.pop()
        for outer in open_:
            if _end(entity) > _end(outer):
                raise _refused("overlap without one lying inside the other", outer, entity)
            if not _may_contain(outer["type"], entity["type"]):
                raise _refused("cannot lie in each other", outer, entity)
        open_.append(entity)


def _end(entity: Json) -> int:
    return int(entity["offset"]) + int(entity["length"])


def _may_contain(outer: str, inner: str) -> bool:
    if outer == inner or outer in CODE or inner in CODE:
        # Code may stand inside a quotation: clients show it there, and Telegram's parser takes it.
        return outer in QUOTES and inner in CODE
    if outer in QUOTES and inner in QUOTES:
        return False
    return outer in STYLES or inner in STYLES or outer in QUOTES


def _refused(why: str, outer: Json, inner: Json) -> BotApiError:
    return bad_request(
        f"can't parse entities: {outer['type']} at {outer['offset']} and {inner['type']} "
        f"at {inner['offset']} {why}"
    )
