"""One connection for all plug-ins of a process, unless they are given one."""

import threading
from functools import lru_cache

import httpx2
import openai

from cocoon.sdk.client import Client
from cocoon.sdk.http import BASE_URL, NO_KEY
from cocoon.sdk.shared_transport import shared
from cocoon.sdk.sync_transport import TransportClient, transport

_lock = threading.Lock()


@lru_cache(maxsize=1)
def _default() -> TransportClient:
    return transport()


def http_client() -> TransportClient:
    """The process's connection: as :func:`cocoon.transport` without arguments, made once.

    Raises:
        ConfigError: ``COCOON_CONFIG`` is wrong, or no devnet runs.
    """
    with _lock:
        return _default()


def async_http_client(http: TransportClient) -> httpx2.AsyncClient:
    """The asynchronous side of a connection."""
    return shared(http)


def sync_openai(http: TransportClient) -> Client:
    """The SDK's client over a connection."""
    return Client(http_client=http)


def async_openai(http: TransportClient) -> openai.AsyncOpenAI:
    """The ``openai`` package's asynchronous client over the same connection."""
    return openai.AsyncOpenAI(
        http_client=shared(http), api_key=NO_KEY, base_url=BASE_URL, max_retries=0
    )
