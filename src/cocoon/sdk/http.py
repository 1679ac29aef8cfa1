"""Between the HTTP client's requests and answers and calls of the application."""

import httpx2

from cocoon.errors import ChainError, CocoonError, RequestError
from cocoon.sdk.call import Call, CallRequest

MAX_BODY = 64 * 2**20
"""Bytes of a request that are read at most; the gateway's own limit is what callers are told."""

BASE_URL = "http://cocoon/v1"
"""Where requests pretend to go: only their path counts, and none leaves the process as HTTP."""
NO_KEY = "unused"
"""The packages want a key; nobody looks at it here."""


def call_request(request: httpx2.Request, body: bytes) -> CallRequest:
    """What the application is asked."""
    url = request.url
    return CallRequest(
        method=request.method,
        path=url.path,
        raw_path=url.raw_path.partition(b"?")[0],
        query=url.query,
        headers=_headers(request, len(body)),
        body=body,
    )


def take(parts: list[bytes], size: int, part: bytes) -> int:
    """Add a part of a body unless that is too long already; returns the size so far."""
    if size <= MAX_BODY:
        parts.append(part)
    return size + len(part)


def joined(parts: list[bytes]) -> bytes:
    """The body that a caller sent; longer than any limit when it was cut off."""
    return parts[0] if len(parts) == 1 else b"".join(parts)


def head_of(call: Call) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Status and headers for an answer."""
    return call.status, list(call.headers)


def read_timeout(request: httpx2.Request) -> float | None:
    """Seconds that the caller waits for the next bytes; None for ever."""
    limits: dict[str, float | None] = request.extensions.get("timeout", {})
    return limits.get("read")


def failure_of(error: Exception, request: httpx2.Request) -> Exception:
    """What the HTTP client raises for ``error``.

    Nothing was sent where no connection could be made, so that packages may try again; what no
    repetition mends stays what it is.
    """
    if isinstance(error, TimeoutError):
        return httpx2.ReadTimeout("no answer in time", request=request)
    if isinstance(error, RequestError | ChainError):
        return httpx2.ConnectError(str(error), request=request)
    if isinstance(error, CocoonError | RuntimeError):
        return error
    return httpx2.RemoteProtocolError("the gateway failed to handle the request", request=request)


def broken(error: Exception, request: httpx2.Request) -> Exception:
    """What the HTTP client raises when an answer ends before its end."""
    if isinstance(error, TimeoutError):
        return httpx2.ReadTimeout("the answer paused for too long", request=request)
    return httpx2.RemoteProtocolError(str(error), request=request)


def _headers(request: httpx2.Request, size: int) -> list[tuple[bytes, bytes]]:
    found = [
        (name.lower(), value)
        for name, value in request.headers.raw
        if name.lower() not in (b"content-length", b"transfer-encoding", b"origin")
    ]
    if size:
        found.append((b"content-length", b"%d" % size))
    return found
