"""Who has keys and wallets in a devnet: the deployer, and the operator of each process.

The keys are worth nothing outside the devnet and lie in plain files, readable by their owner only.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cocoon.chain.contracts.code import load_code
from cocoon.chain.keys import SecretKey
from cocoon.chain.wallets.cocoon import CocoonWallet
from cocoon.chain.wallets.v5r1 import WalletV5R1

OWNER_KEY = "owner.key"
WALLET_KEY = "wallet.key"
MACHINE_KEY = "machine.key"


@dataclass(frozen=True)
class Member:
    """One participant.

    Attributes:
        name: of its process, or ``deployer``.
        owner_key: of the operator's own wallet.
        wallet_key: of the node's wallet.
        machine_key: what a proxy signs payments with.
    """

    name: str
    owner_key: SecretKey
    wallet_key: SecretKey
    machine_key: SecretKey | None = None

    @property
    def role(self) -> str:
        """``proxy`` of ``proxy-1``, for example."""
        return self.name.partition("-")[0]

    @cached_property
    def owner(self) -> WalletV5R1:
        """The operator's wallet: is paid, and owns the other one."""
        return WalletV5R1(self.owner_key, testnet=True)

    @cached_property
    def wallet(self) -> CocoonWallet:
        """The node's wallet: pays for its messages."""
        return CocoonWallet(self.wallet_key, self.owner.address, load_code("wallet"))


def load_member(folder: Path, name: str, *, machine_key: bool = False) -> Member:
    """A member with the keys in its folder; missing ones are made.

    Raises:
        ConfigError: a key file cannot be read or made.
    """
    return Member(
        name=name,
        owner_key=SecretKey.load_or_create(folder / OWNER_KEY),
        wallet_key=SecretKey.load_or_create(folder / WALLET_KEY),
        machine_key=SecretKey.load_or_create(folder / MACHINE_KEY) if machine_key else None,
    )
