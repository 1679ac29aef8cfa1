from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.accounting import Nano
from cocoon.devnet.telegram.people import Person
from cocoon.devnet.telegram.pressing import CallbackAnswer
from cocoon.devnet.telegram.views import ChatView, Shown
from cocoon.errors import UnavailableError
from cocoon.testing.bot_rig import bot_rig, until
from cocoon.testing.scripted_assistant import CHAT_MODEL, VISION_MODEL

pytestmark = pytest.mark.anyio


async def said(chat: ChatView, count: int) -> Shown:
    await until(lambda: len(chat.answers) >= count)
    return chat.answers[count - 1]


async def shows(menu: Shown, text: str) -> None:
    await until(lambda: text in menu.text)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]


def _has(menu: Shown, which: str) -> bool:
    return any(which == each.data or which in each.text for each in menu.buttons)


async def press(person: Person, menu: Shown, which: str) -> CallbackAnswer:
    await until(lambda: _has(menu, which))
    return await person.press(menu, which)


async def test_a_model_is_chosen_in_the_menu(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        rig.assistant.served = (CHAT_MODEL, replace(VISION_MODEL, price=Nano(123_456_789)))
        person = rig.telegram.person("Alice")
        await person.send("/settings")
        menu = await said(person.chat, 1)
        await shows(menu, "Model: Test Chat")
        await shows(menu, "Price class: Standard")
        await shows(menu, "0 of 40 messages remembered")
        await press(person, menu, "m:model")
        await shows(menu, "Test Vision: from 0.124 TON · looks at pictures")
        await press(person, menu, "Test Vision")
        await shows(menu, "Model: Test Vision")
        await press(person, menu, "m:price")
        await shows(menu, "up to 2 times the base price")
        assert "at most the base price" in menu.text
        await press(person, menu, "Economy")
        await shows(menu, "Price class: Economy")
        await person.send("Hello")
        await said(person.chat, 2)
        question = rig.assistant.questions[0]
        assert question.model == "test/vision"
        assert question.max_coefficient == 1000
        await press(person, menu, "m:price")
        await press(person, menu, "Any")
        await person.send("Hello again")
        await said(person.chat, 3)
        assert rig.assistant.questions[1].max_coefficient == 1500


async def test_the_language_is_chosen_and_kept(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Budi", language="id")
        await person.send("/settings")
        menu = await said(person.chat, 1)
        await shows(menu, "Pengaturan chat ini")
        await press(person, menu, "m:language")
        await press(person, menu, "Русский")
        await shows(menu, "Настройки этого чата")
        await person.send("/balance")
        assert "вас 0.05 TON" in (await said(person.chat, 2)).text


async def test_instructions_are_written_followed_and_removed(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.send("/settings")
        menu = await said(person.chat, 1)
        await press(person, menu, "m:prompt")
        await shows(menu, "No instructions yet")
        await press(person, menu, "Write instructions")
        ask = await said(person.chat, 2)
        await person.send("Speak like a *pirate*.", reply_to=ask)
        assert "Done" in (await said(person.chat, 3)).text
        await person.send("Hello")
        await said(person.chat, 4)
        assert rig.assistant.questions[0].system == "Speak like a *pirate*."
        await press(person, menu, "Back")
        await press(person, menu, "m:prompt")
        await shows(menu, "Speak like a *pirate*.")
        await press(person, menu, "Remove")
        await person.send("/prompt Be brief.")
        await said(person.chat, 5)
        await person.send("Hello")
        await said(person.chat, 6)
        assert rig.assistant.questions[1].system == "Be brief."
        await person.send("/prompt " + "x" * 4001)
        assert "At most 4000" in (await said(person.chat, 7)).text
    assert all(b"pirate" not in path.read_bytes() for path in files(tmp_path))


async def test_new_forgets_and_shows_the_limit(tmp_path: Path) -> None:
    def small(settings):
        return replace(settings, limits=replace(settings.limits, history_turns=4))

    async with bot_rig(tmp_path, small) as rig:
        person = rig.telegram.person("Alice")
        await person.send("One")
        await said(person.chat, 1)
        await person.send("Two")
        assert "I now remember 4 of 4 messages" in (await said(person.chat, 2)).text
        await person.send("Three")
        assert "remember" not in (await said(person.chat, 3)).text
        await person.send("/settings")
        menu = await said(person.chat, 4)
        await shows(menu, "4 of 4 messages remembered")
        await press(person, menu, "New conversation (4 of 4 remembered)")
        assert "forgotten 4 messages and remember 0 of 4" in (await said(person.chat, 5)).text
        await person.send("Four")
        await said(person.chat, 6)
        assert [turn.text for turn in rig.assistant.questions[-1].turns] == ["Four"]
        await person.send("/new")
        await person.send("/new")
        assert "remember 0 of 4 messages" in (await said(person.chat, 8)).text


async def test_a_menu_without_a_network_and_old_buttons(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        person = rig.telegram.person("Alice")
        await person.send("/model")
        menu = await said(person.chat, 1)
        rig.assistant.served = ()
        answer = await press(person, menu, "Test Chat")
        assert "out of date" in answer.text
        rig.assistant.served = UnavailableError("no")
        await press(person, menu, "Back")
        await shows(menu, "Model: whichever is served")
        await press(person, menu, "m:model")
        assert "cannot reach the network" in (await said(person.chat, 2)).text
        await press(person, menu, "Close")
        await until(lambda: menu.id not in [each.id for each in person.chat.messages])


async def test_in_groups_administrators_decide(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        alice, bob = rig.telegram.person("Alice"), rig.telegram.person("Bob")
        group = rig.telegram.group("Friends", people=[alice, bob])
        await bob.send(f"/settings@{rig.deps.me.username}", chat=group)
        menu = await said(group, 1)
        answer = await press(bob, menu, "m:new")
        assert answer.alert
        assert "Only its administrators" in answer.text
