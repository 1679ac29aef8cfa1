"""Which liteservers there are: the network's global configuration file."""

import base64
import binascii
from dataclasses import dataclass
from ipaddress import IPv4Address

import msgspec

from cocoon.errors import ConfigError

MAX_SERVERS = 256
KEY_BYTES = 32
MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Server:
    """A liteserver.

    Args:
        host: name or address.
        port: TCP port.
        key: 32 bytes, its Ed25519 key; nobody else can answer in its place.
    """

    host: str
    port: int
    key: bytes

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Servers:
    """The liteservers of a network.

    Args:
        servers: at least one.
        zero_state: root hash of the state that the network started from; None if not told.
    """

    servers: tuple[Server, ...]
    zero_state: bytes | None = None


class _Id(msgspec.Struct):
    key: str


class _Liteserver(msgspec.Struct):
    port: int
    id: _Id
    ip: int = 0
    host: str = ""


class _ZeroState(msgspec.Struct):
    root_hash: str


class _Validator(msgspec.Struct):
    zero_state: _ZeroState | None = None


class _Config(msgspec.Struct):
    liteservers: list[_Liteserver]
    validator: _Validator | None = None


def read_servers(content: bytes) -> Servers:
    """Read the file; addresses are numbers there, a name under ``host`` is accepted too.

    Raises:
        ConfigError: malformed, or it names no liteserver.
    """
    try:
        config = msgspec.json.decode(content, type=_Config)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"global configuration is malformed: {error}") from None
    if not 1 <= len(config.liteservers) <= MAX_SERVERS:
        raise ConfigError(f"global configuration must name 1 to {MAX_SERVERS} liteservers")
    zero = config.validator.zero_state if config.validator is not None else None
    return Servers(
        tuple(_server(item) for item in config.liteservers),
        None if zero is None else _bytes32(zero.root_hash, "zero state"),
    )


def _server(item: _Liteserver) -> Server:
    if not 1 <= item.port <= MAX_PORT:
        raise ConfigError(f"global configuration: {item.port} is no port of a liteserver")
    # The file has addresses as signed 32-bit numbers.
    host = item.host or str(IPv4Address(item.ip & 0xFFFFFFFF))
    return Server(host, item.port, _bytes32(item.id.key, "key of a liteserver"))


def _bytes32(text: str, what: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != KEY_BYTES:
        raise ConfigError(f"global configuration: {what} must be Base64 of {KEY_BYTES} bytes")
    return value
