"""The store that a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cocoon.cli.config.api_keys_table import keys_settings, store_url
from cocoon.cli.config.load import load_client
from cocoon.cli.config.reader import Context
from cocoon.errors import ConfigError
from cocoon.gateway.keys.limits import NO_LIMITS, Limits
from cocoon.gateway.keys.store import open_store
from cocoon.store import Database


@contextmanager
def opened(store: str | None, config: Path | None, *, create: bool = False) -> Iterator[Database]:
    """The store that ``--store`` or ``--config`` names.

    Raises:
        ConfigError: neither does, or the file is wrong.
        StoreError: it cannot be opened.
    """
    database = open_store(_url(store, config), create=create)
    try:
        yield database
    finally:
        database.close()


def default_limits(config: Path | None) -> Limits:
    """What the configuration says for keys that have no limits of their own."""
    settings = None if config is None else keys_settings(load_client(config).api_keys)
    return NO_LIMITS if settings is None else settings.key_limits


def _url(store: str | None, config: Path | None) -> str:
    if store is not None:
        return str(store_url(store, Context(Path(), "--store")))
    if config is None:
        raise ConfigError("say where the keys are: --config FILE of the client, or --store FILE")
    settings = keys_settings(load_client(config).api_keys)
    if settings is None:
        raise ConfigError(f"{config}: the table [api_keys] has no `store`")
    return settings.store
