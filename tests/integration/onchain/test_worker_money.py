"""A worker's payouts in the real virtual machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cocoon.chain.contracts import root
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.payment import sign_payment
from cocoon.chain.opcodes import EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED
from cocoon.errors import PaymentError, StoreError, WalletFundsError
from cocoon.testing.chain import TON
from cocoon.testing.client_onchain import OPERATOR, make_client_world
from cocoon.testing.onchain import FEE, ROOT_OWNER
from cocoon.testing.worker_onchain import WorkerWorld
from cocoon.worker.chain.limits import PayoutRules
from cocoon.worker.chain.plan import Blocked, Wait

pytestmark = pytest.mark.anyio

TEN_TON = 10 * TON // FEE + 1
"""Tokens that earn the threshold."""
FEES = TON // 5


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WorkerWorld]:
    base = make_client_world(tmp_path / "chain", ton=10)
    yield WorkerWorld(base, tmp_path)
    base.world.chain.close()


async def test_earnings_above_the_threshold_are_paid_to_the_owner(world: WorkerWorld) -> None:
    world.charge_client(TEN_TON)
    world.signs(TEN_TON)
    async with world.process() as money:
        await money.tick()
        assert world.earned() == TEN_TON * FEE
        assert world.state().tokens == TEN_TON
        await money.tick()
        assert world.earned() == TEN_TON * FEE
    assert 10 * TON - world.base.money() < FEES


async def test_small_earnings_wait_until_they_are_old(world: WorkerWorld) -> None:
    world.rules = PayoutRules(max_age=86_400)
    tokens = TON // FEE
    world.charge_client(tokens)
    world.signs(tokens)
    async with world.process() as money:
        await money.tick()
        assert world.earned() == 0
    world.base.advance(86_400)
    async with world.process() as money:  # the age is remembered over a restart
        await money.tick()
        assert world.earned() == tokens * FEE


async def test_dust_is_never_paid_by_itself(world: WorkerWorld) -> None:
    world.charge_client(10)
    world.signs(10)
    async with world.process() as money:
        await money.tick()
        world.base.advance(30 * 86_400)
        await money.tick()
        assert world.earned() == 0
        await money.payout()
        assert world.earned() == 10 * FEE


async def test_what_the_proxy_has_not_charged_yet_is_paid_later(world: WorkerWorld) -> None:
    world.charge_client(TEN_TON // 2)
    world.signs(TEN_TON)
    async with world.process() as money:
        await money.tick()
        assert world.earned() == TEN_TON // 2 * FEE
        await money.tick()
        assert isinstance(money.all[0].step, Wait)
        world.charge_client(TEN_TON - TEN_TON // 2)
        await money.tick()
        assert world.earned() == TEN_TON // 2 * FEE  # less than the threshold is left
        await money.payout(world.base.proxy)
        assert world.earned() == TEN_TON * FEE


async def test_a_payout_on_demand_says_why_there_is_none(world: WorkerWorld) -> None:
    async with world.process() as money:
        with pytest.raises(PaymentError, match="nothing is due"):
            await money.payout()
        world.signs(TEN_TON)
        with pytest.raises(PaymentError, match="has not charged"):
            await money.payout(world.base.proxy)
        with pytest.raises(PaymentError, match="no contract of ours"):
            await money.payout(OPERATOR)


async def test_an_empty_wallet_is_told_how_much_to_send_where(tmp_path: Path) -> None:
    world = WorkerWorld(make_client_world(tmp_path / "chain", ton=2), tmp_path)
    world.charge_client(TEN_TON)
    world.signs(TEN_TON)
    async with world.process() as money:
        await money.tick()
        assert isinstance(money.all[0].step, Blocked)
        with pytest.raises(WalletFundsError) as caught:
            await money.payout()
        world.base.world.chain.faucet(world.base.wallet.address, caught.value.missing)
        await money.payout()
        assert world.earned() == TEN_TON * FEE
    world.base.world.chain.close()


async def test_the_last_payout_of_a_proxy_leaves_nothing_to_do(world: WorkerWorld) -> None:
    world.charge_client(2 * TEN_TON)
    world.signs(TEN_TON)
    async with world.process() as money:
        await money.tick()
        last = sign_payment(
            world.base.key,
            EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED,
            query_id=9,
            tokens=2 * TEN_TON,
            address=world.contract,
            excesses=OPERATOR,
        )
        world.base.operator(world.contract, last.body())
        world.signs(2 * TEN_TON)
        assert world.state().phase is ContractPhase.CLOSED
        await money.tick()
        assert money.all[0].step == Wait("nothing is due")
        # A closed contract's own leftover goes to its owner too.
        assert 0 <= world.earned() - 2 * TEN_TON * FEE < FEES


async def test_what_was_earned_with_old_parameters_is_paid_after_a_change(
    world: WorkerWorld,
) -> None:
    tokens = TON // FEE
    world.charge_client(tokens)
    world.signs(tokens)
    base = world.base
    base.root_address = base.world.root.address
    async with world.process() as money:
        await money.tick()
        assert world.earned() == 0  # the threshold is not reached
    price = root.change_price(1, 40, 20)
    base.world.chain.faucet(base.root_address, TON, body=price, source=ROOT_OWNER)
    async with world.process() as money:  # the contract was never deployed until now
        assert money.access.root.current.params.params_version == 2
        await money.tick()
        assert world.earned() == tokens * FEE
        await money.tick()
        assert money.all[0].record.finished


async def test_a_crash_after_sending_pays_once(world: WorkerWorld) -> None:
    world.charge_client(TEN_TON)
    world.signs(TEN_TON)
    for _ in range(2):
        async with world.process() as money:
            sent = money.access.sender.send

            async def dies(*messages: object, follow: int = 0) -> object:
                await sent(*messages, follow=follow)  # type: ignore[arg-type] # noqa: B023
                raise PaymentError("died")

            money.access.sender.send = dies  # type: ignore[method-assign, assignment]
            await money.tick()
    async with world.process() as money:
        await money.tick()
        assert world.earned() == TEN_TON * FEE


async def test_two_processes_do_not_share_what_is_remembered(world: WorkerWorld) -> None:
    async with world.process():
        with pytest.raises(StoreError, match="folder of its own"):
            async with world.process():
                pass
    async with world.process():
        pass
