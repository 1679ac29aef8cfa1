"""A gateway on a free port, on a thread of its own, over any inference client.

For tests that use the gateway as a program would, with packages that block.
"""

import asyncio
import threading
from types import TracebackType
from typing import Any, Self

import uvloop

from cocoon.client.api import InferenceClient
from cocoon.gateway import Gateway, GatewayServer

START_TIMEOUT = 30.0


class ServedGateway:
    """Serves until the context ends.

    Args:
        client: what is behind it.
        options: further arguments of :class:`~cocoon.gateway.Gateway`.

    Attributes:
        port: where it listens.
    """

    def __init__(self, client: InferenceClient, **options: Any) -> None:
        self.port = 0
        self._client = client
        self._options = options
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="gateway")

    @property
    def url(self) -> str:
        """Address without a path."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT) or self._failure is not None:
            raise RuntimeError("the gateway did not start") from self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(START_TIMEOUT)

    def _main(self) -> None:
        try:
            uvloop.run(self._live())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = GatewayServer(Gateway(self._client, **self._options), port=0, grace=1)
        await server.start()
        try:
            self.port = server.port
            self._ready.set()
            await self._end.wait()
        finally:
            await server.stop()
