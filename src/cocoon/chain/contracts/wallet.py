"""The cocoon wallet: the node's own wallet, owned by its operator (``onchain.md`` §8)."""

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, HashedCell
from cocoon.chain.contracts.state_init import CodeHash, contract_address

OFFICIAL_WALLET_CODE = CodeHash(
    bytes.fromhex("7a48f05ceef40f06cabbaa39c1c5a67b24e8bb59d8cf8a74e49988a5f44cf66a"), 6
)
"""The official wallet's code, the same in both generations seen on mainnet (``onchain.md`` §0)."""


def wallet_data(owner: Address, public_key: bytes) -> Cell:
    """Initial data of a wallet.

    Args:
        owner: the operator, who can always take over.
        public_key: 32 bytes, the node's wallet key.

    Raises:
        DecodeError: a value does not fit.
    """
    out = Builder().uint(0, 32).uint(0, 32).hash256(public_key)  # sequence number, subwallet
    return out.uint(0, 32).address(owner).cell()  # status


def wallet_address(
    owner: Address, public_key: bytes, code: HashedCell = OFFICIAL_WALLET_CODE
) -> Address:
    """Where the wallet of this owner and key lives; any wallet contract may be used in its place.

    Raises:
        DecodeError: a value does not fit.
    """
    return contract_address(code, wallet_data(owner, public_key))
