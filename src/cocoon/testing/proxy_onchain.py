"""A proxy on an embedded chain; its clients and workers are played by their contracts alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.accounting import Tokens
from cocoon.chain.address import Address
from cocoon.chain.contracts import client_messages
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.proxy_state import ProxyLedger, ProxyState
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.contracts.worker_state import WorkerState
from cocoon.chain.keys import SecretKey
from cocoon.chain.sender import SenderTiming
from cocoon.net.chain_settings import ChainSettings
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.proxy.proxy import Proxy
from cocoon.proxy.settings import ListenSettings, ProxySettings
from cocoon.testing.chain import TON
from cocoon.testing.onchain import World, owner_of

FAST = SenderTiming(poll=0.005, resend=0.5, track=5.0, give_up=10.0)
VALUE = TON
CLIENT_OWNER = Address(bytes([0x33]) * 32)
WORKER_OWNER = Address(bytes([0x44]) * 32)
EXCESSES = Address(bytes([0x55]) * 32)


@dataclass
class ProxyWorld:
    """The chain, the proxy, and what its peers do on chain."""

    world: World
    directory: Path
    key: SecretKey
    proxy: Proxy

    @property
    def contract(self) -> Address:
        """The proxy contract."""
        return self.proxy.books.contract

    @property
    def client(self) -> Address:
        """The client contract."""
        return self.proxy.books.client_contract(CLIENT_OWNER)

    @property
    def worker(self) -> Address:
        """The worker contract."""
        return self.proxy.books.worker_contract(WORKER_OWNER)

    def proxy_state(self) -> ProxyState:
        """State of the proxy contract."""
        data = self.world.chain.account(self.contract).data
        assert data is not None
        return ProxyState.from_data(data)

    def ledger(self) -> ProxyLedger:
        """Its ledger."""
        return self.proxy_state().ledger or ProxyLedger()

    def client_state(self) -> ClientState:
        """State of the client contract."""
        data = self.world.chain.account(self.client).data
        assert data is not None
        return ClientState.from_data(data)

    def worker_state(self) -> WorkerState:
        """State of the worker contract."""
        data = self.world.chain.account(self.worker).data
        assert data is not None
        return WorkerState.from_data(data)

    # --- what the client does on chain ---

    def deploy_client(self) -> None:
        """Deploy the client contract."""
        params = self.world.root.params
        assert params.client_code is not None
        data = client_data(params, CLIENT_OWNER, self.contract, self.key.public_key)
        init = state_init(params.client_code, data)
        self.world.chain.faucet(self.client, VALUE, init=init)

    def as_owner(self, body: Any, value: int = VALUE) -> None:
        """Send a message as the client's owner."""
        self.world.chain.faucet(self.client, value, body=body, source=CLIENT_OWNER)

    def top_up(self, amount: int) -> None:
        """Deposit so many nanoTON."""
        self.as_owner(client_messages.top_up(1, amount, EXCESSES), VALUE + amount)

    def register(self, nonce: int) -> None:
        """Prove that the client owns its contract."""
        self.as_owner(client_messages.register(1, nonce, EXCESSES))

    def request_refund(self) -> None:
        """Begin to close."""
        self.as_owner(client_messages.request_refund(1, EXCESSES))

    # --- what happens off chain ---

    def use(self, tokens: int) -> None:
        """A request that cost so many tokens."""
        books = self.proxy.books
        record = books.open_client(CLIENT_OWNER)
        assert record is not None
        prices = self.proxy.dispatcher.terms.prices
        held = books.ledger.reserve(record.account, Tokens(tokens), prices.price_per_token)
        books.ledger.settle(held, books.open_worker(WORKER_OWNER).account, Tokens(tokens))


def proxy_settings(world: World, directory: Path, **changes: Any) -> ProxySettings:
    """Settings of a proxy that reaches the chain in this process; ``changes`` are others."""
    listen = ListenSettings(host="127.0.0.1", port=0, transport="router")
    chain = ChainSettings(
        backend=lambda: world.backend,
        wallet=world.wallet(7, 0),
        poll_interval=(0.01, 0.02),
        timing=FAST,
    )
    values: dict[str, Any] = {
        "owner": owner_of(7).friendly(testnet=True),
        "machine_key": SecretKey(bytes([8]) * 32),
        "root": world.root,
        "database_url": f"sqlite:///{directory}/proxy.sqlite",
        "clients": listen,
        "workers": listen,
        "http_port": None,
        "flush_interval": 0.01,
        "chain": chain,
        "settlement": SettlementSettings(commit_value=TON // 100),
        **changes,
    }
    return ProxySettings(**values)


@asynccontextmanager
async def running(world: World, directory: Path, **changes: Any) -> AsyncIterator[ProxyWorld]:
    """Start the proxy; its wallet has money unless a test took it."""
    settings = proxy_settings(world, directory, **changes)
    proxy = Proxy(settings)
    await proxy.start()
    try:
        yield ProxyWorld(world, directory, settings.machine_key, proxy)
    finally:
        await proxy.close()
