"""What the SDK connects to: settings that somebody made, however they were written down.

The SDK reads no configuration files: their readers are the command line's, a layer above. Whoever
can read one registers an entry point in the group ``cocoon.connections``, and the SDK finds it
there by its name: ``config`` for a client's file, ``devnet`` for the folder of a devnet.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from cocoon.client.settings import ClientSettings
from cocoon.errors import ConfigError
from cocoon.gateway.settings import GatewaySettings

GROUP = "cocoon.connections"
CONFIG_VARIABLE = "COCOON_CONFIG"
"""Environment variable that names a client's configuration file."""
REQUEST_TIMEOUT = 600.0
"""Seconds that a request may take when nobody says: as the ``openai`` package waits."""


def _nothing() -> None:
    """There is nothing to give back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A client that can be started, and what goes with it.

    Attributes:
        settings: of the client.
        gateway: limits of the API over it.
        upkeep: coroutine functions that run as long as the client does, such as those that renew
            its certificate.
        release: called once after the client was closed.
        notes: one sentence for everything that a production client would not do.
    """

    settings: ClientSettings
    gateway: GatewaySettings
    upkeep: tuple[Callable[[], Awaitable[None]], ...] = ()
    release: Callable[[], None] = _nothing
    notes: tuple[str, ...] = ()


Connect = Callable[[], Connection]
"""Makes a connection; called again in a forked process. Blocks, and may read the chain.

Raises ConfigError for whatever is wrong, ChainError where TON cannot be read.
"""


class Reader(Protocol):
    """An entry point: checks what it is given at once and connects later."""

    def __call__(self, path: Path | None) -> Connect:
        """Prepare a connection.

        Raises:
            ConfigError: there is nothing at ``path``, or it is wrong.
        """
        ...


def connect_to(
    *,
    devnet: str | Path | None = None,
    config: str | Path | None = None,
    settings: ClientSettings | None = None,
) -> Connect:
    """How to connect to what was named; to the default devnet if nothing was.

    Args:
        devnet: folder of a devnet that runs.
        config: configuration file of a client, of either form.
        settings: of a client.

    Raises:
        ConfigError: more than one was named, or what was named is wrong.
    """
    if sum(item is not None for item in (devnet, config, settings)) > 1:
        raise ConfigError("name one of `devnet`, `config` and `settings` to connect to")
    if settings is not None:
        fixed = Connection(settings=settings, gateway=GatewaySettings())
        return lambda: fixed
    if config is None and devnet is None:
        config = os.environ.get(CONFIG_VARIABLE) or None
    if config is not None:
        return _reader("config")(Path(config).expanduser())
    return _reader("devnet")(None if devnet is None else Path(devnet).expanduser())


def in_process(settings: GatewaySettings) -> GatewaySettings:
    """A gateway's settings for a caller in the same process: there is no door to be guarded."""
    default = GatewaySettings()
    timeout = settings.default_timeout
    return replace(
        settings,
        api_key_hashes=(),
        allowed_origins=(),
        default_timeout=REQUEST_TIMEOUT if timeout == default.default_timeout else timeout,
    )


def _reader(name: str) -> Reader:
    for entry in entry_points(group=GROUP, name=name):
        reader: Reader = entry.load()
        return reader
    raise ConfigError(
        f"nothing here reads a `{name}`: Cocoon is not installed as a package "
        f"(no entry point `{name}` in the group `{GROUP}`); give `settings` instead"
    )
