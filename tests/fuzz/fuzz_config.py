"""Any bytes as a configuration file of any role and form: a value or a ``ConfigError``."""

import json
import tomllib
from pathlib import Path

from cocoon.cli.config import official, tables
from cocoon.cli.config.key_manager_tables import KeyManagerFile
from cocoon.cli.config.reader import Context, read
from cocoon.errors import ConfigError

OURS = (tables.ClientFile, tables.ProxyFile, tables.WorkerFile, KeyManagerFile)
OFFICIAL = (official.client_file, official.proxy_file, official.worker_file)


def fuzz_one(data: bytes) -> None:
    """Read ``data`` as TOML and as JSON for every role."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        table = {}
    for cls in OURS:
        try:
            read(cls, table, Context(Path("/etc"), "x.toml"))
        except ConfigError as error:
            _check(error, "x.toml: ")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    for reader in OFFICIAL:
        try:
            reader(document, "x.json")
        except ConfigError as error:
            _check(error, "x.json: ")


def _check(error: ConfigError, beginning: str) -> None:
    if not str(error).startswith(beginning):
        raise AssertionError(f"an error that does not name the file: {error}")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
