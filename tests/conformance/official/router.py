"""The two kinds of router port that runners need (wire-protocol.md §2.1-2.5, attestation.md §7)."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from official import tls
from official.certs import Certificate, UntrustedError

HOST = "127.0.0.1"


class _Port:
    """A listening port; subclasses serve its connections."""

    def __init__(self, certificate: Certificate, policy: str) -> None:
        self.certificate, self.policy = certificate, policy
        self.connections = 0
        self.refused: list[str] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> "Any":
        """Listen on loopback."""
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        """Stop, and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            self.connections += 1
            await self._serve(reader, writer)
        except (ConnectionError, UntrustedError, asyncio.IncompleteReadError, OSError) as error:
            self.refused.append(str(error))
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(Exception):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class SocksPort(_Port):
    """``-S``: from a local runner to attested peers; ``--serialize-info`` is on."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if version != 5 or 0 not in methods:
            raise ConnectionError("no method in common")
        writer.write(b"\x05\x00")
        version, command, _, kind = await reader.readexactly(4)
        if (version, command, kind) != (5, 1, 1):
            raise ConnectionError("only CONNECT to IPv4")
        host = socket.inet_ntoa(await reader.readexactly(4))
        port = struct.unpack(">H", await reader.readexactly(2))[0]
        # The success reply comes as soon as the connection is started: before TCP, work and TLS.
        writer.write(b"\x05\x00\x00\x01" + bytes(4) + b"\x00\x00")
        far_reader, far_writer, info = await tls.dial(host, port, self.certificate, self.policy)
        try:
            source = writer.get_extra_info("peername")[:2]
            writer.write(replace(info, source=source, destination=(host, port)).frame())
            await _both(_pump(reader, far_writer.write), _pump(far_reader, writer.write))
        finally:
            far_writer.transport.abort()
            with suppress(Exception):
                await far_writer.wait_closed()


class ReversePort(_Port):
    """``-R``: from attested peers to a runner on this machine; ``--serialize-info`` is on."""

    def __init__(
        self, certificate: Certificate, policy: str, backend: int, *, difficulty: int = 4
    ) -> None:
        super().__init__(certificate, policy)
        self.backend, self.difficulty = backend, difficulty

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await tls.pow_serve(reader, writer, self.difficulty)
        secure = tls.ServerTls(reader, writer, self.certificate, self.policy)
        info = await secure.handshake()
        near_reader, near_writer = await asyncio.open_connection(HOST, self.backend)
        try:
            source = writer.get_extra_info("peername")[:2]
            near_writer.write(
                replace(info, source=source, destination=(HOST, self.backend)).frame()
            )
            await _both(_pump_tls(secure, near_writer.write), _pump(near_reader, secure.write))
        finally:
            near_writer.transport.abort()
            with suppress(Exception):
                await near_writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, write: Callable[[bytes], object]) -> None:
    while data := await reader.read(1 << 16):
        write(data)


async def _pump_tls(secure: tls.ServerTls, write: Callable[[bytes], object]) -> None:
    while data := await secure.read():
        write(data)


async def _both(*pumps: Any) -> None:
    """Copy until either direction ends."""
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def socks_connect(
    router: int, host: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A runner's side of SOCKS5: method 0 only, IPv4 CONNECT."""
    reader, writer = await asyncio.open_connection(HOST, router)
    try:
        writer.write(b"\x05\x01\x00")
        if await reader.readexactly(2) != b"\x05\x00":
            raise ConnectionError("method refused")
        writer.write(b"\x05\x01\x00\x01" + socket.inet_aton(host) + struct.pack(">H", port))
        reply = await reader.readexactly(10)
        if reply[:2] != b"\x05\x00":
            raise ConnectionError("refused")
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer
