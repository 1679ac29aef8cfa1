"""Albums in groups, through real aiogram and the stand-in."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.devnet.telegram import StandInTelegram
from cocoon.telegram.bot import documents, media
from cocoon.testing.bot_rig import BotRig, bot_rig, until
from cocoon.testing.scripted_assistant import VISION_MODEL
from cocoon.testing.telegram import GENEROUS

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "ALBUM_SILENCE", 0.3)
    monkeypatch.setattr(documents, "ALBUM_SILENCE", 0.3)


def nosy() -> StandInTelegram:
    return StandInTelegram(rates=GENEROUS, privacy_mode=False)


def of_album(rig: BotRig, name: str) -> None:
    rig.telegram.world.updates.waiting[-1]["message"]["media_group_id"] = name


async def test_all_pictures_of_an_album_go_with_its_caption(tmp_path: Path) -> None:
    async with bot_rig(tmp_path, make=nosy) as rig:
        rig.assistant.served = (replace(VISION_MODEL, endpoints=frozenset({"chat"})),)
        anna = rig.telegram.person("Anna")
        group = rig.telegram.group("Team", people=[anna])
        await anna.send_photo(b"\xff\xd8\xff\x09", chat=group)  # nobody asked about this one
        of_album(rig, "other")
        for number in range(3):
            caption = f"@{rig.deps.me.username} what differs?" if number == 0 else ""
            await anna.send_photo(b"\xff\xd8\xff" + bytes([number]), caption=caption, chat=group)
            of_album(rig, "one")
        await until(lambda: group.answers)
        [question] = rig.assistant.questions
        assert question.turns[-1].text == "what differs?"
        sent = [base64.b64decode(each.partition(",")[2])[-1] for each in question.turns[-1].images]
        assert sent == [0, 1, 2]


async def test_all_files_of_an_album_go_with_its_caption(tmp_path: Path) -> None:
    async with bot_rig(tmp_path, make=nosy) as rig:
        anna = rig.telegram.person("Anna")
        group = rig.telegram.group("Team", people=[anna])
        for name in ("a.txt", "b.txt"):
            caption = f"@{rig.deps.me.username} what differs?" if name == "a.txt" else ""
            await anna.send_document(f"in {name}".encode(), name=name, caption=caption, chat=group)
            of_album(rig, "one")
        await until(lambda: group.answers)
        [question] = rig.assistant.questions
        assert "in a.txt" in question.turns[-1].text
        assert "in b.txt" in question.turns[-1].text
