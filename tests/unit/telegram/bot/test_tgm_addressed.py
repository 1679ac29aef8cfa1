"""Which messages in a group are for the bot, and what of them is said to it."""

from typing import Any

import pytest
from aiogram.types import Message, User

from cocoon.telegram.bot.addressed import (
    ANONYMOUS_ADMIN,
    arguments,
    is_for_bot,
    is_nobody,
    slice_utf16,
    without_mention,
)

ME = User(id=77, is_bot=True, first_name="Bot", username="CocoonBot")
ANNA = {"id": 5, "is_bot": False, "first_name": "Anna"}
GROUP = {"id": -100, "type": "supergroup", "title": "G"}


def message(text: str = "", entities: Any = (), **more: Any) -> Message:
    base = {"message_id": 1, "date": 1, "chat": GROUP, "from": ANNA, "text": text}
    return Message.model_validate({**base, "entities": list(entities), **more})


def mention(offset: int, length: int = 10, kind: str = "mention") -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length}


def said(who: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"message_id": 9, "date": 1, "chat": GROUP, "from": who, **more}


BOT = {"id": 77, "is_bot": True, "first_name": "Bot"}


@pytest.mark.parametrize(
    ("given", "is_for"),
    [
        (message("hello all"), False),
        (message("@CocoonBot hello", [mention(0)]), True),
        (message("@cocoonbot hello", [mention(0)]), True),
        (message("@CocoonBot2 hello", [mention(0, 11)]), False),
        (message("mail@CocoonBot"), False),  # no entity: an address
        (message("/ask@CocoonBot why", [mention(0, 14, "bot_command")]), True),
        (message("/ask@OtherBot why", [mention(0, 13, "bot_command")]), False),
        (message("Bot, hi", [{**mention(0, 3, "text_mention"), "user": BOT}]), True),
        (message("Anna, hi", [{**mention(0, 4, "text_mention"), "user": ANNA}]), False),
        (message("and?", reply_to_message=said(BOT, text="42")), True),
        (message("and?", reply_to_message=said(ANNA, text="42")), False),
        (message("sent inline", reply_to_message=said(ANNA, text="42", via_bot=BOT)), True),
        (
            message(
                "in a topic",
                reply_to_message=said(
                    BOT, forum_topic_created={"name": "T", "icon_color": 1}, text=None
                ),
            ),
            False,
        ),
        (message("@CocoonBot", [mention(0)], via_bot=BOT), False),
        (message("@CocoonBot", [mention(0)], is_automatic_forward=True), False),
        (message(caption="@CocoonBot see", caption_entities=[mention(0)]), True),
    ],
)
def test_who_is_spoken_to(given: Message, is_for: bool) -> None:
    assert is_for_bot(given, ME) is is_for


@pytest.mark.parametrize(
    ("text", "offset", "left"),
    [
        ("@CocoonBot, why is it so?", 0, "why is it so?"),
        ("why is it so @CocoonBot", 13, "why is it so"),
        ("what does @CocoonBot do", 10, "what does @CocoonBot do"),
        ("😀 @CocoonBot hi", 3, "😀 @CocoonBot hi"),
        ("  @CocoonBot 😀 hi", 2, "😀 hi"),
        ("@CocoonBot", 0, ""),
        ("@CocoonBot\n    code\n        more", 0, "code\n        more"),
    ],
)
def test_without_the_name(text: str, offset: int, left: str) -> None:
    assert without_mention(message(text, [mention(offset)]), ME) == left


def test_malicious_offsets_are_harmless() -> None:
    for offset, length in ((-5, 10), (10**9, 5), (0, -3), (1, 10**9)):
        given = message("😀😀", [mention(offset, length)])
        assert not is_for_bot(given, ME)
        assert without_mention(given, ME) == "😀😀"
    assert slice_utf16("😀", 1, 1) == "\ufffd"


def test_who_cannot_be_charged() -> None:
    group = {"id": ANONYMOUS_ADMIN, "is_bot": True, "first_name": "Group"}
    assert is_nobody(message("x", **{"from": group}))
    assert is_nobody(message("x", **{"from": None}))
    assert not is_nobody(message("x"))


def test_arguments() -> None:
    assert arguments(message("/translate to German")) == "to German"
    assert arguments(message("/translate@CocoonBot\nこんにちは")) == "こんにちは"
    assert arguments(message("/translate")) == ""
