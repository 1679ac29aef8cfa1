"""What people say with the messages that they forward, through real aiogram and the stand-in."""

import asyncio
from pathlib import Path

import pytest

from cocoon.telegram.bot import forwards
from cocoon.testing.bot_rig import BotRig, bot_rig, until

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwards, "SILENCE", 1.0)


async def forwarded_with(rig: BotRig, comment: str, pause: float = 0.0) -> None:
    person = rig.telegram.person("Alice")
    group = rig.telegram.group("Team", people=[person])
    said = [await person.send(text, chat=group) for text in ("At six?", "At seven")]
    await person.send(comment)
    await until(lambda: rig.assistant.questions)
    await asyncio.sleep(pause)
    await person.forward(said)
    await until(lambda: person.chat.answers)


async def test_a_comment_is_the_question_about_what_is_forwarded(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        rig.assistant.say("never", gate=asyncio.Semaphore(0))
        rig.assistant.say("At seven.")
        await forwarded_with(rig, "When do we meet?")
        person = rig.telegram.person("Bob")
        await until(lambda: len(rig.assistant.questions) == 2)
        asked = rig.assistant.questions[-1]
        assert asked.turns[-1].text.startswith("When do we meet?")
        assert "Alice: At six?\nAlice: At seven" in asked.turns[-1].text
        assert [turn.role for turn in asked.turns] == ["user"]
        assert rig.assistant.stopped == [rig.assistant.questions[0].reference]
        assert person.chat.answers == []


async def test_nothing_else_is_said(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        group = rig.telegram.group("Team", people=[person])
        said = await person.send("At seven", chat=group)
        rig.assistant.say("never", gate=asyncio.Semaphore(0))
        rig.assistant.say("At seven.")
        await person.send("When do we meet?")
        await until(lambda: rig.assistant.questions)
        await person.forward([said])
        await until(lambda: person.chat.answers)
        await person.send("Thanks")
        await until(lambda: len(person.chat.answers) == 2)
        assert [each.text for each in person.chat.answers] == ["At seven.", "An answer."]


async def test_an_answered_question_is_no_comment(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        group = rig.telegram.group("Team", people=[person])
        said = await person.send("At seven", chat=group)
        await person.send("When do we meet?")
        await until(lambda: person.chat.answers)
        await person.forward([said])
        await until(lambda: len(person.chat.answers) == 2)
        assert "What shall I do" in person.chat.answers[-1].text
        assert rig.assistant.stopped == []


async def test_an_older_question_is_no_comment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwards, "SILENCE", 0.1)
    async with bot_rig(tmp_path) as rig:
        gate = asyncio.Semaphore(0)
        rig.assistant.say("Because.", gate=gate)
        await forwarded_with(rig, "Why?", pause=0.4)
        assert rig.assistant.stopped == []
        gate.release()
