"""Who has how much in a devnet, read from its chain."""

import asyncio
from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.proxy_state import ProxyLedger, ProxyState
from cocoon.chain.root_config import RootConfig
from cocoon.devnet.members import Member


@dataclass(frozen=True, slots=True)
class Balances:
    """Money of everybody in nanoTON, over all proxies and workers.

    Attributes:
        client_wallet: in the client's wallet.
        client_deposit: prepaid by the client and not charged.
        earned: charged, for workers and operators, and not paid out yet.
        commission: that the operators of proxies can take.
        worker_owners: in the wallets that workers are paid to.
    """

    client_wallet: int
    client_deposit: int
    earned: int
    commission: int
    worker_owners: int


@dataclass(frozen=True, slots=True)
class Contracts:
    """Addresses of a devnet's contracts under one version of its parameters.

    Attributes:
        proxies: of each proxy.
        clients: of the client at each proxy.
        workers: by worker, at each proxy.
        client_wallet: the client's wallet.
        worker_owners: where each worker is paid.
    """

    proxies: tuple[Address, ...]
    clients: tuple[Address, ...]
    workers: tuple[Address, ...]
    client_wallet: Address
    worker_owners: tuple[Address, ...]


def contracts(members: dict[str, Member], root: RootConfig) -> Contracts:
    """Derive every address.

    Args:
        members: of the devnet, by process name.
        root: the network's parameters.
    """
    proxies, clients, workers = [], [], []
    paid = [member.owner.address for member in members.values() if member.role == "worker"]
    client = members["client"].wallet.address
    for member in members.values():
        if member.machine_key is None:
            continue
        key = member.machine_key.public_key
        proxy = root.proxy_address(member.owner.address, key)
        proxies.append(proxy)
        clients.append(root.client_address(client, proxy, key))
        workers += [root.worker_address(owner, proxy, key) for owner in paid]
    return Contracts(tuple(proxies), tuple(clients), tuple(workers), client, tuple(paid))


async def read_balances(backend: ChainBackend, where: Contracts) -> Balances:
    """Read them now.

    Raises:
        ChainError: the chain does not answer.
        DecodeError: a contract's data is not what it should be.
    """
    clients = [ClientState.from_data(data) for data in await _data(backend, where.clients)]
    proxies = [ProxyState.from_data(data) for data in await _data(backend, where.proxies)]
    wallet, *paid = await asyncio.gather(
        *(backend.account(address) for address in (where.client_wallet, *where.worker_owners))
    )
    ledgers = [proxy.ledger or ProxyLedger() for proxy in proxies]
    return Balances(
        client_wallet=wallet.balance,
        client_deposit=sum(client.balance for client in clients),
        earned=sum(ledger.earned for ledger in ledgers),
        commission=sum(proxy.balance for proxy in proxies),
        worker_owners=sum(account.balance for account in paid),
    )


async def _data(backend: ChainBackend, addresses: tuple[Address, ...]) -> list[Cell]:
    accounts = await asyncio.gather(*(backend.account(address) for address in addresses))
    return [account.data for account in accounts if account.data is not None]
