"""Small HTTP/1.1 calls to our own processes on this machine, without a client library.

Start-up polls many times a second: this costs microseconds where a library costs half a second of
import time.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cocoon.errors import RemoteProtocolError, UnavailableError

MAX_ANSWER = 16 << 20
MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes


async def get_status(url: str, timeout: float) -> int | None:
    """HTTP status of a GET; None while nothing answers."""
    try:
        return (await call("GET", url, timeout)).status
    except (UnavailableError, RemoteProtocolError):
        return None


async def get_json(url: str, timeout: float, *, headers: Mapping[str, str] | None = None) -> Any:
    """Parsed JSON of a GET.

    Raises:
        UnavailableError: nothing answers, or not with 200.
        RemoteProtocolError: the answer is not JSON.
    """
    answer = await call("GET", url, timeout, headers=headers)
    if answer.status != 200:
        raise UnavailableError(
            f"{url} answers with HTTP status {answer.status}{_reason(answer.body)}"
        )
    try:
        return json.loads(answer.body)
    except ValueError:
        raise RemoteProtocolError(f"{url} does not answer with JSON") from None


def _reason(body: bytes) -> str:
    """What an error object of an OpenAI-compatible interface says, behind a colon."""
    try:
        text = str(json.loads(body)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return ""
    printable = "".join(sign for sign in text[:MAX_REASON] if sign.isprintable())
    return f": {printable}" if printable else ""


async def call(
    method: str,
    url: str,
    timeout: float,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
) -> Answer:
    """One call on a connection of its own.

    Args:
        method: such as ``POST``.
        url: with ``http`` and a host.
        timeout: seconds.
        headers: more of them; names and values without line breaks.
        content: body of the request.

    Raises:
        UnavailableError: no connection, or no answer in time.
        RemoteProtocolError: the answer is not HTTP.
    """
    parts, port = _split(url)
    if parts.scheme != "http" or parts.hostname is None or port is None:
        raise UnavailableError(f"{url} is not of the form http://HOST:PORT/…")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = (
        f"{method} {path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n{more}"
        f"Connection: close\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    try:
        async with asyncio.timeout(timeout):
            raw = await _exchange(parts.hostname, port, head.encode() + content)
    except (OSError, TimeoutError) as error:
        raise UnavailableError(f"{url} does not answer: {_why(error)}") from None
    return _parse(url, raw)


def _split(url: str) -> tuple[SplitResult, int | None]:
    """The parts of a URL and its port, 80 where it names none; None where it is no port."""
    try:
        parts = urlsplit(url)
        return parts, 80 if parts.port is None else parts.port
    except ValueError:  # brackets without an address, a port that is no number
        return SplitResult("", "", "", "", ""), None


def _why(error: OSError | TimeoutError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    known = error.errno is not None and error.errno > 0  # others are of the resolver
    return os.strerror(error.errno) if known and error.errno else (error.strerror or str(error))


async def _exchange(host: str, port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        parts, size = [], 0
        while data := await reader.read(1 << 16):
            parts.append(data)
            size += len(data)
            if size > MAX_ANSWER:
                break
        return b"".join(parts)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _parse(url: str, raw: bytes) -> Answer:
    head, separator, body = raw.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    words = lines[0].split(b" ", 2)
    if not separator or len(words) < 2 or not words[0].startswith(b"HTTP/1."):
        raise RemoteProtocolError(f"{url} does not answer with HTTP")
    if not words[1].isdigit() or len(words[1]) != 3:
        raise RemoteProtocolError(f"{url} answers with a malformed status")
    names = [line.lower().replace(b" ", b"") for line in lines[1:]]
    if b"transfer-encoding:chunked" in names:
        body = _unchunk(url, body)
    return Answer(int(words[1]), body)


def _unchunk(url: str, body: bytes) -> bytes:
    parts = []
    while body:
        size_text, _, rest = body.partition(b"\r\n")
        try:
            size = int(size_text.partition(b";")[0], 16)
        except ValueError:
            raise RemoteProtocolError(f"{url} answers with a malformed chunk") from None
        if size == 0:
            break
        parts.append(rest[:size])
        body = rest[size + 2 :]
    return b"".join(parts)
