"""Connections end before their peer's evidence does, and no request is lost."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.policy import unsafe_accept_anything
from cocoon.client import ClientRequest, connection
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.net.dialing import RatlsDial
from cocoon.net.identity import Identity
from cocoon.net.root_source import FixedRoot
from cocoon.proxy import worker_side
from cocoon.testing.engine_standin import MODEL
from cocoon.testing.network import InMemoryNetwork
from cocoon.worker import uplink

pytestmark = pytest.mark.anyio

LIFETIME = 2
BODY = b'{"model":"%s","stream":true,"messages":[{"role":"user","content":"x"}],"max_tokens":500}'


def lasting(seconds: float) -> ClientRequest:
    chunks = int(seconds / 0.05)
    headers = (
        ("Content-Type", "application/json"),
        ("x-standin-chunks", str(chunks)),
        ("x-standin-delay", "0.05"),
    )
    body = BODY % MODEL.encode()
    return ClientRequest(
        MODEL, "/v1/chat/completions", body, headers=headers, max_tokens=500, timeout=20.0
    )


def short_lived(tmp_path: Path, image: str) -> Identity:
    tee = SimulatedTee(tmp_path / "tee", int(time.time()))
    return Identity.generate(SimulatedTdx(tee, image), lifetime=LIFETIME)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connection, uplink):
        monkeypatch.setattr(module, "STATUS_PERIOD", (0.05, 0.1))
    monkeypatch.setattr(worker_side, "LIFETIME_STEP", 0.05)
    monkeypatch.setattr(worker_side, "DRAIN_STEP", 0.05)
    monkeypatch.setattr(uplink, "DRAIN_GRACE", 0.1)


async def test_a_proxy_is_verified_again_when_its_evidence_expires(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy(identity=short_lived(tmp_path, "proxy"))
        worker = await network.add_worker()
        client = await network.add_client()
        before = set(proxy.client_side._links)
        async with await client.run(lasting(LIFETIME + 1.0)) as response:
            assert b"[DONE]" in await response.read()  # it outlives the evidence and is not cut
        await client.wait_ready(10)
        await worker.wait_ready(10, 1)
        assert before.isdisjoint(proxy.client_side._links)
        async with await client.run(lasting(0.1)) as response:
            assert b"[DONE]" in await response.read()


async def test_a_worker_is_verified_again_when_its_evidence_expires(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        dial = RatlsDial(short_lived(tmp_path, "worker"), network.dial("worker").policy)
        worker = await network.add_worker(dial=dial)
        client = await network.add_client()
        (link,) = proxy.worker_side._links
        assert link.peer.kind is EvidenceKind.TDX_SIMULATED
        async with await client.run(lasting(LIFETIME + 1.0)) as response:
            assert b"[DONE]" in await response.read()
        await until(lambda: link not in proxy.worker_side._links)
        assert link not in proxy.worker_side._watches  # nothing keeps it
        await until(lambda: len(proxy.worker_side._watches) == 1 and worker.ready)


async def test_a_worker_that_was_unlisted_for_a_while_is_still_verified_again(
    tmp_path: Path,
) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        dial = RatlsDial(short_lived(tmp_path, "worker"), network.dial("worker").policy)
        await network.add_worker(dial=dial)
        client = await network.add_client()
        (link,) = proxy.worker_side._links
        root = proxy._root
        assert isinstance(root, FixedRoot)
        async with await client.run(lasting(LIFETIME + 1.0)) as response:
            await response.__aiter__().__anext__()
            root.replace(replace(network.root, version=2, worker_hashes=frozenset()))
            quiet_from = proxy.worker_side._watches[link].when()
            await until(lambda: asyncio.get_running_loop().time() > quiet_from)
            assert link in proxy.worker_side.draining
            root.replace(replace(network.root, version=3))
            assert not proxy.worker_side.draining
            await until(lambda: link in proxy.worker_side.draining)
            await response.read()
        await until(lambda: link not in proxy.worker_side._links)


async def test_no_request_fails_while_the_only_proxy_is_verified_again(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy(identity=short_lived(tmp_path, "proxy"))
        # A worker that does not look at the proxy's evidence stays connected.
        dial = RatlsDial(network.dial("worker").identity, unsafe_accept_anything())
        await network.add_worker(dial=dial, check_proxy_hashes=False)
        client = await network.add_client()
        first = set(proxy.client_side._links)
        async with asyncio.timeout(20):
            while not first.isdisjoint(proxy.client_side._links) or not client.ready:
                async with await client.run(lasting(0.1)) as response:
                    assert b"[DONE]" in await response.read()
