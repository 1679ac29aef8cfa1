"""Proving that files are the model that a full name says, or saying what differs.

A directory or single file is compared as the archive that would be made of it; an archive as it is.
With the hash file of the true archive at hand, a difference is named by file; without it only the
roots can be compared.
"""

import contextlib
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Final, Protocol

from cocoon.attestation.measure.verity import BLOCK, VerityBuilder
from cocoon.errors import ConfigError, EvidenceError
from cocoon.model.archive import CHUNK, chunks, scan, shown, single_file
from cocoon.model.build import Progress
from cocoon.model.name import ModelName
from cocoon.model.tar import Placed, read_members
from cocoon.model.tree import HashTree

MAX_NAMED: Final = 5
"""Differing files that an error names."""
_MAGIC: Final = (257, b"ustar\x0000")


class Form(StrEnum):
    """What a path holds."""

    ARCHIVE = "archive"
    DIRECTORY = "directory"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Verified:
    """Files that are what a name says.

    Attributes:
        name: the full name.
        form: what was looked at.
        size: bytes of the archive.
        sha256: of the file itself, lower-case hex, if it is a single one; else empty.
    """

    name: ModelName
    form: Form
    size: int
    sha256: str = ""


def form_of(path: Path) -> Form:
    """Whether a path is a directory, an archive or any other single file.

    Raises:
        ConfigError: it cannot be read.
    """
    if os.path.isdir(path):
        return Form.DIRECTORY
    offset, magic = _MAGIC
    with _open(path) as file:
        return Form.ARCHIVE if file.read(512)[offset:].startswith(magic) else Form.FILE


def root_of_path(path: Path, progress: Progress | None = None) -> bytes:
    """The dm-verity root of whatever is at a path, 32 bytes.

    Raises:
        ConfigError: something cannot be read, or is nothing that a model holds.
        EvidenceError: an archive is not of whole blocks.
    """
    with _opened(path) as data:
        return _root(data, VerityBuilder(), progress)


def verify(
    name: ModelName, path: Path, *, verity: Path | None = None, progress: Progress | None = None
) -> Verified:
    """Prove that a path holds the model.

    Args:
        name: what it must be.
        path: archive (a file or block device), directory, or single file.
        verity: the archive's hash file; it is checked as well, and makes an error say which file
            differs.
        progress: told now and then.

    Raises:
        ConfigError: something cannot be read, or is nothing that a model holds.
        EvidenceError: it is not this model; says what differs, as far as it can be known.
    """
    with contextlib.ExitStack() as stack:
        tree = None
        if verity is not None:
            tree = HashTree(verity, name.root)
            stack.callback(tree.close)
        data = stack.enter_context(_opened(path))
        builder = VerityBuilder(sink=None if tree is None else tree.compare)
        found = _root(data, builder, progress)
        if not hmac.compare_digest(found, name.root):
            raise EvidenceError(_difference(path, name, found, data, tree))
        if tree is not None and (tree.altered or tree.differences):
            raise EvidenceError(f"{verity} was altered: its upper levels differ from the archive's")
        return Verified(name, data.form, data.size, data.sha256)


class _Data(Protocol):
    """The bytes of an archive, stored or made up while they are read."""

    form: Form
    size: int
    sha256: str

    def chunks(self) -> Iterable[bytes]: ...
    def members(self) -> Sequence[Placed]: ...


class _Made:
    def __init__(self, path: Path, form: Form) -> None:
        self.form = form
        self.sha256 = ""
        self._source = scan(path) if form is Form.DIRECTORY else single_file(path)
        self.size = self._source.size

    def chunks(self) -> Iterator[bytes]:
        digest, position = hashlib.sha256(), 0
        last = self.members()[-1]
        start, end = last.content, last.content + last.member.size
        single = self.form is Form.FILE
        for chunk in chunks(self._source):
            if single and start <= position < end:
                digest.update(chunk)  # a file's pieces never hold anything else
            position += len(chunk)
            yield chunk
        if single:
            self.sha256 = digest.hexdigest()

    def members(self) -> Sequence[Placed]:
        return tuple(self._source.placed())


class _Stored:
    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.form = Form.ARCHIVE
        self.sha256 = ""
        self._path = path
        self._file = file
        self.size = file.seek(0, os.SEEK_END)  # works for block devices too

    def chunks(self) -> Iterator[bytes]:
        self._file.seek(0)
        try:
            while data := self._file.read(CHUNK):
                yield data
        except OSError as error:
            # A block device over dm-verity answers so where its data was altered.
            raise EvidenceError(f"{self._path} cannot be read: {error.strerror}") from None

    def members(self) -> Sequence[Placed]:
        def read(offset: int, length: int) -> bytes:
            self._file.seek(offset)
            return self._file.read(length)

        found: list[Placed] = []
        with contextlib.suppress(EvidenceError, OSError):
            found.extend(read_members(read, self.size))
        return found


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_Data]:
    form = form_of(path)
    if form is not Form.ARCHIVE:
        yield _Made(path, form)
        return
    with _open(path) as file:
        yield _Stored(path, file)


def _open(path: Path) -> IO[bytes]:
    try:
        return open(path, "rb", buffering=0)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None


def _root(data: _Data, builder: VerityBuilder, progress: Progress | None) -> bytes:
    done = 0
    for chunk in data.chunks():
        builder.feed(chunk)
        done += len(chunk)
        if progress is not None:
            progress(done, data.size)
    return builder.finish()


def _difference(
    path: Path, name: ModelName, found: bytes, data: _Data, tree: HashTree | None
) -> str:
    text = f"{path} is not {name.name}@{name.commit}: its root is {found.hex()}, not "
    text += name.root.hex()
    if tree is None:
        return text
    if data.size != tree.layout.blocks * BLOCK:
        text += f"; its archive has {data.size} bytes, not {tree.layout.blocks * BLOCK}"
    names = _names(data.members(), tree.differences)
    if names:
        text += f"; what differs first holds parts of: {', '.join(names)}"
    return text


def _names(members: Sequence[Placed], blocks: Sequence[int]) -> list[str]:
    names: list[str] = []
    for block in blocks:
        for placed in _within(members, block * BLOCK):
            name = shown(placed.member.name)
            if name not in names and len(names) < MAX_NAMED:
                names.append(name)
    return names


def _within(members: Sequence[Placed], offset: int) -> Iterator[Placed]:
    """Members that a block of data holds a part of; any of them may be the one that differs."""
    for placed in members:
        if placed.start >= offset + BLOCK:
            return
        if offset < placed.end:
            yield placed
