"""A model's files as a normalised archive: the same bytes on every machine.

The archive is made as it is read, nothing is stored: :func:`chunks` streams it, and
:meth:`Source.size` knows its length before. A model is a directory, or a single file (GGUF), which
is the directory that holds only this file, with mode 644.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cocoon.errors import ConfigError
from cocoon.model.tar import (
    MAX_MEMBERS,
    MAX_PATH,
    MAX_SIZE,
    Kind,
    Member,
    Placed,
    end_of_archive,
    header,
)

CHUNK: Final = 1 << 20
"""Bytes read at a time."""
MAX_DEPTH: Final = 64
"""Folders inside of one another."""
LEFT_OUT: Final = ".cache"
"""What a download leaves at the top of the directory; never part of a model."""


@dataclass(frozen=True, slots=True)
class Source:
    """What an archive is made of.

    Attributes:
        members: in the archive's order, each with the file that its content comes from.
    """

    members: tuple[tuple[Member, Path | None], ...]

    def placed(self) -> Iterator[Placed]:
        """Where each member will stand in the archive."""
        position = 0
        for member, _ in self.members:
            placed = Placed(member, position, position + len(header(member)))
            yield placed
            position = placed.end

    @property
    def size(self) -> int:
        """Bytes of the archive; always whole blocks of 4096."""
        end = max((placed.end for placed in self.placed()), default=0)
        return end + len(end_of_archive(end))


def source(path: Path) -> Source:
    """The archive of a directory or of a single file.

    Raises:
        ConfigError: as for :func:`scan` and :func:`single_file`.
    """
    return scan(path) if os.path.isdir(path) else single_file(path)


def single_file(path: Path) -> Source:
    """The archive of a directory that holds only this file, which has mode 644 there.

    Raises:
        ConfigError: it is no regular file, or cannot be read.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{path} is not a regular file")
    name = b"./" + os.fsencode(path.name)
    folder = Member(b"./", Kind.DIRECTORY, 0o755)
    return Source(((folder, None), (Member(name, Kind.FILE, 0o644, found.st_size), path)))


def scan(directory: Path) -> Source:
    """Look at every file of a directory; reads no content.

    Raises:
        ConfigError: something is not readable, is no file, directory or link, or a link leads out
            of the directory or nowhere.
    """
    scanner = _Scanner(directory)
    scanner.add(b"./", directory)
    return Source(tuple(scanner.members))


def chunks(made_of: Source, size: int = CHUNK) -> Iterator[bytes]:
    """The bytes of the archive, in pieces of ``size`` bytes at most (the last one aside).

    Raises:
        ConfigError: a file cannot be read, or is not as long as it was.
    """
    position = 0
    for member, path in made_of.members:
        front = header(member)
        yield front
        position += len(front)
        if path is not None and member.size:
            yield from _content(path, member.size, size)
            yield bytes(member.padded_size - member.size)
            position += member.padded_size
    yield end_of_archive(position)


def shown(name: bytes) -> str:
    """A member's name for people."""
    return ascii(os.fsdecode(name.removeprefix(b"./") or name))[1:-1]


class _Scanner:
    def __init__(self, top: Path) -> None:
        self._top = top.resolve()
        self._seen: dict[tuple[int, int], bytes] = {}
        self.members: list[tuple[Member, Path | None]] = []

    def add(self, name: bytes, path: Path) -> None:
        """Add what is at the path, and everything below it."""
        top = name == b"./"
        try:
            found = path.stat() if top else path.lstat()
        except OSError as error:
            raise _unreadable(path, error) from None
        if len(self.members) >= MAX_MEMBERS or len(name) > MAX_PATH:
            raise ConfigError(f"{path}: too many files for a model, or its path is too long")
        if name.count(b"/") > MAX_DEPTH:
            raise ConfigError(f"a model has at most {MAX_DEPTH} folders inside of one another")
        if found.st_mtime_ns < 0:
            # tar would keep such a time, and the hash would depend on it.
            raise ConfigError(f"{path} was changed before 1970, says its time; run `touch` on it")
        mode = _mode(found.st_mode)
        if stat.S_ISDIR(found.st_mode):
            folder = name if top else name + b"/"
            self.members.append((Member(folder, Kind.DIRECTORY, mode), None))
            self._add_inner(folder, path, top=top)
        elif stat.S_ISLNK(found.st_mode):
            target = self._target(path)
            self.members.append((Member(name, Kind.SYMBOLIC_LINK, mode, target=target), None))
        elif stat.S_ISREG(found.st_mode):
            self._add_file(name, path, found, mode)
        else:
            raise ConfigError(f"{path} is no file, directory or link; a model holds nothing else")

    def _add_inner(self, folder: bytes, path: Path, *, top: bool) -> None:
        try:
            names = sorted(os.listdir(os.fsencode(path)))
        except OSError as error:
            raise _unreadable(path, error) from None
        for name in names:
            if not (top and name == LEFT_OUT.encode()):
                self.add(folder + name, path / os.fsdecode(name))

    def _add_file(self, name: bytes, path: Path, found: os.stat_result, mode: int) -> None:
        if found.st_size > MAX_SIZE:
            raise ConfigError(f"{path} is too large for a model")
        identity = (found.st_dev, found.st_ino)
        if found.st_nlink > 1 and identity in self._seen:
            # tar writes the second name of a file as a link to the first.
            link = Member(name, Kind.HARD_LINK, mode, target=self._seen[identity])
            self.members.append((link, None))
            return
        self._seen[identity] = name
        if not os.access(path, os.R_OK):
            raise ConfigError(f"{path} cannot be read: permission denied")
        self.members.append((Member(name, Kind.FILE, mode, found.st_size), path))

    def _target(self, path: Path) -> bytes:
        """Where a link leads, which must be inside."""
        target = os.fsencode(os.readlink(path))
        try:
            end = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise ConfigError(f"{path} is a link to nothing") from None
        if target.startswith(b"/") or not end.is_relative_to(self._top):
            raise ConfigError(
                f"{path} is a link that leads out of the model; copy the directory with "
                "`cp -rL`, which puts files in the place of links"
            )
        return target


def _mode(mode: int) -> int:
    """``go+u,go-w``: group and others get what the owner has, but never write."""
    owner = mode >> 6 & 7
    return (stat.S_IMODE(mode) | owner << 3 | owner) & ~0o022


def _content(path: Path, size: int, chunk: int) -> Iterator[bytes]:
    left = size
    try:
        with open(path, "rb", buffering=0) as file:
            while left and (data := file.read(min(chunk, left))):
                left -= len(data)
                yield data
            longer = bool(file.read(1))
    except OSError as error:
        raise _unreadable(path, error) from None
    if left or longer:
        raise ConfigError(f"{path} changed while it was read")


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path} cannot be read: {error.strerror}")
