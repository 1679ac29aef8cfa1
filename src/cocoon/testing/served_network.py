"""A whole network behind a gateway on a free port, on a thread of its own.

For tests that use it as any program would: over HTTP, from packages that block. Proxy, worker and
client speak over real attested connections; the engine is the embedded one with the demonstration
model, or whatever a test brings.

::

    with ServedNetwork(tmp_path) as network:
        OpenAI(base_url=network.url, api_key="none").models.list()
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uvloop

from cocoon.devnet.options import DEMONSTRATION_MODEL
from cocoon.engine.base import Engine
from cocoon.engine.llama import LlamaEngine, LlamaSettings
from cocoon.gateway import GatewayServer, GatewaySettings
from cocoon.gateway.gate import Gate
from cocoon.testing.network import InMemoryNetwork
from cocoon.testing.recording_gateway import RecordingGateway

START_TIMEOUT = 60.0
Result = TypeVar("Result")
Prepare = Callable[[InMemoryNetwork], Awaitable[None]]
"""Adds workers; proxy and client are there before and after it."""


class ServedNetwork:
    """A network with one proxy, its workers, a client and a gateway.

    Args:
        directory: for everything that it keeps.
        workers: adds the workers; the default is one with the embedded engine.
        models: full names that the root configuration lists.
        settings: of the gateway.
        gate: of the gateway.

    Attributes:
        network: its members; only to be touched on its own thread, see :meth:`call`.
        port: of the gateway.
        gateway: it notes which fields were answered.
    """

    gateway: RecordingGateway

    def __init__(
        self,
        directory: Path,
        workers: Prepare | None = None,
        *,
        models: tuple[str, ...] = (DEMONSTRATION_MODEL,),
        settings: GatewaySettings | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.port = 0
        self.network: InMemoryNetwork
        self._directory = directory
        self._workers = workers or embedded_worker
        self._models = models
        self._settings = settings
        self._gate = gate
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="network")

    @property
    def url(self) -> str:
        """What the openai package calls ``base_url``."""
        return f"{self.root_url}/v1"

    @property
    def root_url(self) -> str:
        """What the anthropic package calls ``base_url``."""
        return f"http://127.0.0.1:{self.port}"

    def call(self, work: Coroutine[Any, Any, Result], timeout: float = 30.0) -> Result:
        """Run a coroutine on the network's thread."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT) or self._failure is not None:
            self._stop()
            raise RuntimeError("the network did not start") from self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._loop is not None and self._end is not None and self._thread.is_alive():
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
        async with InMemoryNetwork(self._directory, models=self._models) as network:
            self.network = network
            await network.add_proxy()
            await self._workers(network)
            client = await network.add_client()
            self.gateway = RecordingGateway(client, self._settings, gate=self._gate)
            server = GatewayServer(self.gateway, port=0, grace=1)
            await server.start()
            try:
                self.port = server.port
                self._ready.set()
                await self._end.wait()
            finally:
                await server.stop()


async def embedded_worker(network: InMemoryNetwork) -> None:
    """One worker that runs the demonstration model."""
    await add_engine(network, LlamaEngine(LlamaSettings(slots=4, context=2048)))


async def add_engine(
    network: InMemoryNetwork, engine: Engine, model: str = DEMONSTRATION_MODEL
) -> None:
    """A worker with this engine."""
    await network.add_worker(model=model, engine=engine)
