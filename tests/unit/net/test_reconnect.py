"""Who is tried next, and when; in virtual time."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from cocoon.errors import UnavailableError
from cocoon.net.reconnect import (
    REPLACE_AFTER,
    Backoff,
    BackoffRule,
    SessionKeeper,
    Target,
    choose_target,
)
from cocoon.testing.streams import VirtualClockLoop

pytestmark = pytest.mark.anyio

A, B, C = (Target(number, "host", number) for number in (1, 2, 3))


@pytest.fixture
def anyio_backend() -> object:
    return "asyncio", {"loop_factory": VirtualClockLoop}


def test_waits_grow_to_the_cap_and_start_again() -> None:
    backoff = Backoff(BackoffRule(first=1.0, factor=2.0, cap=5.0, jitter=0.5), lambda: 0.0)
    assert [backoff.next_wait() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert backoff.next_wait() == 1.0


def test_jitter_shortens_waits() -> None:
    backoff = Backoff(BackoffRule(first=1.0, jitter=0.5), lambda: 0.999)
    assert 0.5 < backoff.next_wait() < 0.51


@pytest.mark.parametrize(
    ("registered", "used", "avoid", "number", "expected"),
    [
        ([A, B, C], [], None, 0.0, A),
        ([A, B, C], [], None, 0.999, C),
        ([A, B, C], [A], None, 0.0, B),
        ([A, B, C], [A], B, 0.0, C),
        ([A, B], [A], B, 0.0, B),
        ([A], [A], None, 0.0, None),
        ([], [], None, 0.0, None),
        ([A], [], None, 1.0, A),
    ],
)
def test_choice(
    registered: list[Target],
    used: list[Target],
    avoid: Target | None,
    number: float,
    expected: Target | None,
) -> None:
    assert choose_target(registered, used, avoid, lambda: number) == expected


class World:
    """Sessions that end as a script says, with the time of each."""

    def __init__(self, lasts: Iterator[float | None]) -> None:
        self.lasts = lasts
        self.tried: list[tuple[float, Target]] = []

    async def run(self, target: Target, on_ready: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self.tried.append((round(loop.time(), 3), target))
        lasts = next(self.lasts)
        if lasts is None:
            raise UnavailableError("no connection")
        on_ready()
        await asyncio.sleep(lasts)


def forever(value: float | None) -> Iterator[float | None]:
    while True:
        yield value


async def keep(world: World, registered: list[Target], count: int, seconds: float) -> SessionKeeper:
    keeper = SessionKeeper(lambda: registered, count, world.run, uniform=lambda: 0.0)
    keeper.start()
    await asyncio.sleep(seconds)
    await keeper.close()
    return keeper


async def test_retries_start_small() -> None:
    world = World(forever(None))
    await keep(world, [A], 1, 5.0)
    assert [when for when, _ in world.tried] == [0.0, 0.2, 0.6, 1.4, 3.0]


async def test_a_stable_session_makes_waits_small_again() -> None:
    world = World(iter([None, None, 10.0, None, 50.0]))
    await keep(world, [A], 1, 30.0)
    assert [when for when, _ in world.tried] == [0.0, 0.2, 0.6, 10.8, 11.2]


async def test_a_session_that_ends_at_once_does_not() -> None:
    world = World(forever(0.0))
    await keep(world, [A], 1, 5.0)
    assert len(world.tried) == 5


async def test_a_dead_proxy_is_replaced() -> None:
    world = World(forever(None))
    await keep(world, [A, B], 1, 2 * REPLACE_AFTER + 30)
    switches = [target for _, target in world.tried]
    changes = [switches.index(B), len(switches) - 1 - switches[::-1].index(B)]
    assert switches[0] == A
    assert REPLACE_AFTER <= world.tried[changes[0]][0] < REPLACE_AFTER + 20
    assert switches[-1] == A


async def test_sessions_use_different_proxies() -> None:
    world = World(forever(1000.0))
    keeper = SessionKeeper(lambda: [A, B], 3, world.run, uniform=lambda: 0.0)
    keeper.start()
    await asyncio.sleep(10.0)
    assert sorted(target.seqno for _, target in world.tried) == [1, 2]
    assert set(keeper.targets) == {A, B}
    await keeper.close()
    assert keeper.targets == ()


async def test_a_proxy_that_is_no_longer_registered_is_left() -> None:
    registered = [A]
    world = World(iter([1.0, 1000.0]))
    keeper = SessionKeeper(lambda: registered, 1, world.run, uniform=lambda: 0.0)
    keeper.start()
    await asyncio.sleep(0.5)
    registered[:] = [B]
    await asyncio.sleep(5.0)
    await keeper.close()
    assert [target for _, target in world.tried] == [A, B]


async def test_a_bug_in_a_session_is_not_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    tries = 0

    async def run(_target: Target, _on_ready: Callable[[], None]) -> None:
        nonlocal tries
        tries += 1
        raise ValueError("a bug")

    keeper = SessionKeeper(lambda: [A], 1, run, uniform=lambda: 0.0)
    keeper.start()
    await asyncio.sleep(1.0)
    await keeper.close()
    assert tries >= 3
