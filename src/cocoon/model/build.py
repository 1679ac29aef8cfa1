"""Building a model's archive: the tar, its hash tree and its root, in one pass over the files.

``<stem>.tar``, ``<stem>.tar.verity`` and ``<stem>.tar.hash`` appear only complete: they are written
under other names, synchronised and renamed, the tar last. A build that is interrupted leaves
nothing, and one that ran before makes the next one a comparison.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from cocoon.attestation.measure.verity import (
    BLOCK,
    NodeSink,
    Superblock,
    VerityBuilder,
    VerityLayout,
)
from cocoon.errors import ConfigError
from cocoon.model.archive import Source, chunks
from cocoon.model.name import ModelName, check_commit, check_name, file_stem

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all, now and then."""

PARTIAL: Final = ".partial-"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The three files of a built model.

    Attributes:
        archive: the tar.
        verity: the hash tree over it, with a superblock.
        root: the root in lower-case hex, without a line's end, as ``veritysetup`` writes it.
    """

    archive: Path
    verity: Path
    root: Path

    @classmethod
    def inside(cls, folder: Path, name: str) -> "ModelFiles":
        """Where the files of a model are in a folder of images.

        Args:
            folder: of images.
            name: base name of the model.
        """
        archive = folder / f"{file_stem(name)}.tar"
        return cls(archive, Path(f"{archive}.verity"), Path(f"{archive}.hash"))


@dataclass(frozen=True, slots=True)
class Built:
    """What a build has made, or found there already.

    Attributes:
        name: the full name.
        files: where it is.
        size: bytes of the archive.
    """

    name: ModelName
    files: ModelFiles
    size: int


def root_of(made_of: Source, progress: Progress | None = None) -> bytes:
    """The dm-verity root of a model's archive, 32 bytes, without writing it.

    Raises:
        ConfigError: a file cannot be read, or changed meanwhile.
    """
    return _stream(made_of, None, None, progress)


def build(
    made_of: Source,
    name: str,
    commit: str,
    folder: Path,
    *,
    replace: bool = False,
    progress: Progress | None = None,
) -> Built:
    """Write a model's archive with its hash tree.

    Args:
        made_of: its files.
        name: base name, such as ``Qwen/Qwen3-8B``.
        commit: revision at the place that it comes from.
        folder: of images, which must exist.
        replace: overwrite another archive of the same base name.
        progress: told now and then.

    Raises:
        ConfigError: a name is malformed, a file cannot be read or written, or there is another
            archive of this name.
    """
    check_name(name)
    check_commit(commit)
    files = ModelFiles.inside(folder, name)
    try:
        with _partial(folder) as partial:
            root = _write(made_of, partial, progress)
            full = ModelName(name, commit, root)
            if not replace:
                _check_other(files, root)
            _move(partial, files)
    except OSError as error:
        raise ConfigError(f"{folder}: the archive cannot be written: {error.strerror}") from None
    return Built(full, files, made_of.size)


def _write(made_of: Source, files: ModelFiles, progress: Progress | None) -> bytes:
    layout = VerityLayout(made_of.size // BLOCK)
    with open(files.archive, "xb") as tar, open(files.verity, "xb") as verity:
        verity.write(Superblock(layout.blocks).to_bytes())

        def node(level: int, index: int, data: bytes) -> None:
            verity.seek(layout.offset(level, index))
            verity.write(data)

        root = _stream(made_of, tar, node, progress)
        _synchronise(tar, verity)
    files.root.write_text(root.hex())
    return root


def _stream(
    made_of: Source, tar: IO[bytes] | None, node: NodeSink | None, progress: Progress | None
) -> bytes:
    builder = VerityBuilder(sink=node)
    done, total = 0, made_of.size
    for chunk in chunks(made_of):
        builder.feed(chunk)
        if tar is not None:
            tar.write(chunk)
        done += len(chunk)
        if progress is not None:
            progress(done, total)
    return builder.finish()


@contextlib.contextmanager
def _partial(folder: Path) -> Iterator[ModelFiles]:
    """Names for unfinished files, in a folder of their own that never outlives the build."""
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=folder) as unfinished:
        yield ModelFiles.inside(Path(unfinished), "model")


def _check_other(files: ModelFiles, root: bytes) -> None:
    try:
        found = files.root.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return
    except ValueError:
        found = "no root"
    if found != root.hex():
        raise ConfigError(
            f"{files.archive} is another archive of this name, with root {found[:64]}; "
            "give another directory, or `--replace`"
        )


def _move(partial: ModelFiles, files: ModelFiles) -> None:
    """The archive last: where it is, the others are."""
    for file in (partial.archive, partial.verity, partial.root):
        file.chmod(0o644)
    os.replace(partial.verity, files.verity)
    os.replace(partial.root, files.root)
    os.replace(partial.archive, files.archive)
    folder = os.open(files.archive.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _synchronise(*files: IO[bytes]) -> None:
    for file in files:
        file.flush()
        os.fsync(file.fileno())
