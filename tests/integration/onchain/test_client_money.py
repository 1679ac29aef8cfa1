"""A client's deposits, charges and refunds in the real virtual machine."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.chain.contracts import root
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.client.chain.contract import MESSAGE_LIFE
from cocoon.client.chain.keeper import MAX_REGISTRATIONS
from cocoon.client.chain.limits import DepositLimits
from cocoon.client.chain.money import ClientMoney
from cocoon.client.chain.plan import Action, Blocked, Done, Operation, Wait
from cocoon.client.chain.records import Intent
from cocoon.errors import (
    ChainDataError,
    ChainError,
    PaymentError,
    StoreError,
    WalletFundsError,
)
from cocoon.testing.chain import TON
from cocoon.testing.client_onchain import (
    ClientWorld,
    Crash,
    crash_on_send,
    make_client_world,
    settle,
)
from cocoon.testing.onchain import CLIENT_DELAY, CLIENT_STAKE, PRICE, PROXY_DELAY, ROOT_OWNER

pytestmark = pytest.mark.anyio

FEES = TON // 5
"""More than any flow here costs, storage of contracts included."""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., ClientWorld]]:
    made = []

    def make(**changes: object) -> ClientWorld:
        made.append(make_client_world(tmp_path, **changes))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for world in made:
        world.world.chain.close()


@pytest.fixture
def world(make: Callable[..., ClientWorld]) -> ClientWorld:
    return make()


# --- onboarding ---


async def test_onboarding_deploys_registers_and_deposits_once(world: ClientWorld) -> None:
    async with world.process() as money:
        await world.onboard(money)
        state = world.client()
        assert state.balance == CLIENT_STAKE
        assert world.ledger().client_funds == CLIENT_STAKE
        assert state.secret_hash != bytes(32)
        await settle(money)
        assert world.ledger().client_funds == CLIENT_STAKE
        assert 0 < 100 * TON - world.money() - CLIENT_STAKE < FEES


async def test_a_second_life_knows_the_secret_and_deposits_nothing(world: ClientWorld) -> None:
    async with world.process() as money:
        await world.onboard(money)
        secret = money.secret(world.contract)
    async with world.process() as money:
        assert money.secret(world.contract) == secret
        await world.onboard(money, nonce=78)
        assert world.ledger().client_funds == CLIENT_STAKE


async def test_the_secret_is_in_no_file_that_others_can_read(world: ClientWorld) -> None:
    async with world.process() as money:
        await world.onboard(money)
        secret = money.secret(world.contract)
    for file in world.directory.iterdir():
        assert file.stat().st_mode & 0o077 == 0 or file.name.endswith(".lock")
        assert secret not in file.read_bytes()


async def test_an_empty_wallet_is_told_how_much_to_send_where(
    make: Callable[..., ClientWorld],
) -> None:
    world = make(ton=3)
    async with world.process() as money:
        with pytest.raises(WalletFundsError) as caught:
            await world.onboard(money)
        assert world.wallet.address.friendly(testnet=True) in str(caught.value)
        missing = caught.value.missing
        world.world.chain.faucet(world.wallet.address, missing)
        await world.onboard(money)
        assert world.client().balance == CLIENT_STAKE


async def test_no_deposit_goes_to_a_proxy_without_its_stake(
    make: Callable[..., ClientWorld],
) -> None:
    world = make(stake=0)
    async with world.process() as money:
        await world.onboard(money)
        assert world.client().balance == 0
        assert 100 * TON - world.money() < FEES
        assert isinstance(money._keeper(world.contract).step, Wait)


async def test_a_proxy_cannot_make_us_register_for_ever(world: ClientWorld) -> None:
    async with world.process() as money:
        for nonce in range(MAX_REGISTRATIONS):
            await world.onboard(money, nonce)
        with pytest.raises(PaymentError, match="again and again"):
            await world.onboard(money, 99)
    assert 100 * TON - world.money() - CLIENT_STAKE < TON


@pytest.mark.parametrize("before", [True, False])
async def test_a_crash_while_onboarding_pays_the_deposit_once(
    world: ClientWorld, before: bool
) -> None:
    with suppress(Crash):
        async with world.process() as money:
            crash_on_send(money, before=before)
            await world.onboard(money)
    async with world.process() as money:
        await world.onboard(money, nonce=78)  # what a client does after a restart
        await settle(money)
        world.advance(MESSAGE_LIFE + 10)
        await settle(money)
        world.advance(3600)
        await settle(money)
        assert world.client().balance == CLIENT_STAKE
        assert world.ledger().client_funds == CLIENT_STAKE
        assert 100 * TON - world.money() - CLIENT_STAKE < FEES


# --- deposits ---


async def onboarded(world: ClientWorld, money: ClientMoney) -> None:
    await world.onboard(money)
    assert world.client().balance == CLIENT_STAKE


async def test_a_shortage_is_filled_before_work_stops(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        world.uses(CLIENT_STAKE // 2 // PRICE + 1, signed=0)
        await settle(money)
        assert world.client().balance == 2 * CLIENT_STAKE
        await settle(money, 5)
        assert world.client().balance == 2 * CLIENT_STAKE


@pytest.mark.parametrize("before", [True, False])
async def test_a_crash_while_depositing_pays_one_shortage_once(
    world: ClientWorld, before: bool
) -> None:
    async with world.process() as money:
        await onboarded(world, money)
    world.uses(CLIENT_STAKE // 2 // PRICE + 1, signed=0)
    for _ in range(3):  # it dies again and again at the same place
        with suppress(Crash):
            async with world.process() as money:
                crash_on_send(money, before=before)
                await settle(money)
    async with world.process() as money:
        await settle(money)
        world.advance(MESSAGE_LIFE + 10)
        await settle(money)
        world.advance(3600)
        await settle(money)
        assert world.client().balance == 2 * CLIENT_STAKE


def deposited(world: ClientWorld) -> int:
    return world.ledger().client_funds + world.ledger().earned


async def test_limits_of_deposits_hold(world: ClientWorld) -> None:
    world.limits = DepositLimits(max_per_day=2 * CLIENT_STAKE, max_total=3 * CLIENT_STAKE)
    async with world.process() as money:
        await onboarded(world, money)
        for number in range(1, 8):
            world.uses(number * CLIENT_STAKE // PRICE)
            await settle(money)
        assert deposited(world) == 2 * CLIENT_STAKE
        assert isinstance(money._keeper(world.contract).step, Blocked)
    async with world.process() as money:  # remembered
        await settle(money)
        assert deposited(world) == 2 * CLIENT_STAKE
        world.advance(86_401)
        await settle(money)
        assert deposited(world) == 3 * CLIENT_STAKE
        world.advance(86_401)
        await settle(money)
        assert deposited(world) == 3 * CLIENT_STAKE


async def test_a_proxy_that_only_says_how_much_was_used_gets_one_deposit(
    world: ClientWorld,
) -> None:
    world.limits = DepositLimits(max_per_day=None)
    async with world.process() as money:
        await onboarded(world, money)
        world.uses(100 * CLIENT_STAKE // PRICE, signed=0)
        await settle(money, 6)
        assert deposited(world) == 2 * CLIENT_STAKE


async def test_a_deposit_that_comes_back_is_tried_later_and_counts_for_the_day(
    world: ClientWorld,
) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        world.uses(CLIENT_STAKE // 2 // PRICE + 1, signed=0)
        keeper = money._keeper(world.contract)
        before = world.money()
        world.retire_proxy()
        facts = await keeper.look()
        # The proxy retires between our look and our message: its contract sends the money back.
        await keeper.on_chain.perform(facts, [Action(Operation.TOP_UP, CLIENT_STAKE)])
        assert money.report()[0].in_flight == CLIENT_STAKE
        await settle(money)
        assert money.report()[0].in_flight == 0
        assert world.money() > before - FEES
        assert money._setting.records.deposited(facts.now) == (2 * CLIENT_STAKE, CLIENT_STAKE)


async def test_an_order_that_fails_does_not_forget_a_deposit_on_its_way(
    world: ClientWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(*_messages: object, **_rest: object) -> None:
        raise WalletFundsError("too little", 1, "")

    async with world.process() as money:
        await onboarded(world, money)
        keeper = money._keeper(world.contract)
        facts = await keeper.look()
        keeper.record.intent = on_its_way = Intent(7, CLIENT_STAKE, 0)
        monkeypatch.setattr(money._access.sender, "send", refuses)
        with pytest.raises(WalletFundsError):
            await keeper.on_chain.perform(facts, [Action(Operation.REGISTER)])
        assert keeper.record.intent is on_its_way


async def test_a_deposit_that_was_long_in_the_queue_is_still_waited_for(
    world: ClientWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is when it was signed at the latest, not when it was decided."""

    async def takes_long(*_messages: object, **_rest: object) -> None:
        world.advance(MESSAGE_LIFE + 100)
        raise ChainError("no answer")

    async with world.process() as money:
        await onboarded(world, money)
        world.uses(CLIENT_STAKE // 2 // PRICE + 1, signed=0)
        monkeypatch.setattr(money._access.sender, "send", takes_long)
        await settle(money, 1)
        monkeypatch.undo()
        await settle(money)
        assert money.report()[0].in_flight == CLIENT_STAKE
        world.advance(MESSAGE_LIFE + 10)
        await settle(money, 1)
        assert money.report()[0].in_flight == 0


# --- charges ---


async def test_the_newest_charge_is_published_before_the_stake_is_used(
    world: ClientWorld,
) -> None:
    world.limits = DepositLimits(threshold=0)
    async with world.process() as money:
        await onboarded(world, money)
        used = CLIENT_STAKE // 2 // PRICE + 1
        world.uses(used)
        await settle(money)
        assert world.client().tokens_used == used
        assert world.ledger().earned == used * PRICE
        assert world.client().balance == CLIENT_STAKE - used * PRICE


async def test_a_charge_can_be_ordered(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        world.uses(1000)
        receipts, step = await money.charge(world.contract)
        assert [receipt.operation for receipt in receipts] == [Operation.CHARGE]
        assert step == Done("nothing to charge")
        assert world.client().tokens_used == 1000
        assert receipts[0].transaction


# --- taking money back ---


async def test_a_withdrawal_pays_what_is_owed_and_leaves_the_stake(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        await money.top_up(world.contract, 5 * TON)
        await settle(money)
        world.uses(10**6)
        outlook = await money.outlook(world.contract, Operation.WITHDRAW)
        assert outlook.now == 5 * TON - 10**6 * PRICE
        before = world.money()
        receipts, _ = await money.withdraw(world.contract)
        assert [receipt.operation for receipt in receipts] == [
            Operation.CHARGE,
            Operation.WITHDRAW,
        ]
        assert world.client().balance == CLIENT_STAKE
        assert outlook.now - outlook.fees <= world.money() - before <= outlook.now
        _, step = await money.withdraw(world.contract)
        assert isinstance(step, Done)


async def test_everything_comes_back_with_the_proxy_gone(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        outlook = await money.outlook(world.contract, Operation.REQUEST_REFUND)
        assert outlook.returns == CLIENT_STAKE
        assert outlook.warning == ""
        receipts, step = await money.close_contract(world.contract, force=True)
        assert [receipt.operation for receipt in receipts] == [Operation.REQUEST_REFUND]
        assert isinstance(step, Wait)
        assert step.until is not None
        assert step.until <= outlook.latest
        _, step = await money.close_contract(world.contract, force=True)
        assert isinstance(step, Wait)
    # The process dies; another one, later, ends it without being told again.
    async with world.process() as money:
        await settle(money)
        assert world.client().phase is ContractPhase.CLOSING
        world.advance(CLIENT_DELAY + 2)
        await settle(money)
        assert world.client().phase is ContractPhase.CLOSED
        assert world.ledger().client_funds == 0
        assert money.report()[0].finished
    assert 100 * TON - world.money() < FEES


async def test_an_orderly_close_pays_the_newest_charge_first(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        world.uses(10**7)
        await money.close_contract(world.contract)
        assert world.client().tokens_used == 10**7
        assert world.client().phase is ContractPhase.CLOSING
        world.advance(CLIENT_DELAY + 2)
        _, step = await money.close_contract(world.contract)
        assert isinstance(step, Done)
        assert 100 * TON - world.money() - 10**7 * PRICE < FEES


@pytest.mark.parametrize("before", [True, False])
async def test_a_crash_at_any_step_of_closing_loses_nothing(
    world: ClientWorld, before: bool
) -> None:
    async with world.process() as money:
        await onboarded(world, money)
    world.uses(10**7)
    for _ in range(4):
        with suppress(Crash):
            async with world.process() as money:
                crash_on_send(money, before=before)
                await money.close_contract(world.contract)
        world.advance(CLIENT_DELAY + 2)
    async with world.process() as money:
        for _ in range(3):
            await money.close_contract(world.contract)
            world.advance(CLIENT_DELAY + 2)
        assert money.report()[0].finished
    assert 100 * TON - world.money() - 10**7 * PRICE < FEES


async def test_a_closed_contract_can_be_opened_again(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        _, step = await money.reopen(world.contract, 3 * TON)
        assert isinstance(step, Blocked)
        await money.close_contract(world.contract)
        world.advance(CLIENT_DELAY + 2)
        await money.close_contract(world.contract)
        assert money.report()[0].finished
        receipts, _ = await money.reopen(world.contract, 3 * TON)
        assert [receipt.operation for receipt in receipts] == [Operation.REOPEN]
        await settle(money)
        assert world.client().phase is ContractPhase.OPEN
        assert world.client().balance == 3 * TON
        assert not money.report()[0].finished


async def test_money_leaves_a_proxy_that_retires(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        world.retire_proxy()
        await settle(money)
        assert money.report()[0].closing
        world.advance(3600)  # half of what the proxy has beyond our own delay is left to it
        await settle(money)
        assert world.client().phase is ContractPhase.CLOSING
        world.advance(CLIENT_DELAY + 2)
        await settle(money)
        assert world.client().phase is ContractPhase.CLOSED
        await settle(money)
        assert money.report()[0].finished
    assert 100 * TON - world.money() < FEES


# --- a second process, a bad backend ---


async def test_two_processes_do_not_share_a_directory(world: ClientWorld) -> None:
    async with world.process():
        with pytest.raises(StoreError, match="in use"):
            async with world.process():
                pass
    async with world.process():
        pass


async def test_a_backend_that_lies_about_our_contract_is_not_believed(
    world: ClientWorld,
) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        account = money._access.backend.account

        async def lie(address: object) -> object:
            state = await account(address)  # type: ignore[arg-type]
            if address == world.contract:
                data = replace(world.client(), owner=world.proxy).data()
                return replace(state, data=data)
            return state

        money._access.backend.account = lie  # type: ignore[method-assign, assignment]
        with pytest.raises(ChainDataError, match="not what its address says"):
            await money.look(world.contract)


async def test_a_backend_that_hides_our_deposits_costs_no_more_than_a_day_allows(
    world: ClientWorld,
) -> None:
    world.limits = DepositLimits(max_per_day=3 * CLIENT_STAKE)
    async with world.process() as money:
        await onboarded(world, money)
        account = money._access.backend.account

        async def lie(address: object) -> object:
            state = await account(address)  # type: ignore[arg-type]
            if address == world.contract:
                return replace(state, data=replace(world.client(), balance=0).data())
            return state

        money._access.backend.account = lie  # type: ignore[method-assign, assignment]
        await settle(money, 12)
        assert world.client().balance == 3 * CLIENT_STAKE


async def test_a_contract_that_refuses_is_named_with_its_reason(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        keeper = money._keeper(world.contract)
        facts = await keeper.look()
        await keeper.on_chain.perform(facts, [Action(Operation.REQUEST_REFUND)])
        with pytest.raises(PaymentError, match="1011"):
            await keeper.on_chain.perform(facts, [Action(Operation.FORCE_REFUND)])


async def test_a_lost_directory_loses_no_money(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
    world.directory = world.directory / "new"
    async with world.process() as money:
        assert money.contracts == ()
        assert await money.discover() == [world.contract]
        assert await money.discover() == []
        await money.close_contract(world.contract, force=True)
        world.advance(CLIENT_DELAY + 2)
        _, step = await money.close_contract(world.contract, force=True)
        assert isinstance(step, Done)
        with pytest.raises(ChainDataError, match="no client contract"):
            await money.adopt(world.proxy)
    assert 100 * TON - world.money() < FEES


# --- the network changes ---


def change_price(world: ClientWorld, price: int) -> None:
    body = root.change_price(1, price, price // 2)
    chain = world.world.chain
    chain.faucet(world.world.root.address, TON, body=body, source=ROOT_OWNER)


async def test_new_parameters_move_the_money_back_to_the_wallet(world: ClientWorld) -> None:
    world.root_address = world.world.root.address
    async with world.process() as money:
        await onboarded(world, money)
        change_price(world, 40)
        await root_is_read(money)
        with pytest.raises(PaymentError, match="parameters have changed"):
            await money.reopen(world.contract, TON)
        await settle(money)
        assert world.client().phase is ContractPhase.OPEN  # the proxy may refund by itself
        world.advance(PROXY_DELAY - CLIENT_DELAY)
        await settle(money)
        assert world.client().phase is ContractPhase.CLOSING
        world.advance(CLIENT_DELAY + 2)
        await settle(money)
        assert money.report()[0].finished
    assert 100 * TON - world.money() < FEES


async def root_is_read(money: ClientMoney) -> None:
    async with asyncio.timeout(5):
        while money._access.root.current.params.params_version == 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_unreachable_chain_stops_nothing_for_good(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        world.uses(CLIENT_STAKE // 2 // PRICE + 1, signed=0)
        backend = money._access.backend
        account = backend.account

        async def unreachable(address: object) -> object:
            raise ChainError("no connection")

        backend.account = unreachable  # type: ignore[method-assign, assignment]
        await settle(money)
        assert world.client().balance == CLIENT_STAKE
        backend.account = account  # type: ignore[method-assign]
        await settle(money)
        assert world.client().balance == 2 * CLIENT_STAKE


async def test_a_backend_that_lags_does_not_make_us_send_twice(world: ClientWorld) -> None:
    async with world.process() as money:
        await onboarded(world, money)
        world.uses(10**7)
        keeper = money._keeper(world.contract)
        backend = money._access.backend
        account, stale = backend.account, await backend.account(world.contract)

        async def lags(address: object) -> object:
            return stale if address == world.contract else await account(address)  # type: ignore[arg-type]

        facts = await keeper.look()
        await keeper.on_chain.perform(facts, [Action(Operation.CHARGE)])
        backend.account = lags  # type: ignore[method-assign, assignment]
        with pytest.raises(ChainError, match="does not show our last message yet"):
            await money.charge(world.contract)


async def test_a_stale_state_after_a_deposit_does_not_cause_another(world: ClientWorld) -> None:
    """An indexer may list the credit and still show the contract as it was before."""
    async with world.process() as money:
        await onboarded(world, money)
        world.uses(CLIENT_STAKE // 2 // PRICE + 1, signed=0)
        stale = await money._access.backend.account(world.contract)
        await settle(money)
        assert world.client().balance == 2 * CLIENT_STAKE
    async with world.process() as money:  # nor after a restart
        account = money._access.backend.account

        async def lags(address: object) -> object:
            return stale if address == world.contract else await account(address)  # type: ignore[arg-type]

        money._access.backend.account = lags  # type: ignore[method-assign, assignment]
        await settle(money)
        with pytest.raises(ChainError, match="does not show our last message yet"):
            await money.look(world.contract)
    assert world.client().balance == 2 * CLIENT_STAKE
