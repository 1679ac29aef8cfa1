"""What a client is told at start."""

from dataclasses import dataclass, field
from pathlib import Path

from cocoon.chain.address import Address
from cocoon.chain.root_config import RootConfig
from cocoon.client import waiting
from cocoon.client.chain.limits import DepositLimits
from cocoon.errors import ConfigError, DecodeError
from cocoon.net.chain_settings import ChainSettings
from cocoon.net.dialing import DialSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Settings of one client.

    Attributes:
        wallet: address of our Cocoon wallet, user-friendly form; the owner on the wire (§3.1).
        root: the network: proxies, prices, allowed hashes; where the chain names a root contract,
            as it was read at start.
        dial: how proxies are reached.
        secret: proves to a proxy that we are this client; without TON it is empty.
        proxy_connections: how many proxies to be connected to.
        is_test: must equal the proxies' and the root's.
        is_testnet: which flag our addresses carry.
        check_proxy_hashes: refuse proxies whose image is not in the root config.
        min_proto, max_proto: protocol versions that we offer.
        max_retries: how often a request that nobody has begun to answer goes to another proxy.
        max_waiting: bytes of all answers that may wait for slow readers, beyond 64 KiB for each.
        only_spender: nobody else uses this wallet: a proxy that counts more than we know of is
            then cut off, not only reported.
        state_path: JSON file that verified payments are kept in; None keeps them in memory only.
        chain: how TON is reached; None is simulated TON, where no money moves.
        deposits: limits of automatic deposits.
    """

    wallet: str
    root: RootConfig
    dial: DialSettings = field(repr=False)
    secret: bytes = field(default=b"", repr=False)
    proxy_connections: int = 1
    is_test: bool = True
    is_testnet: bool = True
    check_proxy_hashes: bool = False
    min_proto: int = 1
    max_proto: int = 3
    max_retries: int = 2
    max_waiting: int = waiting.TOTAL
    only_spender: bool = False
    state_path: Path | None = None
    chain: ChainSettings | None = None
    deposits: DepositLimits = field(default_factory=DepositLimits)

    def __post_init__(self) -> None:
        if self.proxy_connections < 1:
            raise ConfigError("client: proxy_connections must be at least 1")
        if not 0 <= self.min_proto <= self.max_proto:
            raise ConfigError("client: min_proto must not be above max_proto")
        if self.chain is not None:
            self._check_chain(self.chain)

    def _check_chain(self, chain: ChainSettings) -> None:
        # The owner of a client contract is the wallet that commands it (onchain.md §6).
        try:
            owner = Address.parse(self.wallet)
        except DecodeError as error:
            raise ConfigError(f"client: wallet address: {error}") from None
        if owner != chain.wallet.address:
            raise ConfigError("client: `wallet` is not the wallet that the key commands")
        if chain.root is not None and chain.root != self.root.address:
            raise ConfigError("client: the root configuration is of another root contract")

    @property
    def must_check_proxies(self) -> bool:
        """Whether a proxy's image must be listed; always where money is real (§9)."""
        return self.check_proxy_hashes or not self.is_test
