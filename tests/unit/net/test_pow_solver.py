import asyncio
import time

import pytest

from cocoon.errors import RemoteProtocolError
from cocoon.net import pow_solver
from cocoon.wire import pow as proof

pytestmark = pytest.mark.anyio

SALT = bytes(range(16))


@pytest.mark.parametrize(("difficulty", "nonce"), [(8, 480), (16, 84956)])
async def test_finds_the_smallest_nonce(difficulty: int, nonce: int) -> None:
    challenge = proof.Challenge(difficulty, SALT)
    assert await pow_solver.solve(challenge, 20) == proof.Response(nonce)


async def test_refuses_above_the_limit() -> None:
    with pytest.raises(RemoteProtocolError, match="at most 28"):
        await pow_solver.solve(proof.Challenge(29, SALT), 28)


async def test_cancelling_stops_the_search_and_the_loop_stays_free() -> None:
    task = asyncio.create_task(pow_solver.solve(proof.Challenge(60, SALT), 64))
    started = time.monotonic()
    for _ in range(10):
        await asyncio.sleep(0.01)
    assert time.monotonic() - started < 1.0
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
