"""A gateway on a free loopback port."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from cocoon.client.api import InferenceClient
from cocoon.gateway import Gateway, GatewayServer, GatewaySettings

Serve = Callable[..., AbstractAsyncContextManager[int]]


@asynccontextmanager
async def _serve(
    client: InferenceClient, settings: GatewaySettings | None = None
) -> AsyncIterator[int]:
    server = GatewayServer(Gateway(client, settings), port=0, grace=2)
    await server.start()
    try:
        yield server.port
    finally:
        await server.stop()


@pytest.fixture
def gateway() -> Serve:
    return _serve
