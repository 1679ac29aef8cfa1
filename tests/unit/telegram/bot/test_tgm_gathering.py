"""Messages that arrive one by one and belong together."""

import asyncio

import pytest

from cocoon.telegram.bot import gathering
from cocoon.telegram.bot.gathering import Gathering


class Seen:
    def __init__(self) -> None:
        self.bursts: list[list[int]] = []

    async def __call__(self, items: list[int]) -> None:
        self.bursts.append(items)
        if -1 in items:
            raise ValueError("x")


@pytest.mark.anyio
async def test_a_silence_ends_a_burst() -> None:
    seen = Seen()
    parts: Gathering[int] = Gathering(0.06)
    tasks = []
    for number in range(4):
        key = "a" if number % 2 else "b"
        tasks.append(asyncio.create_task(parts.collect(key, number, seen)))
        await asyncio.sleep(0.01)
    assert seen.bursts == []
    assert not any(task.done() for task in tasks)

    await asyncio.gather(*tasks)
    await parts.collect("a", 9, seen)

    assert sorted(seen.bursts) == [[0, 2], [1, 3], [9]]


@pytest.mark.anyio
async def test_a_burst_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_ITEMS", 3)
    monkeypatch.setattr(gathering, "MAX_SILENCES", 2)
    seen = Seen()
    parts: Gathering[int] = Gathering(0.05)
    tasks = []
    for number in range(14):
        tasks.append(asyncio.create_task(parts.collect("a", number, seen)))
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)

    assert seen.bursts[0] == [0, 1, 2]
    assert len(seen.bursts) == 2


@pytest.mark.anyio
async def test_the_first_gets_the_failure() -> None:
    parts: Gathering[int] = Gathering(0.02)
    seen = Seen()
    results = await asyncio.gather(
        *(parts.collect("a", number, seen) for number in (-1, 2)), return_exceptions=True
    )

    assert isinstance(results[0], ValueError)
    assert results[1] is None


@pytest.mark.anyio
async def test_cancelling_forgets_the_burst() -> None:
    parts: Gathering[int] = Gathering(5)
    task = asyncio.create_task(parts.collect("a", 1, Seen()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    parts.quiet = 0.01
    seen = Seen()
    await parts.collect("a", 2, seen)

    assert seen.bursts == [[2]]
