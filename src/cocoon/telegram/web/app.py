"""The server of a Telegram service as one ASGI application."""

from starlette.applications import Starlette

from cocoon.telegram.web.deps import WebDeps


def web_app(deps: WebDeps) -> Starlette:
    """The application: the Mini App and its API, webhook, operators' page, health.

    Raises:
        ConfigError: a setting cannot be used, such as a stand-in's wallet that is not on loopback.
    """
    raise NotImplementedError
