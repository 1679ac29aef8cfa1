"""The official command line of the router (``attestation.md`` §7.4)."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from cocoon.errors import ConfigError
from cocoon.net.router_file import (
    BUILT_IN,
    EXAMPLE,
    Defaults,
    PolicyConfig,
    PolicyKind,
    PortConfig,
    PortKind,
    RouterConfig,
    add_policy,
    parse_hash,
    parse_json,
    validate,
)
from cocoon.wire.pow import DEFAULT_DIFFICULTY, DEFAULT_MAX_DIFFICULTY


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


class _PrintExample(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        sys.stdout.write(EXAMPLE)
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """Every flag, with its help text."""
    parser = _Parser(
        prog="cocoon router",
        description="Connect a local runner to attested peers. "
        "`cocoon router --help` shows where collateral comes from.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("-c", "--config", metavar="FILE", help="JSON configuration; ports given here replace its")
    add(
        "-P",
        "--policy",
        action="append",
        default=[],
        metavar="NAME:TYPE[:HASHES]",
        help="a policy; types: any, fake_tdx, tdx",
    )
    add(
        "-S",
        "--socks5",
        action="append",
        default=[],
        metavar="PORT@POLICY[:HASHES]",
        help="SOCKS5 for local runners that dial attested peers",
    )
    add(
        "-F",
        "--fwd",
        action="append",
        default=[],
        metavar="PORT:HOST:PORT@POLICY[:HASHES]",
        help="a local port that leads to one attested peer",
    )
    add(
        "-R",
        "--rev",
        action="append",
        default=[],
        metavar="PORT:HOST:PORT@POLICY[:HASHES]",
        help="a public port whose attested peers reach a local service",
    )
    add(
        "-p",
        "--port",
        action="append",
        default=[],
        metavar="PORT:TYPE[:POLICY[:HOST:PORT]]",
        help="older form of the three above; types: socks5, forward, reverse",
    )
    add("-s", "--serialize-info", action="store_true", help="tell the local side who the peer is")
    add("--collateral-hash", action="append", default=[], metavar="HEX", help="platform root")
    add("-C", "--cert", metavar="BASE", help="use BASE_cert.pem and BASE_key.pem")
    add("-t", "--threads", type=int, default=None, help="accepted; one event loop serves all")
    add(
        "-d",
        "--pow-difficulty",
        type=int,
        default=DEFAULT_DIFFICULTY,
        metavar="BITS",
        help="proof of work that we ask for; default: %(default)s",
    )
    add(
        "-m",
        "--max-pow-difficulty",
        type=int,
        default=DEFAULT_MAX_DIFFICULTY,
        metavar="BITS",
        help="hardest proof of work that we do; default: %(default)s",
    )
    add("-g", "--generate-config", action=_PrintExample, nargs=0, help="print an example; exit")
    add(
        "-v",
        "--verbosity",
        type=int,
        nargs="?",
        const=1,
        default=0,
        metavar="LEVEL",
        help="above 0: log every connection",
    )
    return parser


def parse_arguments(argv: Sequence[str]) -> RouterConfig:
    """Turn the command line (without the program name) into a validated configuration.

    ``-g`` and ``-h`` print and raise ``SystemExit(0)``.

    Raises:
        ConfigError: a flag is unknown or wrong, the file cannot be read, or a rule of
            :func:`~cocoon.net.router_file.validate` is broken.
    """
    options = build_parser().parse_args(list(argv))
    defaults = Defaults(options.serialize_info, options.pow_difficulty, options.max_pow_difficulty)
    config = RouterConfig(ports=())
    if options.config is not None:
        config = parse_json(_read(options.config), defaults)
    builder = _Builder(dict(config.policies), defaults)
    for text in options.policy:
        builder.add_policy(text)
    for kind, texts in (
        (PortKind.SOCKS5, options.socks5),
        (PortKind.FORWARD, options.fwd),
        (PortKind.REVERSE, options.rev),
    ):
        for text in texts:
            builder.add_port(kind, text)
    for text in options.port:
        builder.add_legacy_port(text)
    roots = frozenset(parse_hash(text, 48) for text in options.collateral_hash)
    return validate(
        replace(
            config,
            ports=tuple(builder.ports) or config.ports,
            policies=_with_roots(builder.policies, roots),
            cert_base=options.cert or config.cert_base,
            threads=config.threads if options.threads is None else options.threads,
            verbosity=options.verbosity,
        )
    )


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def _with_roots(
    policies: dict[str, PolicyConfig], roots: frozenset[bytes]
) -> dict[str, PolicyConfig]:
    """``--collateral-hash`` restricts every TDX policy that names no roots of its own."""
    if not roots:
        return policies
    return {
        name: replace(policy, collateral_root_hashes=roots)
        if policy.kind is PolicyKind.TDX and policy.collateral_root_hashes is None
        else policy
        for name, policy in policies.items()
    }


class _Builder:
    """Collects the ports and policies that flags name."""

    def __init__(self, policies: dict[str, PolicyConfig], defaults: Defaults) -> None:
        self.policies = policies
        self.ports: list[PortConfig] = []
        self._defaults = defaults

    def add_policy(self, text: str) -> None:
        """``NAME:TYPE[:HASHES]``."""
        name, separator, rest = text.partition(":")
        if not separator:
            raise ConfigError(f"-P {text}: NAME:TYPE[:HASHES] is needed")
        kind, restricted, hashes = rest.partition(":")
        policy = _policy(kind, hashes if restricted else None, f"-P {text}")
        add_policy(self.policies, name, policy)

    def add_port(self, kind: PortKind, text: str) -> None:
        """``PORT[:HOST:PORT]@POLICY[:HASHES]``."""
        address, separator, policy = text.rpartition("@")
        if not separator:
            raise ConfigError(f"{text}: a policy is needed, such as @tdx")
        port, _, target = address.partition(":")
        if (kind is PortKind.SOCKS5) != (not target):
            form = "PORT@POLICY" if kind is PortKind.SOCKS5 else "PORT:HOST:PORT@POLICY"
            raise ConfigError(f"{text}: {form} is needed")
        self._append(kind, _number(port), policy, _destination(target), text)

    def add_legacy_port(self, text: str) -> None:
        """``PORT:TYPE[:POLICY[:HOST:PORT]]``; the policy is ``any`` only if it says so."""
        parts = text.split(":", 3)
        if len(parts) < 3 or not parts[2]:
            raise ConfigError(f"-p {text}: name the policy; PORT:TYPE:POLICY[:HOST:PORT]")
        try:
            kind = PortKind(parts[1])
        except ValueError:
            raise ConfigError(f"-p {text}: unknown type {parts[1]!r}") from None
        target = parts[3] if len(parts) == 4 else ""
        self._append(kind, _number(parts[0]), parts[2], _destination(target), text)

    def _append(
        self,
        kind: PortKind,
        port: int,
        policy: str,
        destination: tuple[str, int] | None,
        text: str,
    ) -> None:
        name, restricted, hashes = policy.partition(":")
        if restricted:
            if name not in BUILT_IN:
                raise ConfigError(f"{text}: hashes go with built-in policies only")
            inline = f"{name}_inline_{port}"
            add_policy(self.policies, inline, _policy(name, hashes, text))
            name = inline
        defaults = self._defaults
        self.ports.append(
            PortConfig(
                port=port,
                kind=kind,
                policy=name,
                destination=destination,
                serialize_info=defaults.serialize_info,
                pow_difficulty=defaults.pow_difficulty,
                max_pow_difficulty=defaults.max_pow_difficulty,
            )
        )


def _policy(kind: str, hashes: str | None, text: str) -> PolicyConfig:
    try:
        policy = PolicyConfig(PolicyKind(kind))
    except ValueError:
        raise ConfigError(f"{text}: unknown policy type {kind!r}") from None
    if hashes is None:
        return policy
    if policy.kind is PolicyKind.ANY:
        raise ConfigError(f"{text}: policy type any looks at no evidence; no hashes")
    images = frozenset(parse_hash(value, 32) for value in hashes.split(","))
    return replace(policy, image_hashes=images)


def _destination(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    return host, _number(port)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise ConfigError(f"not a port: {text!r}")
    return int(text)
