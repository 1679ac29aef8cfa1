from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from cocoon.accounting import Nano
from cocoon.errors import StoreError
from cocoon.store import sqlite_url
from cocoon.telegram.accounts.store import Store
from cocoon.telegram.assistant.values import Turn
from cocoon.telegram.bot.amounts import ton
from cocoon.telegram.bot.chats import NO_PREFERENCES, Chats
from cocoon.telegram.bot.conversation import fitting, room_of
from cocoon.telegram.bot.history import DAY, History, shortened
from cocoon.telegram.bot.lanes import Lanes, Running
from cocoon.telegram.bot.middleware import Flood
from cocoon.telegram.settings import Limits
from cocoon.telegram.store.schema import turns
from cocoon.telegram.vault import Vault
from cocoon.testing.scripted_assistant import CHAT_MODEL

NOW = 1_800_000_000


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    store = Store(sqlite_url(folder / "bot.db"))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


class Clock:
    now = float(NOW)

    def __call__(self) -> float:
        return self.now


# --- history ---


@pytest.mark.anyio
async def test_history_keeps_the_newest_within_its_limit(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        history = History(store, Vault(b"k" * 32), Limits(history_turns=3), Clock())
        assert await history.add("1", Turn("user", "a"), Turn("assistant", "b")) == 2
        assert await history.add("1", Turn("user", "c"), Turn("assistant", "d")) == 3
        assert [turn.text for turn in await history.turns("1")] == ["b", "c", "d"]
        assert await history.count("1") == 3
        assert await history.count("1/2") == 0
        assert await history.clear("1") == 3
        assert await history.turns("1") == []


@pytest.mark.anyio
async def test_history_is_sealed_and_bound_to_its_chat(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        history = History(store, Vault(b"k" * 32), Limits(), Clock())
        await history.add("1", Turn("user", "very secret words", ("data:image/png;base64,AA",)))
        rows = await store.run(lambda on: list(on.execute(sa.select(turns)).mappings()))
        assert b"secret" not in rows[0]["sealed"]
        assert "secret" not in repr(await history.turns("1"))
        assert (await history.turns("1"))[0].images == ()
        await store.run(lambda on: on.execute(sa.update(turns).values(chat="2")), write=True)
        with pytest.raises(StoreError):
            await history.turns("2")


@pytest.mark.anyio
async def test_silent_chats_are_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        history = History(store, Vault(b"k" * 32), Limits(history_days=30), clock)
        await history.add("1", Turn("user", "old"))
        await history.add("2", Turn("user", "old, but the chat goes on"))
        clock.now += 20 * DAY
        await history.add("2", Turn("user", "new"))
        clock.now += 11 * DAY
        assert await history.prune() == 1
        assert await history.count("1") == 0
        assert await history.count("2") == 2


def test_long_texts_are_remembered_in_part() -> None:
    assert shortened("x" * 10, 10) == "x" * 10
    assert shortened("x" * 11, 10) == "xxxxxx […]"


# --- preferences ---


@pytest.mark.anyio
async def test_topics_have_their_chats_preferences_until_they_choose(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        chats = Chats(store, Vault(b"k" * 32), Clock())
        assert await chats.get("1/7") == NO_PREFERENCES
        await chats.change("1", language="ru", prompt="Коротко.")
        assert (await chats.get("1/7")).language == "ru"
        assert (await chats.change("1/7", model="m")).prompt == "Коротко."
        again = Chats(store, Vault(b"k" * 32), Clock())
        assert await again.get("1/7") == await chats.get("1/7")
        await again.forget("1")
        assert await again.get("1") == await again.get("1/7") == NO_PREFERENCES
        assert await Chats(store, Vault(b"k" * 32), Clock()).get("1/7") == NO_PREFERENCES


# --- conversation ---


def turns_of(*texts: str) -> list[Turn]:
    return [Turn("assistant" if n % 2 else "user", text) for n, text in enumerate(texts)]


def test_the_newest_turns_that_fit_go_along() -> None:
    asked = Turn("user", "eeee")
    history = turns_of("aaaa", "bbbb", "cccc", "dddd")
    assert [t.text for t in fitting(history, asked, 20)] == ["aaaa", "bbbb", "cccc", "dddd", "eeee"]
    assert [t.text for t in fitting(history, asked, 19)] == ["cccc", "dddd", "eeee"]
    assert [t.text for t in fitting(history, asked, 11)] == ["eeee"]
    assert [t.text for t in fitting(history, asked, 0)] == ["eeee"]
    pictured = Turn("user", "", ("data:image/png;base64,AA",))
    assert fitting(history, pictured, 20) == (pictured,)


def test_the_room_of_a_model() -> None:
    assert room_of(None, 1024, 32_000) == 32_000
    assert room_of(CHAT_MODEL, 1024, 32_000) == (8192 - 1024) * 2
    assert room_of(CHAT_MODEL, 100_000, 32_000) == 1000


# --- lanes ---


def running(user: int, chat: str, reference: str) -> Running:
    return Running(user, chat, reference)


def test_lanes_follow_and_refuse() -> None:
    lanes = Lanes(Limits(queued_per_chat=1, answers_at_once=2, answers_in_all=4))
    first, second = running(1, "a", "1"), running(1, "a", "2")
    assert lanes.enter(first) is None
    assert lanes.enter(running(1, "a", "1")) == "duplicate"
    assert lanes.enter(second) is None
    assert first.turn.is_set()
    assert not second.turn.is_set()
    assert lanes.enter(running(1, "a", "3")) == "queue"
    assert lanes.enter(running(1, "b", "4")) is None
    assert lanes.enter(running(1, "c", "5")) == "person"
    assert lanes.enter(running(2, "d", "6")) is None
    assert lanes.enter(running(3, "e", "7")) == "everybody"
    lanes.leave(first)
    assert second.turn.is_set()
    assert lanes.of_user(1) == [second, *lanes.of_chat("b")]
    assert lanes.enter(running(3, "e", "7")) is None  # what was refused may come again
    assert lanes.enter(running(1, "a", "1")) == "duplicate"  # what was answered may not


def test_the_first_reason_to_stop_counts() -> None:
    one = running(1, "a", "1")
    one.stop("person")
    one.stop("restart")
    assert one.stopped == "person"
    assert one.turn.is_set()


# --- pace ---


def test_messages_are_saved_up_and_patience_is_asked_for_once() -> None:
    clock = Clock()
    flood = Flood(2, clock)
    assert [flood.take(1) for _ in range(3)] == [True, True, False]
    assert [flood.must_tell(1), flood.must_tell(1)] == [True, False]
    assert flood.take(2)
    clock.now += 30
    assert flood.take(1)
    assert not flood.take(1)
    assert flood.must_tell(1)


# --- amounts ---


@pytest.mark.parametrize(
    ("nano", "left", "cost"),
    [
        (0, "0 TON", "0 TON"),
        (7, "0.000000007 TON", "0.000000007 TON"),
        (12_745_123, "0.0127 TON", "0.0128 TON"),
        (999_999, "0.000999 TON", "0.001 TON"),
        (1_234_567_890, "1.234 TON", "1.235 TON"),
        (1_000_000_000_000, "1000 TON", "1000 TON"),
        (123_456_000_000_001, "123456 TON", "123456.001 TON"),
    ],
)
def test_amounts_have_the_digits_that_say_something(nano: int, left: str, cost: str) -> None:
    assert ton(Nano(nano)) == left
    assert ton(Nano(nano), is_cost=True) == cost
