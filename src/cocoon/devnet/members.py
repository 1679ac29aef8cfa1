"""Who has keys and wallets in a devnet: the deployer, and the operator of each process.

The keys are worth nothing outside the devnet and lie in plain files, readable by their owner only.
"""

from dataclasses import dataclass
from pathlib import Path

from cocoon.chain.address import Address
from cocoon.chain.contracts.wallet import wallet_address
from cocoon.chain.keys import SecretKey

OWNER_KEY = "owner.key"
WALLET_KEY = "wallet.key"
MACHINE_KEY = "machine.key"
_NOBODY = Address(bytes(32))


@dataclass(frozen=True, slots=True)
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
    def owner_address(self) -> Address:
        """Where the operator is paid."""
        return wallet_address(_NOBODY, self.owner_key.public_key)


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
