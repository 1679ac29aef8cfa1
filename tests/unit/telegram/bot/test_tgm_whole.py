"""Groups, files and inline mode in the whole bot: gate, queue, answers, history, money's names."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cocoon.devnet.telegram import bad_request
from cocoon.errors import UnsupportedError
from cocoon.testing.bot_rig import BotRig, bot_rig, until
from cocoon.testing.scripted_assistant import CHAT_MODEL, VISION_MODEL, VOICE_MODEL
from cocoon.testing.sent_files import pdf

pytestmark = pytest.mark.anyio
NAME = "@cocoon_stand_in_bot"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[BotRig]:
    async with bot_rig(tmp_path) as running:
        yield running


async def test_a_group_has_one_conversation(rig: BotRig) -> None:
    anna, boris = rig.telegram.person("Anna"), rig.telegram.person("Boris")
    group = rig.telegram.group("Team", people=[anna, boris])
    rig.assistant.say("Because of **Rayleigh**.")
    await anna.send(f"{NAME} why is the sky blue?", chat=group)
    answer = await group.wait(lambda shown: shown.text == "Because of Rayleigh.")
    await boris.send("and red?", chat=group, reply_to=answer)
    await until(lambda: len(rig.assistant.questions) == 2)

    first, second = rig.assistant.questions
    assert (first.user, second.user) == (anna.id, boris.id)  # who asks pays
    assert [turn.text for turn in second.turns] == [
        "why is the sky blue?",
        "Because of **Rayleigh**.",
        "and red?",
    ]


async def test_files_become_part_of_the_conversation(rig: BotRig) -> None:
    anna = rig.telegram.person("Anna")
    await anna.send_document(pdf("The code is 7391"), name="a.pdf", caption="What is the code?")
    await anna.chat.wait(lambda shown: shown.text == "An answer.")
    await anna.send("Are you sure?")
    await until(lambda: len(rig.assistant.questions) == 2)

    assert "7391" in rig.assistant.questions[1].turns[0].text


async def test_pictures_are_not_kept(rig: BotRig) -> None:
    rig.assistant.served = (CHAT_MODEL, VISION_MODEL)
    anna = rig.telegram.person("Anna")
    await anna.send_photo(b"\xff\xd8\xff", caption="What is this?")
    offer = await anna.chat.answer()
    assert "Test Vision" in offer.text
    await anna.press(offer, "Test Vision")
    await anna.chat.wait(lambda shown: shown.text == "An answer.")

    [question] = rig.assistant.questions
    assert question.model == VISION_MODEL.name
    assert len(question.turns[-1].images) == 1
    turns = await rig.deps.history.turns(str(anna.id))
    assert turns[0].text == "[picture] What is this?"
    assert turns[0].images == ()


async def test_voice_notes(rig: BotRig) -> None:
    anna = rig.telegram.person("Anna")
    rig.assistant.served = (CHAT_MODEL, VOICE_MODEL)
    rig.assistant.transcripts.append("How far is the Moon?")
    await anna.send_voice(b"OggS")
    await anna.chat.wait(lambda shown: shown.text == "An answer.")
    assert rig.assistant.questions[-1].turns[-1].text == "How far is the Moon?"

    rig.assistant.transcripts.append(UnsupportedError("no transcription is served"))
    sent = await anna.send_voice(b"OggS")
    refusal = await anna.chat.answer(after=sent)
    assert refusal.text
    assert "transcription is served" not in refusal.text  # errors are put into words of ours
    assert len(anna.chat.answers) == 3  # what was heard, the answer, and the refusal


async def test_inline_answers_keep_their_question(rig: BotRig) -> None:
    anna = rig.telegram.person("Anna")
    sent = await anna.choose(await anna.inline("why?"))
    await until(lambda: "An answer." in sent.text)

    assert sent.text.startswith("why?")
    [question] = rig.assistant.questions
    assert question.reference.startswith("inline:ask.")
    assert await rig.deps.history.count(str(anna.id)) == 0


async def test_a_guest_in_a_group_of_strangers(rig: BotRig) -> None:
    anna = rig.telegram.person("Anna")
    group = rig.telegram.group("Team", people=[anna])
    await group.remove_bot(anna)
    await anna.send(f"{NAME} why?", chat=group)
    await group.wait(lambda shown: "An answer." in shown.text)

    [question] = rig.assistant.questions
    assert (question.user, question.turns[-1].text) == (anna.id, "why?")


async def test_a_hundred_forwarded_messages(rig: BotRig) -> None:
    """As many as apps forward at once: one offer, and nobody is asked for patience."""
    anna = rig.telegram.person("Anna")
    group = rig.telegram.group("Team", people=[anna])
    said = [await anna.send(f"message {number}", chat=group) for number in range(100)]
    await anna.forward(said)
    offer = await anna.chat.answer()
    await anna.press(offer, "Summarize")
    await anna.chat.wait(lambda shown: shown.text == "An answer.")

    assert "Forwarded messages: 100." in offer.text
    assert len(anna.chat.answers) == 2
    assert "Anna: message 99" in rig.assistant.questions[0].turns[-1].text


async def test_every_language_says_it(rig: BotRig) -> None:
    for language, words in (("ru", "не прочитать"), ("id", "tidak dapat membaca berkas")):
        person = rig.telegram.person("Anna", language=language)
        await person.send_document(b"PK\x03\x04\0\0", name="a.zip")
        assert words in (await person.chat.answer()).text


async def test_the_menu_still_gets_its_replies(rig: BotRig) -> None:
    """A system prompt is sent as a reply to the bot: it is no question about that message."""
    anna = rig.telegram.person("Anna")
    await anna.send_document(b"x", name="a.txt")
    offer = await anna.chat.answer()
    await anna.send("just words", reply_to=offer)
    await until(lambda: rig.assistant.questions)

    assert [turn.text for turn in rig.assistant.questions[0].turns] == ["just words"]


async def test_a_channel_post_in_a_discussion_group(rig: BotRig) -> None:
    anna = rig.telegram.person("Anna")
    group = rig.telegram.group("Team", people=[anna])
    chat = group.state.json()
    channel = {"id": -5, "type": "channel", "title": "News"}
    await rig.feed(
        {
            "update_id": 1,
            "message": {
                "message_id": 50,
                "date": 1,
                "chat": chat,
                "from": {"id": 777000, "is_bot": False, "first_name": "Telegram"},
                "sender_chat": channel,
                "is_automatic_forward": True,
                "text": f"{NAME} look",
                "entities": [{"type": "mention", "offset": 0, "length": len(NAME)}],
            },
        }
    )

    assert group.answers == []
    assert rig.assistant.questions == []


async def test_a_button_that_was_pressed_long_ago(rig: BotRig) -> None:
    """After a restart Telegram takes no answer to the press; what was asked for is still done."""
    anna = rig.telegram.person("Anna")
    await anna.send_document(b"The cat is red.", name="a.txt")
    offer = await anna.chat.answer()
    old = "query is too old and response timeout expired or query ID is invalid"
    rig.telegram.fail("answerCallbackQuery", bad_request(old))
    with pytest.raises(TimeoutError):
        await anna.press(offer, "Summarize", timeout=0.5)

    await anna.chat.wait(lambda shown: shown.text == "An answer.")
