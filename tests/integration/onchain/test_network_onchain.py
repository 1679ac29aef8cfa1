"""All three roles on one real virtual machine: from an empty contract to every coin back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cocoon.chain.address import Address
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.wallets.cocoon import CocoonWallet
from cocoon.client import Client
from cocoon.client.api import ClientRequest
from cocoon.net.chain_settings import ChainSettings
from cocoon.proxy.onchain.outbox import Due
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.testing.chain import TON
from cocoon.testing.network import InMemoryNetwork
from cocoon.testing.onchain import (
    CLIENT_DELAY,
    CLIENT_STAKE,
    FEE,
    PRICE,
    World,
    make_world,
    owner_of,
)
from cocoon.testing.proxy_onchain import FAST

pytestmark = pytest.mark.anyio

PROXY, CLIENT, WORKER = 1, 2, 3
ENOUGH = 60.0


@pytest.fixture
def world() -> Iterator[World]:
    world = make_world()
    with world.chain:
        yield world


class Party:
    """The network, its chain, and who owns what."""

    def __init__(self, world: World, network: InMemoryNetwork, directory: Path) -> None:
        self.world = world
        self.network = network
        self.directory = directory
        self.wallets: dict[int, CocoonWallet] = {}

    def chain(self, seed: int, ton: float = 50) -> ChainSettings:
        if seed not in self.wallets:
            self.wallets[seed] = self.world.wallet(seed, ton)
        folder = self.directory / f"state-{seed}"
        folder.mkdir(exist_ok=True)
        return ChainSettings(
            backend=lambda: self.world.backend,
            wallet=self.wallets[seed],
            directory=folder,
            poll_interval=(0.05, 0.1),
            timing=FAST,
        )

    async def proxy(self, commit_value: int = 0) -> Any:
        return await self.network.add_proxy(
            chain=self.chain(PROXY),
            owner=owner_of(PROXY).friendly(testnet=True),
            settlement=SettlementSettings(commit_value=commit_value),
        )

    async def worker(self) -> Any:
        return await self.network.add_worker(
            chain=self.chain(WORKER), owner=owner_of(WORKER).friendly(testnet=True)
        )

    async def client(self) -> Client:
        chain = self.chain(CLIENT)
        wallet = chain.wallet.address.friendly(testnet=True)
        return await self.network.add_client(chain=chain, wallet=wallet)

    def proxy_state(self) -> ProxyState:
        data = self.world.chain.account(self.network.proxies[0].books.contract).data
        assert data is not None
        return ProxyState.from_data(data)

    def client_state(self) -> ClientState:
        data = self.world.chain.account(self.client_contract).data
        assert data is not None
        return ClientState.from_data(data)

    @property
    def client_contract(self) -> Address:
        return self.network.proxies[0].books.client_contract(self.wallets[CLIENT].address)


@pytest.fixture
async def party(world: World, tmp_path: Path) -> AsyncIterator[Party]:
    async with InMemoryNetwork(tmp_path, world.root) as network:
        yield Party(world, network, tmp_path)


async def ask(client: Client) -> None:
    request = ClientRequest(
        model="stand-in",
        path="/v1/chat/completions",
        body=b'{"model":"stand-in","messages":[{"role":"user","content":"hi"}],"max_tokens":20}',
        max_tokens=20,
    )
    async with await client.run(request) as response:
        await response.read()


async def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the chain tells nobody
            await asyncio.sleep(0.02)


async def test_from_first_contact_to_charge_and_payout(party: Party) -> None:
    proxy = await party.proxy()
    await party.worker()
    client = await party.client()
    record = next(proxy.books.clients)
    await until(lambda: int(record.account.funds.balance) >= CLIENT_STAKE)
    await ask(client)
    used = int(record.account.counter.max)
    assert used > 0
    await proxy.settle(Due(charges=True, payouts=True))
    assert party.client_state().tokens_used == used
    assert party.world.balance(owner_of(WORKER)) >= used * FEE
    ledger = party.proxy_state().ledger
    assert ledger is not None
    assert ledger.charged_total == ledger.paid_total == used * PRICE
    assert ledger.client_funds == party.client_state().balance


async def test_requests_cost_no_operation_on_chain(party: Party) -> None:
    proxy = await party.proxy(commit_value=TON)
    await party.worker()
    client = await party.client()
    record = next(proxy.books.clients)
    await until(lambda: int(record.account.funds.balance) >= CLIENT_STAKE)
    before = len(party.world.chain.recent_transactions(limit=1000))
    for _ in range(20):
        await ask(client)
    await asyncio.sleep(0.3)
    assert int(record.account.counter.db) > 0
    assert len(party.world.chain.recent_transactions(limit=1000)) == before


async def test_a_client_comes_back_without_paying_twice(party: Party) -> None:
    proxy = await party.proxy()
    await party.worker()
    client = await party.client()
    record = next(proxy.books.clients)
    await until(lambda: int(record.account.funds.balance) >= CLIENT_STAKE)
    deposited = int(record.account.funds.balance)
    await client.close()
    again = await party.client()
    await ask(again)
    await asyncio.sleep(0.3)
    assert int(record.account.funds.balance) == deposited


async def test_orderly_close_returns_everything_not_charged(party: Party) -> None:
    proxy = await party.proxy()
    await party.worker()
    client = await party.client()
    record = next(proxy.books.clients)
    await until(lambda: int(record.account.funds.balance) >= CLIENT_STAKE)
    await ask(client)
    used = int(record.account.counter.max) * PRICE
    balance = party.client_state().balance
    wallet = party.wallets[CLIENT].address
    before = party.world.balance(wallet)
    assert client.money is not None
    await client.money.close_contract(party.client_contract)
    await until(lambda: party.client_state().phase is ContractPhase.CLOSED)
    returned = party.world.balance(wallet) - before
    assert returned > balance - used - TON // 10  # fees
    ledger = party.proxy_state().ledger
    assert ledger is not None
    assert (ledger.client_funds, ledger.earned) == (0, used)


async def test_the_proxy_is_gone_and_everybody_recovers(party: Party) -> None:
    proxy = await party.proxy()
    worker = await party.worker()
    client = await party.client()
    record = next(proxy.books.clients)
    await until(lambda: int(record.account.funds.balance) >= CLIENT_STAKE)
    await ask(client)
    used = int(record.account.counter.max)
    await proxy.flush()
    await until(lambda: worker.payouts.report()[0].signed == used)
    assert client.money is not None
    await until(lambda: client.money.report()[0].signed == used if client.money else False)
    for port in proxy._listeners:  # killed: nothing of it runs any more
        await port.close()
    proxy.client_side.close_all()
    proxy.worker_side.close_all()
    await proxy.onchain.close()
    wallet, contract = party.wallets[CLIENT].address, party.client_contract
    balance, before = party.client_state().balance, party.world.balance(wallet)
    await client.money.close_contract(contract)
    party.world.chain.advance(CLIENT_DELAY + 1)
    await until(lambda: party.client_state().phase is ContractPhase.CLOSED)
    assert party.world.balance(wallet) - before > balance - used * PRICE - TON // 5
    await worker.money.payout()
    await until(lambda: party.world.balance(owner_of(WORKER)) >= used * FEE)
