"""What a key manager is told at start."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cocoon.attestation.policy import PeerPolicy, accepts_without_evidence, trusts_simulation
from cocoon.chain.root_config import RootConfig
from cocoon.errors import ConfigError
from cocoon.key_manager.approval import ApprovalRules
from cocoon.key_manager.records import Rotation
from cocoon.net.attestation_page import AttestationPage
from cocoon.net.identity import Identity
from cocoon.net.page_guard import is_loopback
from cocoon.net.root_source import FixedRoot, RootSource
from cocoon.sealing.derivation import PersistentKey

DEFAULT_PORT: Final = 13001
DEFAULT_HTTP_PORT: Final = 13000
DEFAULT_POW_DIFFICULTY: Final = 20
MIN_PRODUCTION_TIME_LOCK: Final = 3600
"""Seconds: time for owners to see an approval that they did not want."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerPort:
    """A port for attested peers.

    Attributes:
        host, port: where to listen; port 0 picks a free one.
        policy: what evidence peers must bring.
        pow_difficulty: leading zero bits asked for.
        max_connections: a further one takes the place of the oldest.
    """

    host: str
    port: int
    policy: PeerPolicy = field(repr=False)
    pow_difficulty: int = DEFAULT_POW_DIFFICULTY
    max_connections: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Predecessor:
    """The key manager to take over from, on a first start or after an update.

    Attributes:
        host, port: its port for handovers.
        policy: what it must prove: it could otherwise give us keys that others know.
        manager_id: which one it must be, 32 bytes; None takes any, on test networks only.
        max_pow_difficulty: harder proofs of work are refused.
    """

    host: str
    port: int
    policy: PeerPolicy = field(repr=False)
    manager_id: bytes | None = None
    max_pow_difficulty: int = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyManagerSettings:
    """Settings of one key manager.

    Attributes:
        directory: what it keeps.
        unseal: gets this guest's persistent key from the seal service; may block for seconds.
        root: the root configuration that it starts with.
        root_source: makes the source of newer ones; None keeps ``root`` for ever.
        identity: our key and certificate.
        peers: where proxies and workers ask for their keys.
        handovers: where the next key manager asks for everything; None accepts none.
        rules: whose word lets an image take over.
        predecessor: whom to take over from.
        create: whether a new master secret is made where there is none.
        rotation: keys that are made without being asked for.
        is_test: must equal the root's; without it simulated evidence counts for nothing.
        image_hash: of our own evidence, for the status page; None without any.
        attestation: the page that shows our evidence to strangers; None serves none.
        http_host, http_port: status and control on loopback; 0 picks a port, None opens none.
    """

    directory: Path
    unseal: Callable[[], PersistentKey] = field(repr=False)
    root: RootConfig = field(repr=False)
    root_source: Callable[[], RootSource] | None = field(default=None, repr=False)
    identity: Identity = field(repr=False)
    peers: PeerPort
    handovers: PeerPort | None = None
    rules: ApprovalRules = field(default_factory=ApprovalRules)
    predecessor: Predecessor | None = None
    create: bool = False
    rotation: Rotation = field(default_factory=Rotation)
    is_test: bool = True
    image_hash: bytes | None = None
    attestation: AttestationPage | None = field(default=None, repr=False)
    http_host: str = "127.0.0.1"
    http_port: int | None = DEFAULT_HTTP_PORT

    def __post_init__(self) -> None:
        if not is_loopback(self.http_host):
            raise ConfigError("key manager: control pages ask for no password: loopback only")
        if self.create and self.predecessor is not None:
            raise ConfigError("key manager: either make a new master secret or take one over")
        self._check_production()

    def _check_production(self) -> None:
        if self.is_test:
            return
        ports = [self.peers, *([self.handovers] if self.handovers else [])]
        policies = [port.policy for port in ports]
        policies += [self.predecessor.policy] if self.predecessor else []
        if any(trusts_simulation(item) or accepts_without_evidence(item) for item in policies):
            raise ConfigError(
                "key manager: where is_test is false every policy asks for real evidence"
            )
        if self.handovers is not None and self.rules.time_lock < MIN_PRODUCTION_TIME_LOCK:
            raise ConfigError(
                f"key manager: where is_test is false the time lock of handovers is at least "
                f"{MIN_PRODUCTION_TIME_LOCK} s"
            )
        if self.predecessor is not None and self.predecessor.manager_id is None:
            raise ConfigError(
                "key manager: where is_test is false [predecessor] names `manager_id`: any machine "
                "with good evidence could otherwise give us a secret that others know"
            )

    def new_root_source(self) -> RootSource:
        """Where root configurations come from."""
        return FixedRoot(self.root) if self.root_source is None else self.root_source()
