# ruff: noqa: RUF009 - key() and table() declare fields, as dataclasses.field() does
"""The configuration file of ``cocoon key-manager``."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cocoon.cli.config import tables
from cocoon.cli.config.load import read_text
from cocoon.cli.config.policy_table import ID_BYTES, PolicyTable
from cocoon.cli.config.production import check_production_policy, check_protected_chain
from cocoon.cli.config.reader import Context, key, read, table
from cocoon.cli.config.seal_table import SealTable
from cocoon.cli.config.values import (
    endpoint,
    flag,
    hex_bytes,
    list_of,
    one_of,
    path,
    port,
    text,
    whole,
)
from cocoon.errors import ConfigError

KEY_MANAGER_HTTP_PORT: Final = 13000
KEY_MANAGER_PORT: Final = 13001
HANDOVER_PORT: Final = 13002
DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersTable:
    """Where proxies and workers ask for their keys."""

    host: str = key(text, "address to listen on", default="0.0.0.0")  # noqa: S104 - guarded by attestation
    port: int | None = key(port, "port; 0 lets the system choose", default=None)
    pow_difficulty: int = key(whole(0, 64), "leading zero bits that a caller must find", default=20)
    policy: PolicyTable = table(PolicyTable, "what callers must prove, besides a listed image")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverTable:
    """Who may take over everything, and where it asks."""

    enabled: bool = key(flag, "whether another key manager may take over at all", default=True)
    host: str = key(text, "address to listen on", default="0.0.0.0")  # noqa: S104 - guarded by attestation
    port: int | None = key(port, "port; 0 lets the system choose", default=None)
    policy: PolicyTable = table(PolicyTable, "what the next key manager must prove")
    owners: tuple[bytes, ...] = key(
        list_of(hex_bytes(ID_BYTES)),
        "Ed25519 public keys in hex of those who approve images",
        default=(),
    )
    threshold: int = key(whole(0, 16), "how many of them must sign", default=0)
    time_lock: int = key(whole(0), "seconds between an approval and its effect", default=DAY)
    root_list: bool = key(
        flag,
        "the root contract may approve too: its proxy list holds the image's marker "
        "(`cocoon key-manager marker`)",
        default=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PredecessorTable:
    """The key manager to take over from; without `at` there is none."""

    at: tuple[str, int] | None = key(endpoint, "its handover port, `host:port`", default=None)
    manager_id: bytes | None = key(
        hex_bytes(ID_BYTES), "its id in hex; without the key any", default=None
    )
    policy: PolicyTable = table(PolicyTable, "what it must prove")


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationTable:
    """Keys that are made without being asked for."""

    kinds: tuple[str, ...] = key(
        list_of(one_of("proxy", "worker")), "whose keys rotate", default=()
    )
    lifetime: int = key(whole(60, 2**31 - 1), "seconds that a key is valid", default=DAY)
    overlap: int = key(
        whole(1, 2**31 - 1), "seconds for which the next one is there already", default=DAY // 4
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyManagerFile(tables.NetworkFile):
    """Configuration of ``cocoon key-manager``."""

    directory: Path = key(path, "where sealed secret, store and audit log are kept")
    create: bool = key(
        flag, "make a new master secret where there is none: once, for a new key manager",
        default=False,
    )  # fmt: skip
    seal: SealTable = table(SealTable, "the seal service that keeps the master secret")
    peers: PeersTable = table(PeersTable, "where proxies and workers ask")
    handover: HandoverTable = table(HandoverTable, "who may take over")
    predecessor: PredecessorTable = table(PredecessorTable, "whom to take over from")
    rotation: RotationTable = table(RotationTable, "keys that are made by themselves")
    http: tables.HttpTable = table(tables.HttpTable, "status and control; default port 13000")
    attestation: tables.PageTable = table(tables.PageTable, "public attestation page")

    def __post_init__(self) -> None:
        self.seal.check()
        if self.node_wallet != tables.NodeWalletTable():
            raise ConfigError("a key manager pays nothing: `node_wallet` has no effect")
        if self.identity.kind in ("none", "fake-tdx"):
            raise ConfigError("a key manager proves what it is: `identity` must be evidence")
        if self.predecessor.at is None and self.predecessor != PredecessorTable():
            raise ConfigError("`predecessor` has no effect without `at`")
        if not self.handover.enabled and self.handover != HandoverTable(enabled=False):
            raise ConfigError("`handover` is not enabled: its other keys have no effect")

    def policies(self) -> list[tuple[str, PolicyTable]]:
        """Each policy that is used, and its place."""
        found = [("peers.policy", self.peers.policy)]
        if self.handover.enabled:
            found.append(("handover.policy", self.handover.policy))
        if self.predecessor.at is not None:
            found.append(("predecessor.policy", self.predecessor.policy))
        return found


def load_key_manager(source: Path) -> KeyManagerFile:
    """Read the configuration of a key manager.

    Raises:
        ConfigError: the file cannot be read, or says which key is wrong.
    """
    if source.suffix != ".toml":
        raise ConfigError(f"{source}: the name must end with .toml")
    try:
        document = tomllib.loads(read_text(source, "configuration file"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{source}: not valid TOML: {error}") from None
    file = read(KeyManagerFile, document, Context(source.parent, str(source)))
    try:
        check_production_keys(file)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None
    return file


def check_production_keys(file: KeyManagerFile) -> None:
    """Refuse what proves nothing where the network is no test network.

    Raises:
        ConfigError: names the key.
    """
    if file.is_test:
        return
    check_protected_chain(file)
    for place, policy in file.policies():
        check_production_policy(policy, place)
    if file.seal.kind == "simulated" or file.identity.kind.endswith("-simulated"):
        raise ConfigError("a simulated enclave or identity is refused where is_test is false")
    if file.chain.kind == "simulated" or file.root_config is not None:
        raise ConfigError(
            "a fixed root configuration is refused where is_test is false: the root contract must "
            "be able to revoke images"
        )
