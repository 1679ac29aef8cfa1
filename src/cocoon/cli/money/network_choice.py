"""Which chain a command without a node's configuration is for."""

from pathlib import Path
from typing import cast

from cocoon.chain.backend import ChainBackend
from cocoon.chain.connect import BackendSettings, Kind, backend_from
from cocoon.cli.chain.places import find_url
from cocoon.cli.config.chain import backend_maker
from cocoon.cli.config.load import load_any
from cocoon.errors import ConfigError


def connect(
    url: str | None, state: Path | None, config: Path | None, *, testnet: bool
) -> ChainBackend:
    """A connection that is not started yet.

    Args:
        url: of an HTTP API of the toncenter form.
        state: directory of a devnet or of a chain that runs here; None looks at the default ones.
        config: configuration of a node, whose chain is taken.
        testnet: which network the URL must be of.

    Raises:
        ConfigError: more than one was named, or none can be found.
    """
    if sum(given is not None for given in (url, state, config)) > 1:
        raise ConfigError("give one of --url, --state and --config")
    if config is not None:
        file = load_any(config)
        return backend_maker(file.chain, testnet=file.is_testnet)()
    kind = "embedded" if url is None else "toncenter"
    settings = BackendSettings(kind=cast(Kind, kind), is_testnet=testnet, url=find_url(url, state))
    return backend_from(settings)
