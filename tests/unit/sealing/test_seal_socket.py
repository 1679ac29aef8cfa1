"""The seal service over a socket: limits, time limits, refusals."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.devnet.seal import SimulatedReports, SoftwareEnclave, sgx_collateral
from cocoon.devnet.tee import SimulatedTee
from cocoon.errors import (
    ConfigError,
    DeadlineError,
    EvidenceError,
    RemoteProtocolError,
    UnavailableError,
)
from cocoon.sealing.checks import SealPolicy
from cocoon.sealing.client import SgxEnclave
from cocoon.sealing.derivation import public_bytes, request_report_data
from cocoon.sealing.enclave import fetch_key
from cocoon.sealing.endpoint import SealEndpoint
from cocoon.sealing.messages import GetPersistentKey, PersistentKeyAnswer, frame
from cocoon.sealing.server import SealLimits, SealServer

NOW = int(time.time())
QUICK = SealLimits(max_connections=2, request_timeout=0.2, answer_timeout=0.3, max_requests=2)


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("seal") / "tee", NOW)


@contextlib.asynccontextmanager
async def served(
    enclave: object, limits: SealLimits | None = None, at: str = "tcp:127.0.0.1:0"
) -> AsyncIterator[SealEndpoint]:
    server = SealServer(enclave, SealEndpoint.parse(at), limits=limits)  # type: ignore[arg-type]
    await server.start()
    try:
        yield server.endpoint
    finally:
        await server.close()


def request(tee: SimulatedTee, name: bytes = b"app") -> GetPersistentKey:
    public = public_bytes(ec.generate_private_key(ec.SECP256R1()).public_key())
    report = SimulatedReports(tee, "x").report(request_report_data(public))
    return GetPersistentKey(report, public, name)


def policy(tee: SimulatedTee, enclave: SoftwareEnclave) -> SealPolicy:
    book = CollateralBook(sgx_collateral(tee, NOW))
    return SealPolicy(frozenset({enclave.mr_enclave}), book, tee.root_certificate)


@pytest.mark.anyio
async def test_a_key_depends_on_everything_that_it_should(tee: SimulatedTee) -> None:
    enclave = SoftwareEnclave(tee)
    async with served(enclave) as endpoint:
        remote = SgxEnclave(endpoint)
        seen = set()
        for image, version, tcb, name in [
            ("a", "1", "1", "app"),
            ("b", "1", "1", "app"),
            ("a", "2", "1", "app"),
            ("a", "1", "2", "app"),
            ("a", "1", "1", "disk_encryption"),
        ]:
            reports = SimulatedReports(tee, image, version, tcb)
            ask = (remote, reports, name, policy(tee, enclave), NOW)
            key = await asyncio.to_thread(fetch_key, *ask)
            assert key.reveal() == fetch_key(enclave, *ask[1:]).reveal()
            seen.add(key.reveal())
        assert len(seen) == 5
    other = SoftwareEnclave(tee, "seal-2")
    reports = SimulatedReports(tee, "a")
    key = fetch_key(other, reports, "app", policy(tee, other), NOW)
    assert key.reveal() not in seen
    for bad in ("", "n" * 257):
        with pytest.raises(ConfigError, match="1 to 256"):
            fetch_key(enclave, reports, bad, policy(tee, enclave), NOW)


def test_what_the_enclave_refuses(tee: SimulatedTee, tmp_path: Path) -> None:
    enclave, good = SoftwareEnclave(tee), request(tee)
    enclave.persistent_key(good)
    changed = bytearray(good.tdx_report)
    changed[100] ^= 1  # a hash of measurements
    elsewhere = SimulatedTee(tmp_path / "tee", NOW)
    other_key = request(tee).public_key
    for report, public in (
        (bytes(changed), good.public_key),
        (request(elsewhere).tdx_report, good.public_key),
        (good.tdx_report, other_key),
        (bytes(1024), good.public_key),
        (b"\x81\0\1\0" + good.tdx_report[4:], good.public_key),
        (b"\x81\0\0\1" + good.tdx_report[4:], good.public_key),
    ):
        with pytest.raises(EvidenceError):
            enclave.persistent_key(GetPersistentKey(report, public, b"app"))


@pytest.mark.anyio
async def test_a_refused_request_ends_the_connection(tee: SimulatedTee, tmp_path: Path) -> None:
    async with served(SoftwareEnclave(tee), at=f"unix:{tmp_path}/s") as endpoint:
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
        good = request(tee)
        bad = GetPersistentKey(good.tdx_report, request(tee).public_key, b"app")
        with pytest.raises(RemoteProtocolError, match="refuses this guest's report"):
            await asyncio.to_thread(SgxEnclave(endpoint).persistent_key, bad)
        for wrong in (b"\xff\xff\xff\x7f", frame(b"nonsense")):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
            writer.write(wrong)
            assert await reader.read() == b""
            writer.close()


@pytest.mark.anyio
async def test_silence_and_crowds_do_not_last(tee: SimulatedTee) -> None:
    async with served(SoftwareEnclave(tee), QUICK) as endpoint:
        host, port = endpoint.address
        silent = [await asyncio.open_connection(host, port) for _ in range(2)]
        reader, writer = await asyncio.open_connection(host, port)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""  # too many at once
        writer.close()
        began = time.monotonic()
        for reader, writer in silent:
            assert await reader.read() == b""
            writer.close()
        assert time.monotonic() - began < 5
        reader, writer = await asyncio.open_connection(host, port)
        for _ in range(QUICK.max_requests):  # several requests on one connection, then no more
            writer.write(frame(request(tee).to_bytes()))
            length = int.from_bytes(await reader.readexactly(4), "little")
            PersistentKeyAnswer.from_bytes(await reader.readexactly(length))
        assert await reader.read() == b""
        writer.close()


@pytest.mark.anyio
async def test_a_slow_enclave_is_given_up() -> None:
    class Slow:
        def persistent_key(self, _request: GetPersistentKey) -> PersistentKeyAnswer:
            time.sleep(0.6)
            return PersistentKeyAnswer(b"", bytes(96))

    public = bytes(64)
    async with served(Slow(), QUICK) as endpoint:
        ask = GetPersistentKey(bytes(1024), public, b"x")
        with pytest.raises(RemoteProtocolError):
            await asyncio.to_thread(SgxEnclave(endpoint).persistent_key, ask)


def test_the_client_has_one_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = SealEndpoint("tcp", silent.getsockname())
        began = time.monotonic()
        with pytest.raises(DeadlineError, match="no answer"):
            SgxEnclave(endpoint, timeout=0.2).persistent_key(
                GetPersistentKey(bytes(1024), bytes(64), b"x")
            )
        assert time.monotonic() - began < 3
    with pytest.raises(UnavailableError, match="cannot be reached"):
        SgxEnclave(endpoint).persistent_key(GetPersistentKey(bytes(1024), bytes(64), b"x"))


@pytest.mark.parametrize(
    "text",
    [
        *("", "vsock:2", "vsock:2:x", "vsock:2:99999999999", "unix:relative", "tcp:10.0.0.1:5"),
        *("tcp:127.0.0.1:70000", "tcp:localhost:5", "http://127.0.0.1:5", "vsock:4294967296:1"),
    ],
)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError):
        SealEndpoint.parse(text)


@pytest.mark.parametrize("text", ["vsock:2:12345", "unix:/run/seal", "tcp:127.0.0.1:5"])
def test_addresses(text: str) -> None:
    assert str(SealEndpoint.parse(text)) == text


@pytest.mark.anyio
async def test_an_address_in_use(tee: SimulatedTee) -> None:
    async with served(SoftwareEnclave(tee)) as endpoint:
        with pytest.raises(UnavailableError, match="cannot listen"):
            await SealServer(SoftwareEnclave(tee), endpoint).start()
