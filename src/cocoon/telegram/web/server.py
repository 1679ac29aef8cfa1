"""Listening: uvicorn with the gateway's limits on heads, messages and connections."""

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

    Args:
        app: what :func:`cocoon.telegram.web.app.web_app` makes.
        settings: address and port; port 0 takes a free one, see :attr:`port`.
        grace: seconds that running calls get when the server stops.
    """

    def __init__(self, app: Any, settings: AppSettings, *, grace: int = 10) -> None:
        class Protocol(GatewayProtocol):
            max_message = 4 * CHAT_BODY

        options = {
            "http": Protocol,
            "limit_concurrency": MAX_CONNECTIONS,
            "timeout_keep_alive": KEEP_ALIVE,
        }
        super().__init__(app, settings.host, settings.port, grace=grace, options=options)
