"""A proxy whose network has other parameters now: the contract that its store belongs to.

Parameters are part of every contract's address, so a change means a new proxy contract. What the
old one still owes must be paid first, with the parameters that it was made with; those are in its
own data on chain.
"""

from dataclasses import replace

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.root_config import RootConfig
from cocoon.errors import StoreError


async def former_root(
    backend: ChainBackend, contract: Address, root: RootConfig, owner: Address, public_key: bytes
) -> RootConfig | None:
    """The root configuration that a contract of ours was made with.

    Args:
        backend: the chain.
        contract: the proxy contract that the store belongs to.
        root: the present configuration.
        owner: the operator.
        public_key: 32 bytes, the machine key.

    Returns:
        None if the contract is closed or was never deployed: nothing is left to be done there.

    Raises:
        StoreError: the contract is not of this operator, key and network.
        ChainError: it cannot be read.
        DecodeError: it is no proxy contract.
    """
    account = await backend.account(contract)
    if not account.is_active or account.data is None:
        return None
    state = ProxyState.from_data(account.data)
    if state.phase is ContractPhase.CLOSED:
        return None
    former = replace(root, params=replace(state.params, proxy_code=account.code))
    if former.proxy_address(owner, public_key) != contract:
        raise StoreError(
            f"the store belongs to proxy contract {contract}, which is of another operator, key or "
            "network: use what it was made with, or another database"
        )
    return former
