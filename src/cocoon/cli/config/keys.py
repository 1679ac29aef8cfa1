"""Open a key file: a plain one, or an encrypted one with its password."""

import sys
from getpass import getpass
from pathlib import Path

from cocoon.chain.keys import SecretKey
from cocoon.cli.config.load import read_text
from cocoon.errors import ConfigError

MIN_PASSWORD = 8
"""Characters of a new password."""


def open_key(path: Path, password_file: Path | None = None) -> SecretKey:
    """The key in a file; a password is asked for on the terminal if there is no file with it.

    Raises:
        ConfigError: it cannot be read, or the password is wrong or missing.
    """
    if not _is_encrypted(path):
        return SecretKey.load(path)
    from cocoon.chain.keystore import load_keystore  # noqa: PLC0415 - only where it is needed

    store = load_keystore(path)
    if password_file is not None:
        return store.open(read_password(password_file))
    return store.open(_ask(f"Password of {path}: "))


def read_password(path: Path) -> str:
    """The password in a file: all of its first line.

    Raises:
        ConfigError: it cannot be read, is open to other users, or is empty.
    """
    text = read_text(path, "password file")
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"password file {path} is open to other users: chmod 600 {path}")
    password = text.partition("\n")[0].removesuffix("\r")
    if not password:
        raise ConfigError(f"password file {path} is empty")
    return password


def new_password(password_file: Path | None) -> str:
    """A password for a new key file: from a file, or asked for twice.

    Raises:
        ConfigError: it is too short, the two differ, or nobody can be asked.
    """
    if password_file is not None:
        password = read_password(password_file)
    else:
        password = _ask("New password: ")
        if _ask("Once more: ") != password:
            raise ConfigError("the two passwords differ")
    if len(password) < MIN_PASSWORD:
        raise ConfigError(f"a password needs at least {MIN_PASSWORD} characters")
    return password


def _ask(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise ConfigError("a password is needed: give --password-file where nobody can be asked")
    return getpass(prompt)


def _is_encrypted(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(1) == b"{"
    except OSError as error:
        raise ConfigError(f"cannot read key file {path}: {error.strerror}") from None
