import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.devnet.telegram.views import ChatView
from cocoon.errors import UnavailableError
from cocoon.testing.bot_rig import bot_rig, until
from cocoon.testing.scripted_assistant import CHAT_MODEL

pytestmark = pytest.mark.anyio


def texts(chat: ChatView) -> list[str]:
    return [message.text for message in chat.answers]


async def test_a_question_is_streamed_answered_and_remembered(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.start()
        await until(lambda: texts(person.chat))
        assert "Hi, I am Cocoon." in texts(person.chat)[0]
        assert "0.05 TON a day for free" in texts(person.chat)[0]
        assert "simulated" not in texts(person.chat)[0]
        gate = asyncio.Semaphore(0)
        rig.assistant.say("Because ", "**blue** light scatters.", gate=gate)
        asked = await person.send("Why is the sky blue?")
        gate.release()
        draft = await until(lambda: person.chat.draft)
        gate.release()
        await until(lambda: len(texts(person.chat)) == 2)
        assert texts(person.chat)[1] == "Because blue light scatters."
        assert rig.assistant.questions[0].reference == f"chat:{person.id}:{asked.id}"
        assert draft is not None
        await person.send("And red?")
        await until(lambda: len(texts(person.chat)) == 3)
        said = [(turn.role, turn.text) for turn in rig.assistant.questions[1].turns]
        assert said == [
            ("user", "Why is the sky blue?"),
            ("assistant", "Because **blue** light scatters."),
            ("user", "And red?"),
        ]


async def test_what_failed_can_be_asked_again_once(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        rig.assistant.fail(UnavailableError("no"))
        await person.send("Hello")
        await until(lambda: texts(person.chat))
        failed = person.chat.answers[0]
        assert "cannot reach the network" in failed.text
        rig.assistant.say("Hello yourself.")
        await person.press(failed, "Try again")
        await until(lambda: len(texts(person.chat)) == 2)
        assert texts(person.chat)[1] == "Hello yourself."
        assert rig.assistant.questions[1].reference.endswith(":again1")


async def test_who_greets_on_pretended_hardware_says_so(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        rig.assistant.served = (replace(CHAT_MODEL, evidence=frozenset({"tdx-simulated"})),)
        await person.start()
        await until(lambda: texts(person.chat))
        assert "The hardware is simulated." in texts(person.chat)[0]
        rig.assistant.served = UnavailableError("nobody there")
        await person.send("/start")
        await until(lambda: len(texts(person.chat)) == 2)
        assert "simulated" not in texts(person.chat)[1]
