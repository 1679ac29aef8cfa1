"""Reads a configuration directory once, so that what is measured is what is used.

The directory may be a share that an untrusted host can change while it is read.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cocoon.attestation.measure.config_tree import (
    MAX_FILE_BYTES,
    MAX_FILES,
    RUNTIME,
    ConfigFile,
)
from cocoon.errors import ConfigError

MAX_TOTAL_BYTES = 256 << 20


def read_config_dir(top: Path) -> tuple[ConfigFile, ...]:
    """Every file of a configuration directory, except the top-level ``runtime``.

    Raises:
        ConfigError: it cannot be read, holds a link or a special file, or is too large.
    """
    files: list[ConfigFile] = []
    total = 0
    for path in _walk(top, top):
        name = path.relative_to(top).as_posix()
        files.append(_read(path, name))
        total += len(files[-1].data)
        if len(files) > MAX_FILES or total > MAX_TOTAL_BYTES:
            raise ConfigError(f"{top} has more files or bytes than a configuration may have")
    return tuple(files)


def _walk(directory: Path, top: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError as error:
        raise ConfigError(f"{directory}: {error.strerror}") from None
    for entry in entries:
        path = Path(entry.path)
        if directory == top and entry.name == RUNTIME:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path, top)
        else:
            yield path


def _read(path: Path, name: str) -> ConfigFile:
    data, mode = read_regular(path, MAX_FILE_BYTES)
    return ConfigFile(name, bool(mode & stat.S_IXUSR), data)


def read_regular(path: Path, limit: int) -> tuple[bytes, int]:
    """The bytes and mode of a file that is no link; never more than ``limit`` bytes are read.

    Raises:
        ConfigError: it cannot be read, is not a regular file or is larger.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise ConfigError(f"{path} is not a regular file")
            data = file.read(limit + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; links are not followed") from None
    if len(data) > limit:
        raise ConfigError(f"{path} has more than {limit} bytes")
    return data, mode
