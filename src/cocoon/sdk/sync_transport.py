"""The network as a transport of ``httpx2.Client``: for the unmodified synchronous packages."""

import asyncio
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from cocoon.client.api import InferenceClient
from cocoon.client.settings import ClientSettings
from cocoon.gateway.settings import GatewaySettings
from cocoon.sdk.call import Call
from cocoon.sdk.connecting import Connect, connect_to
from cocoon.sdk.http import (
    BASE_URL,
    broken,
    call_request,
    failure_of,
    head_of,
    joined,
    read_timeout,
    take,
)
from cocoon.sdk.portal import Portal
from cocoon.sdk.session import CONNECT_TIMEOUT, Session

T = TypeVar("T")


class Running:
    """A session in a portal; ended by hand, with its owner, or at the end of the program."""

    def __init__(
        self, source: Connect | InferenceClient, gateway: GatewaySettings | None, patience: float
    ) -> None:
        self.portal = Portal.open()

        async def make() -> Session:
            return Session(source, gateway, patience)

        self.session = self.portal.call(make)

    def call(self, work: Callable[[Session], Awaitable[T]], timeout: float | None = None) -> T:
        """Run something in the session's loop and wait for it."""
        return self.portal.call(self._limited(work, timeout))

    def submit(
        self, work: Callable[[Session], Awaitable[T]], timeout: float | None = None
    ) -> Future[T]:
        """Start something in the session's loop."""
        return self.portal.submit(self._limited(work, timeout))

    def _limited(
        self, work: Callable[[Session], Awaitable[T]], timeout: float | None
    ) -> Callable[[], Coroutine[Any, Any, T]]:
        async def run() -> T:
            async with asyncio.timeout(timeout):
                return await work(self.session)

        return run

    def end(self) -> None:
        """Close everything; idempotent."""
        if not self.portal.is_ours:
            return
        try:
            self.portal.call(self.session.close)
        except RuntimeError:  # from the loop's own thread: the runner cancels what is left
            pass
        finally:
            self.portal.stop()


class SyncTransport(httpx2.BaseTransport):
    """Sends HTTP requests into the network. Any thread may use it.

    Nothing runs before the first request. A process that was forked connects anew.

    Args:
        source: how to connect, or a client that runs in any loop.
        gateway: limits; the defaults of the connection when None.
        connect_timeout: seconds that a request waits for the first proxy.
    """

    def __init__(
        self,
        source: Connect | InferenceClient,
        gateway: GatewaySettings | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        self._source = source
        self._gateway = gateway
        self._patience = connect_timeout
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._running: Running | None = None
        self._finalizer: weakref.finalize[[], SyncTransport] | None = None
        self._closed = False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request; its body streams as the network sends it.

        Raises:
            ConnectError: no proxy can be reached; nothing was sent.
            ReadTimeout: no answer in the time that the caller gives; the request was abandoned.
            CocoonError: the configuration is wrong.
        """
        asked = call_request(request, _body(request))
        limit = read_timeout(request)
        try:
            running = self.open()
            call = running.call(lambda session: session.begin(asked), limit)
        except Exception as error:
            raise failure_of(error, request) from error
        status, headers = head_of(call)
        stream = _Stream(self, running, call, request, limit)
        return httpx2.Response(status, headers=headers, stream=stream, request=request)

    def call(self, work: Callable[[Session], Awaitable[T]], timeout: float | None = None) -> T:
        """Run something with the connected session; raises what it raises.

        Raises:
            UnavailableError: no proxy was ready in time.
        """

        async def connected(session: Session) -> T:
            await session.ready()
            return await work(session)

        return self.open().call(connected, timeout)

    def close(self) -> None:
        """Disconnect and end the thread. Running answers break off."""
        with self._lock:
            self._closed = True
            running, self._running = self._running, None
            if self._finalizer is not None:
                self._finalizer.detach()
        if running is not None:
            running.end()

    def open(self) -> Running:
        """What runs, started if it does not yet.

        Raises:
            RuntimeError: it was closed.
        """
        if self._process != os.getpid():
            self._after_fork()
        with self._lock:
            if self._closed:
                raise RuntimeError("the connection to the network is closed")
            if self._running is None:
                self._running = Running(self._source, self._gateway, self._patience)
                self._finalizer = weakref.finalize(self, self._running.end)
            return self._running

    def _after_fork(self) -> None:
        """The thread stayed behind, and so may the lock that it or another one held."""
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._running = None


class _Stream(httpx2.SyncByteStream):
    """The body of an answer."""

    def __init__(
        self,
        owner: SyncTransport,
        running: Running,
        call: Call,
        request: httpx2.Request,
        limit: float | None,
    ) -> None:
        self._owner = owner  # lives as long as its answers
        self._running = running
        self._call = call
        self._request = request
        self._limit = limit

    def __iter__(self) -> Iterator[bytes]:
        call = self._call
        while True:
            try:
                data = self._running.call(lambda _: call.read(), self._limit)
            except Exception as error:
                raise broken(error, self._request) from error
            if not data:
                return
            yield data

    def close(self) -> None:
        """Abandon the request unless it has ended."""
        self._running.portal.post(self._call.abandon)


class TransportClient(httpx2.Client):
    """The HTTP client that :func:`transport` makes.

    Attributes:
        network: the transport behind it.
    """

    def __init__(self, network: SyncTransport) -> None:
        self.network = network
        super().__init__(transport=network, base_url=BASE_URL, timeout=None)


def transport(
    *,
    devnet: str | Path | None = None,
    config: str | Path | None = None,
    settings: ClientSettings | None = None,
    client: InferenceClient | None = None,
    gateway: GatewaySettings | None = None,
    connect_timeout: float = CONNECT_TIMEOUT,
) -> TransportClient:
    """An HTTP client for packages such as ``openai`` whose requests go straight to the network.

    ::

        ai = openai.OpenAI(http_client=cocoon.transport(), api_key="unused")

    Without arguments it connects as the environment variable ``COCOON_CONFIG`` says, else to the
    devnet of ``cocoon up``. It connects with the first request; close it, or the package's client,
    when done.

    Args:
        devnet: folder of a devnet that runs.
        config: configuration file of a client, as for ``cocoon client``.
        settings: of a client.
        client: a client that can be used from any event loop; it is neither started nor closed.
        gateway: limits of requests.
        connect_timeout: seconds that a request waits for the first proxy.

    Raises:
        ConfigError: what is named is missing or wrong.
    """
    source = client or connect_to(devnet=devnet, config=config, settings=settings)
    return TransportClient(SyncTransport(source, gateway, connect_timeout))


def _body(request: httpx2.Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    assert isinstance(request.stream, httpx2.SyncByteStream)
    for part in request.stream:
        size = take(parts, size, part)
    return joined(parts)
