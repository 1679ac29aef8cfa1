"""Collateral on disk: a directory of JSON documents, one for each platform model.

Nothing in it is trusted: all of it is signed by a vendor and verified with each use. A file that
cannot be read is as good as none. Writes replace whole files, so several processes may share a
directory; :meth:`CollateralStore.lock` keeps them from asking a vendor for the same thing at once.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import structlog

from cocoon.errors import StoreError

FORMAT = 1
MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_FILES = 10_000
"""Files of the directory that are looked at."""
MAX_KEY_CHARS = 1024

_SUFFIX = ".json"
_UNSAFE = re.compile(r"[^A-Za-z0-9._]+")
_log = structlog.get_logger(__name__)


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One document.

    Attributes:
        format: version of this form.
        kind: of collateral: ``tdx``, ``sgx``, ``snp`` or ``gpu``.
        key: what it is for, such as a platform model.
        fetched_at: unix seconds.
        source: where it came from, for people.
        content: the collateral in its own JSON form.
    """

    format: int = FORMAT
    kind: Annotated[str, msgspec.Meta(pattern="^[a-z]{1,16}$")]
    key: Annotated[str, msgspec.Meta(max_length=MAX_KEY_CHARS)]
    fetched_at: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    source: Annotated[str, msgspec.Meta(max_length=512)] = ""
    content: str


class CollateralStore:
    """Documents in a directory.

    Args:
        directory: made, with mode 0755, by the first write.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def read(self, kind: str, key: str) -> Stored | None:
        """The document for a key; None when there is none that can be read."""
        stored = self._read(self._path(kind, key))
        return stored if stored is not None and (stored.kind, stored.key) == (kind, key) else None

    def all(self) -> list[Stored]:
        """Every document that can be read, by kind and key."""
        try:
            names = sorted(self.directory.glob(f"*{_SUFFIX}"))[:MAX_FILES]
        except OSError:
            return []
        read = [self._read(path) for path in names if not path.name.startswith(".")]
        found = [item for item in read if item is not None]
        return sorted(found, key=lambda item: (item.kind, item.key))

    def write(self, stored: Stored) -> None:
        """Keep a document, in place of an older one.

        Raises:
            StoreError: the directory cannot be written.
        """
        path = self._path(stored.kind, stored.key)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            _replace(path, msgspec.json.encode(stored))
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from None

    def remove(self, kind: str, key: str) -> None:
        """Forget a document; one that is not there, or cannot be removed, is no error."""
        with contextlib.suppress(OSError):
            self._path(kind, key).unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Try to be the one process that fetches now; never waits.

        Args:
            name: of the vendor, letters only.

        Yields:
            Whether nobody else is fetching from this vendor into this directory.
        """
        try:
            import fcntl  # noqa: PLC0415 - Unix only
        except ImportError:  # without locks, two processes may fetch the same: wasteful, not wrong
            yield True
            return
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            file = (self.directory / f".{name}.lock").open("ab")
        except OSError:
            yield True  # the write that follows says what is wrong
            return
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True

    def _path(self, kind: str, key: str) -> Path:
        """A name that people recognise and that cannot leave the directory."""
        digest = hashlib.sha256(f"{kind}\0{key}".encode()).hexdigest()[:16]
        readable = _UNSAFE.sub("-", key)[:40].strip(".-")
        return self.directory / f"{kind}-{readable}-{digest}{_SUFFIX}"

    def _read(self, path: Path) -> Stored | None:
        try:
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("collateral file not readable", file=str(path), reason=error.strerror)
            return None
        stored = parse_stored(content)
        if stored is None:
            _log.warning("not a file of collateral that was fetched, or damaged", file=str(path))
        return stored


def parse_stored(content: bytes) -> Stored | None:
    """A document from the bytes of a file; None when they are not one of this version."""
    if len(content) > MAX_FILE_BYTES:
        return None
    try:
        stored = msgspec.json.decode(content, type=Stored)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return stored if stored.format == FORMAT else None


def _replace(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)  # public data; another user's process may read it
            Path(file.name).replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(file.name).unlink(missing_ok=True)
            raise
