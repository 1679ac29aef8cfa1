"""How much each node has, and where: wallets, deposits, stakes and commissions."""

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import read_root
from cocoon.cli import screen
from cocoon.cli.config import tables
from cocoon.cli.config.chain import backend_maker, node_wallet, root_address
from cocoon.cli.config.proxy_settings import machine_key
from cocoon.cli.money.target import Target
from cocoon.client.chain.records import Records


@dataclass(frozen=True, slots=True)
class Holding:
    """Money at one place.

    Attributes:
        node: whose, such as ``client``.
        what: what it is.
        address: the account, friendly form.
        nanoton: how much.
    """

    node: str
    what: str
    address: str
    nanoton: int

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


async def read_holdings(targets: list[Target]) -> list[Holding]:
    """Everything that nodes of one network have, read from the chain now.

    Raises:
        ChainError: the chain cannot be reached.
        ConfigError: a configuration is not complete.
    """
    first = targets[0].file
    backend = backend_maker(first.chain, testnet=first.is_testnet)()
    try:
        await backend.start()
        root = await read_root(backend, root_address(first))
        found = await asyncio.gather(*(_Reader(item, backend, root).read() for item in targets))
    finally:
        await backend.close()
    return [holding for holdings in found for holding in holdings]


def holdings_table(holdings: list[Holding]) -> Table:
    """A table with one line for each place."""
    table = Table(title="Balances in TON", title_justify="left", title_style="bold")
    table.add_column("node", style="cyan", no_wrap=True)
    table.add_column("what")
    table.add_column("TON", justify="right", no_wrap=True)
    last = ""
    for item in holdings:
        table.add_row(
            "" if item.node == last else item.node, item.what, screen.decimals(item.nanoton)
        )
        last = item.node
    return table


class _Reader:
    def __init__(self, target: Target, backend: ChainBackend, root: RootConfig) -> None:
        self._name = target.name
        self._file = target.file
        self._backend = backend
        self._root = root
        self._found: list[Holding] = []

    async def read(self) -> list[Holding]:
        file = self._file
        wallet = node_wallet(file).address
        await self._account("node's wallet", wallet)
        if file.owner is not None:
            await self._account("owner's wallet", Address.parse(file.owner))
        if isinstance(file, tables.ClientFile) and file.state is not None:
            await self._client(file)
        if isinstance(file, tables.ProxyFile):
            await self._proxy(file)
        return self._found

    async def _client(self, file: tables.ClientFile) -> None:
        records = Records(None if file.state is None else file.state.parent)
        for contract in records.contracts:
            data = (await self._backend.account(contract)).data
            if data is None:
                continue
            state = ClientState.from_data(data)
            phase = state.phase.name.lower()
            self._add(f"prepaid at a proxy ({phase})", contract, state.balance)

    async def _proxy(self, file: tables.ProxyFile) -> None:
        key = machine_key(file).public_key
        contract = self._root.proxy_address(Address.parse(file.owner), key)
        data = (await self._backend.account(contract)).data
        if data is None:
            return
        state = ProxyState.from_data(data)
        self._add(f"stake ({state.phase.name.lower()})", contract, state.stake)
        self._add("commission", contract, state.balance)
        if state.ledger is not None:
            self._add("held for clients", contract, state.ledger.client_funds)
            self._add("held for workers and itself", contract, state.ledger.earned)

    async def _account(self, what: str, address: Address) -> None:
        self._add(what, address, (await self._backend.account(address)).balance)

    def _add(self, what: str, address: Address, nano: int) -> None:
        text = address.friendly(testnet=self._file.is_testnet)
        self._found.append(Holding(self._name, what, text, nano))
