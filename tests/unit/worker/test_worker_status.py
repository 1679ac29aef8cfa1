"""A worker's status and control pages, over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from cocoon.devnet.http import call, get_json
from cocoon.testing.network import InMemoryNetwork
from cocoon.worker import Worker

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[tuple[Worker, str]]:
    async with InMemoryNetwork(path) as network:
        await network.add_proxy()
        worker = await network.add_worker(http_port=0)
        yield worker, f"http://127.0.0.1:{worker.http_port}"


async def test_status_pages(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, url):
        assert (await call("GET", url + "/health", 5)).status == 200
        assert (await call("GET", url + "/ready", 5)).status == 200
        stats = await get_json(url + "/jsonstats", 5)
        assert stats["status"]["enabled"] is True
        assert stats["localconfig"]["model"] == "stand-in"
        assert stats["stats"]["queries"] == 0
        (proxy,) = stats["proxies"]
        assert proxy["earned_tokens_max_known"] == 0
        metrics = (await call("GET", url + "/metrics", 5)).body.decode()
        assert "cocoon_worker_proxy_connections 1.0" in metrics
        assert 'cocoon_worker_requests_total{outcome="succeeded"} 0.0' in metrics
        assert (await call("GET", url + "/other", 5)).status == 404
        worker.set_enabled(False)
        assert (await call("GET", url + "/ready", 5)).status == 503


async def test_control_is_post_only(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, url):
        assert (await call("GET", url + "/request/disable", 5)).status == 405
        assert worker.enabled
        assert (await call("POST", url + "/request/disable", 5)).status == 200
        assert not worker.enabled
        assert (await call("POST", url + "/request/enable", 5)).status == 200
        assert worker.enabled
        change = url + "/request/change_coefficient"
        assert (await call("POST", change + "?coefficient=0.29", 5)).status == 200
        assert worker.coefficient == 290
        for wrong in (
            "",
            "?coefficient=",
            "?coefficient=nan",
            "?coefficient=-1",
            "?coefficient=1e9",
        ):
            assert (await call("POST", change + wrong, 5)).status == 400
        assert worker.coefficient == 290


async def test_web_pages_control_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, url), aiohttp.ClientSession() as session:
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            async with session.post(url + "/request/disable", headers=headers) as response:
                assert response.status == 403
        assert worker.enabled
