"""Approval files: make, sign, read."""

import time
from dataclasses import dataclass
from pathlib import Path

from cocoon.cli.config.keys import open_key
from cocoon.errors import ConfigError, StoreError
from cocoon.key_manager.approval import MAX_FILE_BYTES, Approval
from cocoon.net.state_file import write_private

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new approval is to say; None where the command line does not.

    Attributes:
        manager: id of the key manager, hex.
        image: image hash, hex.
        serial: number.
        days: for which it can be used, from now.
        terms: of the successor, hex; None for the present ones.
    """

    manager: str | None
    image: str | None
    serial: int | None
    days: int
    terms: str | None = None


def read(file: Path) -> Approval:
    """The approval in a file.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read approval {file}: {error.strerror}") from None
    try:
        return Approval.from_json(content)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def sign(file: Path, key_file: Path, password_file: Path | None, wanted: Wanted) -> str:
    """Add a signature to a file, which is made first where there is none; says what was signed.

    Raises:
        ConfigError: a file cannot be read, or the command line says something else than the file.
        StoreError: the file cannot be written.
    """
    approval = _existing(file, wanted) if file.exists() else _new(wanted)
    key = open_key(key_file, password_file)
    approval = approval.signed_by(key.public_key, key.sign(approval.statement()))
    try:
        write_private(file, approval.to_json())
    except StoreError as error:
        raise ConfigError(str(error)) from None
    return (
        f"{key.public_key.hex()} lets image {approval.image_hash.hex()} take over key manager "
        f"{approval.manager_id.hex()} (serial {approval.serial}, "
        f"{f'terms {approval.terms.hex()}' if approval.terms else 'terms unchanged'}, "
        f"{len(approval.signatures)} signatures)"
    )


def hash_of(what: str, text: str) -> bytes:
    """32 bytes in hex from the command line.

    Raises:
        ConfigError: they are not.
    """
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != 32:
        raise ConfigError(f"the {what} must be 64 hex digits")
    return value


def _new(wanted: Wanted) -> Approval:
    if wanted.manager is None or wanted.image is None or wanted.serial is None:
        raise ConfigError("a new approval needs --manager, --image and --serial")
    now = int(time.time())
    return Approval(
        hash_of("id of the key manager", wanted.manager),
        hash_of("image hash", wanted.image),
        wanted.serial,
        now,
        now + wanted.days * DAY,
        terms=b"" if wanted.terms is None else hash_of("terms", wanted.terms),
    )


def _existing(file: Path, wanted: Wanted) -> Approval:
    approval = read(file)
    said = (
        wanted.manager in (None, approval.manager_id.hex()),
        wanted.image in (None, approval.image_hash.hex()),
        wanted.serial in (None, approval.serial),
        wanted.terms in (None, approval.terms.hex()),
    )
    if not all(said):
        raise ConfigError(f"{file} approves something else: sign it as it is, or use another file")
    return approval
