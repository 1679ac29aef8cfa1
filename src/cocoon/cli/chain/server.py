"""An embedded chain as a server on this machine."""

import asyncio
import contextlib

import structlog

from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.http import create_app
from cocoon.cli.chain.places import LOOPBACK
from cocoon.errors import ChainError, StoreError, where
from cocoon.net.http_server import HttpServer
from cocoon.net.page_guard import PageGuard

TICK = 1.0
"""Seconds between looks whether it is time for an empty block."""
BUSY_TICK = 0.02
"""The same while messages wait for the next block."""

log = structlog.get_logger("cocoon.chain")


class ChainServer:
    """Serves a chain over HTTP and makes its blocks while nobody sends anything.

    Args:
        chain: stays the caller's, who closes it afterwards.
        host: address to listen on. What listens for other machines is nothing for real money: it
            asks nobody for a password.
        port: TCP port; 0 takes a free one.
        control: whether callers may print coins, set the clock and go back.
    """

    def __init__(
        self, chain: EmbeddedChain, *, host: str = LOOPBACK, port: int = 0, control: bool = True
    ) -> None:
        self._chain = chain
        self._host = host
        app = PageGuard(create_app(chain, control=control), host)
        self._server = HttpServer(app, host, port)
        self._ticking: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end; after :meth:`start`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.port}"

    async def start(self) -> None:
        """Listen; returns once calls are answered.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        await self._server.start()
        self._ticking = asyncio.create_task(self._tick())

    async def close(self) -> None:
        """Answer what is being asked, then stop."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
            self._ticking = None
        await self._server.stop()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(BUSY_TICK if self._chain.waiting else TICK)
            try:
                await asyncio.to_thread(self._chain.tick)
            except (ChainError, StoreError) as error:
                log.error("no block was made", error=str(error), at=where(error))
