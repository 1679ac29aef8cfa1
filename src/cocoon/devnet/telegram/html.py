"""Telegram's HTML: a few tags, strictly closed.

Source: https://core.telegram.org/bots/api#html-style.
"""

import html
import re
from typing import Any

from cocoon.devnet.telegram.answers import Json, bad_request
from cocoon.devnet.telegram.text import units

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
}
_TOKEN = re.compile(r"<(/?)([A-Za-z-]{1,16})((?:\s[^<>]{0,4096})?)>")
_ATTRIBUTE = re.compile(r"([a-z-]{1,16})(?:\s{0,4}=\s{0,4}\"([^\"]{0,4096})\")?")


def parse_html(source: str) -> tuple[str, list[Json]]:
    """A text and its entities.

    Raises:
        BotApiError: 400: an unknown tag, or tags that are not closed in order.
    """
    pieces: list[str] = []
    entities: list[Json] = []
    opened: list[tuple[str, Json]] = []
    at = length = 0
    for match in _TOKEN.finditer(source):
        length += _add(pieces, source[at : match.start()])
        at = match.end()
        closing, tag = bool(match[1]), match[2].lower()
        if tag not in _TAGS:
            raise bad_request(f'can\'t parse entities: unsupported start tag "{tag}"')
        if not closing:
            opened.append((tag, _begin(tag, match[3], length)))
            continue
        if not opened or opened[-1][0] != tag:
            raise bad_request(f'can\'t parse entities: unexpected end tag "{tag}"')
        _close(opened.pop()[1], length, entities)
    _add(pieces, source[at:])
    if opened:
        raise bad_request(f"can't parse entities: can't find end tag for \"{opened[-1][0]}\"")
    return "".join(pieces), _merge_code(entities)


def _add(pieces: list[str], raw: str) -> int:
    if "<" in raw:
        raise bad_request("can't parse entities: unsupported start tag")
    text = html.unescape(raw)
    pieces.append(text)
    return units(text)


def _begin(tag: str, attributes: str, offset: int) -> Json:
    given: dict[str, Any] = dict(_ATTRIBUTE.findall(attributes))
    entity: Json = {"type": _TAGS[tag], "offset": offset}
    if tag == "a":
        entity["url"] = html.unescape(given.get("href", ""))
    elif tag == "blockquote" and "expandable" in given:
        entity["type"] = "expandable_blockquote"
    elif tag == "tg-emoji":
        entity["custom_emoji_id"] = given.get("emoji-id", "")
    elif tag == "code" and given.get("class", "").startswith("language-"):
        entity["language"] = given["class"].removeprefix("language-")
    return entity


def _close(entity: Json, end: int, entities: list[Json]) -> None:
    entity["length"] = end - entity["offset"]
    if entity["length"] > 0 and entity.get("url", "-"):
        entities.append(entity)


def _merge_code(entities: list[Json]) -> list[Json]:
    """``<pre><code class="language-x">`` is one entity."""
    blocks = {(e["offset"], e["length"]): e for e in entities if e["type"] == "pre"}
    kept = []
    for entity in entities:
        block = blocks.get((entity["offset"], entity["length"]))
        if entity["type"] == "code" and block is not None:
            if "language" in entity:
                block["language"] = entity["language"]
            continue
        kept.append(
            {k: v for k, v in entity.items() if not (k == "language" and entity["type"] == "code")}
        )
    return kept
