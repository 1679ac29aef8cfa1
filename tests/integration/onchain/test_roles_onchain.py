"""A client, a proxy and a worker over real connections, with their money in the virtual machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.contracts import root
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import read_root
from cocoon.chain.wallets.cocoon import CocoonWallet
from cocoon.client import Client, ClientRequest
from cocoon.client.chain.limits import DepositLimits
from cocoon.net.chain_settings import ChainSettings
from cocoon.net.root_source import FixedRoot
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.testing.chain import TON
from cocoon.testing.client_onchain import FAST
from cocoon.testing.engine_standin import MODEL
from cocoon.testing.network import InMemoryNetwork
from cocoon.testing.onchain import (
    CLIENT_STAKE,
    PROXY_DELAY,
    ROOT_OWNER,
    World,
    make_world,
    owner_of,
)
from cocoon.worker import Worker
from cocoon.worker.chain.limits import PayoutRules

pytestmark = pytest.mark.anyio

BODY = b'{"model":"test-model","messages":[{"role":"user","content":"hello"}],"max_tokens":8}'


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the chain tells nobody
            await asyncio.sleep(0.01)


class Network:
    """Three roles and their chain."""

    def __init__(self, world: World, directory: Path, members: InMemoryNetwork) -> None:
        self.world = world
        self.directory = directory
        self.members = members
        self.wallets: dict[str, CocoonWallet] = {}
        self.follow_root = False

    def chain(self, name: str, seed: int, ton: float = 100) -> ChainSettings:
        if name not in self.wallets:
            self.wallets[name] = self.world.wallet(seed, ton)
        return ChainSettings(
            backend=lambda: self.world.backend,
            wallet=self.wallets[name],
            root=self.world.root.address if self.follow_root else None,
            directory=self.directory / name,
            timing=FAST,
            root_interval=(0.02, 0.05),
            poll_interval=(0.01, 0.02),
        )

    async def read_root(self) -> RootConfig:
        return await read_root(self.world.backend, self.world.root.address)

    def as_root_owner(self, body: Cell) -> None:
        self.world.chain.faucet(self.world.root.address, TON, body=body, source=ROOT_OWNER)

    def state_of(self, contract: Address) -> ClientState | None:
        data = self.world.chain.account(contract).data
        return None if data is None else ClientState.from_data(data)

    def proxy_state(self, contract: Address) -> ProxyState:
        data = self.world.chain.account(contract).data
        assert data is not None
        return ProxyState.from_data(data)

    def proxy_changes(self) -> dict[str, Any]:
        return {
            "owner": owner_of(7).friendly(testnet=True),
            "chain": self.chain("proxy", 7),
            "settlement": SettlementSettings(commit_value=0),
            "flush_interval": 0.01,
        }

    async def proxy(self) -> Any:
        return await self.members.add_proxy(**self.proxy_changes())

    async def restart_proxy(self) -> Any:
        return await self.members.restart_proxy(0, **self.proxy_changes())

    async def client(self, **changes: Any) -> Client:
        chain = self.chain("client", 5)
        return await self.members.add_client(
            wallet=chain.wallet.address.friendly(testnet=True), chain=chain, **changes
        )

    async def worker(self, **changes: Any) -> Worker:
        return await self.members.add_worker(chain=self.chain("worker", 6, 10), **changes)

    def client_state(self, client: Client) -> ClientState | None:
        assert client.money is not None
        contracts = client.money.contracts
        return self.state_of(contracts[0]) if contracts else None


@asynccontextmanager
async def network(directory: Path, **changes: int) -> AsyncIterator[Network]:
    world = make_world(**changes)
    with world.chain:
        async with InMemoryNetwork(directory, world.root, check_hashes=False) as members:
            yield Network(world, directory, members)


def funded(proxy: Any, client: Client) -> bool:
    """Whether the proxy has seen the deposit: until then it refuses requests."""
    assert client.chain is not None
    record = proxy.books.client(client.chain.wallet)
    return record is not None and record.account.funds.balance > 0


async def ask(client: Client) -> bytes:
    model = MODEL.partition("@")[0]
    request = ClientRequest(
        model, "/v1/chat/completions", BODY.replace(b"test-model", model.encode()), max_tokens=8
    )
    async with await client.run(request) as response:
        assert response.status == 200
        return await response.read()


async def test_a_client_registers_deposits_works_and_pays(tmp_path: Path) -> None:
    async with network(tmp_path) as net:
        proxy = await net.proxy()
        worker = await net.worker(payouts=PayoutRules(threshold=1, smallest=0))
        client = await net.client()
        await until(lambda: (state := net.client_state(client)) and state.balance == CLIENT_STAKE)
        await until(lambda: funded(proxy, client))
        assert await ask(client)
        money = client.money
        assert money is not None
        [contract] = money.contracts
        await until(lambda: money._keeper(contract).on_chain.claim().signed > 0)
        await money.charge(contract)
        state = net.client_state(client)
        assert state is not None
        assert state.tokens_used > 0
        await until(lambda: net.world.balance(_owner(worker)) > 0)
        assert client.money is not None


def _owner(worker: Worker) -> Any:
    assert worker.money is not None
    return worker.money._setting.owner


async def test_the_second_connection_needs_no_transaction(tmp_path: Path) -> None:
    async with network(tmp_path) as net:
        await net.proxy()
        client = await net.client()
        await until(lambda: (state := net.client_state(client)) and state.balance == CLIENT_STAKE)
        before = net.world.balance(net.wallets["client"].address)
        await client.close()
        net.members.clients.remove(client)
        again = await net.client()
        assert again.ready
        assert net.world.balance(net.wallets["client"].address) == before


async def test_closing_gets_everything_back_with_the_proxys_help(tmp_path: Path) -> None:
    async with network(tmp_path) as net:
        await net.proxy()
        client = await net.client(deposits=DepositLimits(deposit=3 * TON))
        await until(lambda: (state := net.client_state(client)) and state.balance == 3 * TON)
        assert client.money is not None
        [contract] = client.money.contracts
        await client.money.close_contract(contract)
        await until(
            lambda: (state := net.client_state(client)) and state.phase is ContractPhase.CLOSED
        )
        assert net.world.balance(net.wallets["client"].address) > 100 * TON - TON // 5


# asyncio leaves a connection unclosed that it accepts in the very turn in which its server closes,
# and here the client dials all the time while the proxy restarts.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_new_parameters_move_everybody_to_new_contracts(tmp_path: Path) -> None:
    """The price changes on chain: sessions end, old money comes back, work goes on."""
    async with network(tmp_path) as net:
        net.follow_root = True
        net.members.root = await net.read_root()
        proxy = await net.proxy()
        net.as_root_owner(
            root.register_proxy(1, f"127.0.0.1:{proxy.worker_port} 127.0.0.1:{proxy.client_port}")
        )
        net.members.root = await net.read_root()
        worker = await net.worker(payouts=PayoutRules(threshold=1, smallest=0))
        client = await net.client(deposits=DepositLimits(max_total=4 * CLIENT_STAKE))
        money = client.money
        assert money is not None
        await until(lambda: (state := net.client_state(client)) and state.balance == CLIENT_STAKE)
        await until(lambda: funded(proxy, client))
        assert await ask(client)

        net.as_root_owner(root.change_price(2, 30, 15))
        await until(lambda: client.root.current.params.params_version == 2)
        [old] = money.contracts
        # The proxy refunds while it winds its contract down.
        await until(lambda: money._keeper(old).record.finished)
        state = net.state_of(old)
        assert state is not None
        assert state.phase is ContractPhase.CLOSED
        assert net.world.balance(net.wallets["client"].address) > 100 * TON - TON // 2

        was = money._keeper(old).proxy
        net.world.chain.advance(PROXY_DELAY + 60)
        await until(lambda: net.proxy_state(was).phase is ContractPhase.CLOSED)
        net.members.root = await net.read_root()
        proxy = await net.restart_proxy()
        await until(lambda: len(money.contracts) == 2)
        new = money.contracts[1]
        await until(lambda: (state := net.state_of(new)) and state.balance >= CLIENT_STAKE)
        await until(lambda: funded(proxy, client))
        await until(lambda: client.ready and worker.ready)
        assert await ask(client)


async def test_a_revoked_proxy_image_ends_sessions_at_once(tmp_path: Path) -> None:
    world = make_world()
    with world.chain:
        async with InMemoryNetwork(tmp_path, world.root) as members:
            await members.add_proxy()
            worker = await members.add_worker()
            client = await members.add_client()
            revoked = replace(members.root, version=2, proxy_hashes=frozenset())
            for role in (client, worker):
                source = role.root
                assert isinstance(source, FixedRoot)
                source.replace(revoked)
            await until(lambda: not client.ready and not worker.ready, 5)
