"""Entities and lengths, as Telegram counts and nests them."""

from typing import Any

import pytest

from cocoon.devnet.telegram.answers import BotApiError, Json
from cocoon.devnet.telegram.entities import check_entities
from cocoon.devnet.telegram.formatting import read_text
from cocoon.devnet.telegram.html import parse_html
from cocoon.devnet.telegram.text import cut, detect, units


def entity(kind: str, offset: Any, length: Any, **fields: Any) -> Json:
    return {"type": kind, "offset": offset, "length": length, **fields}


def read(arguments: Json, most: int = 4096) -> tuple[str, list[Json]]:
    return read_text(
        arguments, "text", "entities", most, empty="message text is empty", too_long="too long"
    )


@pytest.mark.parametrize(
    "entities",
    [
        [entity("bold", 0, 4), entity("italic", 0, 4)],
        [entity("bold", 0, 4), entity("italic", 1, 2)],
        [entity("bold", 0, 4), entity("text_link", 1, 2, url="https://example.org")],
        [entity("text_link", 0, 4, url="https://example.org"), entity("spoiler", 1, 2)],
        [entity("blockquote", 0, 5), entity("code", 1, 2)],
        [entity("blockquote", 0, 5), entity("pre", 1, 2, language="python")],
        [entity("bold", 0, 2), entity("bold", 2, 2)],
        [entity("code", 0, 2), entity("pre", 2, 2)],
    ],
)
def test_what_telegram_shows_is_taken(entities: list[Json]) -> None:
    assert check_entities("letters", entities) == entities


@pytest.mark.parametrize(
    ("entities", "why"),
    [
        ([entity("bold", 0, 3), entity("italic", 2, 3)], "overlap"),
        ([entity("code", 0, 4), entity("bold", 1, 2)], "cannot lie"),
        ([entity("bold", 0, 4), entity("code", 1, 2)], "cannot lie"),
        ([entity("pre", 0, 4), entity("text_link", 1, 2, url="https://e.org")], "cannot lie"),
        ([entity("blockquote", 0, 4), entity("expandable_blockquote", 1, 2)], "cannot lie"),
        ([entity("blockquote", 0, 4), entity("blockquote", 0, 4)], "cannot lie"),
        ([entity("bold", 0, 4), entity("bold", 1, 2)], "cannot lie"),
        ([entity("bold", 0, 0)], "incorrect length"),
        ([entity("bold", 0, -1)], "incorrect length"),
        ([entity("bold", -1, 2)], "incorrect offset"),
        ([entity("bold", True, 2)], "incorrect offset"),
        ([entity("bold", "0", 2)], "incorrect offset"),
        ([entity("bold", 0, 8)], "ends after the end"),
        ([entity("loud", 0, 1)], "unsupported type"),
        ([entity("text_link", 0, 1)], 'can\'t find field "url"'),
        ([entity("text_link", 0, 1, url="a b")], "wrong URL"),
        (["bold"], "expected an Object"),
        ([entity("bold", 0, 1)] * 101, "ENTITIES_TOO_LONG"),
    ],
)
def test_what_breaks_the_rules_is_refused(entities: list[Any], why: str) -> None:
    with pytest.raises(BotApiError, match=why) as refused:
        check_entities("letters", entities)
    assert refused.value.code == 400


@pytest.mark.parametrize(("offset", "length"), [(1, 1), (0, 1), (1, 2)])
def test_entities_do_not_split_surrogate_pairs(offset: int, length: int) -> None:
    with pytest.raises(BotApiError, match="middle of a UTF-16 symbol"):
        check_entities("🙂🙂", [entity("bold", offset, length)])


def test_kinds_that_telegram_finds_itself_are_passed_over() -> None:
    found = [entity("url", 0, 3), entity("bold", 0, 3)]
    assert check_entities("abc", found) == [entity("bold", 0, 3)]


def test_lengths_are_utf16_units_after_parsing() -> None:
    assert units("a🙂") == 3
    assert read({"text": "🙂" * 2048})[0] == "🙂" * 2048
    with pytest.raises(BotApiError, match="too long"):
        read({"text": "🙂" * 2048 + "a"})
    bold = "<b>" + "a" * 4096 + "</b>"
    assert read({"text": bold, "parse_mode": "HTML"})[0] == "a" * 4096
    with pytest.raises(BotApiError, match="too long"):
        read({"text": bold})


@pytest.mark.parametrize("text", ["", "   ", "\n\t\n"])
def test_texts_of_white_space_are_empty(text: str) -> None:
    with pytest.raises(BotApiError, match="message text is empty"):
        read({"text": text})


def test_white_space_at_both_ends_goes_and_entities_move() -> None:
    given = {"text": "  ab c \n", "entities": [entity("bold", 2, 4), entity("code", 7, 1)]}
    assert read(given) == ("ab c", [entity("bold", 0, 4)])
    assert read({"text": " ab", "entities": [entity("bold", 0, 2)]}) == (
        "ab",
        [entity("bold", 0, 1)],
    )


def test_html_becomes_entities() -> None:
    source = (
        '<b>bold <i>both</i></b> <a href="https://e.org/?a=1&amp;b=2">link</a> &lt;'
        '<pre><code class="language-python">x</code></pre><blockquote expandable>q</blockquote>'
    )
    text, entities = parse_html(source)
    assert text == "bold both link <xq"
    shown = {(e["type"], cut(text, e)) for e in entities}
    assert shown == {
        ("bold", "bold both"),
        ("italic", "both"),
        ("text_link", "link"),
        ("pre", "x"),
        ("expandable_blockquote", "q"),
    }
    assert next(e for e in entities if e["type"] == "pre")["language"] == "python"
    assert next(e for e in entities if e["type"] == "text_link")["url"] == "https://e.org/?a=1&b=2"


@pytest.mark.parametrize("source", ["<b>x", "x</b>", "<b><i>x</b></i>", "<h1>x</h1>", "a < b"])
def test_broken_html_is_refused(source: str) -> None:
    with pytest.raises(BotApiError, match="can't parse entities"):
        parse_html(source)


def test_other_parse_modes_are_said_to_be_missing() -> None:
    with pytest.raises(BotApiError, match="stand-in does not have parse_mode markdown"):
        read({"text": "*x*", "parse_mode": "Markdown"})


def test_commands_mentions_and_addresses_are_found_in_what_people_write() -> None:
    text = "🙂 /ask@a_bot @friend https://example.org/x #tag a/b mail@host"
    found = [(e["type"], cut(text, e)) for e in detect(text)]
    assert found == [
        ("bot_command", "/ask@a_bot"),
        ("mention", "@friend"),
        ("url", "https://example.org/x"),
        ("hashtag", "#tag"),
    ]
