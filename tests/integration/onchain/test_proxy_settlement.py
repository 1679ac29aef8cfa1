"""The proxy settles on a real TVM: every coin is where the books say."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.accounting import Tokens
from cocoon.chain.contracts import client_messages
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.errors import CocoonError, SignerRegressionError
from cocoon.proxy.books import REOPENED
from cocoon.proxy.onchain.outbox import Due
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.testing.chain import TON
from cocoon.testing.onchain import (
    CLIENT_DELAY,
    CLIENT_STAKE,
    FEE,
    PRICE,
    PROXY_DELAY,
    PROXY_STAKE,
    World,
    make_world,
    owner_of,
)
from cocoon.testing.proxy_onchain import CLIENT_OWNER, EXCESSES, WORKER_OWNER, ProxyWorld, running

pytestmark = pytest.mark.anyio

TOKENS = 10_000_000


@pytest.fixture
def world() -> Iterator[World]:
    world = make_world()
    world.wallet(7)
    with world.chain:
        yield world


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the chain tells nobody
            await asyncio.sleep(0.01)


async def with_deposit(it: ProxyWorld, amount: int = 5 * TON) -> None:
    it.deploy_client()
    it.top_up(amount)
    await until(lambda: it.proxy.books.client(CLIENT_OWNER) is not None)


async def test_proxy_deploys_its_contract_with_its_stake(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as it:
        state = it.proxy_state()
        assert state.stake == PROXY_STAKE
        assert state.phase is ContractPhase.OPEN
        assert it.proxy.healthy


async def test_a_deposit_becomes_funds_and_usage_a_charge(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        assert int(record.account.funds.balance) == 5 * TON
        it.use(TOKENS)
        await it.proxy.settle(Due(charges=True, payouts=True, commission=True))
        used = TOKENS * PRICE
        assert it.client_state().tokens_used == TOKENS
        assert it.client_state().balance == 5 * TON - used
        assert it.worker_state().tokens == TOKENS
        assert world.balance(WORKER_OWNER) >= TOKENS * FEE
        assert it.ledger().client_funds == 5 * TON - used
        assert it.ledger().earned == 0
        assert it.proxy_state().balance == 0
        assert world.balance(owner_of(7)) == TOKENS * (PRICE - FEE)
        assert it.ledger().commit_seqno > 0


async def test_a_registration_opens_the_account(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as it:
        seen: list[int] = []
        it.proxy.client_side.registered = lambda owner, nonce: seen.append(nonce)  # type: ignore[method-assign]
        it.deploy_client()
        it.register(77)
        await until(lambda: seen)
        assert seen == [77]
        assert it.proxy.books.client(CLIENT_OWNER) is not None


async def test_commits_wait_for_value_at_risk(world: World, tmp_path: Path) -> None:
    settlement = SettlementSettings(commit_value=TON, charge_value=100 * TON)
    async with running(world, tmp_path, settlement=settlement) as it:
        await with_deposit(it)
        it.use(TON // PRICE - 1)
        await asyncio.sleep(0.2)
        assert it.ledger().commit_seqno == 0
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        assert int(record.account.counter.chain) == 0
        it.use(1)
        await until(lambda: it.ledger().commit_seqno > 0)
        await until(lambda: int(record.account.counter.chain) == TON // PRICE)


async def test_a_closing_client_gets_its_money_at_once(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        it.use(1000)
        before = world.balance(CLIENT_OWNER)
        it.request_refund()
        await until(lambda: it.client_state().phase is ContractPhase.CLOSED)
        assert world.balance(CLIENT_OWNER) - before >= 5 * TON - 1000 * PRICE
        assert it.ledger().client_funds == 0
        assert it.ledger().earned == 1000 * PRICE
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        await until(lambda: record.state == ContractPhase.CLOSED)


async def test_a_restart_goes_on_where_it_was(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        it.use(TOKENS)
        await it.proxy.flush()
    async with running(world, tmp_path) as it:
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        assert int(record.account.counter.chain) == TOKENS
        assert int(record.account.funds.balance) == 5 * TON
        await it.proxy.settle(Due(charges=True))
        assert it.client_state().tokens_used == TOKENS


async def test_an_older_copy_of_the_store_is_refused(world: World, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        it.use(TOKENS)
        await it.proxy.flush()
    copy.mkdir()
    shutil.copy(tmp_path / "proxy.sqlite", copy / "proxy.sqlite")
    async with running(world, tmp_path) as it:
        it.use(TOKENS)
        await it.proxy.flush()
    with pytest.raises(SignerRegressionError, match="older"):
        async with running(world, copy):
            pass


async def test_an_empty_wallet_says_what_is_missing(tmp_path: Path) -> None:
    world = make_world()
    with world.chain, pytest.raises(CocoonError, match="TON"):
        async with running(world, tmp_path):
            pass


async def test_retirement_pays_everybody_and_ends(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        it.use(TOKENS)
        it.proxy.retire()
        assert it.proxy.dispatcher.terms.refusal is not None
        await until(lambda: it.client_state().phase is ContractPhase.CLOSED)
        await until(lambda: world.balance(WORKER_OWNER) >= TOKENS * FEE)
        assert it.proxy_state().phase is ContractPhase.CLOSING
        before = world.balance(owner_of(7))
        world.chain.advance(PROXY_DELAY + 1)
        await until(lambda: it.proxy_state().phase is ContractPhase.CLOSED)
        commission = TOKENS * (PRICE - FEE)
        assert world.balance(owner_of(7)) - before == PROXY_STAKE + commission
        assert it.ledger().client_funds == 0
        assert it.ledger().earned == 0


async def test_a_due_payout_brings_the_charges_that_it_needs(world: World, tmp_path: Path) -> None:
    settlement = SettlementSettings(commit_value=0, charge_value=100 * TON, payout_value=TON)
    async with running(world, tmp_path, settlement=settlement) as it:
        await with_deposit(it)
        it.use(TON // FEE - 1)
        await asyncio.sleep(0.3)
        assert it.client_state().tokens_used == 0
        it.use(2)
        await until(lambda: world.balance(WORKER_OWNER) >= TON)
        assert it.client_state().tokens_used == TON // FEE + 1


async def test_a_payout_without_charges_behind_it_waits(world: World, tmp_path: Path) -> None:
    """The client's contract refuses its charge: the worker gets what there is, later the rest."""
    async with running(world, tmp_path) as it:
        await with_deposit(it, CLIENT_STAKE)
        it.use(CLIENT_STAKE // PRICE)
        worker = it.proxy.books.open_worker(WORKER_OWNER).account
        client = it.proxy.books.open_client(CLIENT_OWNER)
        assert client is not None
        worker.counter.use(Tokens(1000))  # a bug credits more than anybody was charged
        it.proxy.books.ledger.touch(worker)
        await it.proxy.settle(Due(charges=True, payouts=True))
        assert it.worker_state().tokens == CLIENT_STAKE // PRICE
        assert it.ledger().earned == 0


async def test_a_reopened_client_has_no_credit_before_its_past_is_charged(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        it.use(TOKENS)
        await it.proxy.flush()
    it.request_refund()  # while the proxy is away
    world.chain.advance(CLIENT_DELAY + 1)
    it.request_refund()
    assert it.client_state().phase is ContractPhase.CLOSED
    it.as_owner(client_messages.reopen(1, 3 * TON, EXCESSES), 4 * TON)
    assert it.client_state().tokens_used == 0
    async with running(world, tmp_path) as it:
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        states = {record.state}
        await until(lambda: states.add(record.state) or record.state == ContractPhase.OPEN)
        assert REOPENED in states
        assert it.client_state().tokens_used == TOKENS


async def test_a_reopened_client_that_used_nothing_closes_alone(
    world: World, tmp_path: Path
) -> None:
    settlement = SettlementSettings(commit_value=0, retry_delay=0.0)
    async with running(world, tmp_path, settlement=settlement) as it:
        await with_deposit(it)
        it.use(TOKENS)
        it.request_refund()
        await until(lambda: it.client_state().phase is ContractPhase.CLOSED)
        it.as_owner(client_messages.reopen(1, 3 * TON, EXCESSES), 4 * TON)
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        await until(lambda: record.state == ContractPhase.OPEN)
        it.request_refund()
        await until(lambda: record.state == ContractPhase.CLOSING)
        await asyncio.sleep(0.5)
        assert it.client_state().phase is ContractPhase.CLOSING
        grants = [
            transaction
            for transaction in world.chain.transactions(it.client, limit=50)
            if transaction.exit_code == 1000
        ]
        assert len(grants) == 1  # the refusal is remembered
        world.chain.advance(CLIENT_DELAY + 1)
        before = world.balance(CLIENT_OWNER)
        it.request_refund()
        assert world.balance(CLIENT_OWNER) - before >= CLIENT_STAKE
        assert it.ledger().client_funds == 0


async def test_new_parameters_wind_the_old_contract_down_even_after_a_crash(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        it.use(TOKENS)
        await it.proxy.flush()
        former = it.contract
    params = replace(world.root.params, params_version=2, price_per_token=2 * PRICE)
    newer = World(world.chain, replace(world.root, version=2, params=params))
    async with running(newer, tmp_path) as it:
        assert it.contract == former
        await until(lambda: it.client_state().phase is ContractPhase.CLOSED)
        await until(lambda: it.proxy_state().phase is ContractPhase.CLOSING)
        assert it.client_state().tokens_used == TOKENS
        world.chain.advance(PROXY_DELAY + 1)
        await until(lambda: it.proxy_state().phase is ContractPhase.CLOSED)
    async with running(newer, tmp_path) as it:
        assert it.contract != former
        assert it.proxy.onchain is not None
        assert it.proxy.onchain.refusal is None
        assert list(it.proxy.books.clients) == []
    assert len(list(tmp_path.glob("proxy-*.sqlite"))) == 1  # noqa: ASYNC240
