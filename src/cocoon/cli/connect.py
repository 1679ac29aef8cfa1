"""What the SDK can connect to by name: a client's configuration file, or a devnet.

The SDK is a layer below the readers of configuration; it finds these functions as entry points of
the group ``cocoon.connections`` (:mod:`cocoon.sdk.connecting`).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cocoon.cli.config import tables
from cocoon.cli.config.client_settings import client_settings, gateway_settings
from cocoon.cli.config.load import load_client
from cocoon.cli.config.trust import Trust
from cocoon.devnet.options import default_state
from cocoon.devnet.visitor import Visitor, require_running
from cocoon.errors import ConfigError
from cocoon.sdk.connecting import Connection

Connect = Callable[[], Connection]


def config(path: Path | None) -> Connect:
    """Connect as a client's configuration file says; the file is read now.

    Raises:
        ConfigError: no file is named, it cannot be read, or a key in it is wrong.
    """
    if path is None:
        raise ConfigError("name the configuration file of a client")
    file = load_client(path)
    return lambda: _connection(file)


def devnet(path: Path | None) -> Connect:
    """Connect to a devnet as a further client of it.

    Args:
        path: its state directory; None is that of ``cocoon up`` without ``--state``.

    Raises:
        ConfigError: no network runs there.
    """
    state = (path or default_state()).absolute()
    require_running(state)

    def connect() -> Connection:
        place = Visitor(state)
        try:
            return replace(_connection(load_client(place.config)), release=place.release)
        except BaseException:
            place.release()
            raise

    return connect


def _connection(file: tables.ClientFile) -> Connection:
    trust = Trust(file.identity, file.collateral)
    settings = client_settings(file, trust)
    return Connection(
        settings=settings,
        gateway=gateway_settings(file.gateway),
        upkeep=(trust.maintain_collateral,),
        notes=tuple(trust.notes),
    )
