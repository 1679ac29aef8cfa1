"""Put a devnet's contracts and money on its chain; what is already there is left as it is."""

import asyncio
from collections.abc import Awaitable, Callable

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.message import OutMessage
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import read_root
from cocoon.chain.sender import SenderTiming, WalletSender
from cocoon.chain.wallets.base import Wallet
from cocoon.devnet.options import NANO
from cocoon.devnet.plan import Plan
from cocoon.devnet.root_changes import root_changes
from cocoon.devnet.root_data import RootContract, params
from cocoon.errors import ChainError

TIMING = SenderTiming(poll=0.05, resend=2.0, track=20.0, give_up=30.0)
"""The chain is on this machine and makes a block at once."""
DEPLOY_ROOT = NANO // 2
VALUE_ROOT = NANO // 20
_OWNERS = {"deployer": 20 * NANO, "proxy": 5 * NANO, "worker": 5 * NANO, "client": 5 * NANO}
_WALLETS = {"proxy": 100 * NANO, "worker": 20 * NANO, "client": 200 * NANO}
"""What the wallets of each role are filled up to, nanoTON."""

Faucet = Callable[[Address, int], Awaitable[None]]
"""Gives an address so many nanoTON."""


async def deploy(
    plan: Plan, root: RootContract, backend: ChainBackend, faucet: Faucet
) -> RootConfig:
    """Fund the wallets, then deploy the root contract, or update it by its owner's messages.

    Proxies deploy their own contracts, clients and workers likewise, when they start.

    Args:
        plan: the network.
        root: its root contract.
        backend: the chain.
        faucet: gives coins.

    Returns:
        The root configuration as it now is.

    Raises:
        ChainError: something was refused, or the chain does not answer.
    """
    await asyncio.gather(*(_fund(backend, faucet, *item) for item in _wallets(plan)))
    return await _root(plan, root, backend)


def _wallets(plan: Plan) -> list[tuple[Address, int]]:
    levels = [(plan.deployer.owner.address, _OWNERS["deployer"])]
    for member in plan.members.values():
        levels.append((member.owner.address, _OWNERS[member.role]))
        levels.append((member.wallet.address, _WALLETS[member.role]))
    return levels


async def _fund(backend: ChainBackend, faucet: Faucet, address: Address, level: int) -> None:
    balance = (await backend.account(address)).balance
    if balance < level // 2:
        await faucet(address, level - balance)


async def _root(plan: Plan, root: RootContract, backend: ChainBackend) -> RootConfig:
    owner = plan.deployer.owner
    if not (await backend.account(root.address)).is_active:
        message = OutMessage(root.address, DEPLOY_ROOT, bounce=False, init=root.init)
        await _send(backend, owner, "root contract", message)
    current = await read_root(backend, root.address)
    codes = params(plan.root, version=current.params.params_version)
    bodies = root_changes(current, root.applied, plan.root, codes, root.listed)
    if not bodies:
        return current
    if current.owner != owner.address:
        raise ChainError(
            "the root contract has to follow what changed in this network, but the devnet does not "
            "own it any more: use the same options and ports as before, or another --state"
        )
    messages = [OutMessage(root.address, VALUE_ROOT, body) for body in bodies]
    await _send(backend, owner, "root contract", *messages)
    return await read_root(backend, root.address)


async def _send(backend: ChainBackend, wallet: Wallet, what: str, *messages: OutMessage) -> None:
    sender = WalletSender(backend, wallet, timing=TIMING)
    try:
        for delivery in await sender.send(*messages):
            if not delivery.ok:
                raise ChainError(f"{what}: {delivery.describe()}")
    finally:
        await sender.close()
