"""Inline mode and guest chats, through real aiogram and the stand-in."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cocoon.telegram.bot import inline
from cocoon.telegram.bot.inline import Asked, Pending
from cocoon.testing.bot_extras import ExtrasBot, extras_bot

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[ExtrasBot]:
    async with extras_bot(tmp_path) as running:
        yield running
        assert running.errors == []


async def test_a_question_in_any_chat(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    offered = await anna.inline("why is *grass* green")

    assert [result["title"] for result in offered.results] == ["Ask", "Translate", "Summarize"]
    assert all(result["description"] == offered.query for result in offered.results)
    assert bot.asked == []  # typing costs nothing

    sent = await anna.choose(offered)
    await bot.idle()
    assert bot.asked == ["why is *grass* green"]
    assert sent.text == "why is *grass* green\n\n42"  # the question stays above the answer
    [ask] = bot.recorder.asks
    assert ask.reference == f"inline:{offered.results[0]['id']}"
    assert (ask.here.user, ask.here.where.inline) == (anna.id, sent.inline_message_id)
    assert not (ask.has_history)
    assert not (ask.is_remembered)


async def test_a_task_in_any_chat(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna", language="en")
    offered = await anna.inline("Guten Morgen")
    await anna.choose(offered, 1)
    await bot.idle()

    assert bot.asked[0].startswith("Translate the text")


async def test_nothing_typed_yet(bot: ExtrasBot) -> None:
    anna = bot.telegram.person("Anna")
    offered = await anna.inline("  ")

    assert offered.results == []
    assert offered.button is not None
    assert offered.button["start_parameter"] == "inline"


async def test_telegram_does_not_tell_of_choices(
    bot: ExtrasBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner did not switch feedback on: the button begins, once, and only for who asked."""
    monkeypatch.setattr(inline, "told", lambda result: None)
    anna, boris = bot.telegram.person("Anna"), bot.telegram.person("Boris")
    pending: dict[str, Any] = {}
    real = Pending.take

    def take(self: Pending, name: str, user: int) -> Asked | None:
        if not pending.get("choice"):
            pending["choice"] = True  # the update of the choice, which is lost here
            return None
        return real(self, name, user)

    monkeypatch.setattr(Pending, "take", take)
    offered = await anna.inline("hello")
    group = bot.telegram.group("Team", people=[anna, boris])
    sent = await anna.choose(offered, chat=group)
    await bot.idle()
    assert bot.asked == []

    button = sent.buttons[0]
    assert "Only who asked" in (await boris.press(sent, button)).text
    assert bot.asked == []
    await anna.press(sent, button)
    await bot.idle()
    assert bot.asked == ["hello"]
    assert "Only who asked" in (await anna.press(sent, button)).text
    assert len(bot.asked) == 1


async def test_as_a_guest(bot: ExtrasBot) -> None:
    """Somebody names the bot in a chat that it is not in (Bot API 10.0)."""
    anna, boris = bot.telegram.person("Anna"), bot.telegram.person("Boris")
    group = bot.telegram.group("Team", people=[anna, boris])
    await group.remove_bot(anna)
    said = await boris.send("The Moon is cheese", chat=group)
    name = f"@{bot.deps.me.username}"
    await anna.send(f"{name} is it true?", chat=group, reply_to=said)
    answer = await group.wait(lambda shown: shown.text == "42")

    [ask] = bot.recorder.asks
    assert ask.turn.text.startswith("is it true?")
    assert "The Moon is cheese" in ask.turn.text
    assert ask.reference.startswith("inline:guest:")
    assert (ask.here.user, ask.here.chat) == (anna.id, str(anna.id))
    assert ask.here.where.inline == answer.inline_message_id
    assert not ask.is_remembered


def test_what_is_offered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "MAX_KEPT_OF_ONE", 3)
    monkeypatch.setattr(inline, "MAX_PEOPLE", 2)
    pending = Pending()
    first = [pending.put(Asked(1, "ask", str(number))) for number in range(5)]

    assert [pending.take(name, 1) is not None for name in first] == [False, False, True, True, True]
    kept = pending.put(Asked(1, "ask", "x"))
    for user in (2, 3):
        pending.put(Asked(user, "ask", "x"))
    assert pending.take(kept, 1) is None
    assert "x" not in repr(Asked(1, "ask", "x"))
    assert all(len(name.encode()) <= 32 for name in first)
