"""A client that dies anywhere, again and again, neither loses a coin nor pays one twice."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cocoon.chain.cells import Cell
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.client.chain.contract import MESSAGE_LIFE
from cocoon.client.chain.limits import DepositLimits
from cocoon.client.chain.money import ClientMoney
from cocoon.client.chain.plan import Done, Wait
from cocoon.testing.chain import TON
from cocoon.testing.client_onchain import (
    ClientWorld,
    Crash,
    crash_on_send,
    make_client_world,
    settle,
)
from cocoon.testing.onchain import CLIENT_DELAY, CLIENT_STAKE, PRICE

FEES = TON // 2
"""More than forty operations cost."""


class Mempool(EmbeddedBackend):
    """A backend that takes messages and shows them to nobody until they are released."""

    def __init__(self, world: ClientWorld) -> None:
        super().__init__(world.world.chain)
        self.held: list[Cell] = []

    async def send(self, message: Cell) -> None:
        self.held.append(message)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ClientWorld]:
    world = make_client_world(tmp_path)
    yield world
    world.world.chain.close()


async def begin_a_deposit_and_die(world: ClientWorld) -> Mempool:
    """The message of a deposit has left, is in no block, and the process is gone."""
    async with world.process() as money:
        await world.onboard(money)
    world.uses(CLIENT_STAKE // 2 // PRICE + 1, signed=0)
    world.backend = pool = Mempool(world)
    async with world.process() as money:
        dying = asyncio.create_task(money.tick())
        async with asyncio.timeout(5):
            while not pool.held:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    world.backend = None
    return pool


@pytest.mark.anyio
async def test_a_message_that_a_dead_process_left_behind_is_waited_for(
    world: ClientWorld,
) -> None:
    pool = await begin_a_deposit_and_die(world)
    async with world.process() as money:
        await settle(money)
        assert isinstance(money._keeper(world.contract).step, Wait)
        assert world.client().balance == CLIENT_STAKE
        world.world.chain.send(pool.held[0])  # now it comes
        await settle(money)
        assert world.client().balance == 2 * CLIENT_STAKE
        world.advance(MESSAGE_LIFE + 10)
        await settle(money)
        assert world.client().balance == 2 * CLIENT_STAKE


@pytest.mark.anyio
async def test_a_message_that_never_came_is_replaced_when_it_no_longer_can(
    world: ClientWorld,
) -> None:
    pool = await begin_a_deposit_and_die(world)
    async with world.process() as money:
        await settle(money)
        assert world.client().balance == CLIENT_STAKE
        world.advance(MESSAGE_LIFE + 10)
        await settle(money)
        world.advance(61)  # a step that failed is tried again later
        await settle(money)
        assert world.client().balance == 2 * CLIENT_STAKE
        with suppress(Exception):
            world.world.chain.send(pool.held[0])
        await settle(money)
        assert world.client().balance == 2 * CLIENT_STAKE


# --- any order of everything ---

steps = st.one_of(
    st.tuples(st.just("use"), st.integers(1, CLIENT_STAKE // PRICE // 2)),
    st.tuples(st.just("tick"), st.integers(1, 3)),
    st.tuples(st.just("die before"), st.just(0)),
    st.tuples(st.just("die after"), st.just(0)),
    st.tuples(st.just("advance"), st.sampled_from([61, MESSAGE_LIFE + 1, 3600, 90_000])),
    st.tuples(st.just("close"), st.just(0)),
    st.tuples(st.just("onboard"), st.just(0)),
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, max_size=12))
def test_in_the_end_everything_unused_is_back_in_the_wallet(
    script: list[tuple[str, int]],
) -> None:
    with TemporaryDirectory() as directory:
        world = make_client_world(Path(directory))
        with world.world.chain:
            asyncio.run(play(world, script))


async def play(world: ClientWorld, script: list[tuple[str, int]]) -> None:
    world.limits = DepositLimits(max_total=10 * CLIENT_STAKE)
    used = 0
    async with world.process() as money:
        await world.onboard(money)
    for name, value in script:
        if name == "use" and world.client().phase is ContractPhase.OPEN:
            backed = world.client().balance // PRICE + world.client().tokens_used
            used = max(used, min(used + value, backed))  # a proxy gives no credit beyond that
            world.uses(used)
        elif name == "advance":
            world.advance(value)
        else:
            await act(world, name, value)
        assert world.ledger().client_funds == world.client().balance
        assert world.ledger().client_funds <= 10 * CLIENT_STAKE
    await close_for_good(world)
    charged = world.client().tokens_used * PRICE
    assert charged <= used * PRICE
    assert 100 * TON - world.money() - charged < FEES
    assert world.ledger().client_funds == 0


async def act(world: ClientWorld, name: str, rounds: int) -> None:
    with suppress(Crash):
        async with world.process() as money:
            if name.startswith("die"):
                crash_on_send(money, before=name == "die before")
                await settle(money)
            elif name == "tick":
                await settle(money, rounds)
            elif name == "close":
                await close(money, world)
            elif world.client().phase is ContractPhase.OPEN:
                await world.onboard(money)


async def close(money: ClientMoney, world: ClientWorld) -> object:
    _, step = await money.close_contract(world.contract)
    return step


async def close_for_good(world: ClientWorld) -> None:
    async with world.process() as money:
        for _ in range(6):
            if isinstance(await close(money, world), Done):
                return
            world.advance(CLIENT_DELAY + MESSAGE_LIFE + 2)
    raise AssertionError("it never closed")
