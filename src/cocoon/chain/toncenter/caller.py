"""HTTP calls to an indexer: one session, a rate limit of our own, retries within a deadline."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from cocoon.errors import ChainDataError, ChainError, ConfigError

_random = random.SystemRandom()  # leaves the state of the shared generator alone

RATE_WITHOUT_KEY = 1.0
RATE_WITH_KEY = 10.0
"""Requests a second that the public service allows."""
MAX_CONNECTIONS = 4
MAX_ERROR_CHARS = 300
RETRY_STATUS = frozenset((408, 425, 429))

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much.

    Args:
        requests_per_second: None for what the public service allows with or without a key.
        timeout: seconds for one request.
        deadline: seconds for one operation, retries and waiting for the rate limit included.
        attempts: requests for one operation at most.
        first_delay: seconds before the first retry; doubles, up to ``max_delay``, with jitter.
        max_delay: seconds.
        max_bytes: size of one answer.
    """

    requests_per_second: float | None = None
    timeout: float = 10.0
    deadline: float = 30.0
    attempts: int = 6
    first_delay: float = 0.5
    max_delay: float = 8.0
    max_bytes: int = 16 * 1024 * 1024


class AnswerTooLargeError(ChainDataError):
    """The answer has more bytes than allowed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that is no reason to try again.

    Args:
        status: HTTP status.
        body: whole body.
        uncertain: whether an earlier attempt may have done its work without telling us.
    """

    status: int
    body: bytes
    uncertain: bool = False


class _Retry(Exception):  # noqa: N818 - control flow within this file
    """Try again; says why and what the server asked to wait, in seconds."""

    def __init__(self, reason: str, wait: float = 0.0, *, uncertain: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.uncertain = uncertain


class Caller:
    """Makes requests.

    Args:
        url: scheme, host, port and a path before that of the API.
        api_key: secret that is sent as ``X-API-Key``.
        limits: how long and how much.
        clock: monotonic seconds.
        sleep: waits so many seconds.

    Raises:
        ConfigError: the URL is malformed, or would carry the key in the clear to another machine.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None,
        limits: Limits,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.url = check_url(url, has_key=api_key is not None)
        parts = urlsplit(self.url)
        self.name = f"{parts.scheme}://{parts.netloc}"
        """What to call the server: some providers put their key into the path."""
        self._api_key = api_key
        self._limits = limits
        default_rate = RATE_WITHOUT_KEY if api_key is None else RATE_WITH_KEY
        self._gap = 1 / (limits.requests_per_second or default_rate)
        self._next_slot = 0.0
        self._clock = clock
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the session; a later call opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """A ``GET`` request, see :meth:`_call`."""
        return await self._call("GET", path, params=dict(query))

    async def post(
        self,
        path: str,
        body: Mapping[str, object],
        is_verdict: Callable[[bytes], bool] | None = None,
    ) -> Answer:
        """A ``POST`` request of a JSON object, see :meth:`_call`.

        Args:
            path: below the URL.
            body: what to send.
            is_verdict: whether the body of an answer with a status of 500 or more says that trying
                again changes nothing.
        """
        return await self._call("POST", path, is_verdict, json=dict(body))

    async def _call(
        self,
        method: str,
        path: str,
        is_verdict: Callable[[bytes], bool] | None = None,
        **request: Any,
    ) -> Answer:
        """Try until there is an answer, the deadline passes or attempts run out.

        Raises:
            ChainError: none of the attempts succeeded; says why the last did not.
            AnswerTooLargeError: the answer is larger than allowed.
        """
        deadline = self._clock() + self._limits.deadline
        delay, uncertain = self._limits.first_delay, False
        for attempt in range(self._limits.attempts):
            await self._take_slot(deadline)
            try:
                status, body = await self._request(method, path, deadline, request, is_verdict)
            except _Retry as retry:
                uncertain = uncertain or retry.uncertain
                wait = max(delay * _random.uniform(0.5, 1.5), retry.wait)
                last = attempt + 1 == self._limits.attempts
                if last or self._clock() + wait > deadline:
                    raise ChainError(
                        f"{self.name} does not answer: {retry}; tried {attempt + 1} times"
                    ) from None
                await self._sleep(wait)
                delay = min(delay * 2, self._limits.max_delay)
            else:
                return Answer(status, body, uncertain)
        raise AssertionError("the last attempt returns or raises")

    async def _take_slot(self, deadline: float) -> None:
        now = self._clock()
        slot = max(now, self._next_slot)
        if slot > deadline:
            raise ChainError(
                f"too many requests wait for {self.name}, which allows {1 / self._gap:g} a second"
            )
        self._next_slot = slot + self._gap
        if slot > now:
            await self._sleep(slot - now)

    async def _request(
        self,
        method: str,
        path: str,
        deadline: float,
        request: dict[str, Any],
        is_verdict: Callable[[bytes], bool] | None,
    ) -> tuple[int, bytes]:
        seconds = max(0.001, min(self._limits.timeout, deadline - self._clock()))
        try:
            async with (
                asyncio.timeout(seconds),
                self._open().request(
                    method, self.url + path, allow_redirects=False, **request
                ) as response,
            ):
                body = await self._read(response)
        except TimeoutError:
            raise _Retry(f"no answer within {seconds:.1f} s", uncertain=True) from None
        except (aiohttp.ClientError, OSError) as error:
            # The text of a client error can hold the URL, never the headers with the key.
            raise _Retry(f"{type(error).__name__}: {error}", uncertain=True) from None
        if response.status in RETRY_STATUS:
            raise _Retry(f"HTTP {response.status}", _retry_after(response))
        if response.status >= 500 and not (is_verdict and is_verdict(body)):
            reason = f"HTTP {response.status}: {printable(body)}"
            raise _Retry(reason, _retry_after(response), uncertain=True)
        if response.status in (401, 403):
            raise ChainError(f"{self.name} refuses access: check the API key")
        return response.status, body

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_chunked(_CHUNK):
            size += len(part)
            if size > self._limits.max_bytes:
                raise AnswerTooLargeError(
                    f"answer of {self.name} has more than {self._limits.max_bytes} bytes"
                )
            parts.append(part)
        return b"".join(parts)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Uncompressed only: a small compressed answer could fill the memory.
            headers = {"Accept-Encoding": "identity"}
            if self._api_key is not None:
                headers["X-API-Key"] = self._api_key
            self._session = aiohttp.ClientSession(
                headers=headers,
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def check_url(url: str, *, has_key: bool) -> str:
    """The base URL without the path of a version of the API.

    Raises:
        ConfigError: it is malformed, or would carry the key in the clear to another machine.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query:
        raise ConfigError(
            f"{printable(url.encode(errors='replace'))} is not the URL of an indexer: "
            'write "https://host" without user, password or query'
        )
    if has_key and parts.scheme == "http" and not _is_loopback(host):
        raise ConfigError("an API key must not travel in the clear: use https, or no key")
    path = parts.path.rstrip("/")
    for suffix in ("/jsonRPC", "/api/v2", "/api/v3"):
        path = path.removesuffix(suffix)
    return f"{parts.scheme}://{parts.netloc}{path}"


def printable(body: bytes) -> str:
    """The start of a server's text, safe to print."""
    text = body[: MAX_ERROR_CHARS * 2].decode(errors="replace")
    clean = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(clean.split())[:MAX_ERROR_CHARS]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _retry_after(response: aiohttp.ClientResponse) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0
