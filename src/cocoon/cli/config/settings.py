"""From checked configuration files to what the roles and the gateway are started with."""

from pathlib import Path

import structlog

from cocoon.chain.address import Address
from cocoon.chain.contracts.wallet import wallet_address
from cocoon.chain.keys import SecretKey
from cocoon.chain.pseudo_config import DEFAULT_ROOT_ADDRESS, load_pseudo_config
from cocoon.chain.root_config import RootConfig
from cocoon.cli.config import tables
from cocoon.cli.config.load import read_text
from cocoon.cli.config.trust import Trust
from cocoon.client.settings import ClientSettings
from cocoon.engine.base import Engine
from cocoon.engine.llama import LlamaEngine, LlamaSettings
from cocoon.engine.openai_http import OpenAIHttpEngine
from cocoon.errors import ConfigError
from cocoon.gateway import GatewaySettings, hash_api_key
from cocoon.net.dialing import DialSettings, RatlsDial, SocksDial
from cocoon.proxy.settings import ListenSettings, ProxySettings
from cocoon.worker.settings import WorkerSettings

_log = structlog.get_logger(__name__)

LOOPBACK = "127.0.0.1"
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - the public port of a proxy, guarded by attestation


def client_settings(file: tables.ClientFile, trust: Trust) -> ClientSettings:
    """Settings of the client role.

    Raises:
        ConfigError: a file that it names cannot be used, or values contradict one another.
    """
    return ClientSettings(
        wallet=_wallet(file),
        root=root_config(file.root_config, file.root_contract, is_test=file.is_test),
        dial=_dial(file.dial, trust),
        secret=file.secret.encode(),
        proxy_connections=file.proxy_connections,
        is_test=file.is_test,
        is_testnet=file.is_testnet,
        check_proxy_hashes=file.check_proxy_hashes,
        state_path=file.state,
    )


def gateway_settings(table: tables.GatewayTable) -> GatewaySettings:
    """Settings of the gateway.

    Raises:
        ConfigError: the file of bearer keys cannot be read, or is empty.
    """
    hashes: tuple[bytes, ...] = ()
    if table.api_keys_file is not None:
        lines = read_text(table.api_keys_file, "file of bearer keys").split()
        if not lines:
            raise ConfigError(f"{table.api_keys_file}: holds no key")
        hashes = tuple(hash_api_key(line) for line in lines)
    return GatewaySettings(
        max_body=table.max_body,
        max_running=table.max_running,
        default_timeout=table.default_timeout,
        max_timeout=table.max_timeout,
        default_max_tokens=table.default_max_tokens,
        default_max_coefficient=table.default_max_coefficient,
        api_key_hashes=hashes,
        allowed_origins=table.allowed_origins,
    )


def proxy_settings(file: tables.ProxyFile, trust: Trust) -> ProxySettings:
    """Settings of the proxy role.

    Raises:
        ConfigError: as for :func:`client_settings`.
    """
    return ProxySettings(
        owner=file.owner,
        machine_key=_machine_key(file),
        root=root_config(file.root_config, file.root_contract, is_test=file.is_test),
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
        is_test=file.is_test,
        is_testnet=file.is_testnet,
        check_worker_hashes=file.check_worker_hashes,
        scheduler=file.scheduler,
        http_host=file.http.host,
        http_port=_port(file.http, tables.PROXY_HTTP_PORT),
    )  # fmt: skip


def worker_settings(file: tables.WorkerFile, trust: Trust) -> WorkerSettings:
    """Settings of the worker role, with its engine.

    Raises:
        ConfigError: as for :func:`client_settings`.
    """
    return WorkerSettings(
        owner=file.owner,
        model=file.model,
        root=root_config(file.root_config, file.root_contract, is_test=file.is_test),
        engine=_engine(file.engine, file.model.partition("@")[0]),
        dial=_dial(file.dial, trust),
        coefficient=file.coefficient,
        max_active_requests=file.max_active_requests,
        proxy_connections=file.proxy_connections,
        is_test=file.is_test,
        is_testnet=file.is_testnet,
        check_proxy_hashes=file.check_proxy_hashes,
        state_path=file.state,
        http_host=file.http.host,
        http_port=_port(file.http, tables.WORKER_HTTP_PORT),
    )


def root_config(path: Path | None, contract: str | None, *, is_test: bool) -> RootConfig:
    """The root configuration from a file in the official simulated-TON form.

    Raises:
        ConfigError: there is no file, it is wrong, or it belongs to a network of the other kind.
    """
    if path is None:
        raise ConfigError(
            "no root configuration: give --root-config FILE (-C FILE); reading the root contract "
            "from TON is not possible yet"
        )
    address = DEFAULT_ROOT_ADDRESS if contract is None else Address.parse(contract)
    try:
        root = load_pseudo_config(read_text(path, "root configuration"), address)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    root.check_is_test(is_test)
    return root


def http_address(table: tables.HttpTable, default_port: int) -> tuple[str, int]:
    """Host and port of a local HTTP interface."""
    return table.host, _port(table, default_port)


def _port(table: tables.HttpTable, default: int) -> int:
    return default if table.port is None else table.port


def _wallet(file: tables.ClientFile) -> str:
    if file.wallet is not None:
        # Peers compare this text: it must be in the network's non-bounceable form.
        return Address.parse(file.wallet).friendly(testnet=file.is_testnet)
    if file.owner is None or file.wallet_key_file is None:
        raise ConfigError("a client needs `wallet`, or `owner` and `wallet_key_file`")
    public_key = SecretKey.load(file.wallet_key_file).public_key
    owned = wallet_address(Address.parse(file.owner), public_key)
    return owned.friendly(testnet=file.is_testnet)


def _machine_key(file: tables.ProxyFile) -> SecretKey:
    if file.machine_key is not None:
        return SecretKey(file.machine_key)
    if file.machine_key_file is None:
        raise ConfigError("a proxy needs `machine_key_file`")
    return SecretKey.load(file.machine_key_file)


def _dial(table: tables.DialTable, trust: Trust) -> DialSettings:
    if table.transport == "socks":
        host, port = table.router
        return SocksDial(host, port)
    return RatlsDial(
        identity=trust.identity,
        policy=trust.policy(table.policy, "proxies"),
        max_pow_difficulty=table.max_pow_difficulty,
    )


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


def _engine(table: tables.EngineTable, alias: str) -> Engine:
    if table.kind == "llama":
        settings = LlamaSettings(
            model_path=table.model_file,
            alias=alias,
            slots=table.slots,
            context=table.context,
            threads=table.threads,
        )
        return LlamaEngine(settings, on_progress=_engine_progress)
    api_key = None
    if table.api_key_file is not None:
        api_key = read_text(table.api_key_file, "engine key file").strip()
    return OpenAIHttpEngine(table.url, api_key=api_key)


def _engine_progress(stage: str) -> None:
    _log.info("engine", stage=stage)
