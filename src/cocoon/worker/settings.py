"""What a worker is told at start."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.chain.root_config import RootConfig
from cocoon.engine.base import Engine
from cocoon.errors import ConfigError
from cocoon.model.proof import ModelProof
from cocoon.net.attestation_page import AttestationPage
from cocoon.net.chain_settings import ChainSettings
from cocoon.net.dialing import DialSettings
from cocoon.worker.chain.limits import PayoutRules

DEFAULT_HTTP_PORT = 12000
DEFAULT_MAX_ACTIVE_REQUESTS = 200
"""Official default (``wire-protocol.md`` §9)."""
MAX_COEFFICIENT = 10**9
"""Proxies refuse this and above (§4.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """Settings of one worker.

    Attributes:
        owner: address that payouts go to, user-friendly form.
        model: full name, ``base@commit:hash``, or only the base name.
        root: the network: proxies, prices, allowed hashes.
        engine: runs the model; the worker starts and closes it.
        dial: how proxies are reached.
        coefficient: our price, x 1000.
        max_active_requests: over all proxy connections together.
        proxy_connections: how many proxies to be connected to.
        is_test: must equal the proxies' and the root's.
        is_testnet: which flag our addresses carry.
        check_proxy_hashes: refuse proxies whose image is not in the root config.
        annotate_costs: write the official ``…_cost`` fields into the usage of answers (§6.1).
        disabled: start with the operator switch off.
        state_path: JSON file that earnings are kept in; None keeps them in memory only.
        attestation: the page that shows our evidence to strangers; None serves none.
        http_host, http_port: control and metrics; 0 picks a port, None opens none.
        chain: how TON is reached, and the wallet that pays fees; None is simulated TON.
        payouts: when earnings are paid out.
        proof: proves at start that the engine's files are ``model``; None: nothing proves it.
        on_proven: gets the model's hash, 32 bytes, once it is proven: our attestation evidence
            says it from then on.
    """

    owner: str
    model: str
    root: RootConfig
    engine: Engine = field(repr=False)
    dial: DialSettings = field(repr=False)
    coefficient: int = 1000
    max_active_requests: int = DEFAULT_MAX_ACTIVE_REQUESTS
    proxy_connections: int = 1
    is_test: bool = True
    is_testnet: bool = True
    check_proxy_hashes: bool = False
    annotate_costs: bool = True
    disabled: bool = False
    state_path: Path | None = None
    attestation: AttestationPage | None = field(default=None, repr=False)
    http_host: str = "127.0.0.1"
    http_port: int | None = DEFAULT_HTTP_PORT
    chain: ChainSettings | None = None
    payouts: PayoutRules = field(default_factory=PayoutRules)
    proof: ModelProof | None = field(default=None, repr=False)
    on_proven: Callable[[bytes], None] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.base_model:
            raise ConfigError("worker: the model name is empty")
        if not 0 <= self.coefficient < MAX_COEFFICIENT:
            raise ConfigError(
                f"worker: coefficient {self.coefficient} is not in 0…{MAX_COEFFICIENT - 1}"
            )
        if self.max_active_requests < 1:
            raise ConfigError("worker: max_active_requests must be at least 1")
        if self.proxy_connections < 1:
            raise ConfigError("worker: proxy_connections must be at least 1")
        root = None if self.chain is None else self.chain.root
        if root is not None and root != self.root.address:
            raise ConfigError("worker: the root configuration is of another root contract")

    @property
    def base_model(self) -> str:
        """The name that requests use: the part before ``@``."""
        return self.model.partition("@")[0]

    @property
    def must_check_proxies(self) -> bool:
        """Whether a proxy's image must be listed; always where money is real (§9)."""
        return self.check_proxy_hashes or not self.is_test

    def lists_model(self, root: RootConfig) -> bool:
        """Whether a root configuration lets us serve our model; asked where proxies are checked.

        Without TON the official configuration may list base names (``attestation.md`` §9).
        """
        if not self.must_check_proxies or root.allows_model(self.model):
            return True
        return self.chain is None and root.allows_model(self.base_model)
