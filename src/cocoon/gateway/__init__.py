"""The OpenAI-compatible HTTP API."""

from cocoon.gateway.access import hash_api_key
from cocoon.gateway.app import Gateway
from cocoon.gateway.metrics import GatewayMetrics
from cocoon.gateway.routes import ExtraReply, ExtraRequest, ExtraRoute
from cocoon.gateway.server import GatewayServer, serve
from cocoon.gateway.settings import DEFAULT_HOST, DEFAULT_PORT, GatewaySettings

__all__ = [
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "ExtraReply",
    "ExtraRequest",
    "ExtraRoute",
    "Gateway",
    "GatewayMetrics",
    "GatewayServer",
    "GatewaySettings",
    "hash_api_key",
    "serve",
]
