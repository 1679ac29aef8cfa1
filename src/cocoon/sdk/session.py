"""A client of the network with the gateway's application over it, in one event loop."""

import asyncio
import contextlib
from collections.abc import Awaitable

from cocoon.client import Client
from cocoon.client.api import InferenceClient
from cocoon.errors import CocoonError, UnavailableError
from cocoon.gateway import Gateway
from cocoon.gateway.settings import GatewaySettings
from cocoon.sdk.call import Call, CallRequest
from cocoon.sdk.connecting import Connect, Connection, in_process
from cocoon.sdk.logs import keep_quiet
from cocoon.sdk.settlement import ReportingGate

CONNECT_TIMEOUT = 30.0
"""Seconds that a request waits for the first proxy."""


class Session:
    """Everything that runs; belongs to the loop that :meth:`open` was called in.

    Args:
        source: how to connect, or a client that somebody else starts and closes.
        gateway: limits; those of the connection when None.
        connect_timeout: seconds that requests wait for the first proxy.
    """

    def __init__(
        self,
        source: Connect | InferenceClient,
        gateway: GatewaySettings | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        self._source = source
        self._settings = gateway
        self._patience = connect_timeout
        self._opening: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._own: Client | None = None
        self._client: InferenceClient | None = None
        self._app: Gateway | None = None
        self._upkeep: list[asyncio.Task[None]] = []
        self._calls: set[Call] = set()
        self.loop = asyncio.get_running_loop()

    @property
    def client(self) -> InferenceClient:
        """The client, once :meth:`ready` has returned."""
        if self._client is None:
            raise UnavailableError("not connected")
        return self._client

    @property
    def connection(self) -> Connection | None:
        """What was connected to; None where somebody else's client is used."""
        return self._connection

    async def ready(self) -> None:
        """Connect, once for all callers, and wait for a proxy.

        Raises:
            ConfigError: the settings do not fit the network, or a file cannot be used.
            ChainError: TON cannot be reached.
            UnavailableError: no proxy was ready in time.
        """
        if self._app is None:
            await self._open_once()
        if self._own is not None and not self._own.ready:
            await self._own.wait_ready(self._patience)

    async def begin(self, request: CallRequest) -> Call:
        """Start a call and wait for the head of its answer; raises as :meth:`ready`."""
        await self.ready()
        assert self._app is not None
        call = Call(self._app, request)
        self._calls.add(call)
        call.task.add_done_callback(lambda _: self._calls.discard(call))
        try:
            await call.head()
        except BaseException:
            call.abandon()
            raise
        return call

    async def close(self) -> None:
        """Abandon what runs, disconnect, and wait for the end of every task. Idempotent."""
        if self._opening is not None and not self._opening.done():
            self._opening.cancel()
        tasks = [call.task for call in self._calls]
        for call in list(self._calls):
            call.abandon()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in self._upkeep:
            task.cancel()
        await asyncio.gather(*self._upkeep, return_exceptions=True)
        self._upkeep.clear()
        own, self._own, self._client, self._app = self._own, None, None, None
        if own is not None:
            await own.close()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.release()

    async def _open_once(self) -> None:
        opening = self._opening
        if opening is None or opening.done():
            opening = self._opening = asyncio.create_task(self._open())
            opening.add_done_callback(_seen)
        # A caller that gives up must not end what others wait for.
        await asyncio.shield(opening)

    async def _open(self) -> None:
        if not callable(self._source):
            self._client = self._source
            self._app = self._gateway(self._source, self._settings or GatewaySettings())
            return
        keep_quiet()
        # Reads files, perhaps the chain: not in a loop that others share.
        connection = await asyncio.to_thread(self._source)
        try:
            client = Client(connection.settings)
            try:
                await client.start()
            except BaseException:
                await client.close()
                raise
        except BaseException:
            connection.release()
            raise
        self._connection, self._own, self._client = connection, client, client
        self._upkeep = [asyncio.ensure_future(_kept(work())) for work in connection.upkeep]
        self._app = self._gateway(client, self._settings or connection.gateway)

    def _gateway(self, client: InferenceClient, settings: GatewaySettings) -> Gateway:
        return Gateway(client, in_process(settings), gate=ReportingGate())


async def _kept(work: Awaitable[None]) -> None:
    """Upkeep that fails is told when it matters: then no proxy lets us in."""
    with contextlib.suppress(CocoonError):
        await work


def _seen(task: asyncio.Task[None]) -> None:
    """Whoever waited may have given up; what it failed with is told to the next one."""
    if not task.cancelled():
        task.exception()
