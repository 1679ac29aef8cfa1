"""What a worker does about its model at start: prove the files that its engine loads, or refuse.

What is proven is what was read. For the embedded engine that is what runs: the engine is told the
file's SHA-256 and loads a copy that nobody can change. An engine of its own reads its files itself,
now and later; that they stay the same is the business of what they are mounted from (dm-verity in
an image of ours, a read-only disk elsewhere).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cocoon.errors import ConfigError
from cocoon.model.build import Progress
from cocoon.model.name import ModelName
from cocoon.model.verify import Verified, verify


class ModelProof(Protocol):
    """A way to prove a worker's model."""

    def prove(self, model: str, progress: Progress) -> tuple[Verified, ...]:
        """Prove it; reads all files, so run it in a thread.

        Args:
            model: full name that the worker declares.
            progress: told bytes done and in all; what it raises ends the proof.

        Raises:
            ConfigError: the name is not a full one, or a file cannot be read.
            EvidenceError: the files are not this model.
        """
        ...


@dataclass(frozen=True, slots=True)
class FilesProof:
    """Of an engine that loads a directory, which may be mounted from an archive.

    Attributes:
        archive: file or block device; None if only the directory is checked.
        verity: hash file of the archive; errors then say which file differs.
        directory: what the engine loads; None if the archive is all that can be checked.

    Raises:
        ConfigError: there is neither archive nor directory.
    """

    archive: Path | None = None
    verity: Path | None = None
    directory: Path | None = None

    def __post_init__(self) -> None:
        if self.archive is None and self.directory is None:
            raise ConfigError("a model is proven by its `archive`, its `directory` or both")

    def prove(self, model: str, progress: Progress) -> tuple[Verified, ...]:
        """See :class:`ModelProof`; each of the paths must be the model."""
        name = ModelName.parse(model)
        paths = [path for path in (self.archive, self.directory) if path is not None]
        return tuple(verify(name, path, verity=self.verity, progress=progress) for path in paths)


@dataclass(frozen=True, slots=True)
class LoadedFileProof:
    """Of an engine that loads one file and checks its hash when it does.

    Attributes:
        file: finds the file.
        pin: told the SHA-256 that the engine must find, in lower-case hex.
    """

    file: Callable[[], Path]
    pin: Callable[[str], None]

    def prove(self, model: str, progress: Progress) -> tuple[Verified, ...]:
        """See :class:`ModelProof`; besides, the engine can load only this file afterwards."""
        name = ModelName.parse(model)
        proven = verify(name, self.file(), progress=progress)
        if not proven.sha256:
            raise ConfigError(f"{self.file()} is not a single model file")
        self.pin(proven.sha256)
        return (proven,)
