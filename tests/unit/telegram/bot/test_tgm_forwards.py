"""Forwarded conversations and albums, through real aiogram and the stand-in."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cocoon.devnet.telegram import Person, Shown
from cocoon.telegram.bot import documents, forwards, media
from cocoon.telegram.bot.forwards import Kept
from cocoon.telegram.bot.thread import Thread
from cocoon.testing.bot_extras import ExtrasBot, extras_bot, model

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ExtrasBot]:
    monkeypatch.setattr(forwards, "SILENCE", 0.3)
    monkeypatch.setattr(media, "ALBUM_SILENCE", 0.3)
    monkeypatch.setattr(documents, "ALBUM_SILENCE", 0.3)
    async with extras_bot(tmp_path) as running:
        yield running
        assert running.errors == []


async def conversation(bot: ExtrasBot, anna: Person) -> list[Shown]:
    boris = bot.telegram.person("Boris")
    group = bot.telegram.group("Team", people=[anna, boris])
    return [
        await anna.send("When do we meet?", chat=group),
        await boris.send("At six", chat=group),
        await anna.send("Fine", chat=group),
    ]


async def test_one_burst_is_one_conversation(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    await anna.forward(await conversation(bot, anna))
    offer = await anna.chat.answer()
    await bot.idle()

    assert offer.text == "Forwarded messages: 3. What shall I do with them?"
    assert len(anna.chat.answers) == 1
    assert bot.asked == []

    await anna.press(offer, "Summarize")
    await anna.chat.answer(after=offer)
    [asked] = bot.asked
    assert "Anna: When do we meet?\nBoris: At six\nAnna: Fine" in asked
    assert asked.startswith("Summarize")


async def test_asking_about_a_conversation(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna", language="en")
    await anna.forward(await conversation(bot, anna), hide_sender="Secret")
    offer = await anna.chat.answer()
    await anna.press(offer, "Ask")
    await anna.chat.answer(after=offer)

    assert bot.asked == []
    first, _ = await bot.deps.history.turns(str(anna.id))
    assert "Secret: At six" in first.text


async def test_pressing_twice_are_two_answers(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    await anna.forward(await conversation(bot, anna))
    offer = await anna.chat.answer()
    await anna.press(offer, "Translate")
    await anna.press(offer, "Summarize")
    await bot.idle()

    assert len({ask.reference for ask in bot.recorder.asks}) == 2


async def test_an_offer_from_before_a_restart(
    bot: ExtrasBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = bot.telegram.person("Anna")
    await anna.forward(await conversation(bot, anna))
    offer = await anna.chat.answer()
    monkeypatch.setattr(forwards, "KEEP_SECONDS", 0.0)
    answer = await anna.press(offer, "Summarize")

    assert "Forward them again" in answer.text
    assert bot.asked == []


async def test_a_forwarded_file_is_read(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    group = bot.telegram.group("Team", people=[anna])
    sent = await anna.send_document(b"The plan", name="plan.txt", caption="for all", chat=group)
    await anna.forward([sent])
    offer = await anna.chat.answer()

    assert "plan.txt" in offer.text
    assert bot.asked == []  # its caption was said to others


async def test_a_forwarded_voice_note_is_written_down(bot: ExtrasBot) -> None:
    bot.recorder.transcript = "I shall be late"
    anna = bot.telegram.person("Anna")
    group = bot.telegram.group("Team", people=[anna])
    await anna.forward([await anna.send_voice(b"OggS", chat=group)])
    heard = await anna.chat.answer()
    offer = await anna.chat.answer(after=heard)

    assert "I shall be late" in heard.text
    assert bot.asked == []
    await anna.press(offer, "Translate")
    await bot.idle()
    assert "I shall be late" in bot.asked[0]


async def test_an_album_is_one_question(bot: ExtrasBot) -> None:
    bot.models.served = (model("eyes", "text", "image"),)
    anna = bot.telegram.person("Anna")
    for number in range(3):
        caption = "What differs?" if number == 1 else ""
        shown = await anna.send_photo(b"\xff\xd8\xff" + bytes([number]), caption=caption)
        shown.raw["media_group_id"] = "album-1"
        bot.telegram.world.updates.waiting[-1]["message"]["media_group_id"] = "album-1"
        await asyncio.sleep(0.02)
    await bot.idle()

    [ask] = bot.recorder.asks
    assert ask.turn.text == "What differs?"
    assert len(ask.turn.images) == 3


async def files_at_once(bot: ExtrasBot, anna: Person, caption: str = "") -> None:
    album = f"album {caption}"
    for name in ("a.txt", "b.txt"):
        await anna.send_document(f"in {name}".encode(), name=name, caption=caption)
        bot.telegram.world.updates.waiting[-1]["message"]["media_group_id"] = album
        caption = ""
    await bot.idle()


async def test_several_files_at_once(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    await files_at_once(bot, anna, "What differs?")
    [asked] = bot.asked
    assert asked.startswith("What differs?")
    assert asked.index("in a.txt") < asked.index("in b.txt")

    await files_at_once(bot, anna)
    assert "I have read a.txt, b.txt." in anna.chat.answers[-1].text
    assert len(bot.asked) == 1


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    kept = Kept(lambda: now[0])
    monkeypatch.setattr(forwards, "MAX_KEPT", 3)
    monkeypatch.setattr(forwards, "MAX_KEPT_CHARS", 100)
    for number in range(5):
        kept.put(1, number, Thread("x" * 10, 1))
    assert kept.get(1, 1) is None
    assert kept.get(1, 4) is not None
    assert kept.get(2, 4) is None

    kept.put(1, 9, Thread("x" * 95, 1))
    assert kept.get(1, 4) is None
    now[0] = 4000.0
    assert kept.get(1, 9) is None
