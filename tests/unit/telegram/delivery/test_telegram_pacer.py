"""The queue for everything that a bot writes, in virtual time."""

import asyncio
import itertools

import pytest

from cocoon.errors import ConfigError
from cocoon.telegram.bot.delivery import Pacer, Rank, Speed, Where
from cocoon.telegram.bot.delivery.pacer import has_turn
from cocoon.telegram.bot.delivery.schedule import Schedule
from cocoon.telegram.settings import Limits
from cocoon.testing.streams import VirtualClockLoop


@pytest.fixture
def anyio_backend():
    return "asyncio", {"loop_factory": VirtualClockLoop}


def now():
    return asyncio.get_running_loop().time()


async def take(pacer, key, rank=Rank.FINAL, *, seconds=0.0):
    async with pacer.turn(key, rank):
        assert has_turn()
        began = now()
        await asyncio.sleep(seconds)
        return began


@pytest.mark.anyio
async def test_a_chat_gets_some_calls_at_once_and_then_one_a_second():
    pacer = Pacer()
    times = [await take(pacer, 1) for _ in range(6)]
    assert times[2] - times[0] < 0.1
    assert all(0.9 < b - a < 1.1 for a, b in itertools.pairwise(times[3:]))
    assert pacer.counters.calls == 6
    assert not has_turn()


@pytest.mark.anyio
async def test_an_end_need_not_wait_for_the_update_before_it():
    pacer = Pacer()
    updates = [await take(pacer, 1, Rank.UPDATE) for _ in range(4)]
    assert all(0.9 < b - a < 1.1 for a, b in itertools.pairwise(updates))
    assert await take(pacer, 1, Rank.FIRST) - updates[-1] < 0.1
    assert await take(pacer, 1, Rank.FINAL) - updates[-1] < 0.2


@pytest.mark.anyio
async def test_calls_to_one_chat_follow_each_other():
    pacer = Pacer()
    first = asyncio.create_task(take(pacer, 1, seconds=3))
    second = asyncio.create_task(take(pacer, 1))
    assert await second >= await first + 3


@pytest.mark.anyio
async def test_who_has_a_turn_needs_no_other():
    pacer = Pacer()
    async with pacer.turn(1), pacer.turn(1), pacer.turn(None):
        assert pacer.counters.calls == 1


@pytest.mark.anyio
async def test_calls_that_belong_to_no_chat_only_count_for_the_bot():
    pacer = Pacer(Speed(per_second=10, burst=1))
    times = [await take(pacer, None) for _ in range(21)]
    assert times[-1] >= 2.0


@pytest.mark.anyio
async def test_who_goes_away_leaves_no_hole():
    pacer = Pacer(Speed(per_second=1, burst=1))
    await take(pacer, 1)
    waiting = [asyncio.create_task(take(pacer, chat)) for chat in range(2, 6)]
    await asyncio.sleep(0.1)
    for task in waiting[:3]:
        task.cancel()
    await asyncio.wait(waiting)
    assert waiting[3].result() < 1.2
    assert pacer.counters.calls == 2
    granted = pacer.queue(9, Rank.UPDATE)
    granted.withdraw()
    async with granted() as is_granted:
        assert not is_granted


@pytest.mark.anyio
async def test_a_cancelled_caller_that_was_granted_gives_its_turn_back():
    pacer = Pacer(Speed(per_second=1, burst=1))
    task = asyncio.create_task(take(pacer, 1))
    await asyncio.sleep(0)  # it has a turn by now, and does not know it
    task.cancel()
    await asyncio.wait([task])
    assert await take(pacer, 1) < 3


@pytest.mark.anyio
async def test_a_refused_chat_waits_and_the_others_do_not():
    pacer = Pacer()
    pacer.refused(1, 30)
    assert await take(pacer, 2) < 1
    assert await take(pacer, 1) >= 30
    assert (pacer.counters.refused, pacer.counters.refused_all) == (1, 0)


@pytest.mark.anyio
async def test_two_refused_chats_mean_the_bot():
    pacer = Pacer()
    pacer.refused(1, 7)
    pacer.refused(2, 7)
    assert await take(pacer, 3) >= 7
    assert pacer.counters.refused_all == 1
    began = now()
    for chat in range(10, 60):
        await take(pacer, chat)
    slow = now() - began
    await asyncio.sleep(120)
    began = now()
    for chat in range(110, 160):
        await take(pacer, chat)
    assert slow > (now() - began) * 1.2


@pytest.mark.anyio
async def test_a_refusal_that_belongs_to_no_chat_means_the_bot():
    pacer = Pacer()
    pacer.refused(None, 5)
    assert await take(pacer, 3) >= 5


@pytest.mark.anyio
async def test_slow_answers_and_refusals_leave_less_room():
    pacer = Pacer(Speed(per_second=20))
    assert pacer.capacity() == 20
    for _ in range(100):
        await take(pacer, None, seconds=1.0)
    assert 10 < pacer.capacity() < 12
    pacer.refused(None, 1)
    assert pacer.capacity() < 9


@pytest.mark.anyio
async def test_nobody_waits_after_the_end():
    pacer = Pacer()
    pacer.refused(1, 1000)
    waiting = asyncio.create_task(take(pacer, 1))
    await asyncio.sleep(1)
    pacer.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_quiet_chats_are_forgotten():
    schedule = Schedule(Speed(per_second=1000, burst=1000))
    for number in range(3000):
        at = number * 1.0
        schedule.add(number, Rank.FINAL, at)
        schedule.end(schedule.next(at), at)
    assert len(schedule._chats) < 1100


def test_speeds_come_from_settings_and_make_sense():
    limits = Limits(calls_per_second=300, calls_per_chat_second=2, calls_per_group_minute=40)
    speed = Speed.of(limits)
    assert (speed.per_second, speed.chat_per_second, speed.group_per_minute) == (300, 2, 40)
    for wrong in ({"per_second": 0.5}, {"group_per_minute": 0}, {"burst": 0}):
        with pytest.raises(ConfigError):
            Speed(**wrong)


def test_an_inline_message_is_a_chat_of_its_own():
    assert Where(5).key == 5
    assert Where(0, inline="abc").key == "abc"
