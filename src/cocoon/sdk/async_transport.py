"""The network as a transport of ``httpx2.AsyncClient``: for the unmodified asyncio packages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

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
from cocoon.sdk.session import CONNECT_TIMEOUT, Session

T = TypeVar("T")


class AsyncTransport(httpx2.AsyncBaseTransport):
    """Sends HTTP requests into the network, all in the event loop of the first one.

    Args:
        source: how to connect, or a client that runs in this loop.
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
        self._session: Session | None = None
        self._closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request; its body streams as the network sends it.

        Raises:
            ConnectError: no proxy can be reached; nothing was sent.
            ReadTimeout: no answer in the time that the caller gives; the request was abandoned.
            CocoonError: the configuration is wrong.
        """
        asked = call_request(request, await body_of(request))
        limit = read_timeout(request)
        try:
            async with asyncio.timeout(limit):
                call = await self._open().begin(asked)
        except Exception as error:
            raise failure_of(error, request) from error
        status, headers = head_of(call)
        stream = _Stream(call, request, limit)
        return httpx2.Response(status, headers=headers, stream=stream, request=request)

    async def call(
        self, work: Callable[[Session], Awaitable[T]], timeout: float | None = None
    ) -> T:
        """Run something with the connected session; raises what it raises.

        Raises:
            UnavailableError: no proxy was ready in time.
        """
        session = self._open()
        async with asyncio.timeout(timeout):
            await session.ready()
            return await work(session)

    async def aclose(self) -> None:
        """Disconnect. Running answers break off."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None and session.loop is asyncio.get_running_loop():
            await session.close()

    def _open(self) -> Session:
        if self._closed:
            raise RuntimeError("the connection to the network is closed")
        if self._session is None:
            self._session = Session(self._source, self._gateway, self._patience)
        if self._session.loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "an asynchronous client belongs to the event loop of its first request; make one "
                "for each loop"
            )
        return self._session


class _Stream(httpx2.AsyncByteStream):
    """The body of an answer."""

    def __init__(self, call: Call, request: httpx2.Request, limit: float | None) -> None:
        self._call = call
        self._request = request
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                async with asyncio.timeout(self._limit):
                    data = await self._call.read()
            except Exception as error:
                raise broken(error, self._request) from error
            if not data:
                return
            yield data

    async def aclose(self) -> None:
        """Abandon the request unless it has ended."""
        self._call.abandon()


class AsyncTransportClient(httpx2.AsyncClient):
    """The HTTP client that :func:`async_transport` makes.

    Attributes:
        network: the transport behind it.
    """

    def __init__(self, network: AsyncTransport) -> None:
        self.network = network
        super().__init__(transport=network, base_url=BASE_URL, timeout=None)


def async_transport(
    *,
    devnet: str | Path | None = None,
    config: str | Path | None = None,
    settings: ClientSettings | None = None,
    client: InferenceClient | None = None,
    gateway: GatewaySettings | None = None,
    connect_timeout: float = CONNECT_TIMEOUT,
) -> AsyncTransportClient:
    """As :func:`cocoon.transport`, for ``AsyncOpenAI`` and everything else on asyncio.

    ::

        ai = openai.AsyncOpenAI(http_client=cocoon.async_transport(), api_key="unused")

    Args:
        devnet: folder of a devnet that runs.
        config: configuration file of a client, as for ``cocoon client``.
        settings: of a client.
        client: a client that runs in the same event loop; it is neither started nor closed.
        gateway: limits of requests.
        connect_timeout: seconds that a request waits for the first proxy.

    Raises:
        ConfigError: what is named is missing or wrong.
    """
    source = client or connect_to(devnet=devnet, config=config, settings=settings)
    return AsyncTransportClient(AsyncTransport(source, gateway, connect_timeout))


async def body_of(request: httpx2.Request) -> bytes:
    """The body of a request, cut off behind what any gateway takes."""
    parts: list[bytes] = []
    size = 0
    assert isinstance(request.stream, httpx2.AsyncByteStream)
    async for part in request.stream:
        size = take(parts, size, part)
    return joined(parts)
