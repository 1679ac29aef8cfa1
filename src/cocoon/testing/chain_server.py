"""A chain that programs reach over HTTP, inside a test or as a process of its own.

::

    async with serving(memory_chain()) as url:
        client = ToncenterClient(network, base_url=f"{url}/api/v2")

    async with ChainProcess(tmp_path / "chain.sqlite") as process:
        await process.kill()
        await process.start()
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.cli.chain.server import ChainServer
from cocoon.devnet.http import get_status
from cocoon.devnet.ports import free_ports
from cocoon.errors import UnavailableError

START_TIMEOUT = 50.0
"""Seconds; the very first start on a machine compiles the emulator."""
STOP_TIMEOUT = 10.0


@contextlib.asynccontextmanager
async def serving(chain: EmbeddedChain, *, control: bool = True) -> AsyncIterator[str]:
    """Serve a chain on a free loopback port; yields its URL, without a slash at the end.

    Args:
        chain: stays the caller's.
        control: whether callers may print coins, set the clock and go back.
    """
    server = ChainServer(chain, control=control)
    await server.start()
    try:
        yield server.url
    finally:
        await server.close()


class ChainProcess:
    """``cocoon chain up`` as a process on a free port; the port stays the same over restarts.

    Args:
        database: the chain's file.

    Attributes:
        url: where it is, without a slash at the end.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._port = free_ports(1, 1).chain
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            UnavailableError: it ended, or does not answer in time.
        """
        words = ("chain", "up", "--database", str(self._database), "--port", str(self._port))
        log = self._database.with_name(f"{self._database.name}.log")
        with log.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cocoon", *words),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=errors,
            )
        async with asyncio.timeout(START_TIMEOUT):
            while await get_status(f"{self.url}/health", 1.0) != 200:
                if self._process.returncode is not None:
                    raise UnavailableError(f"the chain ended: {log.read_text()[-500:]}")
                await asyncio.sleep(0.05)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        process = self._process
        if process is None:
            raise UnavailableError("the chain does not run")
        self._process = None
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(STOP_TIMEOUT):
            return await process.wait()

    async def kill(self) -> None:
        """End it as a crash of the machine would."""
        await self.stop(signal.SIGKILL)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            await self.stop()
