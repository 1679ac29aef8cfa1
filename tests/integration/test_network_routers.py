"""The roles behind routers, as official deployments run them, and a proxy that is replaced."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.attestation.measurements import TdxMeasurements
from cocoon.chain.net_address import Endpoint, RegisteredProxy
from cocoon.client import Client, ClientRequest
from cocoon.net.dialing import SocksDial
from cocoon.net.identity import Identity
from cocoon.net.router import Router, serve_router
from cocoon.net.router_file import BUILT_IN, PortConfig, PortKind, RouterConfig
from cocoon.proxy.settings import ListenSettings
from cocoon.testing.engine_standin import MODEL
from cocoon.testing.network import HOST, InMemoryNetwork

pytestmark = pytest.mark.anyio

BODY = b'{"model":"stand-in","messages":[{"role":"user","content":"hi"}],"max_tokens":50}'
FAKE_IMAGE = TdxMeasurements.zero(bytes(64)).image_hash()


async def until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def ask(client: Client) -> bytes:
    request = ClientRequest(MODEL, "/v1/chat/completions", BODY, max_tokens=50, timeout=10.0)
    async with await client.run(request) as response:
        return await response.read()


def reverse(port: int) -> PortConfig:
    return PortConfig(
        0,
        PortKind.REVERSE,
        "fake_tdx",
        (HOST, port),
        serialize_info=True,
        pow_difficulty=4,
        host=HOST,
    )


async def router(*ports: PortConfig) -> Router:
    config = RouterConfig(ports, dict(BUILT_IN))
    return await serve_router(config, identity=Identity.generate(FakeTdx()))


async def test_everybody_behind_routers(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        network.root = replace(
            network.root,
            proxy_hashes=frozenset({FAKE_IMAGE}),
            worker_hashes=frozenset({FAKE_IMAGE}),
        )
        listen = ListenSettings(host=HOST, port=0, transport="router")
        proxy = await network.add_proxy(clients=listen, workers=listen, identity=None)
        inner = await router(reverse(proxy.worker_port), reverse(proxy.client_port))
        outer = await router(PortConfig(0, PortKind.SOCKS5, "fake_tdx", serialize_info=True))
        workers, clients = (Endpoint(HOST, address[1]) for address in inner.addresses)
        network.root = replace(network.root, proxies=(RegisteredProxy(1, workers, clients),))
        dial = SocksDial(*outer.addresses[0])
        try:
            await network.add_worker(dial=dial)
            client = await network.add_client(dial=dial)
            assert b"Hello from a stand-in." in await ask(client)
            await proxy.flush()
            (account,) = await client.payment_status()
            assert account.signed == 14
        finally:
            await network.close()
            network.clients.clear()
            network.workers.clear()
            network.proxies.clear()
            await outer.close()
            await inner.close()


async def test_an_image_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        network.root = replace(network.root, proxy_hashes=frozenset({bytes(32)}))
        client = await network.add_client(wait=False)
        worker = await network.add_worker(wait=False)
        await asyncio.sleep(0.5)
        assert not client.ready
        assert not worker.ready
