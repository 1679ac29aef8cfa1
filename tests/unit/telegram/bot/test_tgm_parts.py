"""Long texts that apps send as several messages, through real aiogram and the stand-in."""

from pathlib import Path

import pytest

from cocoon.telegram.bot import parts
from cocoon.testing.bot_rig import bot_rig, until

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SILENCE", 0.3)


async def test_a_long_text_is_one_question(tmp_path: Path) -> None:
    text = "".join(f"{number:04} " for number in range(4500))  # six messages; three may wait
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.send(text.strip())
        await until(lambda: person.chat.answers)
        [question] = rig.assistant.questions
        said = question.turns[-1].text
        assert said == text.strip()[: len(said)]
        assert len(said) > 16_000
        assert len(person.chat.answers) == 1

        await person.send("short")  # is not held up, and is one of its own
        await until(lambda: len(rig.assistant.questions) == 2)
        assert rig.assistant.questions[1].turns[-1].text == "short"


async def test_a_task_with_a_long_text(tmp_path: Path) -> None:
    text = "/translate to German " + "".join(f"{number:04} " for number in range(1000))
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.send(text)
        await until(lambda: person.chat.answers)
        [question] = rig.assistant.questions
        assert "0000 " in question.turns[-1].text
        assert "0999" in question.turns[-1].text


async def test_a_command_right_behind_a_long_text_is_a_command(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.send("word " * 800)
        await person.send("/help")
        await until(lambda: len(person.chat.answers) == 2)
        [question] = rig.assistant.questions
        assert "/help" not in question.turns[-1].text
