"""Configuration of ``cocoon router`` as one value, and the official JSON file.

The format is that of ``attestation.md`` §7.5; the command line is read in
:mod:`cocoon.net.router_config`. Where the official router fails open we
refuse instead:

- a field of the wrong type, or unknown, is a :class:`ConfigError`, not ignored;
- a policy is never replaced by another of the same name; a policy of the file that bears a
  built-in name must have that type, and then it counts;
- difficulties of a port count; ``-d`` and ``-m`` are for ports that name none;
- ``-s`` is the default of every port that does not say ``serialize_info``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

import msgspec

from cocoon.errors import ConfigError
from cocoon.wire.pow import DEFAULT_DIFFICULTY, DEFAULT_MAX_DIFFICULTY, MAX_DIFFICULTY

MIN_PORT = 1024
MAX_PORT = 65535

EXAMPLE: Final = """\
{
  "cert_base_name": "/etc/tdx/tdx",
  "threads": 1,
  "policies": [
    {
      "name": "workers",
      "type": "tdx",
      "description": "the images that may serve",
      "tdx_config": {
        "allowed_image_hashes": [
          "04b3afd931d28680af91a15b09d672c40ad6b141f7f9089a8d67d595220f7436"
        ]
      }
    }
  ],
  "ports": [
    {"port": 8116, "type": "socks5", "policy_name": "tdx", "serialize_info": true},
    {"port": 11001, "type": "reverse", "policy_name": "workers", "serialize_info": true,
     "destination_host": "127.0.0.1", "destination_port": 11101, "pow_difficulty": 20}
  ]
}
"""
"""What ``-g`` prints."""


class PolicyKind(Enum):
    """What a policy demands of a peer; the value is the official name."""

    ANY = "any"
    FAKE_TDX = "fake_tdx"
    TDX = "tdx"


class PortKind(Enum):
    """What a port does; the value is the official name."""

    SOCKS5 = "socks5"
    FORWARD = "forward"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """One policy; ``None`` does not restrict, an empty set allows nothing.

    Attributes:
        kind: what it demands.
        image_hashes: 32 bytes each.
        mr_tds: 48 bytes each.
        rtmr_sets: four times 48 bytes each.
        collateral_root_hashes: 48 bytes each.
    """

    kind: PolicyKind
    image_hashes: frozenset[bytes] | None = None
    mr_tds: frozenset[bytes] | None = None
    rtmr_sets: frozenset[tuple[bytes, bytes, bytes, bytes]] | None = None
    collateral_root_hashes: frozenset[bytes] | None = None


BUILT_IN: Final[Mapping[str, PolicyConfig]] = MappingProxyType(
    {kind.value: PolicyConfig(kind) for kind in PolicyKind}
)
"""The policies that always exist."""


@dataclass(frozen=True, slots=True)
class PortConfig:
    """One listening port.

    Attributes:
        port: TCP port; 0 (any free one) only from code.
        kind: what it does.
        policy: name of the policy for the remote peer.
        destination: host and port to connect to; None for SOCKS5 only.
        serialize_info: whether the local side gets the attested-peer record first.
        policy_from_username: SOCKS5 only: whether a user name selects the policy.
        pow_difficulty: reverse only: zero bits asked of whoever connects.
        max_pow_difficulty: SOCKS5, forward: zero bits at most that we work for.
        host: address to listen on; the official one by default, which is every IPv4 address for a
            reverse port and loopback for the others.
    """

    port: int
    kind: PortKind
    policy: str
    destination: tuple[str, int] | None = None
    serialize_info: bool = False
    policy_from_username: bool = False
    pow_difficulty: int = DEFAULT_DIFFICULTY
    max_pow_difficulty: int = DEFAULT_MAX_DIFFICULTY
    host: str | None = None

    @property
    def listen_host(self) -> str:
        """The address to listen on."""
        if self.host is not None:
            return self.host
        return "0.0.0.0" if self.kind is PortKind.REVERSE else "127.0.0.1"  # noqa: S104


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """Everything a router needs to know.

    Attributes:
        ports: what to listen on.
        policies: by name; includes the built-in ones.
        cert_base: files ``<base>_cert.pem`` and ``<base>_key.pem``; None makes a certificate
            without evidence.
        threads: accepted for compatibility; one event loop serves everything.
        verbosity: as ``-v``.
    """

    ports: tuple[PortConfig, ...]
    policies: Mapping[str, PolicyConfig] = field(default_factory=lambda: BUILT_IN)
    cert_base: str | None = None
    threads: int = 0
    verbosity: int = 0


@dataclass(frozen=True, slots=True)
class Defaults:
    """What ports get that do not say otherwise (``-s``, ``-d``, ``-m``)."""

    serialize_info: bool = False
    pow_difficulty: int = DEFAULT_DIFFICULTY
    max_pow_difficulty: int = DEFAULT_MAX_DIFFICULTY


# --- the JSON file -----------------------------------------------------------------------------


class _TdxConfig(msgspec.Struct, forbid_unknown_fields=True):
    allowed_mrtd: list[str] | None = None
    allowed_rtmr: list[list[str]] | None = None
    allowed_image_hashes: list[str] | str | None = None
    allowed_image_hash: str | None = None
    allowed_collateral_root_hashes: list[str] | str | None = None


class _Policy(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    type: PolicyKind
    description: str = ""
    tdx_config: _TdxConfig | None = None


class _Port(msgspec.Struct, forbid_unknown_fields=True):
    port: int
    type: PortKind
    policy_name: str
    destination_host: str | None = None
    destination_port: int | None = None
    allow_policy_from_username: bool = False
    serialize_info: bool | None = None
    pow_difficulty: int | None = None
    max_pow_difficulty: int | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    cert_base_name: str | None = None
    threads: int = 0
    policies: list[_Policy] = []
    ports: list[_Port] = []


def parse_json(text: bytes, defaults: Defaults | None = None) -> RouterConfig:
    """Read a configuration file; ports and references are checked by :func:`validate`.

    Raises:
        ConfigError: not JSON, a field is unknown or of the wrong type, a hash is malformed, or a
            policy is defined twice or contradicts a built-in one.
    """
    try:
        file = msgspec.json.decode(text, type=_File)
    except msgspec.DecodeError as error:
        raise ConfigError(f"router configuration: {error}") from None
    policies = dict(BUILT_IN)
    seen: set[str] = set()
    for policy in file.policies:
        if policy.name in seen:
            raise ConfigError(f"policy {policy.name!r} is defined twice")
        seen.add(policy.name)
        add_policy(policies, policy.name, _policy(policy))
    ports = tuple(_port(port, defaults or Defaults()) for port in file.ports)
    return RouterConfig(ports, policies, file.cert_base_name, file.threads)


def add_policy(policies: dict[str, PolicyConfig], name: str, policy: PolicyConfig) -> None:
    """Add a policy under a new name, or make a built-in one stricter.

    Raises:
        ConfigError: the name is taken, is empty, or is built in with another type.
    """
    if not name:
        raise ConfigError("a policy needs a name")
    known = policies.get(name)
    if known is not None and known is not BUILT_IN.get(name):
        raise ConfigError(f"policy {name!r} is defined twice")
    if known is not None and known.kind is not policy.kind:
        raise ConfigError(f"policy {name!r} is built in with type {known.kind.value}")
    policies[name] = policy


def _policy(policy: _Policy) -> PolicyConfig:
    tdx = policy.tdx_config
    if tdx is None:
        return PolicyConfig(policy.type)
    if policy.type is PolicyKind.ANY:
        raise ConfigError(f"policy {policy.name!r}: type any looks at no evidence; no tdx_config")
    images = _texts(tdx.allowed_image_hashes)
    if tdx.allowed_image_hash is not None:
        images = [*(images or []), tdx.allowed_image_hash]
    rtmrs = None
    if tdx.allowed_rtmr is not None:
        rtmrs = frozenset(_rtmr_set(entry) for entry in tdx.allowed_rtmr)
    config = PolicyConfig(
        kind=policy.type,
        image_hashes=_hashes(images, 32),
        mr_tds=_hashes(tdx.allowed_mrtd, 48),
        rtmr_sets=rtmrs,
        collateral_root_hashes=_hashes(_texts(tdx.allowed_collateral_root_hashes), 48),
    )
    only_tdx = (config.mr_tds, config.rtmr_sets, config.collateral_root_hashes)
    if policy.type is PolicyKind.FAKE_TDX and any(entry is not None for entry in only_tdx):
        raise ConfigError(f"policy {policy.name!r}: fake evidence has an image hash only")
    return config


def _texts(value: list[str] | str | None) -> list[str] | None:
    return [value] if isinstance(value, str) else value


def _hashes(texts: list[str] | None, size: int) -> frozenset[bytes] | None:
    return None if texts is None else frozenset(parse_hash(text, size) for text in texts)


def parse_hash(text: str, size: int) -> bytes:
    """Read a hash of ``size`` bytes in hex.

    Raises:
        ConfigError: it is not that.
    """
    try:
        value = bytes.fromhex(text)
    except ValueError:
        raise ConfigError(f"not a hash in hex: {text!r}") from None
    if len(value) != size or len(text) != 2 * size:
        raise ConfigError(f"a hash of {2 * size} hex digits is needed: {text!r}")
    return value


def _rtmr_set(texts: list[str]) -> tuple[bytes, bytes, bytes, bytes]:
    if len(texts) != 4:
        raise ConfigError(f"an RTMR set has 4 values, not {len(texts)}")
    first, second, third, fourth = (parse_hash(text, 48) for text in texts)
    return first, second, third, fourth


def _port(port: _Port, defaults: Defaults) -> PortConfig:
    destination = None
    if port.destination_host is not None and port.destination_port is not None:
        destination = (port.destination_host, port.destination_port)
    elif port.destination_host is not None or port.destination_port is not None:
        raise ConfigError(f"port {port.port}: destination_host and destination_port go together")

    def given(value: int | None, default: int) -> int:
        return default if value is None else value

    serialize = defaults.serialize_info if port.serialize_info is None else port.serialize_info
    return PortConfig(
        port=port.port,
        kind=port.type,
        policy=port.policy_name,
        destination=destination,
        serialize_info=serialize,
        policy_from_username=port.allow_policy_from_username,
        pow_difficulty=given(port.pow_difficulty, defaults.pow_difficulty),
        max_pow_difficulty=given(port.max_pow_difficulty, defaults.max_pow_difficulty),
    )


# --- rules over the whole ----------------------------------------------------------------------


def validate(config: RouterConfig) -> RouterConfig:
    """Check the official rules (``attestation.md`` §7.5) and return ``config``.

    Raises:
        ConfigError: a rule is broken; says which port.
    """
    if not config.ports:
        raise ConfigError("a router needs at least one port (-S, -F, -R or a file with -c)")
    if config.threads < 0:
        raise ConfigError("threads is negative")
    seen: set[int] = set()
    for port in config.ports:
        _validate_port(port, config.policies)
        if port.port in seen:
            raise ConfigError(f"port {port.port} is used twice")
        seen.add(port.port)
    return config


def _validate_port(port: PortConfig, policies: Mapping[str, PolicyConfig]) -> None:
    name = f"port {port.port}"
    _check_port(port.port, name)
    if port.kind is PortKind.SOCKS5:
        if port.destination is not None:
            raise ConfigError(f"{name}: a SOCKS5 port has no destination")
    elif port.destination is None or not port.destination[0]:
        raise ConfigError(f"{name}: a {port.kind.value} port needs a destination")
    else:
        _check_port(port.destination[1], f"{name}: destination")
    if port.policy_from_username and port.kind is not PortKind.SOCKS5:
        raise ConfigError(f"{name}: only a SOCKS5 port has user names")
    if port.policy not in policies:
        raise ConfigError(f"{name}: there is no policy {port.policy!r}")
    for value in (port.pow_difficulty, port.max_pow_difficulty):
        if not 0 <= value <= MAX_DIFFICULTY:
            raise ConfigError(f"{name}: a difficulty is 0 to {MAX_DIFFICULTY}, not {value}")


def _check_port(port: int, name: str) -> None:
    if not MIN_PORT <= port <= MAX_PORT:
        raise ConfigError(f"{name} is outside {MIN_PORT}..{MAX_PORT}")
