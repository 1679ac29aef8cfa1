"""Whatever a model writes, Telegram takes it: its entity rules, lengths, and no words get lost."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from cocoon.devnet.telegram.entities import check_entities
from cocoon.devnet.telegram.text import units
from cocoon.telegram.bot.delivery.entities import Entity, Rendered, lawful
from cocoon.telegram.bot.delivery.formatting import MAX_UNITS, clean, render
from cocoon.telegram.bot.delivery.marks import closed
from cocoon.telegram.bot.delivery.pages import MAX_PAGES, Place, clipped, next_page, pages

PIECES = [
    "**", "*", "_", "__", "~~", "`", "```", "```python\n", "~~~\n", "\n", "\n\n", "> ", "- ",
    "1. ", "    ", "# ", "| a | b |\n|---|---|\n", "| 1 | 2 |\n", "[link](https://example.org/x)",
    "[bad](tg://user?id=1)", "![](x)", "[", "](", ")", "<b>", "</div>", "<https://a.org>", "||",
    "$x^2$", "$$", "\\(", "\\)", "\\[\\frac{1}{2}\\]", "\\", "word ", "слово ", "kata ",
    "\U0001f600", "\u200d", "\ufe0f", "\u0301", "\ud83d", "\x00", "\r\n", "\t", "\u3000", "- [x] ",
    "---\n", "…",
]  # fmt: skip
markdown = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=60).map("".join)


def judged(content: Rendered) -> None:
    """The stand-in's own reading of Telegram's rules."""
    assert units(content.text) <= MAX_UNITS
    assert content.text == content.text.strip(" \n") or content.entities[:1]
    content.text.encode()
    shown = [
        {
            "type": e.type,
            "offset": e.offset,
            "length": e.length,
            **({"url": e.url} if e.url else {}),
            **({"language": e.language} if e.language else {}),
        }
        for e in content.entities
    ]
    assert len(check_entities(content.text, shown)) == len(content.entities)


@given(markdown)
@settings(max_examples=300)
def test_any_markdown_is_lawful_whole_or_not(text):
    judged(render(text))
    judged(render(closed(text)))
    judged(clipped(text))
    judged(next_page(text, is_whole=False).content)


@given(markdown, st.integers(1, 300))
@settings(max_examples=60)
def test_long_answers_become_lawful_pages(text, times):
    found = list(pages(text * times))
    assert len(found) <= MAX_PAGES
    for content in found:
        judged(content)
        assert content.text.strip()


@given(markdown, st.integers(1, 80))
@settings(max_examples=40)
def test_every_page_goes_on_behind_the_one_before(text, times):
    source, place = text * times, Place()
    for _ in range(MAX_PAGES):
        page = next_page(source, place)
        if page.next is None:
            return
        assert page.next.at > place.at
        place = page.next


words = st.lists(
    st.from_regex(r"[a-z]{1,12}", fullmatch=True)
    | st.sampled_from(["\n\n", "\n", ". ", "\n\n- ", "\n\n## ", "`code`", "**bold**"]),
    min_size=1,
    max_size=400,
)


@given(words, st.integers(1, 20))
@settings(max_examples=60)
def test_no_words_are_lost(parts, times):
    source = " ".join(parts * times)
    shown = " ".join(content.text for content in pages(source))
    kept = "".join(c for c in shown if c.isalpha())
    assert kept == "".join(c for c in source if c.isalpha())


@given(
    st.text(max_size=40),
    st.lists(
        st.builds(
            Entity,
            st.sampled_from(["bold", "italic", "code", "pre", "text_link", "blockquote", "emoji"]),
            st.integers(-2, 60),
            st.integers(-2, 60),
            st.sampled_from(["https://a.example", "tg://x", None]),
        ),
        max_size=150,
    ),
)
@settings(max_examples=300)
def test_any_entities_are_made_lawful(text, found):
    judged(lawful(clean(text), found))


@pytest.mark.parametrize(
    "text",
    [
        "- " * 4000,
        "> " * 4000,
        "\\[" * 4000,
        "$a$1" * 2000,
        "[" * 8000,
        "*a " * 2600,
        "~a~" * 2600,
        "`a` " * 2000,
        "**a" * 2700,
        "|a" * 4000 + "\n" + "|-" * 4000,
        "||a" * 2000,
        "a\n" * 4000,
        "\ud800" * 8000,
        "1. " * 2700,
        "  - x\n" * 1300,
        "".join(" " * i + "- x\n" for i in range(120)),
    ],
    ids=lambda text: repr(text[:6]),
)
def test_nasty_texts_are_done_quickly_enough(text):
    for content in pages(text):
        judged(content)
    judged(next_page(text, is_whole=False).content)
