"""Telegram's rules for the entities of a message.

From https://core.telegram.org/bots/api#formatting-options and #messageentity: offsets count UTF-16
code units; entities nest or do not touch; ``pre`` and ``code`` contain nothing and are in nothing
but a quotation; quotations do not nest; links do not contain links; at most 100 in a message.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

MAX_ENTITIES = 100
MAX_URL = 2048
_WORTH = ("pre", "text_link", "blockquote", "expandable_blockquote", "code", "bold", "italic")
"""What is kept where there are too many; whatever is not named goes first."""
STYLES = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
QUOTES = frozenset({"blockquote", "expandable_blockquote"})
CODES = frozenset({"pre", "code"})
KINDS = STYLES | QUOTES | CODES | {"text_link"}
_LANGUAGE = re.compile(r"[A-Za-z0-9+#._-]{1,32}")
_SPACE = " \n"


@dataclass(frozen=True, slots=True)
class Entity:
    """A piece of a message's text that looks different; ``offset``, ``length`` in UTF-16 units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None

    @property
    def end(self) -> int:
        """First unit behind it."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as Telegram takes it."""

    text: str
    entities: tuple[Entity, ...] = ()

    @property
    def units(self) -> int:
        """Length as Telegram counts it."""
        return utf16_length(self.text)


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units; a lone surrogate counts as one."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def lawful(text: str, entities: Iterable[Entity]) -> Rendered:
    """A text without space at its ends, and those of its entities that follow every rule.

    Does what Telegram's servers do with most of what is wrong, so that they refuse nothing: see
    ``fix_formatted_text`` of TDLib. Of more than :data:`MAX_ENTITIES` the least important go.
    """
    units = _units(text)
    known = [kept for entity in entities if (kept := _valid(entity)) is not None]
    first_code = min((e.offset for e in known if e.type in CODES), default=len(units))
    start, end = 0, len(units)
    while start < min(first_code, end) and units[start] in _SPACE:
        start += 1
    while end > start and units[end - 1] in _SPACE:
        end -= 1
    clipped = [kept for e in known if (kept := _clip(units, e, start, end)) is not None]
    body = (
        units[start:end].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    )
    return Rendered(body, tuple(_few(_nested(_without_overlaps(clipped)))))


def _units(text: str) -> str:
    """The text with one character for each UTF-16 unit."""
    if not text or max(text) <= "\uffff":
        return text
    return "".join(map(chr, array("H", text.encode("utf-16", "surrogatepass")[2:])))


def _valid(entity: Entity) -> Entity | None:
    """An entity of a kind that we send, its address and language checked."""
    if entity.type not in KINDS or entity.length <= 0 or entity.offset < 0:
        return None
    if entity.type == "text_link":
        return entity if is_web_address(entity.url or "") else None
    if entity.language and not _LANGUAGE.fullmatch(entity.language):
        return replace(entity, language=None)
    return entity


def is_web_address(url: str) -> bool:
    """Whether a link may point there: ``http`` or ``https`` and a host, nothing of Telegram's own.

    A model could otherwise make links that mention people or open chats.
    """
    if len(url) > MAX_URL or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme.lower() in {"http", "https"} and "." in host.strip(".")


def _clip(units: str, entity: Entity, start: int, end: int) -> Entity | None:
    """The part between two offsets, without space at its ends and half characters."""
    first, last = max(entity.offset, start), min(entity.end, end)
    if entity.type not in CODES:
        while first < last and units[first] in _SPACE:
            first += 1
    while first < last and units[last - 1] in _SPACE:
        last -= 1
    if first < last and "\udc00" <= units[first] <= "\udfff":
        first += 1
    if first < last and "\ud800" <= units[last - 1] <= "\udbff":
        last -= 1
    return _moved(entity, first - start, last - first) if first < last else None


def _moved(entity: Entity, offset: int, length: int) -> Entity:
    if (offset, length) == (entity.offset, entity.length):
        return entity
    return Entity(entity.type, offset, length, entity.url, entity.language)


def _without_overlaps(entities: list[Entity]) -> list[Entity]:
    """The stronger one of code and links that overlap; styles go around code, not into it."""
    exclusive: list[Entity] = []
    for strength in ("pre", "text_link", "code"):
        for entity in entities:
            if entity.type == strength:
                place = bisect_left(exclusive, entity.offset, key=_offset)
                if not any(_touch(entity, other) for other in exclusive[max(0, place - 1) :][:2]):
                    exclusive.insert(place, entity)
    codes = [e for e in exclusive if e.type in CODES]
    quotes = [e for e in entities if e.type in QUOTES]
    styles = [piece for e in entities if e.type in STYLES for piece in _around(e, codes)]
    return exclusive + quotes + styles


def _offset(entity: Entity) -> int:
    return entity.offset


def _touch(one: Entity, other: Entity) -> bool:
    return one.offset < other.end and other.offset < one.end


def _around(style: Entity, codes: list[Entity]) -> list[Entity]:
    """A style cut into the pieces between the code that it covers."""
    pieces, at = [], style.offset
    first = max(0, bisect_left(codes, style.offset, key=_offset) - 1)
    for code in codes[first : bisect_left(codes, style.end, key=_offset)]:
        if not _touch(style, code):
            continue
        if code.offset > at:
            pieces.append(_moved(style, at, code.offset - at))
        at = max(at, code.end)
    if at < style.end:
        pieces.append(_moved(style, at, style.end - at))
    return pieces


def _nested(entities: list[Entity]) -> list[Entity]:
    """In order, clipped where they cross another's end, without those that repeat their parent."""
    kept: list[Entity] = []
    open_: list[Entity] = []
    for entity in sorted(entities, key=_outer_first):
        while open_ and open_[-1].end <= entity.offset:
            open_.pop()
        inside = min([entity.end, *(parent.end for parent in open_)])
        if any(_same(parent.type, entity.type) for parent in open_):
            continue
        clipped = _moved(entity, entity.offset, inside - entity.offset)
        kept.append(clipped)
        open_.append(clipped)
    return kept


def _few(entities: list[Entity]) -> list[Entity]:
    """At most as many as Telegram takes."""
    if len(entities) <= MAX_ENTITIES:
        return entities
    by_worth = sorted(entities, key=lambda e: _WORTH.index(e.type) if e.type in _WORTH else 99)
    chosen = set(by_worth[:MAX_ENTITIES])
    return [entity for entity in entities if entity in chosen]


def _outer_first(entity: Entity) -> tuple[int, int, int, str]:
    """Quotations outside, code and links inside, where both cover the same."""
    layer = 0 if entity.type in QUOTES else 2 if entity.type in CODES else 1
    return entity.offset, -entity.length, layer, entity.type


def _same(parent: str, child: str) -> bool:
    return parent == child or (parent in QUOTES and child in QUOTES) or parent in CODES
