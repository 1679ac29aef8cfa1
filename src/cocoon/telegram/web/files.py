"""The Mini App's files, read once: a path is looked up, never opened."""

import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files as package_files
from importlib.resources.abc import Traversable
from pathlib import Path

from cocoon.errors import ConfigError
from cocoon.gateway.exchange import Receive, Scope, Send
from cocoon.gateway.refusal import Header

MAX_TOTAL = 64 * 2**20
"""Bytes of all files together."""
MAX_FILES = 1000
MIN_COMPRESSED = 512
"""Smaller files are sent as they are."""
INDEX = "index.html"
FOREVER = b"public, max-age=31536000, immutable"
REVALIDATE = b"no-cache"
OTHER = b"application/octet-stream"

_TYPES: Mapping[str, bytes] = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".mjs": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".json": b"application/json",
    ".map": b"application/json",
    ".webmanifest": b"application/manifest+json",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
    ".png": b"image/png",
    ".jpg": b"image/jpeg",
    ".webp": b"image/webp",
    ".ico": b"image/x-icon",
    ".woff2": b"font/woff2",
    ".wasm": b"application/wasm",
}
_TEXTS = frozenset({".html", ".js", ".mjs", ".css", ".json", ".webmanifest", ".svg", ".txt"})
_PACKED = (".br", ".gz")
_hashed = re.compile(r"assets/.+[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class File:
    """One file in every form that it is sent in.

    Attributes:
        kind: media type.
        etag: of its content, with quotes.
        forms: bytes by content coding: ``""``, ``"gzip"``, ``"br"``.
        cache: for how long it is kept.
    """

    kind: bytes
    etag: bytes
    forms: Mapping[str, bytes] = field(repr=False)
    cache: bytes


def read_files(folder: Path | Traversable | None = None) -> dict[str, File]:
    """All files of the built app by path below ``/app/``.

    Args:
        folder: where they are; None takes those of this package, which a source tree has only
            after the app was built.

    Raises:
        ConfigError: there is too much in it.
    """
    found: dict[str, bytes] = {}
    total = 0
    for name, entry in _walk(folder or package_files("cocoon.telegram") / "miniapp", ""):
        found[name] = entry.read_bytes()
        total += len(found[name])
        if total > MAX_TOTAL or len(found) > MAX_FILES:
            raise ConfigError("the Mini App's folder holds more than an app")
    return {name: _file(name, found) for name in found if not name.endswith(_PACKED)}


def _walk(folder: Path | Traversable, before: str) -> Iterable[tuple[str, Path | Traversable]]:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.name.startswith(".") or (isinstance(entry, Path) and entry.is_symlink()):
            continue
        if entry.is_dir():
            yield from _walk(entry, f"{before}{entry.name}/")
        elif entry.is_file():
            yield f"{before}{entry.name}", entry


def _file(name: str, found: Mapping[str, bytes]) -> File:
    data = found[name]
    ending = Path(name).suffix.lower()
    kind = _TYPES.get(ending, OTHER)
    forms = {"": data}
    if ending in _TEXTS and len(data) >= MIN_COMPRESSED:
        forms["gzip"] = found.get(f"{name}.gz") or gzip.compress(data, 9, mtime=0)
        if f"{name}.br" in found:
            forms["br"] = found[f"{name}.br"]
    etag = b'"%b"' % hashlib.sha256(data).hexdigest()[:32].encode()
    return File(kind, etag, forms, FOREVER if _hashed.fullmatch(name) else REVALIDATE)


class Files:
    """An ASGI application for ``/app/{path}``.

    Args:
        files: by path.
        headers: of every file.
        shared: paths that pages of others may read, such as an icon that wallets show.
    """

    def __init__(
        self, files: Mapping[str, File], headers: Sequence[Header], shared: frozenset[str]
    ) -> None:
        self._files = files
        self._headers = tuple(headers)
        self._shared = shared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer one call; 404 for what is not there, 304 for what the browser has."""
        name = scope["path_params"]["path"] or INDEX
        file = self._files.get(name)
        if file is None:
            await _send(send, 404, self._headers, _missing(name, self._files), head=False)
            return
        asked = {key: value for key, value in scope["headers"] if key in _ASKED}
        coding = _coding(asked.get(b"accept-encoding", b""), file)
        headers = [
            (b"content-type", file.kind),
            (b"cache-control", file.cache),
            (b"etag", file.etag),
            (b"vary", b"accept-encoding"),
            *self._headers,
            *(_FOR_ALL if name in self._shared else _SAME_ORIGIN),
        ]
        if coding:
            headers.append((b"content-encoding", coding.encode()))
        if file.etag in asked.get(b"if-none-match", b""):
            await _send(send, 304, headers, None, head=True)
            return
        await _send(send, 200, headers, file.forms[coding], head=scope["method"] == "HEAD")


_ASKED = frozenset({b"accept-encoding", b"if-none-match"})
_SAME_ORIGIN: tuple[Header, ...] = ((b"cross-origin-resource-policy", b"same-origin"),)
_FOR_ALL: tuple[Header, ...] = (
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"access-control-allow-origin", b"*"),
)


def _missing(name: str, files: Mapping[str, File]) -> bytes:
    if name == INDEX and not files:
        return b"the Mini App was not built: `make miniapp` does it\n"
    return b"there is nothing here\n"


def _coding(accepted: bytes, file: File) -> str:
    """The smallest form that the browser takes; ``;q=0`` takes a coding out."""
    taken = set()
    for part in accepted.decode("latin-1").lower().split(","):
        name, _, weight = part.strip().partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            taken.add(name.strip())
    return min(
        (coding for coding in file.forms if not coding or coding in taken),
        key=lambda coding: len(file.forms[coding]),
    )


async def _send(
    send: Send, status: int, headers: Sequence[Header], body: bytes | None, *, head: bool
) -> None:
    size = [] if body is None else [(b"content-length", b"%d" % len(body))]
    kind = [(b"content-type", b"text/plain; charset=utf-8")] if status == 404 else []
    await send(
        {"type": "http.response.start", "status": status, "headers": [*kind, *headers, *size]}
    )
    await send({"type": "http.response.body", "body": b"" if head or body is None else body})
