"""A root configuration that changes while hands are shaken: what it revokes never gets ready."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from cocoon.chain.net_address import Endpoint, RegisteredProxy
from cocoon.chain.root_config import RootConfig, model_hash
from cocoon.client import Client, ClientSettings
from cocoon.engine.base import Engine, EngineCapabilities, EngineHealth
from cocoon.net.dialing import SocksDial
from cocoon.net.root_source import FixedRoot
from cocoon.testing.network import someone, test_root
from cocoon.testing.scripted_proxy import ScriptedClientProxy, ScriptedWorkerProxy
from cocoon.testing.streams import unattested_peer
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.worker import Worker, WorkerSettings

pytestmark = pytest.mark.anyio

ROOT = test_root(
    proxies=(RegisteredProxy(1, Endpoint("a", 1), Endpoint("a", 1)),),
    proxy_hashes=frozenset({unattested_peer().image_hash}),
    model_hashes=frozenset({model_hash("m")}),
)
REVOKED = replace(ROOT, version=2, proxy_hashes=frozenset())
MOVED = replace(ROOT, version=2, params=replace(ROOT.params, params_version=2))


class _ClientProxy(ScriptedClientProxy):
    """Calls ``last`` when it sends the last answer of a handshake."""

    last: Callable[[], None]

    def answer(self, obj: TLObject) -> TLObject | None:
        answered = super().answer(obj)
        if isinstance(answered, t.ClientAuthorizationWithProxySuccess):
            self.last()
        return answered


class _WorkerProxy(ScriptedWorkerProxy):
    """Likewise."""

    last: Callable[[], None]

    def answer(self, obj: TLObject) -> TLObject | None:
        answered = super().answer(obj)
        if self.ready is not None:
            self.last()
        return answered


class _Engine:
    async def start(self) -> None: ...
    async def close(self) -> None: ...

    async def check(self) -> EngineHealth:
        return EngineHealth(True, ("m",))

    async def capabilities(self, model: str = "") -> EngineCapabilities:
        return EngineCapabilities()


async def _closed(proxy: _ClientProxy | _WorkerProxy) -> None:
    async with asyncio.timeout(5):
        while not proxy.closed:  # noqa: ASYNC110
            await asyncio.sleep(0)


@pytest.mark.parametrize("change", [REVOKED, MOVED])
async def test_a_client_never_uses_it(change: RootConfig) -> None:
    proxy = _ClientProxy(ROOT, owner=someone(2))
    settings = ClientSettings(
        wallet=someone(1), root=ROOT, dial=SocksDial(), check_proxy_hashes=True
    )
    client = Client(settings, dial=proxy.dial)
    proxy.last = lambda: cast(FixedRoot, client.root).replace(change)
    await client.start()
    try:
        await _closed(proxy)
        assert not client.ready
    finally:
        await client.close()


@pytest.mark.parametrize("change", [REVOKED, MOVED])
async def test_a_worker_never_works_for_it(change: RootConfig) -> None:
    proxy = _WorkerProxy(ROOT, owner=someone(2))
    settings = WorkerSettings(
        owner=someone(1),
        model="m",
        root=ROOT,
        engine=cast(Engine, _Engine()),
        dial=SocksDial(),
        http_port=None,
        check_proxy_hashes=True,
    )
    worker = Worker(settings, dial=proxy.dial)
    proxy.last = lambda: cast(FixedRoot, worker.root).replace(change)
    await worker.start()
    try:
        await _closed(proxy)
        assert not worker.uplinks
    finally:
        await worker.close()
