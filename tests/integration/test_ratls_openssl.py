"""An independent TLS peer, the ``openssl`` program, with the official settings."""

import asyncio
import shutil
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from ssl import DER_cert_to_PEM_cert

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cocoon.attestation import policy
from cocoon.attestation.certificate import raw_public_key
from cocoon.attestation.evidence import report_data
from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.errors import EvidenceError
from cocoon.net.identity import Identity
from cocoon.net.ratls import dial_ratls, listen_ratls
from cocoon.testing.certificates import CertificateRecipe
from cocoon.testing.ratls import Echo, Recorder
from cocoon.wire import pow as proof

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl program here"),
]

HOST = "127.0.0.1"
POLICY = policy.fake_tdx()


def write_official_files(folder: Path, *, good: bool = True) -> None:
    """A certificate of the X.509 v1 form that official generators made."""
    recipe = CertificateRecipe(int(time.time()) - 60, official_v1=True)
    quote = report_data(raw_public_key(recipe.key)) if good else bytes(64)
    recipe = CertificateRecipe(recipe.not_before, key=recipe.key, quote=quote, official_v1=True)
    key = recipe.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)
    (folder / "cert.pem").write_text(DER_cert_to_PEM_cert(recipe.to_der()))


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()


@asynccontextmanager
async def relay(target: int, *, answers: bool) -> AsyncIterator[int]:
    """A port that does one side of the proof of work and then copies bytes to ``target``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, target)
        if answers:
            await far_reader.readexactly(proof.Challenge.SIZE)
            far_writer.write(proof.Response(0).to_bytes())
        else:
            writer.write(proof.Challenge(0, bytes(16)).to_bytes())
            await reader.readexactly(proof.Response.SIZE)
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    server = await asyncio.start_server(serve, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def openssl(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        "openssl",
        *arguments,
        *("-tls1_3", "-cert", "cert.pem", "-key", "key.pem"),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def read_until(process: asyncio.subprocess.Process, wanted: bytes) -> bytes:
    assert process.stdout is not None
    seen = b""
    async with asyncio.timeout(20):
        while wanted not in seen:
            data = await process.stdout.read(4096)
            assert data, seen
            seen += data
    return seen


async def test_an_independent_client_talks_to_our_listener(tmp_path: Path) -> None:
    write_official_files(tmp_path)
    accepted: asyncio.Queue[Echo] = asyncio.Queue()

    def factory() -> Echo:
        app = Echo()
        accepted.put_nowait(app)
        return app

    server = await listen_ratls(
        factory, HOST, 0, identity=Identity.generate(FakeTdx()), policy=POLICY, pow_difficulty=0
    )
    async with (
        relay(server.port, answers=True) as port,
        openssl(tmp_path, "s_client", "-connect", f"{HOST}:{port}", "-noservername") as client,
    ):
        assert client.stdin is not None
        app = await accepted.get()
        client.stdin.write(b"hello\n")
        assert await app.wait_for(6) == b"hello\n"
        await read_until(client, b"hello\n")
        # "K" asks for new keys in both directions; nobody above TLS notices.
        client.stdin.write(b"K\n")
        await read_until(client, b"KEYUPDATE")
        client.stdin.write(b"again\n")
        assert await app.wait_for(12) == b"hello\nagain\n"
        await read_until(client, b"again\n")
    await app.lost.wait()
    await server.close()


async def test_our_dialer_talks_to_an_independent_server(tmp_path: Path) -> None:
    async with independent_server(tmp_path, good=True) as port:
        _, app = await dial_ratls(
            Recorder, HOST, port, identity=Identity.generate(FakeTdx()), policy=POLICY
        )
        assert isinstance(app, Recorder)
        assert app.transport is not None
        app.transport.write(b"abc\n")
        assert await app.wait_for(4) == b"cba\n"
        app.transport.close()
        await app.lost.wait()


async def test_our_dialer_refuses_an_independent_server_with_a_wrong_quote(
    tmp_path: Path,
) -> None:
    async with independent_server(tmp_path, good=False) as port:
        with pytest.raises(EvidenceError):
            await dial_ratls(
                Recorder, HOST, port, identity=Identity.generate(FakeTdx()), policy=POLICY
            )


@asynccontextmanager
async def independent_server(folder: Path, *, good: bool) -> AsyncIterator[int]:
    write_official_files(folder, good=good)
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    arguments = ("s_server", "-accept", f"{HOST}:{port}", "-Verify", "1", "-rev", "-no_ticket")
    suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
    async with openssl(folder, *arguments, "-ciphersuites", suites) as process:
        await read_until(process, b"ACCEPT")
        async with relay(port, answers=False) as open_port:
            yield open_port
