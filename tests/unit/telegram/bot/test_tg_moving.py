"""A group that becomes a supergroup."""

from pathlib import Path
from typing import Any

import pytest

from cocoon.telegram.assistant.values import Turn
from cocoon.testing.bot_rig import bot_rig

pytestmark = pytest.mark.anyio
OLD, NEW = -4001, -1001234567890


def news(number: int, chat: int, kind: str, **which: int) -> dict[str, Any]:
    sender = {"id": 7, "is_bot": False, "first_name": "Anna"}
    where = {"id": chat, "type": kind, "title": "Team"}
    message = {"message_id": number, "date": 1_800_000_000, "chat": where, "from": sender}
    return {"update_id": 900_000 + number, "message": message | which}


@pytest.mark.parametrize("first", ["old", "new"])
async def test_what_is_remembered_and_chosen_goes_along(tmp_path: Path, first: str) -> None:
    async with bot_rig(tmp_path) as rig:
        history, chats = rig.deps.history, rig.deps.chats
        await history.add(str(OLD), Turn("user", "Why?"), Turn("assistant", "Because."))
        await chats.change(str(OLD), model="m", prompt="Be brief.")
        await chats.get(str(NEW))  # is cached as nothing
        updates = [
            news(1, OLD, "group", migrate_to_chat_id=NEW),
            news(2, NEW, "supergroup", migrate_from_chat_id=OLD),
        ]
        for update in updates if first == "old" else reversed(updates):
            await rig.feed(update)
        assert [turn.text for turn in await history.turns(str(NEW))] == ["Why?", "Because."]
        assert await history.count(str(OLD)) == 0
        kept = await chats.get(str(NEW))
        assert (kept.model, kept.prompt) == ("m", "Be brief.")
        assert (await chats.get(str(OLD))).model == ""


async def test_what_was_said_and_chosen_since_stays(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        history, chats = rig.deps.history, rig.deps.chats
        await history.add(str(OLD), Turn("user", "first"))
        await history.add(str(NEW), Turn("user", "second"))
        await chats.change(str(OLD), model="old")
        await chats.change(str(NEW), model="new")
        await rig.feed(news(1, OLD, "group", migrate_to_chat_id=NEW))
        assert [turn.text for turn in await history.turns(str(NEW))] == ["first", "second"]
        assert (await chats.get(str(NEW))).model == "new"
