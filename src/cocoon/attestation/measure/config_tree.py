"""The hash of a node's configuration: the id of its git tree in git's SHA-256 object format.

A guest measures this hash into RTMR3 before it reads anything from the configuration, so an image
hash names one exact configuration. Source: ``attestation.md`` §8.2; the ids are those of
``git write-tree`` in a repository with ``--object-format=sha256``.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cocoon.attestation.measure.gitignore import IgnoreRules
from cocoon.errors import ConfigError

MAX_FILES = 10_000
MAX_FILE_BYTES = 10 << 20
MAX_PATH_BYTES = 1024
MAX_DEPTH = 32

RUNTIME = "runtime"
"""Top-level directory for what the host may set; it is not measured."""
TREE_FILE = "spec.tree"
"""Top-level file with the expected hash; not measured."""
META_FILE = "spec.meta"
IGNORE_FILE = ".gitignore"

_UNMEASURED = (RUNTIME, TREE_FILE, META_FILE)
_REFUSED = (".git", ".gitattributes", ".gitmodules")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file: path with "/" relative to the top, whether its owner may execute it, contents."""

    path: str
    executable: bool
    data: bytes


def select(files: Iterable[ConfigFile]) -> tuple[ConfigFile, ...]:
    """The files that are measured, by path.

    Left out: the top-level ``runtime``, ``spec.tree`` and ``spec.meta``, what ``.gitignore`` files
    exclude, and every ``.gitignore``.

    Raises:
        ConfigError: too many files, one larger than 10 MiB, two with one path, a path that is
            absolute, too long or leaves the top, or a file that would change what git does.
    """
    kept: dict[str, ConfigFile] = {}
    ignores: dict[str, str] = {}
    for count, file in enumerate(files):
        if count >= MAX_FILES:
            raise ConfigError(f"the configuration has more than {MAX_FILES} files")
        parts = _checked_parts(file.path)
        if parts[0] in _UNMEASURED:
            continue
        if len(file.data) > MAX_FILE_BYTES:
            raise ConfigError(f"{file.path}: more than {MAX_FILE_BYTES >> 20} MiB")
        if file.path in kept or (parts[-1] == IGNORE_FILE and "/".join(parts[:-1]) in ignores):
            raise ConfigError(f"{file.path} is in the configuration twice")
        if parts[-1] == IGNORE_FILE:
            ignores["/".join(parts[:-1])] = _text(file)
        else:
            kept[file.path] = file
    rules = IgnoreRules(ignores)
    return tuple(kept[path] for path in sorted(kept) if not rules.ignores(path))


def config_hash(files: Iterable[ConfigFile]) -> str:
    """The hash of a configuration: 64 lower-case hex characters.

    Raises:
        ConfigError: see :func:`select`, or nothing is left to measure.
    """
    selected = select(files)
    if not selected:
        raise ConfigError("the configuration has no file that is measured")
    return tree_id(selected).hex()


def tree_id(files: Iterable[ConfigFile]) -> bytes:
    """The id of the git tree of exactly these files, 32 bytes.

    Raises:
        ConfigError: a path is a file and a directory at once, or malformed.
    """
    top: dict[str, object] = {}
    for file in files:
        *directories, name = _checked_parts(file.path)
        place = top
        for directory in directories:
            inner = place.setdefault(directory, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"{file.path} is below a file")
            place = inner
        if name in place:
            raise ConfigError(f"{file.path} is in the configuration twice")
        place[name] = file
    return _tree(top)


def _tree(entries: dict[str, object]) -> bytes:
    rows = []
    for name, entry in entries.items():
        raw = name.encode()
        if isinstance(entry, dict):
            rows.append((raw + b"/", b"40000 " + raw, _tree(entry)))
        elif isinstance(entry, ConfigFile):
            mode = b"100755 " if entry.executable else b"100644 "
            rows.append((raw, mode + raw, _object("blob", entry.data)))
    body = b"".join(head + b"\0" + digest for _, head, digest in sorted(rows))
    return _object("tree", body)


def _object(kind: str, body: bytes) -> bytes:
    return hashlib.sha256(f"{kind} {len(body)}\0".encode() + body).digest()


def _checked_parts(path: str) -> list[str]:
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise ConfigError(f"{path!r} is not a path of UTF-8") from None
    parts = path.split("/")
    if size > MAX_PATH_BYTES or len(parts) > MAX_DEPTH or "\0" in path:
        raise ConfigError(f"{path[:80]!r} is too long or too deep for a configuration")
    for part in parts:
        if part in {"", ".", ".."}:
            raise ConfigError(f"{path!r} is not a path below the configuration")
        if part.lower() in _REFUSED:
            raise ConfigError(f"{path}: a configuration has no {part}")
    return parts


def _text(file: ConfigFile) -> str:
    try:
        return file.data.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{file.path} is not UTF-8") from None
