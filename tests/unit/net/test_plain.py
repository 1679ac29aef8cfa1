import asyncio
import contextlib
from dataclasses import replace

import pytest

from cocoon.attestation.measurements import Attestation
from cocoon.attestation.peer import PeerSource
from cocoon.errors import (
    DeadlineError,
    DecodeError,
    LocalProtocolError,
    RemoteProtocolError,
    UnavailableError,
)
from cocoon.net.plain import PlainLimits, PlainTimeouts, PlainTransport, dial_plain, listen_plain
from cocoon.wire.attested_peer import AttestedPeerInfo

pytestmark = pytest.mark.anyio

RECORD = AttestedPeerInfo(Attestation(), bytes(range(32)), ("10.0.0.1", 5), ("127.0.0.1", 6))
SHORT = PlainTimeouts(connect=1.0, record=0.2)


class App(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = b""
        self.changed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, PlainTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.changed.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.changed.set()


class Router(asyncio.Protocol):
    """Says ``script``, then closes if told to."""

    def __init__(self, script: bytes, *, close: bool) -> None:
        self.script, self.close = script, close

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.script)
        if self.close:
            transport.close()


async def dial(script: bytes, *, close: bool = False, socks: bool = True) -> App:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Router(script, close=close), "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    target = ("10.0.0.1", 5000) if socks else address
    try:
        transport, app = await dial_plain(
            App, *target, socks=address if socks else None, timeouts=SHORT
        )
        transport.close()
        return app
    finally:
        server.close()


ACCEPTED = b"\x05\x00" + bytes.fromhex("05000001000000000000")


async def test_dial_through_socks() -> None:
    app = await dial(ACCEPTED + RECORD.to_frame() + b"early")
    assert app.received == b"early"
    peer = app.transport.peer
    assert peer.source is PeerSource.ROUTER
    assert peer.public_key == RECORD.public_key
    assert peer.image_hash == bytes(32)


async def test_dial_a_forward_port() -> None:
    app = await dial(RECORD.to_frame(), socks=False)
    assert app.transport.peer.public_key == RECORD.public_key


@pytest.mark.parametrize(
    ("script", "close", "error"),
    [
        (b"", False, DeadlineError),
        (b"", True, UnavailableError),
        (ACCEPTED, False, DeadlineError),
        (ACCEPTED, True, UnavailableError),
        (b"\x05\xff", False, RemoteProtocolError),
        (b"HTTP/1.1", False, DecodeError),
        (ACCEPTED + b"\xff\xff\xff\xff", False, DecodeError),
        (ACCEPTED + RECORD.to_frame()[:-1], True, UnavailableError),
    ],
)
async def test_dial_failures(script: bytes, close: bool, error: type[Exception]) -> None:
    with pytest.raises(error):
        await dial(script, close=close)


async def test_no_router_and_bad_targets() -> None:
    with pytest.raises(UnavailableError, match="no router"):
        await dial_plain(App, "10.0.0.1", 5, socks=("127.0.0.1", 1))
    with pytest.raises(LocalProtocolError):
        await dial_plain(App, "example.org", 5, socks=("127.0.0.1", 1))


async def test_listen_takes_only_connections_with_a_record() -> None:
    apps: list[App] = []

    def accept() -> App:
        apps.append(App())
        return apps[-1]

    limits = replace(PlainLimits(), record_timeout=0.2, max_unfinished=2)
    server = await listen_plain(accept, "127.0.0.1", 0, limits=limits)
    opened = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(4)]
    opened[0][1].write(RECORD.to_frame() + b"hello")
    opened[1][1].write(b"\xff" * 8)
    for reader, writer in opened[1:]:  # malformed, one too many, silent
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()
    assert len(apps) == 1
    while apps[0].received != b"hello":
        await asyncio.wait_for(apps[0].changed.wait(), 2)
    await server.close()
    apps[0].transport.write(b"still here")
    assert await asyncio.wait_for(opened[0][0].readexactly(10), 2) == b"still here"
    opened[0][1].close()
    apps[0].transport.close()
