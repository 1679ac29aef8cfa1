"""Which node a command acts for: one of a devnet, or the one that a configuration file is of."""

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from cocoon.chain.address import Address
from cocoon.cli.api_key import VARIABLE, bearer, environment_key
from cocoon.cli.config import tables
from cocoon.cli.config.common import http_address
from cocoon.cli.config.load import load_any, read_text
from cocoon.cli.config.tables import CLIENT_HTTP_PORT, PROXY_HTTP_PORT, WORKER_HTTP_PORT
from cocoon.devnet.http import call, get_status
from cocoon.devnet.options import default_state
from cocoon.devnet.plan import CHAIN_FILE, CONFIG_FILE
from cocoon.errors import (
    ChainError,
    ConfigError,
    DecodeError,
    RemoteProtocolError,
    UnavailableError,
)

STATUS_TIMEOUT = 3.0


class Role(Enum):
    """What a node is."""

    CLIENT = "client"
    WORKER = "worker"
    PROXY = "proxy"


_PORTS = {
    Role.CLIENT: CLIENT_HTTP_PORT,
    Role.WORKER: WORKER_HTTP_PORT,
    Role.PROXY: PROXY_HTTP_PORT,
}


@dataclass(frozen=True, slots=True)
class Target:
    """One node.

    Attributes:
        role: what it is.
        name: for people.
        file: its configuration.
    """

    role: Role
    name: str
    file: tables.RoleFile

    @property
    def control(self) -> str:
        """Base URL of its HTTP interface."""
        host, port = http_address(self.file.http, _PORTS[self.role])
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def require_chain(self) -> None:
        """Make sure that a chain of this machine runs, rather than to try for long.

        Raises:
            ChainError: it does not; says how to start it.
        """
        url = self.file.chain.url
        if self.file.chain.kind != "embedded" or url is None:
            return
        if await get_status(f"{url}/devnet/status", STATUS_TIMEOUT) is not None:
            return
        alone = ""
        if not isinstance(self.file, tables.ProxyFile) and self.file.state is not None:
            database = self.file.state.parent.parent / "chain" / CHAIN_FILE
            if database.exists():
                port = url.rpartition(":")[2]
                alone = (
                    f", or only its chain with `cocoon chain up --database {database} "
                    f"--port {port}`"
                )
        raise ChainError(f"no chain runs at {url}: start the network with `cocoon up`{alone}")

    async def is_running(self) -> bool:
        """Whether this node answers on its HTTP interface, and not another one.

        Its network must be ours, and so must its owner where its page names the one that is in the
        configuration: somebody else may listen on the port.

        Raises:
            ConfigError: it asks for an API key, and we have none that it takes.
        """
        headers = bearer(self.api_key())
        try:
            url = f"{self.control}/jsonstats"
            answer = await call("GET", url, STATUS_TIMEOUT, headers=headers)
            if answer.status in (401, 403) and self._has_keys:
                raise ConfigError(
                    f"{self.name} runs and needs an API key with the scope admin: set {VARIABLE}"
                )
            page = json.loads(answer.body) if answer.status == 200 else {}
            local = page.get("localconf") or page.get("localconfig") or {}
            if not _same(local.get("root_address"), self.file.root_contract):
                return False
            return self.role is Role.CLIENT or _same(local.get("owner_address"), self.file.owner)
        except (UnavailableError, RemoteProtocolError, ValueError, AttributeError):
            return False

    def api_key(self) -> str | None:
        """The key that opens its pages: the first of its file of keys, else the environment's.

        Raises:
            ConfigError: it cannot be read or sent.
        """
        if not isinstance(self.file, tables.ClientFile):
            return None
        path = self.file.gateway.api_keys_file
        if path is None:
            return environment_key()
        return next(iter(read_text(path, "file of bearer keys").split()), None)

    @property
    def _has_keys(self) -> bool:
        file = self.file
        return isinstance(file, tables.ClientFile) and (
            file.api_keys.store is not None or file.gateway.api_keys_file is not None
        )


def _same(told: object, ours: str | None) -> bool:
    try:
        return ours is not None and Address.parse(str(told)) == Address.parse(ours)
    except DecodeError:
        return False


def parse_role(text: str, *allowed: Role) -> Role:
    """A role by its name.

    Raises:
        ConfigError: it is not one of those that the command is for.
    """
    for role in allowed:
        if role.value == text:
            return role
    raise ConfigError(f"--role must be {' or '.join(role.value for role in allowed)}")


def find_target(state: Path | None, config: Path | None, role: Role, number: int = 1) -> Target:
    """The node that the options name.

    Args:
        state: directory of a devnet; None is the default one.
        config: configuration file of a node, instead of a devnet.
        role: which node of the devnet; of a configuration file the role must be this.
        number: which of several workers or proxies of the devnet, from 1.

    Raises:
        ConfigError: there is no such node, or its file is wrong.
    """
    if config is not None:
        if state is not None:
            raise ConfigError("give --state or --config, not both")
        return _of_file(config, config.name, role)
    folder = state or default_state()
    name = role.value if role is Role.CLIENT else f"{role.value}-{number}"
    path = folder / name / CONFIG_FILE
    if not path.exists():
        raise ConfigError(
            f"there is no {name} in {folder}: start a network with `cocoon up`, or name the "
            "configuration of a node with --config"
        )
    return _of_file(path, name, role)


def all_targets(state: Path | None, config: Path | None) -> list[Target]:
    """Every node of a devnet, or the one that a configuration file is of.

    Raises:
        ConfigError: there is none, or a file is wrong.
    """
    if config is not None:
        if state is not None:
            raise ConfigError("give --state or --config, not both")
        return [_of_file(config, config.name, None)]
    folder = state or default_state()
    found = [path for role in Role for path in folder.glob(f"{role.value}*/{CONFIG_FILE}")]
    paths = sorted(found, key=_order)
    if not paths:
        raise ConfigError(
            f"there is no network in {folder}: start one with `cocoon up`, or name the "
            "configuration of a node with --config"
        )
    return [_of_file(path, path.parent.name, None) for path in paths]


def _order(path: Path) -> tuple[str, int]:
    """The client first, then proxies and workers by number."""
    role, _, number = path.parent.name.partition("-")
    return role, int(number) if number.isdigit() else 0


def _of_file(path: Path, name: str, role: Role | None) -> Target:
    file = load_any(path)
    found = {
        tables.ClientFile: Role.CLIENT,
        tables.WorkerFile: Role.WORKER,
        tables.ProxyFile: Role.PROXY,
    }[type(file)]
    if role is not None and found is not role:
        raise ConfigError(f"{path} is the configuration of a {found.value}, not of a {role.value}")
    if file.chain.kind == "simulated":
        raise ConfigError(f"{path}: TON is simulated there, so there is no money to move")
    return Target(found, name, file)
