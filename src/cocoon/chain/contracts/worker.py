"""The worker contract: one for each proxy and worker owner (``onchain.md`` §7)."""

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts.params import CHILD_MASK, ContractParams


def worker_data(params: ContractParams, owner: Address, proxy: Address, proxy_key: bytes) -> Cell:
    """Initial data of a worker contract.

    Args:
        params: the network's parameters.
        owner: the worker operator's configured wallet, which is paid directly.
        proxy: the proxy contract.
        proxy_key: 32 bytes, the key whose payouts the contract accepts.

    Raises:
        DecodeError: a value does not fit.
    """
    out = Builder().address(owner).address(proxy).hash256(proxy_key)
    return out.uint(0, 2).uint(0, 64).ref(params.cell(CHILD_MASK)).cell()  # state, tokens
