"""A connection to TON by configuration."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cocoon.chain.backend import ChainBackend
from cocoon.errors import ConfigError

MAX_KEY_CHARS = 512
MAX_CONFIG_BYTES = 4 * 1024 * 1024
EMBEDDED_REQUESTS_PER_SECOND = 1000.0
"""A chain on this machine is nobody else's."""

Kind = Literal["toncenter", "liteserver", "embedded"]
KINDS: tuple[Kind, ...] = ("toncenter", "liteserver", "embedded")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSettings:
    """How TON is reached.

    Args:
        kind: ``toncenter`` for an HTTP indexer; ``embedded`` for ``cocoon chain up``, which speaks
            the same; ``liteserver`` for liteservers.
        is_testnet: which network it must be.
        url: of the indexer or the embedded chain.
        api_key_file: file with the indexer's key; its content is a secret.
        version: API of the indexer.
        requests_per_second: None for what the public indexers allow with or without a key.
        max_age: seconds that the newest block may be old; None for two minutes on the public
            networks and no limit on others, whose clock may be their own.
        network_config: the network's global configuration in JSON, which names liteservers.
        agreement: how many liteservers must name the same block before it is believed.
    """

    kind: Kind
    is_testnet: bool
    url: str = ""
    api_key_file: Path | None = field(default=None, repr=False)
    version: Literal["v2", "v3"] = "v2"
    requests_per_second: float | None = None
    max_age: float | None = None
    network_config: Path | None = None
    agreement: int = 2


def backend_from(settings: BackendSettings) -> ChainBackend:
    """A connection that is not started yet.

    Raises:
        ConfigError: something is missing, or a file cannot be used.
    """
    if settings.kind == "liteserver":
        return _liteserver(settings)
    if settings.kind not in KINDS:
        raise ConfigError(f"no such kind of chain: {settings.kind}; known are {', '.join(KINDS)}")
    # Commands that never talk to TON should not wait for an HTTP library.
    from cocoon.chain.toncenter import Limits, ToncenterBackend  # noqa: PLC0415

    rate = settings.requests_per_second
    if settings.kind == "embedded":
        rate = rate or EMBEDDED_REQUESTS_PER_SECOND
    return ToncenterBackend(
        settings.url,
        api_key=read_api_key(settings.api_key_file),
        is_testnet=settings.is_testnet,
        version=settings.version,
        limits=Limits(requests_per_second=rate),
        max_age=settings.max_age,
        name=settings.kind,
    )


def read_api_key(path: Path | None) -> str | None:
    """The key in a file; None if there is no file.

    Raises:
        ConfigError: it cannot be read, or holds no key. The key itself is never shown.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            key = file.read(MAX_KEY_CHARS + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"cannot read the API key in {path}") from None
    if not 0 < len(key) < MAX_KEY_CHARS or not key.isprintable() or " " in key:
        raise ConfigError(f"{path} must hold the API key and nothing else, on one line")
    return key


def _liteserver(settings: BackendSettings) -> ChainBackend:
    from cocoon.chain.liteserver import LiteserverBackend, read_servers  # noqa: PLC0415

    path = settings.network_config
    if path is None:
        raise ConfigError("liteservers are named by the network's global configuration: give it")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    return LiteserverBackend(
        read_servers(content),
        is_testnet=settings.is_testnet,
        agreement=settings.agreement,
        max_age=settings.max_age,
    )
