"""A certificate is public: whoever shows one without holding its key is nobody.

The evidence in it verifies, inside the TLS callback. What makes it the peer's own comes after it in
the handshake; here that part is changed or cut on its way.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cocoon.attestation.peer import VerifiedPeer
from cocoon.attestation.verify import verify_peer
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.net import ratls_context
from cocoon.net.identity import Identity
from cocoon.net.ratls import dial_ratls, listen_ratls
from cocoon.testing.ratls import Echo, Recorder

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1"
WORK_BYTES = 12
RECORD_HEADER = 5
ENCRYPTED = 23


@asynccontextmanager
async def meddler(port: int, touch: int | None, *, cut: bool) -> AsyncIterator[int]:
    """A relay that changes one encrypted record of the dialler, or everything from it on.

    Args:
        port: where the records go.
        touch: which encrypted record: 0 holds the certificate, 1 the proof of its key, 2 the end
            of the handshake; None touches nothing.
        cut: close instead of changing.
    """

    async def back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()

    async def forth(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(WORK_BYTES))
        seen = 0
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                header = await reader.readexactly(RECORD_HEADER)
                body = bytearray(await reader.readexactly(int.from_bytes(header[3:], "big")))
                if header[0] == ENCRYPTED:
                    if seen == touch:
                        if cut:
                            break
                        body[0] ^= 1
                    seen += 1
                writer.write(header + body)
        writer.close()

    ended: list[asyncio.Future[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.get_running_loop().create_future())
        there, onward = await asyncio.open_connection(HOST, port)
        await asyncio.gather(forth(reader, onward), back(there, writer))
        for end in (writer, onward):
            with contextlib.suppress(OSError):
                await end.wait_closed()
        ended[-1].set_result(None)

    async with await asyncio.start_server(serve, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]
        async with asyncio.timeout(5):
            await asyncio.gather(*ended)


@pytest.mark.parametrize(
    ("touch", "cut"),
    [(None, False), *((touch, cut) for touch in (0, 1, 2) for cut in (False, True))],
)
async def test_verified_evidence_without_its_key_is_nobody(
    touch: int | None, cut: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time())
    tee = SimulatedTee(tmp_path / "tee", now)
    proxy = Identity.generate(SimulatedTdx(tee, "proxy"))
    worker = Identity.generate(SimulatedTdx(tee, "worker"))
    verified: list[VerifiedPeer] = []

    def remember(*given: Any, **more: Any) -> VerifiedPeer:
        verified.append(verify_peer(*given, **more))
        return verified[-1]

    monkeypatch.setattr(ratls_context, "verify_peer", remember)
    released: list[Echo] = []

    def app() -> Echo:
        released.append(Echo())
        return released[-1]

    policy = tee.policy(now)
    server = await listen_ratls(app, HOST, 0, identity=proxy, policy=policy, pow_difficulty=0)
    async with meddler(server.port, touch, cut=cut) as port:
        _, dialler = await dial_ratls(Recorder, HOST, port, identity=worker, policy=policy)
        assert isinstance(dialler, Recorder)
        if touch is None:
            assert dialler.transport is not None
            dialler.transport.write(b"ping")
            assert await dialler.wait_for(4) == b"ping"
            dialler.transport.close()
        async with asyncio.timeout(5):
            await dialler.lost.wait()
    await server.close()
    keys = [peer.public_key for peer in verified]
    # The listener did verify the worker's evidence, unless not even the certificate arrived.
    assert (worker.current().public_key in keys) == (touch != 0)
    assert len(released) == (touch is None)
