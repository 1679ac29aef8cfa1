"""A network whose members are killed at random for minutes; ``make soak``."""

import asyncio
import os
import random
from pathlib import Path

import pytest

from cocoon.errors import UnavailableError
from cocoon.testing.loaded_network import Levels, LoadedNetwork, loaded_network

pytestmark = [pytest.mark.anyio, pytest.mark.soak, pytest.mark.timeout(900)]

ROUNDS = int(os.environ.get("COCOON_SOAK_ROUNDS", "40"))
CHUNKS = 20
MOST_TOKENS = CHUNKS + 8
"""The most that one request to the stand-in uses."""
NOBODY = Levels(0, 0, 0)


async def restart(loaded: LoadedNetwork, name: str, moments: random.Random) -> None:
    """Start a member again, and now and then kill it while it starts."""
    while moments.random() < 0.25:
        starting = asyncio.create_task(loaded.network.start(name))
        await asyncio.sleep(moments.uniform(0.0, 1.0))
        if starting.done():
            return starting.result()
        await loaded.network.kill(name)
        with pytest.raises(UnavailableError):
            await starting
    return await loaded.network.start(name)


async def look(loaded: LoadedNetwork, signed: dict[str, int]) -> None:
    """No level of anybody is out of order or lower than before."""
    levels = {"client": await loaded.client_levels()}
    for name in ("worker-1", "worker-2"):
        levels[name] = await loaded.worker_levels(name)
    for name, level in levels.items():
        assert level.in_order
        assert level.signed >= signed.get(name, 0), name
        signed[name] = level.signed
    owed, earned = await loaded.proxy_books()
    assert owed.max == earned.max <= loaded.engine.requests * MOST_TOKENS
    assert signed["client"] <= owed.max
    assert signed["worker-1"] + signed["worker-2"] <= earned.max


async def test_random_kills(tmp_path: Path) -> None:
    moments = random.Random(7)
    async with loaded_network(tmp_path, workers=2, chunks=CHUNKS, delay=0.005) as loaded:
        loaded.start_load(6)
        await loaded.wait_served(10)
        signed: dict[str, int] = {}
        for _ in range(ROUNDS):
            await look(loaded, signed)
            victims = moments.sample(
                ["proxy-1", "proxy-1", "worker-1", "worker-2", "client"], moments.choice((1, 1, 2))
            )
            for name in set(victims):
                await loaded.network.kill(name)
            for name in set(victims):
                if name == "client":
                    saved = loaded.saved_levels("client", "payments.json").signed
                elif name != "proxy-1":
                    saved = loaded.saved_levels(name, "earnings.json").signed
                else:
                    continue
                # It saves every second: what it knows again may be a little older.
                signed[name] = min(saved, signed[name])
            for name in sorted(set(victims), key="proxy-1 worker-1 worker-2 client".find):
                await restart(loaded, name, moments)
            await loaded.wait_served(4, 30)
            await asyncio.sleep(moments.uniform(0.0, 1.5))
        await loaded.stop_load()
        await look(loaded, signed)
        assert loaded.complaints() == []
