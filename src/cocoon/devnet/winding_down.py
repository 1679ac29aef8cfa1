"""After a change of the network's parameters: let the proxies wind their old contracts down.

New parameters mean new contracts. A proxy refunds its clients and pays its workers from the old
one, which then waits for its delay; only a closed one makes room for the next. A devnet does not
wait: its chain's clock is moved.
"""

import asyncio
import time
from collections.abc import Mapping

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.root_config import RootConfig
from cocoon.devnet.chain_control import ChainControl
from cocoon.devnet.members import Member
from cocoon.errors import UnavailableError

TIMEOUT = 60.0
LOOK_SECONDS = 0.3


def proxy_contracts(members: Mapping[str, Member], root: RootConfig) -> dict[str, Address]:
    """The contract of each proxy under a root's parameters, by process name."""
    return {
        member.name: root.proxy_address(member.owner.address, member.machine_key.public_key)
        for member in members.values()
        if member.machine_key is not None
    }


async def still_open(
    backend: ChainBackend, before: Mapping[str, Address], now: Mapping[str, Address]
) -> dict[str, Address]:
    """Contracts of today's proxies that are old and not closed yet, by process name.

    Args:
        backend: the chain.
        before: contracts that the proxies had.
        now: contracts that they shall have.

    Raises:
        ChainError: the chain does not answer.
    """
    found = {}
    for name, old in before.items():
        if now.get(name, old) == old:
            continue
        state = await _read(backend, old)
        if state is not None and state.phase is not ContractPhase.CLOSED:
            found[name] = old
    return found


async def check_open(backend: ChainBackend, contracts: Mapping[str, Address]) -> None:
    """Refuse to start proxies whose contracts were closed for good: nobody could use them.

    Raises:
        ChainError: the chain does not answer.
        UnavailableError: one was closed, or closes.
    """
    for name, contract in contracts.items():
        state = await _read(backend, contract)
        if state is not None and state.phase is not ContractPhase.OPEN:
            raise UnavailableError(
                f"{name} was closed for good ({contract}): move its folder out of the state "
                "directory, and the next start makes a new proxy"
            )


async def wait_closed(
    backend: ChainBackend, control: ChainControl, contracts: Mapping[str, Address]
) -> None:
    """Wait until running proxies have closed their old contracts, and move the clock for them.

    Raises:
        ChainError: the chain does not answer.
        UnavailableError: a proxy does not get there.
    """
    limit = time.monotonic() + TIMEOUT
    for name, contract in contracts.items():
        while True:
            state = await _read(backend, contract)
            if state is None or state.phase is ContractPhase.CLOSED:
                break
            if time.monotonic() > limit:
                raise UnavailableError(f"{name} does not wind down its old contract {contract}")
            ahead = state.unlock_time - (await backend.head()).time
            if state.phase is ContractPhase.CLOSING and ahead >= 0:
                await control.advance(ahead + 1)
            await asyncio.sleep(LOOK_SECONDS)


async def _read(backend: ChainBackend, contract: Address) -> ProxyState | None:
    data = (await backend.account(contract)).data
    return None if data is None else ProxyState.from_data(data)
