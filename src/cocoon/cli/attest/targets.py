"""What a person points ``cocoon attest`` at: a file, a node's port, or a node's page."""

import asyncio
import secrets
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from cocoon.attestation.document import MAX_DOCUMENT_BYTES, NONCE_BYTES
from cocoon.errors import ConfigError, RemoteProtocolError, UnavailableError
from cocoon.net.attestation_page import PATH
from cocoon.net.ratls_probe import fetch_certificate

MAX_FILE_BYTES = 4 << 20
PAGE_TIMEOUT = 20.0
_MAX_REASON = 200
_STDIN = "-"


class Origin(Enum):
    """Where something comes from, which decides what it can prove."""

    FILE = "file"
    """Somebody kept it: it says nothing about now."""
    PORT = "port"
    """A node just showed it, and holds its key: the handshake was completed."""
    PAGE = "page"
    """A node's page just showed it; only an answered challenge proves that it is not old."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a target gave.

    Attributes:
        name: the target, as it was written.
        origin: where it comes from.
        data: as it came.
        nonce: 32 bytes that a page was challenged with.
    """

    name: str
    origin: Origin
    data: bytes
    nonce: bytes | None = None


def load(target: str, *, challenge: bool = True, nonce: bytes | None = None) -> Loaded:
    """Get what a target names.

    Args:
        target: a file, ``-`` for standard input, ``HOST:PORT``, or ``http(s)://…``.
        challenge: ask a page for fresh evidence.
        nonce: to challenge with, 32 bytes; None makes one.

    Raises:
        ConfigError: it names nothing.
        CocoonError: nobody answers there, or not in a form that is known.
    """
    if target == _STDIN:
        return Loaded("standard input", Origin.FILE, _limited(sys.stdin.buffer.read, target))
    if target.startswith(("http://", "https://")):
        return asyncio.run(load_page(target, challenge=challenge, nonce=nonce))
    path = Path(target).expanduser()
    if path.exists():
        return _load_file(path)
    host, port = _endpoint(target)
    return Loaded(target, Origin.PORT, asyncio.run(fetch_certificate(host, port)))


async def load_page(url: str, *, challenge: bool, nonce: bytes | None = None) -> Loaded:
    """Get a node's attestation page, challenged where it can answer.

    A node without hardware of its own in this process answers no challenge; then its page is
    taken without one.

    Raises:
        UnavailableError: nobody answers, or with an error.
        RemoteProtocolError: the answer is too long.
    """
    nonce = nonce or secrets.token_bytes(NONCE_BYTES)
    if challenge:
        status, body = await _get(_page_url(url, nonce))
        if status == 200:
            return Loaded(url, Origin.PAGE, body, nonce)
        if status != 404:
            raise UnavailableError(f"{url} refuses the challenge: {_reason(status, body)}")
    status, body = await _get(_page_url(url, None))
    if status != 200:
        raise UnavailableError(f"{url} has no attestation page: {_reason(status, body)}")
    return Loaded(url, Origin.PAGE, body)


def _page_url(url: str, nonce: bytes | None) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ConfigError(f"{url} is not a URL") from None
    path = parts.path if parts.path not in ("", "/") else PATH
    query = "" if nonce is None else f"nonce={nonce.hex()}"
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


async def _get(url: str) -> tuple[int, bytes]:
    import aiohttp  # noqa: PLC0415 - a third of a second that files do not need

    from cocoon.collateral.address import words_of  # noqa: PLC0415 - likewise

    page = url.partition("?")[0]
    timeout = aiohttp.ClientTimeout(total=PAGE_TIMEOUT)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            body = await _bounded(answer.content, MAX_DOCUMENT_BYTES)
            return answer.status, body
    except TimeoutError:
        raise UnavailableError(f"{page} does not answer in {PAGE_TIMEOUT:g} s") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise UnavailableError(f"{page} does not answer: {words_of(error)}") from None


async def _bounded(stream: object, limit: int) -> bytes:
    parts, size = [], 0
    async for part in stream.iter_chunked(1 << 16):  # type: ignore[attr-defined]
        size += len(part)
        if size > limit:
            raise RemoteProtocolError(f"the attestation page is longer than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _reason(status: int, body: bytes) -> str:
    """What an error page says, safe for a terminal."""
    text = body[:_MAX_REASON].decode("utf-8", "replace").strip()
    printable = "".join(sign for sign in text if sign.isprintable())
    return f"HTTP status {status}" + (f", {printable}" if printable else "")


def _load_file(path: Path) -> Loaded:
    try:
        with path.open("rb") as file:
            return Loaded(str(path), Origin.FILE, _limited(file.read, str(path)))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def _limited(read: object, name: str) -> bytes:
    data: bytes = read(MAX_FILE_BYTES + 1)  # type: ignore[operator]
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{name} is longer than {MAX_FILE_BYTES} bytes: no evidence is")
    return data


def _endpoint(target: str) -> tuple[str, int]:
    host, colon, digits = target.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    known = colon and host and digits.isascii() and digits.isdigit() and len(digits) <= 5
    if not known or "/" in target or not 1 <= int(digits) <= 65535:
        raise ConfigError(f"{target}: there is no such file, and it is neither HOST:PORT nor a URL")
    return host, int(digits)
