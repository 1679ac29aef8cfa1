"""From a proxy's configuration file to what the proxy role is started with."""

from cocoon.chain.keys import SecretKey
from cocoon.chain.root_config import RootConfig
from cocoon.cli.config import tables
from cocoon.cli.config.attestation_page import attestation_page
from cocoon.cli.config.chain import chain_settings
from cocoon.cli.config.common import http_port, root_config, same_fields
from cocoon.cli.config.trust import Trust
from cocoon.errors import ConfigError
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.proxy.settings import ListenSettings, ProxySettings

LOOPBACK = "127.0.0.1"
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - the public port of a proxy, guarded by attestation


def proxy_settings(file: tables.ProxyFile, trust: Trust) -> ProxySettings:
    """Settings of the proxy role.

    Raises:
        ConfigError: as for :func:`client_settings`.
    """
    root = root_config(file)
    return ProxySettings(
        owner=file.owner,
        machine_key=_own_key(file, trust, root),
        root=root,
        database_url=f"sqlite:///{file.database.absolute()}",
        clients=_listen(
            file.clients, trust, "clients",
            (tables.PROXY_CLIENT_PORT, tables.PROXY_ROUTED_CLIENT_PORT),
        ),
        workers=_listen(
            file.workers, trust, "workers",
            (tables.PROXY_WORKER_PORT, tables.PROXY_ROUTED_WORKER_PORT),
        ),
        identity=trust.identity,
        image_hash=trust.image_hash,
        is_test=file.is_test,
        is_testnet=file.is_testnet,
        check_worker_hashes=file.check_worker_hashes,
        scheduler=file.scheduler,
        attestation=attestation_page(file, trust),
        http_host=file.http.host,
        http_port=http_port(file.http, tables.PROXY_HTTP_PORT),
        chain=chain_settings(file, file.database.parent),
        settlement=SettlementSettings(**same_fields(file.settlement)),
    )  # fmt: skip


def machine_key(file: tables.ProxyFile) -> SecretKey:
    """The key that the proxy signs payments with.

    Raises:
        ConfigError: its file cannot be read.
    """
    if file.keys.source != "file":
        raise ConfigError(
            f"the machine key is not in a file (keys.source = {file.keys.source!r}): only the "
            "running proxy has it; ask that one"
        )
    if file.machine_key is not None:
        return SecretKey(file.machine_key)
    if file.machine_key_file is None:
        raise ConfigError("a proxy needs `machine_key_file`")
    return SecretKey.load(file.machine_key_file)


def _own_key(file: tables.ProxyFile, trust: Trust, root: RootConfig) -> SecretKey:
    """The machine key, wherever it comes from; imports what only sealed keys need."""
    if file.keys.source == "file":
        return machine_key(file)
    from cocoon.cli.config import sealing  # noqa: PLC0415 - no other proxy needs it

    if file.keys.source == "manager":
        return sealing.managed_machine_key(file.keys, trust, root.version)
    trust.notes += sealing.seal_notes(file.keys.seal, "the machine key")
    if file.keys.keyring is None:
        raise ConfigError("keys: name the `keyring`")
    unseal = sealing.unsealer(file.keys.seal, file.identity, sealing.PROXY_SEAL_NAME)
    return sealing.sealed_machine_key(file.keys.keyring, unseal)


def _listen(
    table: tables.ListenTable, trust: Trust, who: str, ports: tuple[int, int]
) -> ListenSettings:
    """``ports``: the official public port and the one behind a router."""
    public, routed = ports
    if table.transport == "router":
        return ListenSettings(
            host=table.host or LOOPBACK,
            port=routed if table.port is None else table.port,
            transport="router",
        )
    return ListenSettings(
        host=table.host or EVERY_ADDRESS,
        port=public if table.port is None else table.port,
        transport="ratls",
        policy=trust.policy(table.policy, who),
        pow_difficulty=table.pow_difficulty,
    )
