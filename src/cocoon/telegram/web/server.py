"""Listening: uvicorn with the gateway's limits on heads, messages and connections."""

import asyncio
from typing import Any

from cocoon.gateway.http_protocol import GatewayProtocol
from cocoon.net.http_server import HttpServer
from cocoon.telegram.settings import AppSettings
from cocoon.telegram.web.reading import CHAT_BODY

MAX_CONNECTIONS = 10_000
KEEP_ALIVE = 30
"""Seconds that an idle connection stays open."""


class WebServer(HttpServer):
    """A listening server.

    Connections beyond :func:`most_connections` are closed at once: whoever opens more takes none of
    the descriptors that the bot itself needs.

    Args:
        app: what :func:`cocoon.telegram.web.app.web_app` makes.
        settings: address and port; port 0 takes a free one, see :attr:`port`.
        grace: seconds that running calls get when the server stops.
    """

    def __init__(self, app: Any, settings: AppSettings, *, grace: int = 10) -> None:
        most = most_connections()

        class Protocol(GatewayProtocol):
            max_message = 4 * CHAT_BODY

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if len(self.connections) > most:
                    transport.abort()

        options = {"http": Protocol, "timeout_keep_alive": KEEP_ALIVE}
        super().__init__(app, settings.host, settings.port, grace=grace, options=options)


def most_connections() -> int:
    """How many connections may be open: at most half of what the process may have open."""
    try:
        import resource  # noqa: PLC0415 - Unix only
    except ImportError:
        return MAX_CONNECTIONS
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if most == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, most // 2)
