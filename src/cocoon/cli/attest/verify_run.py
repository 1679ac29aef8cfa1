"""``cocoon attest verify`` behind its options."""

import time
from dataclasses import dataclass
from pathlib import Path

import typer
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.document import NONCE_BYTES
from cocoon.attestation.measurements import IMAGE_HASH_BYTES
from cocoon.chain.root_config import RootConfig
from cocoon.cli import layout, screen
from cocoon.cli.attest.chain_root import read_chain_root
from cocoon.cli.attest.describe_x509 import CERTIFICATE_ERRORS, load_der, load_pems
from cocoon.cli.attest.devnet_target import ROLES, devnet_target
from cocoon.cli.attest.judging import Basis, from_policy_file, load_books, read_root
from cocoon.cli.attest.targets import MAX_FILE_BYTES, load
from cocoon.cli.attest.verdict import Verdict, parse_moment
from cocoon.cli.attest.verification import Beside, verify_loaded
from cocoon.errors import ConfigError

PRODUCTION = "the vendors' production roots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line says; see :func:`cocoon.cli.attest.verify.verify`."""

    target: str
    policy: Path | None = None
    collateral: tuple[Path, ...] = ()
    images: tuple[str, ...] = ()
    root_file: Path | None = None
    root: str | None = None
    url: str | None = None
    is_mainnet: bool = False
    role: str | None = None
    nonce: str | None = None
    at: str | None = None
    event_logs: tuple[Path, ...] = ()
    vcek: Path | None = None
    devnet: Path | None = None
    number: int = 1


def verify_target(wishes: Wishes) -> Verdict:
    """Verify what the wishes name.

    Raises:
        CocoonError: a wish makes no sense, or the target cannot be reached.
    """
    nonce = None if wishes.nonce is None else _hex("--nonce", wishes.nonce, NONCE_BYTES)
    target, basis = _basis(wishes)
    at = _time(wishes.at)
    beside = Beside(
        logs=tuple(_read(path) for path in wishes.event_logs),
        vcek=None if wishes.vcek is None else _certificate(wishes.vcek),
        nonce=nonce,
    )
    loaded = load(target, nonce=nonce)
    return verify_loaded(loaded, basis, at, beside)


def show(verdict: Verdict, *, as_json: bool) -> None:
    """Print a verdict."""
    if as_json:
        typer.echo(verdict.to_json())
        return
    console = screen.stdout()
    console.print(verdict.render(layout.columns(console)))


def _basis(wishes: Wishes) -> tuple[str, Basis]:
    images = frozenset(_hex("--image", text, IMAGE_HASH_BYTES) for text in wishes.images) or None
    if wishes.role is not None and wishes.role not in ROLES:
        raise ConfigError(f"--role is {' or '.join(ROLES)}, not {wishes.role}")
    if wishes.devnet is not None:
        rules = (wishes.policy, wishes.collateral, wishes.root_file, wishes.root, wishes.url)
        if any(rules) or wishes.role:
            raise ConfigError("--devnet brings its own policy, collateral and root")
        target, basis = devnet_target(wishes.devnet, wishes.target, wishes.number)
        basis.images = images
        return target, basis
    books = load_books(wishes.collateral)
    basis = Basis(
        name=PRODUCTION if wishes.policy is None else f"the policy {wishes.policy}",
        books=books,
        policy=None if wishes.policy is None else from_policy_file(wishes.policy, books),
        images=images,
        root=_root(wishes),
        role=wishes.role,
    )
    return wishes.target, basis


def _root(wishes: Wishes) -> RootConfig | None:
    """Whose lists decide, if any do."""
    if wishes.root_file is None and wishes.root is None:
        if wishes.url is not None or wishes.is_mainnet:
            raise ConfigError("--url and --mainnet need --root ADDRESS")
        return None
    if wishes.role is None:
        option = "--root" if wishes.root_file is None else "--root-file"
        raise ConfigError(f"{option} needs --role: proxy or worker")
    if wishes.root_file is None:
        if wishes.url is None:
            raise ConfigError("--root needs --url: where the chain is read")
        return read_chain_root(wishes.root, url=wishes.url, testnet=not wishes.is_mainnet)
    if wishes.root is not None:
        raise ConfigError("give one of --root and --root-file")
    return read_root(wishes.root_file)


def _time(text: str | None) -> int:
    if text is None:
        return int(time.time())
    found = parse_moment(text)
    if found is None or not 0 <= found < 1 << 40:
        raise ConfigError(f"--at {text}: neither unix seconds nor a time such as 2026-11-22T10:00")
    return found


def _hex(option: str, text: str, length: int) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != length:
        raise ConfigError(f"{option} has {2 * length} hex digits")
    return value


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{path} is longer than {MAX_FILE_BYTES} bytes")
    return data


def _certificate(path: Path) -> bytes:
    data = _read(path)
    try:
        if data.lstrip().startswith(b"-----"):
            return load_pems(data)[0].public_bytes(Encoding.DER)
        return load_der(data).public_bytes(Encoding.DER)
    except CERTIFICATE_ERRORS:
        raise ConfigError(f"{path} is not a certificate") from None
