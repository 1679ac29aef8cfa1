"""How a role reaches TON, and the wallet that pays for its messages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.sender import SenderTiming
from cocoon.chain.wallets.base import Wallet
from cocoon.errors import ConfigError

NANO = 10**9
WALLET_MARGIN = 100_000_000
"""NanoTON for fees beyond what the wallet must keep to accept commands (``onchain.md`` §8)."""
POLL_INTERVAL = (5.0, 10.0)
"""Seconds between looks at our contracts, random in this range (``onchain.md`` §9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSettings:
    """A role's connection to TON; None in a role's settings means simulated TON.

    Attributes:
        backend: makes a connection; the role starts and closes it.
        wallet: pays for messages; a client's deposits come from it and go back to it.
        root: the root contract; None keeps the root configuration of the settings for ever.
        directory: where intents and secrets are kept over restarts; None keeps them in memory,
            which is for tests only: a crash could then pay a deposit twice.
        wallet_reserve: nanoTON that stay in the wallet whatever happens; None takes what its kind
            needs.
        root_interval: seconds between reads of the root contract, shortest and longest.
        poll_interval: seconds between looks at our contracts, shortest and longest.
        timing: time limits of the wallet's queue; None takes the usual ones.
    """

    backend: Callable[[], ChainBackend] = field(repr=False)
    wallet: Wallet = field(repr=False)
    root: Address | None = None
    directory: Path | None = None
    wallet_reserve: int | None = None
    root_interval: tuple[float, float] = (30.0, 60.0)
    poll_interval: tuple[float, float] = POLL_INTERVAL
    timing: SenderTiming | None = None

    def __post_init__(self) -> None:
        if self.reserve < 0:
            raise ConfigError("chain: wallet_reserve must not be negative")
        for low, high in (self.root_interval, self.poll_interval):
            if not 0 <= low <= high:
                raise ConfigError("chain: an interval needs 0 <= shortest <= longest")

    @property
    def reserve(self) -> int:
        """What must stay in the wallet, nanoTON."""
        if self.wallet_reserve is not None:
            return self.wallet_reserve
        return self.wallet.min_balance + WALLET_MARGIN
