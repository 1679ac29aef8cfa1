"""HTTP servers of a node (status, control, gateway): uvicorn in somebody else's event loop."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from cocoon.errors import ConfigError

BACKLOG = 2048
STRANGER_SECONDS = 10.0
"""For so long a connection of a stranger lives, whatever it does."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program."""
        yield


def _for_strangers(most: int) -> type[H11Protocol]:
    """Connections that end after a while; the oldest gives way to one above ``most``.

    uvicorn counts requests and waits for ever for the first one of a connection: who only connects
    would take all descriptors of the process.
    """
    living: dict[asyncio.BaseProtocol, None] = {}  # the oldest first

    class Connection(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._end = self.loop.call_later(STRANGER_SECONDS, transport.abort)
            living[self] = None
            if len(living) > most:
                oldest = next(iter(living))
                del living[oldest]
                assert isinstance(oldest, Connection)  # nothing else is put in
                oldest.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            living.pop(self, None)
            self._end.cancel()
            super().connection_lost(exc)

    return Connection


class HttpServer:
    """A listening ASGI application.

    Args:
        app: the ASGI application.
        host: address to listen on.
        port: TCP port; 0 takes a free one, see :attr:`port`.
        grace: seconds that running calls get when the server stops.
        strangers: how many connections at a time, where anybody may connect; each lives for
            ``STRANGER_SECONDS`` at most. Without it there is no such limit.
        options: further ``uvicorn.Config`` arguments.
    """

    def __init__(
        self,
        app: Any,
        host: str,
        port: int,
        *,
        grace: int = 2,
        strangers: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        if strangers is not None:
            options = {"http": _for_strangers(strangers), **(options or {})}
        self._host = host
        self._wanted_port = port
        self._server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=grace,
                **{"ws": "none", **(options or {})},
            )
        )
        self._task: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; after :meth:`start`."""
        if self._socket is None:
            raise ConfigError("the HTTP server is not listening")
        return int(self._socket.getsockname()[1])

    async def start(self, listener: socket.socket | None = None) -> None:
        """Listen; returns once calls are accepted.

        Args:
            listener: of :func:`bind`, where the address was taken before; closed with the server.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        self._socket = listener or await bind(self._host, self._wanted_port)
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


async def bind(host: str, port: int) -> socket.socket:
    """Take an address; what connects waits until a server starts with it.

    Raises:
        ConfigError: the address cannot be listened on.
    """
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
        hint = "; stop what listens there, or use another port"
        if error.errno != errno.EADDRINUSE:
            hint = ""
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror}{hint}") from None
    return listener
