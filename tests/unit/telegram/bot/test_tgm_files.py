"""Files in private chats, through real aiogram and the stand-in."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.devnet.telegram import bad_request
from cocoon.telegram.settings import Limits
from cocoon.testing.bot_extras import ExtrasBot, extras_bot, model
from cocoon.testing.sent_files import pdf

pytestmark = pytest.mark.anyio
JPEG = b"\xff\xd8\xff\xe0" + b"picture"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[ExtrasBot]:
    async with extras_bot(tmp_path) as running:
        yield running
        assert running.errors == []


async def test_a_question_about_a_document(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    await anna.send_document(pdf("The code is 7391"), name="notes.pdf", caption="What is the code?")
    answer = await anna.chat.answer()

    assert answer.text == "42"
    [asked] = bot.asked
    assert asked.startswith('What is the code?\n\nThe file "notes.pdf"')
    assert "The code is 7391" in asked


async def test_a_document_without_a_question(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna", language="en")
    sent = await anna.send_document(b"a,b\n1,2\n", name="table.csv", content_type="text/csv")
    offer = await anna.chat.answer()

    assert "table.csv: 7 characters" in offer.text
    assert [button.text for button in offer.buttons] == ["Summarize", "Translate", "Ask"]
    assert bot.asked == []  # nothing is charged before somebody chooses

    await anna.press(offer, "Summarize")
    await anna.chat.answer(after=offer)
    assert bot.asked[0].startswith("Summarize the text between the marks in English.")
    assert "a,b\n1,2" in bot.asked[0]

    await anna.press(offer, "Translate")
    await bot.idle()
    references = [ask.reference for ask in bot.recorder.asks]
    assert len(set(references)) == 2
    assert all(each.startswith(f"chat:{anna.id}:{sent.id}:") for each in references)


async def test_asking_later_about_a_document(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    await anna.send_document(b"The cat is red.", name="cat_*.txt")
    offer = await anna.chat.answer()
    await anna.press(offer, "Ask")
    ready = await anna.chat.answer(after=offer)

    assert "I have read cat_*.txt." in ready.text
    assert bot.asked == []
    turns = await bot.deps.history.turns(str(anna.id))
    assert [turn.role for turn in turns] == ["user", "assistant"]
    assert "The cat is red." in turns[0].text


async def test_a_question_that_replies_to_a_document(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    sent = await anna.send_document(b"The dog is blue.", name="dog.txt")
    await anna.chat.answer()
    await anna.send("Which colour?", reply_to=sent)
    await bot.idle()

    [asked] = bot.asked
    assert asked.startswith("Which colour?")
    assert "The dog is blue." in asked


async def test_long_documents_are_read_in_part(tmp_path: Path) -> None:
    async with extras_bot(tmp_path, limits=Limits(prompt_chars=4000)) as bot:
        anna = bot.telegram.person("Anna")
        await anna.send_document(b"word " * 5000, name="long.txt", caption="What is it?")
        note = await anna.chat.answer()
        await bot.idle()

        assert "only its first" in note.text
        assert len(bot.asked[0]) < 4000


async def test_small_models_get_less_to_read(bot: ExtrasBot) -> None:
    bot.models.served = (replace(model("small"), context=3072),)
    anna = bot.telegram.person("Anna")
    await anna.send_document(b"word " * 5000, name="long.txt", caption="What is it?")
    await bot.idle()

    assert len(bot.asked[0]) < (3072 - 1024) * 2


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"PK\x03\x04\0\0\0\0" * 50, "a.docx", "I read PDF and plain text"),
        (b"%PDF-1.4 nothing", "a.pdf", "damaged"),
        (b" \n", "a.txt", "no text"),
    ],
)
async def test_documents_that_cannot_be_read(
    bot: ExtrasBot, data: bytes, name: str, words: str
) -> None:
    anna = bot.telegram.person("Anna")
    await anna.send_document(data, name=name, caption="What is it?")

    assert words in (await anna.chat.answer()).text
    assert bot.asked == []


async def test_large_files_are_not_fetched(tmp_path: Path) -> None:
    async with extras_bot(tmp_path, limits=Limits(file_bytes=2**20)) as bot:
        anna = bot.telegram.person("Anna")
        await anna.send_document(b"x" * (2**20 + 1), name="big.txt", caption="?")

        assert "up to 1 MB" in (await anna.chat.answer()).text
        assert bot.telegram.calls["getFile"] == 0


async def test_files_that_telegram_does_not_give(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    bot.telegram.fail("getFile", bad_request("file is too big"))
    await anna.send_document(b"x", name="a.txt", caption="?")
    assert "too large" in (await anna.chat.answer()).text

    bot.telegram.fail("getFile", bad_request("wrong file_id"))
    await anna.send_document(b"x", name="a.txt", caption="?")
    await bot.idle()
    assert bot.errors == ["UnavailableError"]  # the bot's own middleware says it
    bot.errors.clear()


async def test_a_picture_for_a_model_that_looks(bot: ExtrasBot) -> None:
    bot.models.served = (model("eyes", "text", "image"), model("plain"))
    anna = bot.telegram.person("Anna")
    await anna.send_photo(JPEG, caption="What is this?")
    await anna.chat.answer()

    [ask] = bot.recorder.asks
    assert ask.turn.text == "What is this?"
    [image] = ask.turn.images
    head, _, data = image.partition(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(data) == JPEG
    assert ask.remembered is not None
    assert ask.remembered.images == ()


async def test_a_picture_without_a_question(bot: ExtrasBot) -> None:
    bot.models.served = (model("eyes", "text", "image"),)
    anna = bot.telegram.person("Anna")
    await anna.send_document(JPEG, name="scan.jpg", content_type="image/jpeg")
    await anna.chat.answer()

    assert bot.asked == ["Describe this picture."]


async def test_a_picture_for_a_model_that_only_reads(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    await anna.send_photo(JPEG)
    assert "no model that can is served" in (await anna.chat.answer()).text

    bot.models.served = (model("plain"), model("eyes_x", "text", "image"))
    await anna.send_photo(JPEG, caption="Who?")
    offer = await anna.chat.answer()
    assert "These models can: Eyes_X." in offer.text
    assert bot.asked == []

    await anna.press(offer, "Ask Eyes_X")
    await anna.chat.answer(after=offer)
    [ask] = bot.recorder.asks
    assert (ask.turn.text, ask.model, len(ask.turn.images)) == ("Who?", "eyes_x", 1)


async def test_what_only_claims_to_be_a_picture(bot: ExtrasBot) -> None:
    bot.models.served = (model("eyes", "text", "image"),)
    anna = bot.telegram.person("Anna")
    await anna.send_document(b"MZ\x90\0", name="x.png", content_type="image/png")

    assert "JPEG, PNG" in (await anna.chat.answer()).text
    assert bot.asked == []


async def test_a_voice_note_is_answered_like_text(bot: ExtrasBot) -> None:
    bot.recorder.transcript = "How old is *the* Moon?"
    anna = bot.telegram.person("Anna")
    sent = await anna.send_voice(b"OggS", duration=3)
    heard = await anna.chat.answer()
    answer = await anna.chat.answer(after=heard)

    assert "How old is *the* Moon?" in heard.text
    assert answer.text == "42"
    assert bot.asked == ["How old is *the* Moon?"]
    reference = f"chat:{anna.id}:{sent.id}"
    assert bot.recorder.recordings == [(f"{reference}:transcript", "voice.ogg", b"OggS")]
    assert bot.recorder.asks[0].reference == reference


async def test_recordings_that_are_not_answered(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    await anna.send_voice(b"OggS", duration=3600)
    assert "up to 20 minutes" in (await anna.chat.answer()).text

    bot.recorder.transcript = "  "
    await anna.send_voice(b"OggS")
    assert "no words" in (await anna.chat.answer()).text

    bot.recorder.transcript = None  # why was said by Answering
    await anna.send_voice(b"OggS")
    await bot.idle()
    assert bot.asked == []

    bot.models.served = (model("plain"),)
    heard = len(bot.recorder.recordings)
    await anna.send_voice(b"OggS")
    assert "writes down recordings" in (await anna.chat.answer()).text
    assert len(bot.recorder.recordings) == heard


async def test_an_audio_file_with_a_question(bot: ExtrasBot) -> None:
    bot.recorder.transcript = "the roof leaks"
    anna = bot.telegram.person("Anna")
    await anna.send_document(
        b"ID3", name="call.MP3", content_type="audio/mpeg", caption="What broke?"
    )
    await bot.idle()

    assert bot.recorder.recordings[0][1:] == ("audio.mp3", b"ID3")
    assert bot.asked[0].startswith("What broke?\n\nA recording")
