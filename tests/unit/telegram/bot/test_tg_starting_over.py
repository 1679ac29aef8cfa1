"""Who may have a group's conversation forgotten."""

from pathlib import Path

import pytest

from cocoon.telegram.assistant.values import Turn
from cocoon.testing.bot_rig import bot_rig, until

pytestmark = pytest.mark.anyio


async def test_in_groups_new_is_for_administrators_and_who_has_asked(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        owner, asker, guest = (rig.telegram.person(name) for name in ("Ann", "Bob", "Cid"))
        group = rig.telegram.group("Team", people=[owner, asker, guest])
        history, key = rig.deps.history, str(group.id)
        await rig.deps.accounts.save_facts("chat:1:1", asker.id, key, 1_800_000_000, "{}")

        for number, (person, is_forgotten) in enumerate(
            ((guest, False), (asker, True), (owner, True)), 1
        ):
            await history.add(key, Turn("user", "Why?"), Turn("assistant", "Because."))
            await person.send(f"/new@{rig.deps.me.username}", chat=group)
            await until(lambda count=number: len(group.answers) == count)
            assert (await history.count(key) == 0) is is_forgotten
        assert "belongs to the group" in group.answers[0].text


async def test_the_button_of_the_settings_keeps_to_it(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        owner, guest = rig.telegram.person("Ann"), rig.telegram.person("Cid")
        group = rig.telegram.group("Team", people=[owner, guest])
        history, key = rig.deps.history, str(group.id)
        await history.add(key, Turn("user", "Why?"), Turn("assistant", "Because."))
        await guest.send(f"/settings@{rig.deps.me.username}", chat=group)
        await until(lambda: group.answers)

        told = await guest.press(group.answers[0], "m:new")
        assert "belongs to the group" in told.text
        assert await history.count(key) == 2
        await owner.press(group.answers[0], "m:new")
        await until(lambda: len(group.answers) == 2)
        assert await history.count(key) == 0
