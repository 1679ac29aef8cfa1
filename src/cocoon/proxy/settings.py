"""What a proxy is told at start."""

from dataclasses import dataclass, field
from typing import Literal

from cocoon.attestation.policy import PeerPolicy
from cocoon.chain.keys import SecretKey
from cocoon.chain.root_config import RootConfig
from cocoon.errors import ConfigError
from cocoon.net.attestation_page import AttestationPage
from cocoon.net.chain_settings import ChainSettings
from cocoon.net.identity import Identity
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.proxy.scheduler import POLICIES

DEFAULT_HTTP_PORT = 11000
DEFAULT_WORKER_PORT = 11001
DEFAULT_CLIENT_PORT = 11002
"""The official public ports (``wire-protocol.md`` §2.1); behind a router they are 11101, 11102."""
DEFAULT_POW_DIFFICULTY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenSettings:
    """One listening port.

    Attributes:
        host, port: where to listen; port 0 picks a free one.
        transport: ``ratls`` does proof of work and attested TLS here; ``router`` expects a local
            router in front, which sends the attested-peer record first. A router is believed, so
            ``router`` listens on loopback only.
        policy: what evidence peers must bring; not used behind a router.
        pow_difficulty: leading zero bits asked for.
        max_connections: further ones are closed at once.
    """

    host: str
    port: int
    transport: Literal["ratls", "router"]
    policy: PeerPolicy | None = field(default=None, repr=False)
    pow_difficulty: int = DEFAULT_POW_DIFFICULTY
    max_connections: int = 10_000

    def __post_init__(self) -> None:
        if self.transport == "ratls":
            if self.policy is None:
                raise ConfigError("proxy: a ratls listener needs a policy")
        elif self.transport == "router":
            if not self.host.startswith("127."):
                raise ConfigError(
                    f"proxy: behind a router listen on 127.0.0.1, not on {self.host}: "
                    "whoever reaches this port can claim any identity"
                )
        else:
            raise ConfigError(f"proxy: unknown transport {self.transport!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """Settings of one proxy.

    Attributes:
        owner: address of the operator, user-friendly form.
        machine_key: contract key: signs payments and is part of every contract address.
        root: the network: prices, allowed hashes, contract codes.
        database_url: SQLAlchemy URL of the store.
        clients, workers: the two listening ports.
        identity: our certificate; needed unless both ports are behind a router.
        image_hash: of our own evidence, for the status page; None without any.
        is_test: must equal the peers' and the root's.
        is_testnet: which flag our addresses carry.
        check_worker_hashes: refuse workers whose image or model is not in the root configuration.
        scheduler: name of a policy in :data:`cocoon.proxy.scheduler.POLICIES`.
        max_running_per_client: requests that one client may have running.
        flush_interval: seconds between writes of the books while they change.
        attestation: the page that shows our evidence to strangers; None serves none.
        http_host, http_port: status and control; 0 picks a port, None opens none.
        chain: how TON is reached; None is simulated TON.
        settlement: when commits, charges and payouts are sent.
    """

    owner: str
    machine_key: SecretKey
    root: RootConfig = field(repr=False)
    database_url: str = field(repr=False)
    clients: ListenSettings
    workers: ListenSettings
    identity: Identity | None = field(default=None, repr=False)
    image_hash: bytes | None = None
    is_test: bool = True
    is_testnet: bool = True
    check_worker_hashes: bool = False
    scheduler: str = "least-loaded"
    max_running_per_client: int = 16_384
    flush_interval: float = 0.25
    attestation: AttestationPage | None = field(default=None, repr=False)
    http_host: str = "127.0.0.1"
    http_port: int | None = DEFAULT_HTTP_PORT
    chain: ChainSettings | None = field(default=None, repr=False)
    settlement: SettlementSettings = field(default_factory=SettlementSettings)

    def __post_init__(self) -> None:
        if self.scheduler not in POLICIES:
            known = ", ".join(sorted(POLICIES))
            raise ConfigError(f"proxy: unknown scheduler {self.scheduler!r}; known: {known}")
        if not self.is_test and self.is_testnet:
            raise ConfigError("proxy: a production proxy (is_test false) refuses is_testnet")
        uses_tls = "ratls" in (self.clients.transport, self.workers.transport)
        if uses_tls and self.identity is None:
            raise ConfigError("proxy: a ratls listener needs an identity (certificate and key)")
