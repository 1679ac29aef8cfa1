"""Connections to several liteservers, opened when needed; one of them is asked first."""

import asyncio
from collections.abc import Iterator, Sequence

from cocoon.chain.liteserver.adnl import AdnlConnection
from cocoon.chain.liteserver.servers import Server
from cocoon.chain.liteserver.tl import TlReader


class Pool:
    """Connections by number of the server.

    Args:
        servers: at least one.
        first: number of the one that is asked first.
        timeout: seconds to connect, and for each query.
    """

    def __init__(self, servers: Sequence[Server], first: int, timeout: float) -> None:
        self._servers = servers
        self._first = first
        self._timeout = timeout
        self._open: dict[int, AdnlConnection] = {}
        self._locks = [asyncio.Lock() for _ in servers]

    @property
    def first(self) -> Server:
        """The one that is asked first."""
        return self._servers[self._first]

    def rotate(self) -> None:
        """Ask the next one first from now on."""
        self._first = (self._first + 1) % len(self._servers)

    def others(self) -> Iterator[int]:
        """Numbers of all but the first, in turn."""
        count = len(self._servers)
        return ((self._first + step) % count for step in range(1, count))

    def server(self, number: int) -> Server:
        """One of the servers."""
        return self._servers[number]

    async def ask(self, query: bytes, number: int | None = None) -> TlReader:
        """Ask a server, the first one if none is named.

        Raises:
            ChainError: it cannot be reached, or answers with an error.
        """
        number = self._first if number is None else number
        async with self._locks[number]:
            connection = self._open.get(number)
            if connection is None or not connection.is_open:
                connection = AdnlConnection(self._servers[number], self._timeout)
                await connection.open()
                self._open[number] = connection
        return await connection.query(query)

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._open.values():
            await connection.close()
        self._open.clear()
