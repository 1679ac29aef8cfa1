"""The client role: proxy connections, requests, payments."""

from cocoon.client.api import (
    ClientRequest,
    InferenceClient,
    InferenceResponse,
    ModelInfo,
    PeerSummary,
    RequestSummary,
    WorkerInfo,
)
from cocoon.client.client import Client
from cocoon.client.settings import ClientSettings
from cocoon.client.wallet import ProxyAccount

__all__ = [
    "Client",
    "ClientRequest",
    "ClientSettings",
    "InferenceClient",
    "InferenceResponse",
    "ModelInfo",
    "PeerSummary",
    "ProxyAccount",
    "RequestSummary",
    "WorkerInfo",
]
