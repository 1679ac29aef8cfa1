"""Members of a network are killed at any moment: nothing committed is lost, nothing is invented."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cocoon.testing.loaded_network import Levels, LoadedNetwork, loaded_network

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WAIT_LIMIT = 15.0
RETURN_LIMIT = 15.0
"""Seconds within which requests are answered again after a member was started again."""


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(WAIT_LIMIT):
        while not await condition():  # noqa: ASYNC110 - asks other processes
            await asyncio.sleep(0.05)


async def active(loaded: LoadedNetwork, worker: str, requests: int = 1) -> bool:
    """Whether a worker runs so many requests."""
    return bool((await loaded.network.status(worker))["stats"]["active"] >= requests)


class Watch:
    """Remembers the highest levels that client and worker hold, and refuses lower ones."""

    def __init__(self, loaded: LoadedNetwork) -> None:
        self._loaded = loaded
        self.client = Levels(0, 0, 0)
        self.worker = Levels(0, 0, 0)

    async def look(self) -> None:
        client = await self._loaded.client_levels()
        worker = await self._loaded.worker_levels()
        for before, after in ((self.client, client), (self.worker, worker)):
            assert after.in_order
            assert after.signed >= before.signed
            assert after.db >= before.db
        self.client, self.worker = client, worker


async def settled(loaded: LoadedNetwork) -> Watch:
    """After the load: everything used is stored and signed, and all sides agree about it."""
    network = loaded.network
    assert await network.post("proxy-1", "/request/flush") == 200

    async def agreed() -> bool:
        owed = (await loaded.proxy_levels("clients")).max
        return (await loaded.client_levels()).signed == owed

    await until(agreed)
    watch = Watch(loaded)
    await watch.look()
    return watch


async def kill_and_restart(loaded: LoadedNetwork, watch: Watch) -> None:
    """Kill the proxy under load, look at what it has stored, start it again."""
    network = loaded.network
    await watch.look()
    await network.kill("proxy-1")
    held = {"client": watch.client, "worker": watch.worker}
    stored = {kind: loaded.stored_levels(kind) for kind in held}
    for kind, told in held.items():
        # What others were told to be stored is stored, and nothing more than that was signed.
        assert stored[kind].db >= told.db >= told.signed
    served = (await network.status("worker-1"))["stats"]["total_adjusted_tokens_used"]
    assert stored["client"].db == stored["worker"].db <= served
    await network.start("proxy-1")
    for kind, told in held.items():
        again = await loaded.proxy_levels(f"{kind}s")
        assert again.in_order
        assert again.db >= stored[kind].db
        assert again.signed >= max(stored[kind].signed, told.signed)
    assert await loaded.wait_served(4, RETURN_LIMIT) < RETURN_LIMIT
    await watch.look()


async def test_proxy_is_killed_under_load(tmp_path: Path) -> None:
    moments = random.Random(20)
    async with loaded_network(tmp_path, chunks=20, delay=0.005) as loaded:
        loaded.start_load(6)
        await loaded.wait_served(10)
        watch = Watch(loaded)
        for _ in range(3):
            await asyncio.sleep(moments.uniform(0.05, 0.6))
            await kill_and_restart(loaded, watch)
        await loaded.stop_load()
        final = await settled(loaded)
        assert final.client.signed >= watch.client.signed
        assert final.worker.signed >= watch.worker.signed
        assert final.client.signed == final.client.max == final.worker.signed
        served = (await loaded.network.status("worker-1"))["stats"]
        assert final.worker.signed <= served["total_adjusted_tokens_used"]
        paid = sum(outcome.tokens for outcome in loaded.outcomes if outcome.complete)
        assert paid > 0
        assert loaded.complaints() == []


async def test_worker_is_killed_in_mid_stream(tmp_path: Path) -> None:
    async with loaded_network(tmp_path, workers=2, chunks=200, delay=0.05) as loaded:
        network = loaded.network
        stream = asyncio.create_task(loaded.call(stream=True, timeout=60))

        async def somebody_works() -> bool:
            return await active(loaded, "worker-1") or await active(loaded, "worker-2")

        await until(somebody_works)
        busy = "worker-1" if await active(loaded, "worker-1") else "worker-2"
        await asyncio.sleep(0.3)
        await network.kill(busy)
        began = time.monotonic()
        outcome = await stream
        assert time.monotonic() - began < 2
        assert outcome.status == 200
        assert not outcome.complete
        assert '"error"' in outcome.text
        assert " word" in outcome.text
        # It was not charged, and the next request goes to the other worker.
        assert (await loaded.proxy_levels("clients")).max == 0
        status = (await network.status("proxy-1"))["clients"][0]
        assert (status["reserved_tokens"], status["running_queries"]) == (0, 0)
        assert (await loaded.call()).complete
        await network.start(busy)
        assert loaded.complaints() == []


async def test_requests_not_yet_answered_move_to_the_other_worker(tmp_path: Path) -> None:
    async with loaded_network(tmp_path, workers=2, hold=1.5) as loaded:
        network = loaded.network
        calls = [asyncio.create_task(loaded.call()) for _ in range(8)]
        await until(lambda: active(loaded, "worker-1", 4))
        await network.kill("worker-1")
        outcomes = await asyncio.gather(*calls)
        assert all(outcome.complete for outcome in outcomes), [o.text for o in outcomes]
        await settled_tokens(loaded, sum(outcome.tokens for outcome in outcomes))


async def settled_tokens(loaded: LoadedNetwork, tokens: int) -> None:
    """What the answers said is what is charged: once for each, however often they were moved."""
    assert (await loaded.proxy_levels("clients")).max == tokens
    assert (await loaded.proxy_levels("workers")).max == tokens


async def test_client_is_killed(tmp_path: Path) -> None:
    async with loaded_network(tmp_path, chunks=30, delay=0.05) as loaded:
        network = loaded.network
        assert (await loaded.call()).complete
        await settled(loaded)
        await asyncio.sleep(1.5)  # until the client has saved the payment
        saved = loaded.saved_levels("client", "payments.json")
        assert saved.signed > 0
        stream = asyncio.create_task(loaded.call(stream=True))
        await until(lambda: active(loaded, "worker-1"))
        await network.kill("client")
        assert not (await stream).complete

        async def released() -> bool:
            account = (await network.status("proxy-1"))["clients"][0]
            return not account["running_queries"] and not account["reserved_tokens"]

        await until(released)
        assert b"cocoon_proxy_client_connections 0.0" in await network.page("proxy-1", "/metrics")
        status = await network.status("proxy-1")
        assert status["worker_connections"][0]["running_queries"] == 0
        await network.start("client")
        assert (await loaded.call()).complete
        final = await settled(loaded)
        assert final.client.signed > saved.signed
        assert loaded.complaints() == []
