"""From ``[seal]`` and ``[keys]`` tables to keys: the seal service, a sealed file, a key manager."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.chain.keys import SecretKey
from cocoon.cli.config.collateral_files import load_files
from cocoon.cli.config.seal_table import KeysTable, SealTable
from cocoon.cli.config.tables import IdentityTable
from cocoon.cli.config.trust import Trust
from cocoon.collateral.books import Books
from cocoon.devnet.seal import SimulatedReports, SoftwareEnclave, sgx_collateral
from cocoon.devnet.tee import SimulatedTee
from cocoon.errors import ConfigError
from cocoon.key_manager.fetch import fetch_keys
from cocoon.net.dialing import RatlsDial
from cocoon.net.state_file import write_private
from cocoon.sealing.checks import SealPolicy
from cocoon.sealing.client import SgxEnclave
from cocoon.sealing.derivation import PersistentKey
from cocoon.sealing.enclave import fetch_key
from cocoon.sealing.endpoint import SealEndpoint
from cocoon.sealing.keyring import Keyring, load_keyring, seal_keyring
from cocoon.tee.td_report import TdxDevice
from cocoon.wire.key_manager import KeyKind

PROXY_SEAL_NAME = "app"
"""The official name of a proxy's sealed key (``attestation.md`` §10.3)."""
MACHINE_ENTRY = "machine_key"

Unseal = Callable[[], PersistentKey]


def unsealer(table: SealTable, identity: IdentityTable, key_name: str) -> Unseal:
    """A function that gets this guest's persistent key; it blocks for up to half a minute.

    Args:
        table: the seal service.
        identity: of this process; a simulated guest's image is named there.
        key_name: of the sealed key.

    Raises:
        ConfigError: the tables are incomplete, or a file cannot be read.
    """
    table.check()
    if table.kind == "simulated":
        return _simulated(table, identity, key_name)
    books = Books()
    load_files(books, table.collateral)
    policy = SealPolicy(
        frozenset(table.mr_enclaves), books.sgx, tcb_statuses=frozenset(table.tcb_statuses)
    )
    enclave = SgxEnclave(SealEndpoint.parse(table.at))
    return lambda: fetch_key(enclave, TdxDevice(), key_name, policy, _now())


def seal_notes(table: SealTable, what: str) -> list[str]:
    """One sentence if what is sealed is not safe."""
    if table.kind != "simulated":
        return []
    return [f"{what} is sealed by a SIMULATED enclave ({table.directory}): it is no secret there"]


def sealed_machine_key(keyring: Path, unseal: Unseal) -> SecretKey:
    """A proxy's machine key from its sealed file; a new one where there is no file.

    Raises:
        ConfigError: the file does not open here, or holds no machine key.
        CocoonError: the seal service cannot be used, or the file cannot be written.
    """
    key = unseal()
    opened = load_keyring(keyring, key)
    if opened is not None:
        if MACHINE_ENTRY not in opened.secrets:
            raise ConfigError(f"{keyring} holds no machine key")
        return SecretKey(opened.secrets[MACHINE_ENTRY])
    made = SecretKey.generate()
    content = seal_keyring(Keyring().with_secret(MACHINE_ENTRY, made.seed_for_keystore()), key)
    write_private(keyring, content)
    return made


def write_new_key(path: Path, key: PersistentKey) -> None:
    """Write a key's 32 raw bytes to a file that is not there yet, mode 0600.

    Raises:
        ConfigError: there is such a file, or it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.reveal())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None


def managed_machine_key(table: KeysTable, trust: Trust, root_version: int) -> SecretKey:
    """A proxy's machine key from a key manager.

    Args:
        table: says where, and which key.
        trust: our identity.
        root_version: the key manager must know at least this root config version.

    Raises:
        ConfigError: the key manager does not give the key, or it is over.
        CocoonError: the key manager is not trusted, refuses, or cannot be reached.
    """
    if table.manager is None or table.public_key is None:
        raise ConfigError("keys: name `manager` and `public_key`")
    host, port = table.manager
    dial = RatlsDial(identity=trust.identity, policy=trust.policy(table.policy, "key managers"))
    fetching = fetch_keys(dial, host, port, KeyKind.PROXY, min_config_version=root_version)
    for key in asyncio.run(fetching):
        secret = SecretKey(key.private_key)
        if secret.public_key == table.public_key:
            if key.valid_until <= _now():
                raise ConfigError("keys: the key manager's key for this proxy is over")
            return secret
    raise ConfigError(
        f"keys: {host}:{port} does not give {table.public_key.hex()}; see `cocoon key-manager list`"
    )


def _simulated(table: SealTable, identity: IdentityTable, key_name: str) -> Unseal:
    directory = table.directory
    if directory is None or identity.kind != "tdx-simulated":
        raise ConfigError("seal: kind `simulated` goes with an identity of kind `tdx-simulated`")

    def unseal() -> PersistentKey:
        tee = SimulatedTee(directory, _now())
        enclave = SoftwareEnclave(tee)
        book = CollateralBook(sgx_collateral(tee, _now()))
        policy = SealPolicy(frozenset({enclave.mr_enclave}), book, tee.root_certificate)
        reports = SimulatedReports(tee, identity.image)
        return fetch_key(enclave, reports, key_name, policy, _now())

    return unseal


def _now() -> int:
    return int(time.time())
