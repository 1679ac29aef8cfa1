"""TLS memory is given back without a byte being lost."""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from OpenSSL import SSL

from cocoon.attestation.policy import unsafe_accept_anything
from cocoon.attestation.verify import PeerRole
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.net import ratls_memory, ratls_stream
from cocoon.net.identity import Identity
from cocoon.net.ratls import dial_ratls, listen_ratls
from cocoon.net.ratls_memory import release_buffers
from cocoon.testing.ratls import Echo, Recorder

HOST = "127.0.0.1"
POLICY = unsafe_accept_anything()


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity.generate(SimulatedTdx(SimulatedTee(tmp_path / "tee", int(time.time())), "m"))


def drain(connection: SSL.Connection) -> bytes:
    parts = []
    try:
        while True:
            parts.append(connection.bio_read(65_536))
    except SSL.WantReadError:
        return b"".join(parts)


def shaken_hands(identity: Identity) -> tuple[SSL.Connection, SSL.Connection]:
    ends = [
        identity.contexts.connection(identity.current(), POLICY, role)[0]
        for role in (PeerRole.SERVER, PeerRole.CLIENT)
    ]
    for turn in range(6):
        near, far = ends[turn % 2], ends[(turn + 1) % 2]
        with contextlib.suppress(SSL.WantReadError):
            near.do_handshake()
        data = drain(near)
        if data:
            far.bio_write(data)
    return ends[0], ends[1]


def test_this_pyopenssl_can_do_it() -> None:
    assert ratls_memory.POSSIBLE


def test_unread_and_unsent_bytes_survive(identity: Identity) -> None:
    client, server = shaken_hands(identity)
    client.send(b"question" * 1000)
    record = drain(client)
    server.bio_write(record[:5000])
    assert release_buffers(server)
    server.bio_write(record[5000:])
    assert server.recv(16_384) == b"question" * 1000
    server.send(b"answer")
    assert release_buffers(server)
    client.bio_write(drain(server))
    assert client.recv(100) == b"answer"


@pytest.mark.anyio
async def test_memory_of_long_transfers_is_given_back(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    released: list[SSL.Connection] = []

    def spy(tls: SSL.Connection) -> bool:
        released.append(tls)
        return release_buffers(tls)

    monkeypatch.setattr(ratls_stream, "RELEASE_AFTER", 0.05)
    monkeypatch.setattr(ratls_stream, "release_buffers", spy)
    server = await listen_ratls(Echo, HOST, 0, identity=identity, policy=POLICY, pow_difficulty=0)
    _, app = await dial_ratls(Recorder, HOST, server.port, identity=identity, policy=POLICY)
    assert isinstance(app, Recorder)
    assert app.transport is not None
    app.transport.write(bytes(10**6))
    await asyncio.wait_for(app.wait_for(10**6), 10)
    async with asyncio.timeout(10):
        while len(released) < 4:  # noqa: ASYNC110 - both ends, after handshake and transfer
            await asyncio.sleep(0.01)
    app.transport.write(b"more")
    assert (await asyncio.wait_for(app.wait_for(10**6 + 4), 10))[-4:] == b"more"
    app.transport.close()
    await app.lost.wait()
    await server.close()
