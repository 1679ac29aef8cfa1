"""Official runner configuration files (``wire-protocol.md`` §9), read into our own tables.

Their values mean what they mean there; where an official runner leaves something open, the safe
choice is taken:

* HTTP listens on this machine only (the official runners listen on every address).
* A port of 0 or none is the official default port.
* A client without ``connect_to_proxy_via`` dials proxies itself; it then needs Intel's collateral
  to judge them, which only the TOML form can name.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cocoon.chain.address import Address
from cocoon.chain.contracts.wallet import wallet_address
from cocoon.chain.keys import SecretKey
from cocoon.cli.config import tables, values
from cocoon.cli.config.reader import Context
from cocoon.errors import ConfigError
from cocoon.tl import json_form, types

OFFICIAL_MAX_ACTIVE_REQUESTS = 200
DATABASE_NAME = "cocoon-proxy.sqlite"
_NO_KEY = bytes(32)

T = TypeVar("T")


def client_file(document: object, where: str) -> tables.ClientFile:
    """``clientRunner.config``.

    Raises:
        ConfigError: names the file and the field.
    """
    config = _read(types.ClientRunnerConfig, document, where)
    field = _Fields(where)
    owner = field.check("owner_address", values.address, config.owner_address)
    if config.node_wallet_key == _NO_KEY:
        raise field.error("node_wallet_key", "is missing; the wallet address is made from it")
    key = SecretKey(config.node_wallet_key)
    return tables.ClientFile(
        is_test=config.is_test,
        is_testnet=config.is_testnet,
        root_contract=field.optional("root_contract_address", config.root_contract_address),
        wallet=wallet_address(Address.parse(owner), key.public_key).friendly(
            testnet=config.is_testnet
        ),
        secret=config.secret_string,
        proxy_connections=max(config.proxy_connections, 1),
        check_proxy_hashes=config.check_proxy_hashes or not config.is_test,
        http=field.http(config.http_port),
        dial=field.dial(config.connect_to_proxy_via, required=False),
    )


def proxy_file(document: object, where: str) -> tables.ProxyFile:
    """``proxyRunner.config``; both ports are plain ones behind a router.

    Raises:
        ConfigError: names the file and the field.
    """
    config = _read(types.ProxyRunnerConfig, document, where)
    field = _Fields(where)
    field.refuse_testnet(config.is_test, config.is_testnet)
    if config.machine_specific_private_key == _NO_KEY:
        raise field.error("machine_specific_private_key", "is missing")
    folder = field.check("db_path", values.path, config.db_path)
    return tables.ProxyFile(
        is_test=config.is_test,
        is_testnet=config.is_testnet,
        root_contract=field.optional("root_contract_address", config.root_contract_address),
        owner=field.check("owner_address", values.address, config.owner_address),
        machine_key=config.machine_specific_private_key,
        database=folder / DATABASE_NAME,
        check_worker_hashes=config.check_worker_hashes or not config.is_test,
        http=field.http(config.http_port),
        workers=field.listen("workers_rpc_port", config.workers_rpc_port),
        clients=field.listen("client_rpc_port", config.client_rpc_port),
    )


def worker_file(document: object, where: str) -> tables.WorkerFile:
    """``workerRunner.config``.

    Raises:
        ConfigError: names the file and the field.
    """
    config = _read(types.WorkerRunnerConfig, document, where)
    field = _Fields(where)
    via = config.forward_requests_to
    engine = field.check("forward_requests_to", values.endpoint, via) if via else None
    maximum = config.max_active_requests
    return tables.WorkerFile(
        is_test=config.is_test,
        is_testnet=config.is_testnet,
        root_contract=field.optional("root_contract_address", config.root_contract_address),
        owner=field.check("owner_address", values.address, config.owner_address),
        model=field.check("model_name", values.text, config.model_name),
        coefficient=field.check(
            "coefficient", values.whole(0, tables.MAX_COEFFICIENT), config.coefficient
        ),
        max_active_requests=maximum if maximum > 0 else OFFICIAL_MAX_ACTIVE_REQUESTS,
        proxy_connections=max(config.proxy_connections, 1),
        check_proxy_hashes=config.check_proxy_hashes or not config.is_test,
        http=field.http(config.http_port),
        dial=field.dial(config.connect_to_proxy_via, required=True),
        engine=tables.EngineTable(
            url=tables.DEFAULT_ENGINE_URL if engine is None else f"http://{engine[0]}:{engine[1]}"
        ),
    )


_C = TypeVar("_C", types.ClientRunnerConfig, types.ProxyRunnerConfig, types.WorkerRunnerConfig)


def _read(cls: type[_C], document: object, where: str) -> _C:
    try:
        return json_form.from_json(cls, document)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


class _Fields:
    """Checks that the official fields share; errors name the file and the official field."""

    def __init__(self, where: str) -> None:
        # Relative paths count from the working directory, as for the official runners.
        self._context = Context(Path(), where)

    def error(self, name: str, text: str) -> ConfigError:
        return ConfigError(f"{self._context.where}: {name} {text}")

    def check(self, name: str, parse: Callable[[object, Context], T], value: object) -> T:
        return parse(value, Context(self._context.folder, f"{self._context.where}: {name}"))

    def optional(self, name: str, address: str) -> str | None:
        return self.check(name, values.address, address) if address else None

    def http(self, port: int) -> tables.HttpTable:
        return tables.HttpTable(port=self.check("http_port", values.port, port) or None)

    def listen(self, name: str, port: int) -> tables.ListenTable:
        return tables.ListenTable(
            transport="router", port=self.check(name, values.port, port) or None
        )

    def dial(self, via: str, *, required: bool) -> tables.DialTable:
        if not via and required:
            raise self.error("connect_to_proxy_via", "is missing: a worker needs a router")
        if not via:
            return tables.DialTable()
        router = self.check("connect_to_proxy_via", values.endpoint, via)
        return tables.DialTable(transport="socks", router=router)

    def refuse_testnet(self, is_test: bool, is_testnet: bool) -> None:
        if is_testnet and not is_test:
            raise self.error("is_testnet", "must be false where is_test is false")
