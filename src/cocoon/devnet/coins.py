"""Where the coins of a devnet's chain are: every one that the faucet made is somewhere."""

import asyncio
from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.devnet.chain_control import PAGE, ChainControl
from cocoon.errors import ChainError

FAUCET = Address(bytes([0x11]) * 32)
"""Where the embedded chain makes coins; its module is not imported for this one value."""
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Supply:
    """All coins of a chain, in nanoTON.

    Attributes:
        minted: given out by the faucet.
        balances: of all accounts.
        fees: taken by the network, for running contracts and for forwarding messages.
    """

    minted: int
    balances: int
    fees: int

    @property
    def missing(self) -> int:
        """What is neither in an account nor taken as a fee; 0 unless something is wrong."""
        return self.minted - self.balances - self.fees


async def count_coins(control: ChainControl) -> Supply:
    """Add up every account and every transaction of a chain at one moment.

    Raises:
        ChainError: the chain does not answer, is too large for that, or never stands still.
    """
    for _ in range(_TRIES):
        before = await control.last_block()
        accounts, transactions = await asyncio.gather(control.accounts(), control.transactions())
        if await control.last_block() != before:
            continue
        if len(accounts) >= PAGE:
            raise ChainError(f"the chain has more than {PAGE} accounts")
        faucet = FAUCET.raw()
        return Supply(
            minted=sum(item["value"] for item in transactions if item["from"] == faucet),
            balances=sum(item["balance"] for item in accounts),
            fees=sum(
                item["fees"] + (0 if item["from"] == faucet else item["forward_fee"])
                for item in transactions
            ),
        )
    raise ChainError("the chain makes blocks too quickly to count its coins")
