"""The text of a call with its entities: given as a list, or in HTML.

Source: https://core.telegram.org/bots/api#formatting-options.
"""

from cocoon.devnet.telegram.answers import Json, bad_request, not_implemented
from cocoon.devnet.telegram.entities import check_entities
from cocoon.devnet.telegram.html import parse_html
from cocoon.devnet.telegram.text import units


def read_text(
    arguments: Json, name: str, entities: str, most: int, *, empty: str = "", too_long: str
) -> tuple[str, list[Json]]:
    """The text that a call shows.

    Args:
        arguments: of the call.
        name: of the text's parameter.
        entities: of the entities' parameter.
        most: UTF-16 units after entities are parsed.
        empty: why an empty text is refused; "" when it is not.
        too_long: why a longer one is refused.

    Raises:
        BotApiError: 400.
    """
    text = str(arguments.get(name, ""))
    listed = arguments.get(entities, [])
    mode = str(arguments.get("parse_mode", "")).lower()
    if mode and not listed:
        if mode != "html":
            raise not_implemented(f"parse_mode {mode[:16]}: send entities, or HTML")
        text, listed = parse_html(text)
    text = text.replace("\r", "").replace("\x00", " ")
    shown = check_entities(text, listed)
    text, shown = _trim(text, shown)
    if not text and empty:
        raise bad_request(empty)
    if units(text) > most:
        raise bad_request(too_long)
    return text, shown


def _trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Takes white space off both ends, as Telegram does, and moves the entities along."""
    kept = text.rstrip()
    begin = len(kept) - len(kept.lstrip())
    kept = kept[begin:]
    if len(kept) == len(text):
        return text, entities
    end = units(kept)
    moved = []
    for entity in entities:
        first = max(0, entity["offset"] - begin)
        last = min(end, entity["offset"] + entity["length"] - begin)
        if last > first:
            moved.append(entity | {"offset": first, "length": last - first})
    return kept, moved
