"""A thousand idle clients and a thousand idle workers on one proxy, in a process of its own."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cocoon.devnet.options import DevnetOptions
from cocoon.testing.dialling import ANSWER, Dialling, eventually
from cocoon.testing.processes import ProcessNetwork
from cocoon.testing.proxy_rig import ClientPeer
from cocoon.wire.events import AnswerStarted

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PEERS = 1000
LIMIT = 200 * 10**6
"""Bytes of resident memory."""


async def ask(client: ClientPeer, model: str, number: int) -> None:
    request_id = number.to_bytes(32)
    client.run(request_id, model=model.partition("@")[0])
    await eventually(lambda: client.of(request_id))
    answer = client.of(request_id)[0]  # a payment may follow
    assert isinstance(answer, AnswerStarted)
    assert answer.response == ANSWER


async def test_proxy_with_two_thousand_idle_peers(tmp_path: Path) -> None:
    options = DevnetOptions(state=tmp_path, pow_difficulty=0, log_level="warning")
    async with ProcessNetwork(options) as network:
        await network.start("proxy-1")
        ports = network.ports.proxies[0]
        idle = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cocoon.testing.dialling", "--state", str(tmp_path)),
            *("--client-port", str(ports.clients), "--worker-port", str(ports.workers)),
            *("--clients", str(PEERS), "--workers", str(PEERS)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert idle.stdin is not None
        assert idle.stdout is not None
        try:
            assert await idle.stdout.readline() == b"ready\n"
            dialling = Dialling(tmp_path)
            client = await dialling.client(ports.clients, PEERS)
            for number in range(20):
                await ask(client, dialling.model, number)
            status = await network.status("proxy-1")
            assert len(status["worker_connections"]) == PEERS
            assert len(status["clients"]) == PEERS + 1
            used = psutil.Process(network.pid("proxy-1")).memory_info().rss
        finally:
            idle.stdin.close()
            rest = await idle.stdout.read()
            await idle.wait()
        assert rest == b"open %d\n" % (2 * PEERS)
        assert used < LIMIT, f"{used / 1e6:.0f} MB"
