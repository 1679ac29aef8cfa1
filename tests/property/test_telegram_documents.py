"""Whatever bytes people send as a document: text within the limits, or a clear refusal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.telegram.bot.reading import UnreadableError, clean_name, pdf_child
from cocoon.telegram.bot.reading.text import decode, read_text
from cocoon.testing.sent_files import pdf

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")
PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="\ufeff"))


@given(st.binary(max_size=4096), st.integers(1, 500))
def test_any_bytes(data: bytes, most: int) -> None:
    try:
        document = read_text("f", data, most)
    except UnreadableError:
        return
    assert 0 < len(document.text) <= most
    assert not any(char < " " and char not in "\t\n" for char in document.text)
    document.text.encode()  # no lone surrogates


@given(PRINTABLE.filter(bool), st.sampled_from(ENCODINGS))
def test_text_in_an_encoding_with_a_mark(text: str, encoding: str) -> None:
    assert read_text("f", text.encode(encoding), 10_000).text == text


@given(PRINTABLE.filter(bool), st.integers(1, 20))
def test_cutting_is_told(text: str, most: int) -> None:
    document = read_text("f", text.encode(), most)

    assert document.is_cut == (len(text) > most)
    assert text.startswith(document.text)


@given(st.text(max_size=400))
def test_torn_utf8_is_still_text(text: str) -> None:
    data = (text + "é").encode()[:-1]
    read = decode(data)

    assert read is None or "\ufffd" not in read or "\ufffd" in text


@given(st.text(max_size=300))
def test_names(name: str) -> None:
    clean = clean_name(name)

    assert 0 < len(clean) <= 80
    assert "\n" not in clean
    assert '"' not in clean


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_pdfs(data: st.DataObject) -> None:
    whole = bytearray(pdf("Hello", "world"))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(10, len(whole)))
    answer = pdf_child.text_of(bytes(whole[:end]), 10, 100)

    assert ("error" in answer) != ("text" in answer)
    assert len(str(answer.get("text", ""))) <= 100


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_pdf_characters_are_limited(most: int) -> None:
    answer = pdf_child.text_of(pdf("abcdef", "ghi"), 10, most)

    assert answer["text"] == "abcdef\n\nghi"[:most]
    assert answer["cut"] == (most < 11)
