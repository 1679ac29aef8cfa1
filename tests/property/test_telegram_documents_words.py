"""Whatever Telegram, or somebody in its place, says about a message: text comes out, no error."""

from typing import Any

from aiogram.types import Message, User
from hypothesis import given
from hypothesis import strategies as st

from cocoon.telegram.bot.addressed import (
    arguments,
    is_for_bot,
    is_nobody,
    slice_utf16,
    without_mention,
)
from cocoon.telegram.bot.prompts import marked, wanted_language
from cocoon.telegram.bot.thread import thread

ME = User(id=77, is_bot=True, first_name="Bot", username="cocoon_bot")
WORDS = st.text(max_size=60) | st.just("@cocoon_bot hi 😀 @cocoon_bot")
NUMBERS = st.integers(-5, 70) | st.just(2**31)
USERS = st.builds(
    lambda number, name: {"id": number, "is_bot": False, "first_name": name},
    st.integers(1, 80),
    st.text(max_size=50),
)
ENTITIES = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["mention", "bot_command", "text_mention", "bold", "new_kind"]),
            "offset": NUMBERS,
            "length": NUMBERS,
        },
        optional={"user": USERS},
    ),
    max_size=4,
)
ORIGINS = st.one_of(
    st.builds(lambda user: {"type": "user", "date": 1, "sender_user": user}, USERS),
    st.builds(
        lambda name: {"type": "hidden_user", "date": 1, "sender_user_name": name},
        st.text(max_size=50),
    ),
)


def message(text: str, entities: list[dict[str, Any]], **more: Any) -> Message:
    base = {"message_id": 1, "date": 1, "chat": {"id": -1, "type": "supergroup"}}
    return Message.model_validate({**base, "text": text, "entities": entities, **more})


@given(WORDS, ENTITIES, USERS)
def test_any_message_in_a_group(text: str, entities: list[dict[str, Any]], user: Any) -> None:
    given_one = message(text, entities, **{"from": user})
    is_for_bot(given_one, ME)
    is_nobody(given_one)
    left = without_mention(given_one, ME)

    assert len(left) <= len(text)
    left.encode()
    assert len(arguments(given_one)) <= len(text)


@given(st.text(max_size=40), NUMBERS, NUMBERS)
def test_parts_of_texts(text: str, offset: int, length: int) -> None:
    slice_utf16(text, offset, length).encode()


@given(st.text(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_parts_are_as_telegram_counts(text: str, start: int, count: int) -> None:
    part = text[start : start + count]
    offset = len(text[:start].encode("utf-16-le")) // 2

    assert slice_utf16(text, offset, len(part.encode("utf-16-le")) // 2) == part


@given(st.lists(st.tuples(WORDS, ORIGINS), max_size=6), st.integers(1, 200))
def test_any_forwarded_conversation(said: list[tuple[str, Any]], most: int) -> None:
    messages = [
        message(text, [], message_id=number, forward_origin=origin)
        for number, (text, origin) in enumerate(said, 1)
    ]
    made = thread(messages, most)

    assert len(made.text) <= most
    assert made.messages <= len(messages)
    assert made.is_cut or made.messages == sum(bool(text.strip()) for text, _ in said)


@given(st.text(alphabet="=\na ", max_size=60))
def test_material_never_closes_its_marks(material: str) -> None:
    lines = marked(material).split("\n")

    assert lines[0] == lines[-1]
    assert lines.count(lines[0]) == 2


@given(st.text(max_size=80))
def test_languages_are_words(words: str) -> None:
    language = wanted_language(words)

    assert len(language) <= 40
    assert "\n" not in language
