"""What Markdown looks like in Telegram, and where long answers are cut."""

import pytest

from cocoon.telegram.bot.delivery import formatting
from cocoon.telegram.bot.delivery.entities import Entity, is_web_address, lawful
from cocoon.telegram.bot.delivery.formatting import render
from cocoon.telegram.bot.delivery.marks import closed, open_emphasis, open_fence
from cocoon.telegram.bot.delivery.pages import MAX_PAGES, clipped, next_page, pages


def kinds(content):
    return [(e.type, content.text[e.offset : e.end]) for e in content.entities]


def test_what_models_write_most():
    content = render(
        "# Title\n\nSome **bold** and *slanted* `code`.\n\n- one\n- two\n\n```python\nx = 1\n```\n"
        "\n> said\n\n[here](https://example.org)"
    )
    assert content.text == (
        "Title\n\nSome bold and slanted code.\n\n• one\n• two\n\nx = 1\n\nsaid\n\nhere"
    )
    assert kinds(content) == [
        ("bold", "Title"),
        ("underline", "Title"),
        ("bold", "bold"),
        ("italic", "slanted"),
        ("code", "code"),
        ("pre", "x = 1"),
        ("blockquote", "said"),
        ("text_link", "here"),
    ]
    assert content.entities[5].language == "python"


def test_nothing_that_was_written_disappears():
    assert render("<div>a</div> <b>b</b> <!-- c -->").text == "<div>a</div> <b>b</b> <!-- c -->"
    assert render("if a || b or c || d").text == "if a || b or c || d"
    assert render("```html\n<p>x</p>\n```").text == "<p>x</p>"
    assert render("[a]: https://b.example").text == "[a]: https://b.example"
    assert render("<https://a.example>").text == "https://a.example"


def test_offsets_count_utf16_units():
    content = render("\U0001f600 **bold**")
    assert (content.entities[0].offset, content.entities[0].length) == (3, 4)
    assert content.units == 7


def test_half_characters_and_control_characters_do_not_pass():
    assert render("a\ud83db\x00c\r\nd").text == "a\ufffdb\ufffdc\nd"


def test_links_only_lead_to_the_web():
    for url in (
        "tg://user?id=1",
        "javascript:alert(1)",
        "file:///x",
        "http://local",
        "mailto:a@b.c",
    ):
        assert not is_web_address(url)
        assert not render(f"[x]({url})").entities
    assert not is_web_address("https://a.example/" + "x" * 2048)
    assert not is_web_address("http://[")
    assert is_web_address("HTTPS://a.example/b?c=d#e")


@pytest.mark.parametrize(
    "error", [ValueError, RecursionError, type("PanicException", (BaseException,), {})]
)
def test_where_the_conversion_fails_the_text_stays(monkeypatch, error):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(formatting, "convert", fails)
    assert render("**a**").text == "**a**"


def test_an_interrupt_is_not_swallowed(monkeypatch):
    def fails(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(formatting, "convert", fails)
    with pytest.raises(KeyboardInterrupt):
        render("a")


def test_code_ends_styles_and_links_beat_code():
    text = "0123456789"
    content = lawful(text, [Entity("bold", 0, 10), Entity("code", 3, 3)])
    assert kinds(content) == [("bold", "012"), ("code", "345"), ("bold", "6789")]
    content = lawful(text, [Entity("text_link", 0, 5, "https://a.example"), Entity("code", 0, 5)])
    assert kinds(content) == [("text_link", "01234")]


def test_of_too_many_entities_the_small_ones_go():
    content = render("`a` " * 150 + "\n\n```\nb\n```\n[c](https://d.example)")
    assert len(content.entities) == 100
    assert {"pre", "text_link"} <= {e.type for e in content.entities}


@pytest.mark.parametrize(
    ("half", "shown"),
    [
        ("hello **bo", "hello **bo**"),
        ("hello **", "hello"),
        ("`co", "`co`"),
        ("see [the link](https://exa", "see the link"),
        ("```py\nx = 1", "```py\nx = 1"),
        ("2 * 3 and snake_case_name", "2 * 3 and snake_case_name"),
        ("**a *b", "**a *b***"),
        ("~~gone", "~~gone~~"),
        ("old **open\n\nnew", "old **open\n\nnew"),
        ("\\*no", "\\*no"),
    ],
)
def test_half_an_answer_is_closed(half, shown):
    assert closed(half) == shown


def test_fences_are_followed():
    assert open_fence("```py\nx").info == "py"
    assert open_fence("```\nx\n```") is None
    assert open_fence("~~~\n```\nx").mark == "~~~"
    assert open_fence("````\n```\nx").mark == "````"
    assert open_fence("```a``` b") is None
    assert open_fence("- x\n  ```js\n  y").info == "js"
    assert open_emphasis("`a` ``b") == ["``"]


def test_pages_end_between_paragraphs():
    paragraphs = [f"Paragraph {number}. " + "word " * 150 for number in range(20)]
    found = list(pages("\n\n".join(paragraphs)))
    assert all(content.text.startswith("Paragraph") for content in found)
    assert all(content.units > 2048 for content in found[:-1])


def test_code_is_closed_and_opened_again():
    found = list(pages("Look:\n\n```python\n" + "x = 1  # a line\n" * 600 + "```\n\nThat was it."))
    assert len(found) > 2
    for content in found[1:-1]:
        assert kinds(content) == [("pre", content.text)]
        assert content.entities[0].language == "python"
        assert content.text.startswith("x = 1")
    assert found[-1].text.endswith("That was it.")
    assert sum(content.text.count("x = 1") for content in found) == 600


def test_tables_have_their_head_on_every_page():
    found = list(pages("| name | value |\n|---|---|\n" + "| cell | other |\n" * 600))
    assert len(found) > 1
    assert all(content.text.startswith("name | value") for content in found)
    assert all([e.type for e in content.entities] == ["pre"] for content in found)


def test_a_long_bold_paragraph_stays_bold():
    found = list(pages("**" + "Some words. " * 400 + "end**"))
    assert len(found) == 2
    assert all(kinds(content) == [("bold", content.text)] for content in found)


def test_long_words_are_cut_between_characters():
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    found = list(pages(family * 2000))
    assert "".join(content.text for content in found) == family * 2000
    assert all(content.text.startswith(family) for content in found)
    assert [content.units for content in pages("a" * 9000)] == [4096, 4096, 808]


def test_nothing_is_no_page_and_there_is_an_end():
    assert list(pages("")) == list(pages(" \n ")) == []
    assert len(list(pages("a" * 4096 * 100))) == MAX_PAGES


def test_one_message_is_all_there_is():
    assert clipped("short **text**").text == "short text"
    long = clipped("word " * 3000)
    assert long.text.endswith("\n…")
    assert long.units <= 4096
    assert clipped("a" * 5000).units == 4096


def test_a_page_that_was_cut_stays_while_the_answer_grows():
    source = "Some words of an answer, with `code`.\n\n" * 300
    first = next_page(source[:4500], is_whole=False)
    assert first.next is not None
    for length in (5000, 6000, len(source)):
        assert next_page(source[:length], is_whole=False) == first
