"""In groups: people whom Telegram does not name, and presses of buttons that no message has."""

from pathlib import Path
from typing import Any

import pytest

from cocoon.devnet.telegram.people import Person
from cocoon.devnet.telegram.views import Shown
from cocoon.telegram.bot.addressed import ANONYMOUS_ADMIN, FOR_A_CHANNEL, SERVICE_CHAT
from cocoon.testing.bot_rig import BotRig, bot_rig, until

pytestmark = pytest.mark.anyio
NAME = "@cocoon_stand_in_bot"


async def forge(rig: BotRig, person: Person, message: Shown, data: str) -> None:
    """What a changed app can do: send any data below any message."""
    query: dict[str, Any] = {"id": "1", "chat_instance": "1", "data": data}
    query |= {"from": person.account.user(), "message": dict(message.raw)}
    await rig.feed({"update_id": 1, "callback_query": query})


@pytest.mark.parametrize("data", ["m:close", "m:model", "p", "p:details", "more", "again:x"])
async def test_buttons_that_a_message_does_not_have(tmp_path: Path, data: str) -> None:
    async with bot_rig(tmp_path) as rig:
        alice, mallory = rig.telegram.person("Alice"), rig.telegram.person("Mallory")
        group = rig.telegram.group("Friends", people=[alice, mallory])
        await alice.send(f"{NAME} hello", chat=group)
        await until(lambda: group.answers and not group.answers[-1].buttons)
        answer = group.answers[-1]
        before = [(shown.id, shown.text) for shown in group.messages]
        await forge(rig, mallory, answer, data)
        assert [(shown.id, shown.text) for shown in group.messages] == before
        assert len(rig.assistant.questions) == 1


@pytest.mark.parametrize("sender", [ANONYMOUS_ADMIN, FOR_A_CHANNEL])
@pytest.mark.parametrize("command", ["/ask", "/translate", "/summarize"])
async def test_nobody_pays_for_people_without_a_name(
    tmp_path: Path, sender: int, command: str
) -> None:
    async with bot_rig(tmp_path) as rig:
        alice = rig.telegram.person("Alice")
        group = rig.telegram.group("Friends", people=[alice])
        said = await alice.send(f"{command}{NAME} hello", chat=group)
        await until(lambda: rig.assistant.questions)
        account = {"id": sender, "is_bot": True, "first_name": "Group"}
        message = {**said.raw, "message_id": 900, "from": account, "sender_chat": said.raw["chat"]}
        await rig.feed({"update_id": 1, "message": message})
        assert "as yourself" in group.answers[-1].text
        assert [question.user for question in rig.assistant.questions] == [alice.id]


async def test_posts_of_a_channel_are_no_commands(tmp_path: Path) -> None:
    async with bot_rig(tmp_path) as rig:
        alice = rig.telegram.person("Alice")
        group = rig.telegram.group("Friends", people=[alice])
        said = await alice.send("lunch?", chat=group)
        telegram = {"id": SERVICE_CHAT, "is_bot": False, "first_name": "Telegram"}
        for number, text in enumerate(("/ask hello", "/new", "/settings")):
            post = {**said.raw, "message_id": 900 + number, "from": telegram, "text": text}
            entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
            post |= {"is_automatic_forward": True, "entities": [entity]}
            await rig.feed({"update_id": number, "message": post})
        assert not group.answers
        assert not rig.assistant.questions
