"""Whole chains set aside: in memory, or as files beside the database."""

import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.chain.embedded.store import check_dump
from cocoon.errors import ChainError, StoreError

MAX_NAME = 64
_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{MAX_NAME - 1}}}", re.ASCII)
_SUFFIX = ".snapshot"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole chain at one moment, made by ``EmbeddedChain.snapshot``."""

    data: bytes = field(repr=False)


class SnapshotShelf:
    """Snapshots by name.

    Args:
        database: file of the chain, beside which they lie; None keeps them in memory.
    """

    def __init__(self, database: Path | None) -> None:
        self._folder = database and database.with_name(f"{database.name}.snapshots")
        self._kept: dict[str, Snapshot] = {}

    def put(self, name: str, snapshot: Snapshot) -> None:
        """Keep a snapshot; one of the same name is replaced.

        Raises:
            ChainError: a name that is no name.
            StoreError: it cannot be written.
        """
        _check(name)
        if self._folder is None:
            self._kept[name] = snapshot
            return
        try:
            self._folder.mkdir(exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(snapshot.data)
            Path(file.name).replace(self._folder / f"{name}{_SUFFIX}")
        except OSError as error:
            raise StoreError(f"the snapshot cannot be written: {error}") from error

    def get(self, name: str) -> Snapshot:
        """A snapshot.

        Raises:
            ChainError: there is none of that name.
            StoreError: it cannot be read, is damaged, or of another version.
        """
        _check(name)
        if name not in self.names():
            raise ChainError(f"there is no snapshot {name!r}")
        if self._folder is None:
            return self._kept[name]
        try:
            data = (self._folder / f"{name}{_SUFFIX}").read_bytes()
        except OSError as error:
            raise StoreError(f"the snapshot cannot be read: {error}") from error
        check_dump(data)
        return Snapshot(data)

    def names(self) -> list[str]:
        """All names, sorted."""
        if self._folder is None:
            return sorted(self._kept)
        return sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}"))


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ChainError("a snapshot's name is 1 to 64 letters, digits, dots, dashes, underscores")
