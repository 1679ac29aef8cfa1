"""Messages that arrive one by one and belong together."""

import asyncio
from collections.abc import Hashable

import pytest

from cocoon.telegram.bot import gathering
from cocoon.telegram.bot.gathering import Gathering


class Seen:
    def __init__(self) -> None:
        self.bursts: list[tuple[Hashable, list[int]]] = []
        self.failures: list[Exception] = []

    async def done(self, key: Hashable, items: list[int]) -> None:
        self.bursts.append((key, items))
        if key == "bad":
            raise ValueError("x")

    async def failed(self, key: Hashable, error: Exception) -> None:
        self.failures.append(error)


@pytest.mark.anyio
async def test_a_silence_ends_a_burst() -> None:
    seen = Seen()
    parts = Gathering(0.05, seen.done, seen.failed)
    for number in range(4):
        parts.add("a" if number % 2 else "b", number)
        await asyncio.sleep(0.01)
    assert seen.bursts == []

    await asyncio.sleep(0.12)
    parts.add("a", 9)
    await parts.close()

    assert sorted(seen.bursts) == [("a", [1, 3]), ("a", [9]), ("b", [0, 2])]  # type: ignore[type-var]


@pytest.mark.anyio
async def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_ITEMS", 2)
    monkeypatch.setattr(gathering, "MAX_BURSTS", 2)
    seen = Seen()
    parts = Gathering(10, seen.done, seen.failed)
    for key in ("a", "a", "a", "b", "c"):
        parts.add(key, 1)
    await asyncio.sleep(0)

    assert seen.bursts == [("a", [1, 1])]  # made room for the third
    await parts.close()
    assert len(seen.bursts) == 3


@pytest.mark.anyio
async def test_failures_are_told() -> None:
    seen = Seen()
    parts = Gathering(10, seen.done, seen.failed)
    parts.add("bad", 1)
    await parts.close()

    assert [str(error) for error in seen.failures] == ["x"]
