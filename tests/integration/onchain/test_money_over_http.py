"""A client's money through the HTTP API of an indexer: the backend that production uses."""

from pathlib import Path

import pytest

from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.toncenter import Limits, ToncenterBackend
from cocoon.client.chain.plan import Done, Operation
from cocoon.testing.chain import TON
from cocoon.testing.chain_server import serving
from cocoon.testing.client_onchain import make_client_world, settle
from cocoon.testing.onchain import CLIENT_DELAY, CLIENT_STAKE, PRICE

pytestmark = pytest.mark.anyio


def indexer(url: str) -> ToncenterBackend:
    return ToncenterBackend(url, is_testnet=True, limits=Limits(requests_per_second=1000))


async def test_the_whole_life_of_a_contract(tmp_path: Path) -> None:
    world = make_client_world(tmp_path)
    async with serving(world.world.chain) as url:
        world.backend = indexer(url)
        async with world.process() as money:
            await world.onboard(money)
            assert world.client().balance == CLIENT_STAKE
            world.uses(CLIENT_STAKE // 2 // PRICE + 1)
            await settle(money)
            assert world.client().tokens_used > 0
            assert world.client().balance > CLIENT_STAKE
        world.backend = indexer(url)
        async with world.process() as money:
            receipts, _ = await money.withdraw(world.contract)
            assert receipts[-1].operation is Operation.WITHDRAW
            await money.close_contract(world.contract)
            world.advance(CLIENT_DELAY + 2)
            _, step = await money.close_contract(world.contract)
            assert isinstance(step, Done)
            assert world.client().phase is ContractPhase.CLOSED
        charged = world.client().tokens_used * PRICE
        assert 100 * TON - world.money() - charged < TON // 4
    world.world.chain.close()
