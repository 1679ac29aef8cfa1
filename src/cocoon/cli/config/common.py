"""What the settings of all roles share: root configuration, dialling, HTTP addresses.

One module a role follows from it, so that a process imports the code of its own role only.
"""

from dataclasses import fields
from typing import Any

from cocoon.chain.address import Address
from cocoon.chain.pseudo_config import DEFAULT_ROOT_ADDRESS, load_pseudo_config
from cocoon.chain.root_config import RootConfig
from cocoon.cli.config import tables
from cocoon.cli.config.chain import read_root_now
from cocoon.cli.config.load import read_text
from cocoon.cli.config.trust import Trust
from cocoon.errors import ConfigError
from cocoon.net.dialing import DialSettings, RatlsDial, SocksDial


def root_config(file: tables.NetworkFile) -> RootConfig:
    """The root configuration: from the root contract, or a file in the simulated-TON form.

    Raises:
        ConfigError: there is none, it is wrong, or it belongs to a network of the other kind.
        ChainError: TON cannot be reached, or there is no root contract.
    """
    root = _root_file(file) if file.chain.kind == "simulated" else read_root_now(file)
    root.check_is_test(file.is_test)
    return root


def _root_file(file: tables.NetworkFile) -> RootConfig:
    path, contract = file.root_config, file.root_contract
    if path is None:
        raise ConfigError(
            "no root configuration: say how TON is reached under [chain], or give --root-config "
            "FILE (-C FILE) for simulated TON"
        )
    address = DEFAULT_ROOT_ADDRESS if contract is None else Address.parse(contract)
    try:
        return load_pseudo_config(read_text(path, "root configuration"), address)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def same_fields(table: Any) -> dict[str, Any]:
    """The values of a table by name, for settings whose fields have the same names."""
    return {item.name: getattr(table, item.name) for item in fields(table)}


def http_address(table: tables.HttpTable, default_port: int) -> tuple[str, int]:
    """Host and port of a local HTTP interface."""
    return table.host, http_port(table, default_port)


def http_port(table: tables.HttpTable, default: int) -> int:
    """The port of a local HTTP interface."""
    return default if table.port is None else table.port


def dial_settings(table: tables.DialTable, trust: Trust) -> DialSettings:
    """How proxies are reached.

    Raises:
        ConfigError: the policy cannot be made.
    """
    if table.transport == "socks":
        host, port = table.router
        return SocksDial(host, port)
    return RatlsDial(
        identity=trust.identity,
        policy=trust.policy(table.policy, "proxies"),
        max_pow_difficulty=table.max_pow_difficulty,
    )
