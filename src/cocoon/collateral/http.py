"""HTTP calls to the vendors' services: bounded, verified, retried with care, and never redirected.

Nothing here runs while a peer waits. What arrives is signed by a vendor and is checked elsewhere;
here is made sure that an answer cannot be too large, too slow or from another host, and that a
service in trouble is left alone.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from cocoon.collateral.address import check_url, fingerprint, retry_after, words_of
from cocoon.collateral.circuit import Circuit, full_jitter
from cocoon.errors import CollateralError, UnknownPlatformError

_random = random.SystemRandom()  # leaves the state of the shared generator alone

MAX_HEADER_BYTES = 32 * 1024
"""Of one header line; chains of certificates travel in headers."""
MAX_CONNECTIONS = 2
MAX_ERROR_CHARS = 200
NOT_THERE = frozenset((404, 410))
RETRY_STATUS = frozenset((408, 425, 429))

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how much, how often.

    Attributes:
        timeout: seconds for one request.
        deadline: seconds for one operation with all its retries.
        attempts: requests for one operation at most.
        first_delay: longest wait before the first retry in seconds; doubles, up to ``max_delay``.
        max_delay: seconds.
        gap: seconds between the starts of two requests at least.
        max_bytes: size of one answer.
    """

    timeout: float = 15.0
    deadline: float = 60.0
    attempts: int = 4
    first_delay: float = 0.5
    max_delay: float = 15.0
    gap: float = 0.0
    max_bytes: int = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    Attributes:
        body: whole body.
        headers: by lower-case name.
    """

    body: bytes
    headers: Mapping[str, str]


class _Retry(Exception):  # noqa: N818 - control flow within this file
    """Try again; says why and how many seconds the server asked to wait."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class VendorHttp:
    """One service of a vendor.

    Args:
        url: scheme, host, port and a path before that of the API; https, or this machine.
        headers: sent with each request, such as an API key.
        pinned: PEM or DER of the one certificate that the server may show, instead of one that a
            public authority vouches for.
        limits: how long, how much, how often.
        clock: monotonic seconds.
        sleep: waits so many seconds.
        uniform: returns a random number in [0, 1).

    Raises:
        ConfigError: the URL is malformed or not protected; the certificate is none.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        pinned: bytes | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        uniform: Callable[[], float] = _random.random,
    ) -> None:
        self.url = check_url(url)
        self.host = urlsplit(self.url).netloc
        self._headers = dict(headers or {})
        self._ssl: aiohttp.Fingerprint | bool = True if pinned is None else fingerprint(pinned)
        self._limits = limits or Limits()
        self._clock = clock
        self._sleep = sleep
        self._uniform = uniform
        self._circuit = Circuit(self.host, uniform)
        self._next_slot = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the session; a later call opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """A ``GET`` request.

        Args:
            path: below the URL.
            query: parameters.

        Raises:
            UnknownPlatformError: the service has nothing there.
            CollateralError: it does not answer, refuses, answers too much, or is left alone.
        """
        return await self._call("GET", path, params=dict(query or {}))

    async def post(self, path: str, body: bytes, content_type: str) -> Answer:
        """A ``POST`` request of bytes; raises as :meth:`get`."""
        return await self._call("POST", path, data=body, headers={"Content-Type": content_type})

    async def _call(self, method: str, path: str, **request: Any) -> Answer:
        self._circuit.require_closed(self._clock())
        try:
            answer = await self._attempts(method, path, request)
        except UnknownPlatformError:
            self._circuit.success()
            raise
        except CollateralError as error:
            self._circuit.failure(self._clock(), error.retry_after)
            raise
        self._circuit.success()
        return answer

    async def _attempts(self, method: str, path: str, request: dict[str, Any]) -> Answer:
        limits = self._limits
        deadline = self._clock() + limits.deadline
        for attempt in range(limits.attempts):
            await self._take_slot(deadline)
            try:
                return await self._request(method, path, deadline, request)
            except _Retry as retry:
                longest = min(limits.first_delay * 2**attempt, limits.max_delay)
                wait = max(full_jitter(longest, self._uniform), retry.wait)
                if attempt + 1 == limits.attempts or self._clock() + wait > deadline:
                    raise CollateralError(
                        f"{self.host} does not answer: {retry}; tried {attempt + 1} times",
                        retry.wait,
                    ) from None
                await self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _take_slot(self, deadline: float) -> None:
        now = self._clock()
        slot = max(now, self._next_slot)
        if slot > deadline:
            raise CollateralError(f"too many requests wait for {self.host}", slot - now)
        self._next_slot = slot + self._limits.gap
        if slot > now:
            await self._sleep(slot - now)

    async def _request(
        self, method: str, path: str, deadline: float, request: dict[str, Any]
    ) -> Answer:
        seconds = max(0.001, min(self._limits.timeout, deadline - self._clock()))
        try:
            async with (
                asyncio.timeout(seconds),
                self._open().request(
                    method, self.url + path, allow_redirects=False, ssl=self._ssl, **request
                ) as response,
            ):
                self._check_head(response)
                body = await self._read(response)
        except TimeoutError:
            raise _Retry(f"no answer within {seconds:.1f} s") from None
        except aiohttp.ServerFingerprintMismatch:
            raise CollateralError(f"{self.host} does not show the pinned certificate") from None
        except aiohttp.ClientSSLError:
            raise CollateralError(
                f"the certificate of {self.host} is not valid; pin it if it signs itself"
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _Retry(words_of(error)) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(body, headers)

    def _check_head(self, response: aiohttp.ClientResponse) -> None:
        """Raise for everything but a plain success."""
        status = response.status
        if status in RETRY_STATUS or status >= 500:
            raise _Retry(f"HTTP {status}", retry_after(response.headers.get("Retry-After", "")))
        if status in NOT_THERE:
            raise UnknownPlatformError(f"{self.host} has no data there (HTTP {status})")
        if status in (401, 403):
            raise CollateralError(f"{self.host} refuses access (HTTP {status}): check the API key")
        if 300 <= status < 400:
            raise CollateralError(f"{self.host} redirects elsewhere, which is not followed")
        if status != 200:
            raise CollateralError(f"{self.host} answers HTTP {status}")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise CollateralError(f"{self.host} answers compressed, which was not asked for")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        most = self._limits.max_bytes
        parts: list[bytes] = []
        size = response.content_length or 0
        if size <= most:
            size = 0
            async for part in response.content.iter_chunked(_CHUNK):
                size += len(part)
                if size > most:
                    break
                parts.append(part)
        if size > most:
            raise CollateralError(f"the answer of {self.host} has more than {most} bytes")
        return b"".join(parts)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Uncompressed only: a small compressed answer could fill the memory.
            self._session = aiohttp.ClientSession(
                headers={"Accept-Encoding": "identity", **self._headers},
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
            )
        return self._session
