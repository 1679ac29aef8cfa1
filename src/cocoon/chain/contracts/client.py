"""The client contract: one for each proxy and client wallet (``onchain.md`` §6)."""

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts.params import CHILD_MASK, ContractParams


def client_const(owner: Address, proxy: Address, proxy_key: bytes) -> Cell:
    """The part of a client contract's data that never changes."""
    return Builder().address(owner).address(proxy).hash256(proxy_key).cell()


def client_data(params: ContractParams, owner: Address, proxy: Address, proxy_key: bytes) -> Cell:
    """Initial data of a client contract.

    Args:
        params: the network's parameters.
        owner: the client's cocoon wallet, not its configured owner.
        proxy: the proxy contract.
        proxy_key: 32 bytes, the key whose charges the contract accepts.

    Raises:
        DecodeError: a value does not fit.
    """
    out = Builder().uint(0, 2).coins(0).coins(params.min_client_stake)  # state, balance, stake
    out.uint(0, 64).uint(0, 32).uint(0, 256)  # tokens used, unlock time, secret hash
    return out.ref(client_const(owner, proxy, proxy_key)).ref(params.cell(CHILD_MASK)).cell()
