"""Read a configuration file of either form."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from cocoon.cli.config import official, tables
from cocoon.cli.config.production import check_production
from cocoon.cli.config.reader import Context, read
from cocoon.errors import ConfigError

MAX_FILE_BYTES = 1 << 20

F = TypeVar("F", tables.ClientFile, tables.ProxyFile, tables.WorkerFile)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says beyond the file; None leaves the file's value.

    Attributes:
        root_config: root configuration file; TON is simulated then.
        check_hashes: force the check of peers' hashes.
        http_host: address of the HTTP interface.
        http_port: port of the HTTP interface.
    """

    root_config: Path | None = None
    check_hashes: bool = False
    http_host: str | None = None
    http_port: int | None = None


def load_client(path: Path, overrides: Overrides | None = None) -> tables.ClientFile:
    """Read the configuration of a client.

    Raises:
        ConfigError: the file cannot be read, or says which key is wrong.
    """
    wanted = overrides or Overrides()
    file = _load(path, tables.ClientFile, official.client_file, wanted)
    checked = replace(file, check_proxy_hashes=file.check_proxy_hashes or wanted.check_hashes)
    return _override(checked, wanted)


def load_proxy(path: Path, overrides: Overrides | None = None) -> tables.ProxyFile:
    """Read the configuration of a proxy.

    Raises:
        ConfigError: as for :func:`load_client`.
    """
    wanted = overrides or Overrides()
    file = _load(path, tables.ProxyFile, official.proxy_file, wanted)
    checked = replace(file, check_worker_hashes=file.check_worker_hashes or wanted.check_hashes)
    return _override(checked, wanted)


def load_worker(path: Path, overrides: Overrides | None = None) -> tables.WorkerFile:
    """Read the configuration of a worker.

    Raises:
        ConfigError: as for :func:`load_client`.
    """
    wanted = overrides or Overrides()
    file = _load(path, tables.WorkerFile, official.worker_file, wanted)
    checked = replace(file, check_proxy_hashes=file.check_proxy_hashes or wanted.check_hashes)
    return _override(checked, wanted)


def load_any(path: Path) -> tables.RoleFile:
    """Read the TOML configuration of a node, whichever role it is of.

    Raises:
        ConfigError: as for :func:`load_client`; or it is an official file, which does not say.
    """
    if path.suffix != ".toml":
        raise ConfigError(f"{path}: the name must end with .toml; official files are not read here")
    try:
        keys = set(tomllib.loads(read_text(path, "configuration file")))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    if "database" in keys:
        return load_proxy(path)
    return load_worker(path) if "model" in keys else load_client(path)


def _override(file: F, wanted: Overrides) -> F:
    http = replace(
        file.http,
        host=file.http.host if wanted.http_host is None else wanted.http_host,
        port=file.http.port if wanted.http_port is None else wanted.http_port,
    )
    if wanted.root_config is None:
        return replace(file, http=http)
    return replace(file, http=http, root_config=wanted.root_config, chain=tables.ChainTable())


def _load(
    path: Path, cls: type[F], from_official: Callable[[object, str], F], wanted: Overrides
) -> F:
    text = read_text(path, "configuration file")
    if path.suffix == ".toml":
        try:
            document = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigError(f"{path}: not valid TOML: {error}") from None
        file = read(cls, document, Context(path.parent, str(path)))
        try:
            check_production(file)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
        return file
    if path.suffix == ".json":
        try:
            document = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ConfigError(f"{path}: not valid JSON: {error}") from None
        _refuse_open_control(document, wanted, path)
        return from_official(document, str(path))
    raise ConfigError(f"{path}: the name must end with .toml, or .json for an official file")


def _refuse_open_control(document: object, wanted: Overrides, path: Path) -> None:
    """A file that asks for protected control pages does not get them open to the network."""
    local = wanted.http_host is None or wanted.http_host.startswith("127.")
    if not local and isinstance(document, dict) and document.get("http_access_hash"):
        raise ConfigError(
            f"{path}: http_access_hash is not supported: leave --http-host out, HTTP stays local"
        )


def read_text(path: Path, what: str) -> str:
    """The text of a small file.

    Raises:
        ConfigError: it cannot be read, is not text, or is larger than a megabyte.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {what} {path}: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(f"{what} {path} is larger than {MAX_FILE_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{what} {path} is not UTF-8 text") from None
