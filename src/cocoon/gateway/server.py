"""Running the gateway on uvicorn, inside an event loop that somebody else owns."""

import asyncio

from cocoon.gateway.app import Gateway
from cocoon.gateway.http_protocol import GatewayProtocol
from cocoon.gateway.settings import DEFAULT_HOST, DEFAULT_PORT
from cocoon.net.http_server import HttpServer

SHUTDOWN_GRACE = 10
"""Seconds that running requests get to end when the server stops."""


class GatewayServer(HttpServer):
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
        settings = app.settings

        class Protocol(GatewayProtocol):
            header_timeout = settings.header_timeout
            max_message = 4 * settings.max_body + 2**20

        options = {
            "http": Protocol,
            "limit_concurrency": settings.max_connections,
            "timeout_keep_alive": int(settings.keep_alive),
        }
        super().__init__(app, host, port, grace=grace, options=options)


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
