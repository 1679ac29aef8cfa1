"""What the host of a guest may set: a few typed variables, each with its own check.

The file comes from an untrusted host and is not measured, so it may hold only what cannot hurt the
people who use the node: who is paid, at which price, which of the listed models. Everything else
(root contract, policies, collateral, commands) is in the measured configuration. No value reaches
a shell or an environment: values are only put into templates of the measured configuration, whose
syntax they cannot leave because of their characters. Form: ``attestation.md`` §8.2.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from cocoon.errors import ConfigError

MAX_FILE_BYTES = 64 << 10
MAX_LINES = 256
MAX_VALUE_CHARACTERS = 512
MAX_TEMPLATE_BYTES = 1 << 20

Value = str | int

_LINE = re.compile(r"([A-Z][A-Z0-9_]*)=([A-Za-z0-9_\-.:/=@+]*)")
_NAME = re.compile(r"\$([A-Z][A-Z0-9_]*)?")
_SYSTEM_VALUE = re.compile(r"[A-Za-z0-9_\-.:/=@+]*")


class Role(Enum):
    """What the guest is."""

    PROXY = "proxy"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a host may set.

    Attributes:
        meaning: for people, one line.
        read: turns the text into the value; raises ValueError with what is expected.
        default: the value if the host does not set it; None if it must.
    """

    meaning: str
    read: Callable[[str], Value]
    default: Value | None = None


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        # fullmatch: int() would take signs, underscores and other digits.
        if not re.fullmatch(r"0|[1-9][0-9]{0,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return read


def _text(pattern: str, expected: str) -> Callable[[str], str]:
    expression = re.compile(pattern)

    def read(text: str) -> str:
        if not expression.fullmatch(text):
            raise ValueError(expected)
        return text

    return read


_ADDRESS = _text(r"[A-Za-z0-9_\-/+]{48}|-?[01]:[0-9A-Fa-f]{64}", "an address of TON")
_MODEL = _text(
    r"[A-Za-z0-9][A-Za-z0-9_\-./]{0,127}@[0-9a-f]{7,64}:[0-9a-f]{64}",
    "a full model name, name@commit:hash",
)
_HOST = _text(r"[a-z0-9]([a-z0-9\-.]{0,251}[a-z0-9])?", "a host name or an IPv4 address")
_API_KEY = _text(r"[A-Za-z0-9_\-]{1,128}", "an API key of letters, digits, _ and -")

_COMMON: dict[str, Variable] = {
    "OWNER": Variable("address that is paid", _ADDRESS),
    "TON_API_KEY": Variable("key for the TON API that the configuration names", _API_KEY, ""),
}
ALLOWED: dict[Role, dict[str, Variable]] = {
    Role.WORKER: _COMMON
    | {
        "MODEL": Variable("one of the models that the network lists", _MODEL),
        "COEFFICIENT": Variable("price, times 1000", _number(1, 1_000_000), 1000),
        "MAX_ACTIVE_REQUESTS": Variable("requests at a time", _number(1, 10_000), 60),
        "PROXY_CONNECTIONS": Variable("connections to each proxy", _number(1, 16), 1),
    },
    Role.PROXY: _COMMON
    | {
        "PUBLIC_HOST": Variable("where the internet reaches this proxy", _HOST),
        "PUBLIC_PORT": Variable("first of its two ports", _number(1024, 65534), 11001),
        "MAX_CLIENTS": Variable("clients at a time", _number(1, 1_000_000), 10_000),
    },
}


def parse_runtime(data: bytes, role: Role) -> dict[str, Value]:
    """Read the file of ``KEY=VALUE`` lines; blank lines and ``#`` comments are skipped.

    Returns:
        A value for every variable of the role; defaults where the file has none.

    Raises:
        ConfigError: too large, not ASCII, a line of another form, a name that is not allowed or
            comes twice, a value of the wrong kind, or one that is missing.
    """
    allowed = ALLOWED[role]
    found: dict[str, Value] = {}
    for number, line in enumerate(_lines(data), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ConfigError(f"runtime variables, line {number}: not of the form KEY=VALUE")
        name, text = match.groups()
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise ConfigError(f"the host may not set {name}; a {role.value} takes {known}")
        if name in found:
            raise ConfigError(f"the runtime variable {name} is set twice")
        found[name] = _read(name, text, allowed[name])
    return _with_defaults(found, allowed)


def _lines(data: bytes) -> list[str]:
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"the runtime variables have more than {MAX_FILE_BYTES >> 10} KiB")
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise ConfigError("the runtime variables are not ASCII") from None
    if len(lines) > MAX_LINES:
        raise ConfigError(f"the runtime variables have more than {MAX_LINES} lines")
    return lines


def _read(name: str, text: str, variable: Variable) -> Value:
    if len(text) > MAX_VALUE_CHARACTERS:
        raise ConfigError(f"{name} has more than {MAX_VALUE_CHARACTERS} characters")
    try:
        return variable.read(text)
    except ValueError as error:
        raise ConfigError(f"{name} ({variable.meaning}) must be {error}") from None


def _with_defaults(found: dict[str, Value], allowed: Mapping[str, Variable]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, variable in allowed.items():
        value = found.get(name, variable.default)
        if value is None:
            raise ConfigError(f"the host must set {name} ({variable.meaning})")
        values[name] = value
    return values


def render(template: str, system: Mapping[str, str], runtime: Mapping[str, Value]) -> str:
    """Replace every ``$NAME`` in a template of the measured configuration, in one pass.

    Args:
        template: the text.
        system: variables of the guest itself; the host can never set one of these.
        runtime: what :func:`parse_runtime` returned.

    Raises:
        ConfigError: a name that is neither, a name that is both, a lone ``$``, a system value
            with characters that could leave the template's syntax, or more than 1 MiB.
    """
    both = sorted(system.keys() & runtime.keys())
    if both:
        raise ConfigError(f"the host may not set {both[0]}: the guest sets it itself")
    for name, value in system.items():
        if not _SYSTEM_VALUE.fullmatch(value):
            raise ConfigError(f"the guest's own variable {name} has a character that is not safe")
    values: dict[str, Value] = {**system, **runtime}

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            raise ConfigError(f"a template names ${name or ''}, which nothing sets")
        return str(values[name])

    rendered = _NAME.sub(replace, template)
    if len(rendered) > MAX_TEMPLATE_BYTES:
        raise ConfigError("a rendered template is larger than 1 MiB")
    return rendered
