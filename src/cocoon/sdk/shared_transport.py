"""One connection for synchronous and asynchronous callers, in any event loop.

Frameworks such as LangChain want a client of each kind. Two connections would be two members of the
network, with a deposit each; and frameworks run coroutines in more than one event loop. Here the
asynchronous side awaits what the synchronous side's thread does.
"""

import asyncio
from collections.abc import AsyncIterator

import httpx2

from cocoon.sdk.async_transport import body_of
from cocoon.sdk.call import Call
from cocoon.sdk.http import BASE_URL, broken, call_request, failure_of, head_of, read_timeout
from cocoon.sdk.sync_transport import Running, SyncTransport, TransportClient


class SharedTransport(httpx2.AsyncBaseTransport):
    """Sends requests through a :class:`SyncTransport`; closing it leaves that one open.

    Args:
        network: what both sides use.
    """

    def __init__(self, network: SyncTransport) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request; raises as :meth:`SyncTransport.handle_request`."""
        asked = call_request(request, await body_of(request))
        limit = read_timeout(request)
        try:
            running = self._network.open()
            future = running.submit(lambda session: session.begin(asked), limit)
            call = await asyncio.wrap_future(future)
        except Exception as error:
            raise failure_of(error, request) from error
        status, headers = head_of(call)
        stream = _Stream(self._network, running, call, request, limit)
        return httpx2.Response(status, headers=headers, stream=stream, request=request)


class _Stream(httpx2.AsyncByteStream):
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

    async def __aiter__(self) -> AsyncIterator[bytes]:
        call = self._call
        while True:
            try:
                future = self._running.submit(lambda _: call.read(), self._limit)
                data = await asyncio.wrap_future(future)
            except Exception as error:
                raise broken(error, self._request) from error
            if not data:
                return
            yield data

    async def aclose(self) -> None:
        """Abandon the request unless it has ended."""
        self._running.portal.post(self._call.abandon)


def shared(http_client: TransportClient) -> httpx2.AsyncClient:
    """An asynchronous HTTP client over the connection of a synchronous one.

    Args:
        http_client: what :func:`cocoon.transport` made; it stays the owner of the connection.
    """
    transport = SharedTransport(http_client.network)
    return httpx2.AsyncClient(transport=transport, base_url=BASE_URL, timeout=None)
