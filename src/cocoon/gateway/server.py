"""Running the gateway on uvicorn, inside an event loop that somebody else owns."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator

import uvicorn

from cocoon.errors import ConfigError
from cocoon.gateway.app import Gateway
from cocoon.gateway.http_protocol import GatewayProtocol
from cocoon.gateway.settings import DEFAULT_HOST, DEFAULT_PORT

SHUTDOWN_GRACE = 10
"""Seconds that running requests get to end when the server stops."""
BACKLOG = 2048


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program."""
        yield


class GatewayServer:
    """A listening gateway.

    Args:
        app: what answers.
        host: address to listen on. The default is this machine only: an answer costs money.
        port: TCP port; 0 takes a free one, see :attr:`port` after :meth:`start`.
        grace: seconds that running requests get when the server stops.
    """

    def __init__(
        self,
        app: Gateway,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        *,
        grace: int = SHUTDOWN_GRACE,
    ) -> None:
        self._host = host
        self._wanted_port = port
        self._server = _Server(_config(app, grace))
        self._task: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; after :meth:`start`."""
        if self._socket is None:
            raise ConfigError("the gateway is not listening")
        return int(self._socket.getsockname()[1])

    async def start(self) -> None:
        """Listen; returns once calls are accepted.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        self._socket = await _bind(self._host, self._wanted_port)
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        while not self._server.started:
            await asyncio.sleep(0.005)
            if self._task.done():
                await self._task
                raise ConfigError("the HTTP server ended while starting")

    async def stop(self) -> None:
        """Accept no more calls, let running ones end within the grace time, then cut them off."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
            self._task = None

    async def wait(self) -> None:
        """Wait until the server has ended."""
        if self._task is not None:
            await asyncio.shield(self._task)


async def serve(
    app: Gateway,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    grace: int = SHUTDOWN_GRACE,
    started: asyncio.Event | None = None,
) -> None:
    """Serve until cancelled, then shut down gracefully.

    Args:
        app: what answers.
        host: address to listen on.
        port: TCP port.
        grace: seconds that running requests get when the task is cancelled.
        started: set once calls are accepted.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    server = GatewayServer(app, host, port, grace=grace)
    await server.start()
    if started is not None:
        started.set()
    try:
        await server.wait()
    finally:
        await server.stop()


def _config(app: Gateway, grace: int) -> uvicorn.Config:
    settings = app.settings

    class Protocol(GatewayProtocol):
        header_timeout = settings.header_timeout
        max_message = 4 * settings.max_body + 2**20

    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=settings.max_connections,
        timeout_keep_alive=int(settings.keep_alive),
        timeout_graceful_shutdown=grace,
    )


async def _bind(host: str, port: int) -> socket.socket:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return listener
