"""Small JSON files of a role: written completely or not at all, readable by their owner only."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from cocoon.errors import StoreError

MAX_FILE_BYTES = 16 << 20

T = TypeVar("T")


def read_state(path: Path, kind: type[T]) -> T | None:
    """The content of a file, or None if there is none.

    Args:
        path: the file.
        kind: a ``msgspec.Struct``.

    Raises:
        StoreError: it cannot be read or is something else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise StoreError(f"{path} is not what it should be; restore a copy of it") from None


def write_state(path: Path, value: msgspec.Struct) -> None:
    """Replace a file, on disk when this returns.

    Raises:
        StoreError: it cannot be written; the old content is still there.
    """
    write_private(path, msgspec.json.format(msgspec.json.encode(value), indent=1))


def write_private(path: Path, content: bytes) -> None:
    """Replace a file by these bytes; raises as :func:`write_state`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)  # on a full disk it would be in the way
        raise StoreError(f"cannot write {path}: {error.strerror}") from None


def _sync_folder(folder: Path) -> None:
    """Make a rename last; without it a crash of the machine could bring the old file back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileLock:
    """Keeps a second process away from a role's files; released when the process ends.

    Args:
        path: a file of its own, made if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Take it.

        Raises:
            StoreError: another process has it, or the file cannot be made.
        """
        import fcntl  # noqa: PLC0415 - only where there is such a module

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("ab")
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise StoreError(
                f"{self._path.parent} is in use by another process; ask that one through its HTTP "
                "interface, stop it first, or give this node a folder of its own"
            ) from None
        self._file = file

    def release(self) -> None:
        """Give it back; twice does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Take it for a while; raises as :meth:`take`."""
        self.take()
        try:
            yield
        finally:
            self.release()
