"""The root contract's lists on every connection, and when they change: drained, not cut."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from cocoon.chain.root_config import RootConfig
from cocoon.client import Client, ClientRequest
from cocoon.client.proxy_pins import ProxyPins
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import PolicyError, RequestError, UnavailableError
from cocoon.net import registry
from cocoon.net.dialing import RatlsDial
from cocoon.net.identity import EvidenceExtras, Identity
from cocoon.net.root_source import FixedRoot
from cocoon.proxy.proxy import Proxy
from cocoon.testing.engine_standin import MODEL
from cocoon.testing.network import InMemoryNetwork
from cocoon.worker import Worker, uplink

pytestmark = pytest.mark.anyio

BODY = b'{"model":"%s","stream":true,"messages":[{"role":"user","content":"x"}],"max_tokens":500}'
SLOW = (("x-standin-chunks", "20"), ("x-standin-delay", "0.05"))


def slow(model: str = MODEL) -> ClientRequest:
    headers = (("Content-Type", "application/json"), *SLOW)
    body = BODY % model.encode()
    return ClientRequest(
        model, "/v1/chat/completions", body, headers=headers, max_tokens=500, timeout=20.0
    )


async def until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110  many small conditions, none with an event
            await asyncio.sleep(0.005)


async def first_part(client: Client) -> tuple[Any, Any, bytes]:
    """A slow answer that has begun."""
    response = await client.run(slow())
    parts = response.__aiter__()
    return response, parts, await anext(parts)


async def rest(parts: Any) -> bytes:
    return b"".join([part async for part in parts])


def change(role: Proxy | Worker | Client, root: RootConfig) -> None:
    source = role._root if isinstance(role, Proxy) else role.root
    assert isinstance(source, FixedRoot)
    source.replace(root)


async def test_a_worker_that_leaves_the_list_ends_its_requests_and_gets_no_more(
    tmp_path: Path,
) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        await network.add_worker()
        client = await network.add_client()
        response, parts, _ = await first_part(client)
        change(proxy, replace(network.root, version=2, worker_hashes=frozenset()))
        assert len(proxy.worker_side.draining) == 1
        with pytest.raises(RequestError, match="no worker for this model"):
            await client.run(slow())
        assert b"[DONE]" in await rest(parts)
        assert response.summary is not None  # it was finished and charged
        await until(lambda: proxy.worker_side.connections == 0)
        assert not proxy.worker_side.draining


async def test_a_worker_that_is_listed_again_goes_on(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        await network.add_worker()
        client = await network.add_client()
        _, parts, _ = await first_part(client)
        change(proxy, replace(network.root, version=2, model_hashes=frozenset()))
        assert proxy.worker_side.draining
        change(proxy, replace(network.root, version=3))
        assert not proxy.worker_side.draining
        await rest(parts)
        async with await client.run(slow()) as again:
            assert b"[DONE]" in await again.read()
        assert proxy.worker_side.connections == 1


async def test_an_idle_worker_is_closed_at_once_and_refused_when_it_returns(
    tmp_path: Path,
) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker()
        change(proxy, replace(network.root, version=2, worker_hashes=frozenset({bytes(32)})))
        await until(lambda: not worker.ready)
        await asyncio.sleep(0.3)
        assert not worker.ready


async def test_without_checks_the_lists_do_not_matter(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path, check_hashes=False) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker()
        change(proxy, replace(network.root, version=2, worker_hashes=frozenset()))
        assert not proxy.worker_side.draining
        assert worker.ready


async def test_a_proxy_that_leaves_the_list_is_drained_by_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink, "DRAIN_GRACE", 0.2)
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker()
        client = await network.add_client()
        response, parts, _ = await first_part(client)
        revoked = replace(network.root, version=2, proxy_hashes=frozenset())
        change(client, revoked)
        change(worker, revoked)
        assert not client.ready
        assert not worker.ready
        with pytest.raises(UnavailableError):
            await client.run(slow())
        assert b"[DONE]" in await rest(parts)
        assert response.summary is not None
        await until(lambda: proxy.client_side.connections == 0)
        await until(lambda: proxy.worker_side.connections == 0)


async def test_what_does_not_end_in_time_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocoon.proxy.worker_side.DRAIN_TIMEOUT", 0.1)
    monkeypatch.setattr("cocoon.proxy.worker_side.DRAIN_STEP", 0.02)
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        await network.add_worker()
        client = await network.add_client()
        _, parts, _ = await first_part(client)
        change(proxy, replace(network.root, version=2, worker_hashes=frozenset()))
        with pytest.raises(RequestError):
            await rest(parts)


async def test_a_worker_whose_evidence_names_another_model_is_refused(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        tee = SimulatedTee(tmp_path / "tee", int(time.time()))
        dial = network.dial("worker")

        def identity(model_hash: bytes) -> Identity:
            return Identity.generate(
                SimulatedTdx(tee, "worker"), extras=EvidenceExtras(model_hash=model_hash)
            )

        (true_hash,) = network.root.model_hashes
        liar = await network.add_worker(
            dial=RatlsDial(identity(bytes(32)), dial.policy), wait=False
        )
        honest = await network.add_worker(dial=RatlsDial(identity(true_hash), dial.policy))
        assert honest.ready
        assert not liar.ready


async def test_a_request_reaches_only_proxies_that_meet_its_pins(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        await network.add_worker()
        client = await network.add_client()
        (image,) = network.root.proxy_hashes
        here = ProxyPins(frozenset({image.hex()}), frozenset({"tdx-simulated"}))
        async with await client.run(structs.replace(slow(), pins=here)) as response:
            assert b"[DONE]" in await response.read()
        served = network.standins[0].requests
        for elsewhere in (
            ProxyPins(proxy_images=frozenset({"00" * 32})),
            ProxyPins(evidence=frozenset({"tdx", "snp"})),
            ProxyPins(frozenset({image.hex()}), frozenset()),
        ):
            with pytest.raises(PolicyError, match="no connected proxy meets"):
                await client.run(structs.replace(slow(), pins=elsewhere))
        assert network.standins[0].requests == served


async def test_another_proxy_is_not_tried_against_the_pins(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        client = await network.add_client()
        with pytest.raises(RequestError, match="no worker"):
            await client.run(
                structs.replace(slow(), pins=ProxyPins(evidence=frozenset({"tdx-simulated"})))
            )


async def test_lists_that_are_too_old_admit_nobody_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        client = await network.add_client()
        await network.add_worker()
        monkeypatch.setattr(FixedRoot, "age", registry.MAX_LIST_AGE + 1)
        late_worker = await network.add_worker(wait=False)
        late_client = await network.add_client(wait=False)
        await asyncio.sleep(0.5)
        assert not late_worker.ready
        assert not late_client.ready
        async with await client.run(slow()) as response:  # who was trusted in time goes on
            assert b"[DONE]" in await response.read()
        monkeypatch.setattr(FixedRoot, "age", 0.0)
        await late_worker.wait_ready(10, 1)
        await late_client.wait_ready(10)


async def test_a_proxy_admits_no_worker_by_lists_that_are_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        proxy = await network.add_proxy()
        monkeypatch.setattr(proxy.worker_side, "_root_age", lambda: registry.MAX_LIST_AGE + 1)
        worker = await network.add_worker(wait=False)
        await asyncio.sleep(0.5)
        assert not worker.ready
        monkeypatch.setattr(proxy.worker_side, "_root_age", lambda: registry.MAX_LIST_AGE)
        await worker.wait_ready(10, 1)
