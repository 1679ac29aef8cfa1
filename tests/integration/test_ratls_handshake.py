"""Who gets in and who does not, over real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from OpenSSL import SSL

from cocoon.attestation import policy
from cocoon.attestation.certificate import raw_public_key
from cocoon.attestation.claims import ClaimName
from cocoon.attestation.evidence import EvidenceKind, EvidenceSource, report_data
from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.attestation.peer import PeerSource
from cocoon.attestation.policy import Policy
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee, simulated_measurements
from cocoon.devnet.tee_quote import build_quote
from cocoon.errors import (
    CertificateError,
    DeadlineError,
    EvidenceError,
    PolicyError,
    RemoteProtocolError,
    UnavailableError,
)
from cocoon.net.identity import Identity
from cocoon.net.ratls import RatlsLimits, RatlsServer, RatlsTimeouts, dial_ratls, listen_ratls
from cocoon.net.ratls_context import TlsContexts
from cocoon.testing.certificates import CLIENT_AUTH, SERVER_AUTH, CertificateRecipe
from cocoon.testing.ratls import Echo, Recorder, identity_of

pytestmark = pytest.mark.anyio

NOW = int(time.time())
HOST = "127.0.0.1"
UNKNOWN_OID = "1.3.6.1.4.1.12345.9"
Listen = Callable[..., Any]


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("devnet") / "tee", NOW)


@pytest.fixture(scope="module")
def other_tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    return SimulatedTee(tmp_path_factory.mktemp("devnet") / "tee", NOW)


@pytest.fixture(scope="module")
def trusting(tee: SimulatedTee) -> Policy:
    return tee.policy(NOW)


@pytest.fixture(scope="module")
def proxy(tee: SimulatedTee) -> Identity:
    return Identity.generate(SimulatedTdx(tee, "proxy"))


@pytest.fixture(scope="module")
def worker(tee: SimulatedTee) -> Identity:
    return Identity.generate(SimulatedTdx(tee, "worker"))


@asynccontextmanager
async def listening(
    identity: Identity,
    accepted: Policy,
    *,
    app: Callable[[], asyncio.Protocol] = Echo,
    difficulty: int = 4,
    limits: RatlsLimits | None = None,
) -> AsyncIterator[RatlsServer]:
    server = await listen_ratls(
        app,
        HOST,
        0,
        identity=identity,
        policy=accepted,
        pow_difficulty=difficulty,
        limits=limits,
    )
    try:
        yield server
    finally:
        await server.close()


async def dial(port: int, identity: Identity, accepted: Policy, **more: Any) -> Recorder:
    _, app = await dial_ratls(Recorder, HOST, port, identity=identity, policy=accepted, **more)
    assert isinstance(app, Recorder)
    return app


async def speak(app: Recorder) -> bytes:
    assert app.transport is not None
    app.transport.write(b"ping")
    answer = await app.wait_for(4)
    app.transport.close()
    await app.lost.wait()
    return answer


async def test_both_sides_prove_what_they_run(
    tee: SimulatedTee, proxy: Identity, worker: Identity
) -> None:
    accepted: list[Echo] = []

    def factory() -> Echo:
        accepted.append(Echo())
        return accepted[-1]

    proxy_image = simulated_measurements("proxy").image_hash()
    worker_image = simulated_measurements("worker").image_hash()
    only_workers = tee.policy(NOW, image_hashes=[worker_image])
    only_proxies = tee.policy(NOW, image_hashes=[proxy_image])
    async with listening(proxy, only_workers, app=factory) as server:
        app = await dial(server.port, worker, only_proxies)
        assert app.transport is not None
        peer = app.transport.peer
        assert peer.image_hash == proxy_image
        assert peer.kind is EvidenceKind.TDX_SIMULATED
        assert peer.source is PeerSource.VERIFIED
        assert peer.public_key == proxy.current().public_key
        assert peer.claims.is_proven(ClaimName.KEY_BOUND)
        assert peer.claims.is_proven(ClaimName.IMAGE_ALLOWED)
        assert not peer.claims.is_proven(ClaimName.GENUINE_HARDWARE)
        assert await speak(app) == b"ping"
        assert accepted[0].transport is not None
        assert accepted[0].transport.peer.image_hash == worker_image


async def test_a_client_without_a_tee_reaches_an_attested_proxy(
    proxy: Identity, trusting: Policy
) -> None:
    client = Identity.generate(None)
    async with listening(proxy, policy.unsafe_accept_anything()) as server:
        assert await speak(await dial(server.port, client, trusting)) == b"ping"


async def test_fake_evidence_only_where_it_is_asked_for(trusting: Policy) -> None:
    fake = Identity.generate(FakeTdx())
    async with listening(fake, policy.fake_tdx()) as server:
        assert await speak(await dial(server.port, fake, policy.fake_tdx())) == b"ping"
        with pytest.raises(EvidenceError):
            await dial(server.port, fake, trusting)


def recipe(tee: SimulatedTee, **changes: Any) -> CertificateRecipe:
    key = Ed25519PrivateKey.generate()
    quote = SimulatedTdx(tee, "proxy").quote(report_data(raw_public_key(key)))
    return replace(CertificateRecipe(NOW - 60, key=key, quote=quote), **changes)


def debug_recipe(tee: SimulatedTee) -> CertificateRecipe:
    key = Ed25519PrivateKey.generate()
    measurements = simulated_measurements("proxy", "1", report_data(raw_public_key(key)))
    debug = bytes.fromhex("0100001000000000")
    return CertificateRecipe(
        NOW - 60, key=key, quote=build_quote(tee.pki, measurements, attributes=debug)
    )


BAD: dict[str, tuple[Callable[[SimulatedTee], CertificateRecipe], type[Exception]]] = {
    "expired": (lambda tee: recipe(tee, not_before=NOW - 90_000), CertificateError),
    "not valid yet": (lambda tee: recipe(tee, not_before=NOW + 3600), CertificateError),
    "unknown critical extension": (
        lambda tee: recipe(tee, extra=((UNKNOWN_OID, b"x", True),)),
        CertificateError,
    ),
    "garbage quote": (lambda tee: recipe(tee, quote=bytes(5000)), EvidenceError),
    "oversize quote": (lambda tee: recipe(tee, quote=bytes(65_536)), CertificateError),
    "no quote": (lambda tee: recipe(tee, quote=None), PolicyError),
    "stolen quote": (lambda tee: recipe(tee, key=Ed25519PrivateKey.generate()), EvidenceError),
    "DEBUG domain": (debug_recipe, EvidenceError),
}
BAD_SERVERS = BAD | {
    "no host name": (lambda tee: recipe(tee, dns_names=()), CertificateError),
    "wrong host name": (lambda tee: recipe(tee, dns_names=("localhost",)), CertificateError),
    "purpose": (lambda tee: recipe(tee, purposes=(CLIENT_AUTH,)), CertificateError),
}
BAD_CLIENTS = BAD | {
    "purpose": (lambda tee: recipe(tee, purposes=(SERVER_AUTH,)), CertificateError)
}


@pytest.mark.parametrize("name", BAD_SERVERS)
async def test_a_bad_server_is_refused(
    name: str, tee: SimulatedTee, worker: Identity, trusting: Policy
) -> None:
    make, expected = BAD_SERVERS[name]
    async with listening(identity_of(make(tee)), trusting) as server:
        with pytest.raises(expected) as caught:
            await dial(server.port, worker, trusting)
    assert type(caught.value) is expected


@pytest.mark.parametrize("name", BAD_CLIENTS)
async def test_a_bad_client_is_refused(
    name: str,
    tee: SimulatedTee,
    proxy: Identity,
    trusting: Policy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make, expected = BAD_CLIENTS[name]
    accepted: list[Echo] = []
    async with listening(proxy, trusting, app=lambda: accepted.append(Echo()) or Echo()) as server:
        # With a clock of its own the client judges the proxy as of now.
        bad = make(tee)
        identity = identity_of(bad)
        identity.contexts = TlsContexts(time.time)
        app = await dial(server.port, identity, trusting)
        await app.lost.wait()
    assert accepted == []
    assert app.received == b""
    assert f"reason={expected.__name__}" in capsys.readouterr().out


async def test_a_v1_certificate_with_extensions_is_accepted(
    tee: SimulatedTee, trusting: Policy
) -> None:
    official = identity_of(recipe(tee, official_v1=True))
    official.contexts = TlsContexts(time.time)
    async with listening(official, trusting) as server:
        assert await speak(await dial(server.port, official, trusting)) == b"ping"


async def test_official_files_are_loaded(
    tee: SimulatedTee, trusting: Policy, tmp_path: Path
) -> None:
    made = recipe(tee, official_v1=True)
    pem = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "test_key.pem").write_bytes(pem)
    (tmp_path / "test_cert.pem").write_bytes(to_pem(made.to_der()))
    official = Identity.from_files(tmp_path / "test")
    async with listening(official, trusting) as server:
        assert await speak(await dial(server.port, official, trusting)) == b"ping"


def to_pem(der: bytes) -> bytes:
    from ssl import DER_cert_to_PEM_cert

    return DER_cert_to_PEM_cert(der).encode()


async def test_another_platform_root_is_refused(
    tee: SimulatedTee, other_tee: SimulatedTee, worker: Identity, trusting: Policy
) -> None:
    stranger = Identity.generate(SimulatedTdx(other_tee, "proxy"))
    async with listening(stranger, trusting) as server:
        with pytest.raises(EvidenceError):
            await dial(server.port, worker, trusting)


async def test_a_production_policy_refuses_simulated_evidence(
    tee: SimulatedTee, proxy: Identity, worker: Identity, trusting: Policy
) -> None:
    found = trusting.collateral
    assert found is not None
    production = policy.tdx(collateral=found)
    async with listening(proxy, trusting) as server:
        with pytest.raises(EvidenceError):
            await dial(server.port, worker, production)


async def test_an_image_that_is_not_listed_is_refused(
    tee: SimulatedTee, proxy: Identity, worker: Identity, trusting: Policy
) -> None:
    only_workers = tee.policy(NOW, image_hashes=[simulated_measurements("worker").image_hash()])
    async with listening(proxy, trusting) as server:
        with pytest.raises(PolicyError):
            await dial(server.port, worker, only_workers)


async def test_the_dialer_refuses_too_hard_a_proof_of_work(
    proxy: Identity, worker: Identity, trusting: Policy
) -> None:
    async with listening(proxy, trusting, difficulty=30) as server:
        with pytest.raises(RemoteProtocolError):
            await dial(server.port, worker, trusting, max_pow_difficulty=28)


@pytest.mark.parametrize(
    "greeting", [b"x" * 12, bytes.fromhex("19738201") + bytes(8), b"GET / HTTP/1.1\r\n\r\n"]
)
async def test_the_listener_hangs_up_on_garbage(
    greeting: bytes, proxy: Identity, trusting: Policy
) -> None:
    async with listening(proxy, trusting, difficulty=40) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        assert len(await reader.readexactly(24)) == 24
        writer.write(greeting)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
        writer.close()
        assert server.unfinished == 0


async def test_the_listener_hangs_up_on_garbage_instead_of_tls(
    proxy: Identity, trusting: Policy
) -> None:
    async with listening(proxy, trusting, difficulty=0) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        await reader.readexactly(24)
        writer.write(bytes.fromhex("19738201") + bytes(8) + b"not TLS at all" * 10)
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert server.unfinished == 0


@pytest.mark.parametrize("answer", [b"", bytes.fromhex("19738201") + bytes(8)])
async def test_a_slow_peer_is_cut_off(answer: bytes, proxy: Identity, trusting: Policy) -> None:
    limits = RatlsLimits(pow_timeout=0.1, tls_timeout=0.1)
    async with listening(proxy, trusting, difficulty=0, limits=limits) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        await reader.readexactly(24)
        writer.write(answer)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        writer.close()
        assert server.unfinished == 0


@pytest.mark.parametrize("greeting", [b"", bytes.fromhex("91128e41") + bytes(20)])
async def test_a_slow_listener_is_given_up(
    greeting: bytes, worker: Identity, trusting: Policy
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(DeadlineError):
        await dial(port, worker, trusting, timeouts=RatlsTimeouts(pow=0.1, tls=0.1))
    server.close()


async def test_nobody_listening_is_unavailable(worker: Identity, trusting: Policy) -> None:
    with pytest.raises(UnavailableError):
        await dial(1, worker, trusting)


async def test_a_handshake_has_a_size_limit(proxy: Identity, trusting: Policy) -> None:
    limits = RatlsLimits(max_handshake_bytes=1000)
    async with listening(proxy, trusting, difficulty=0, limits=limits) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        await reader.readexactly(24)
        # A handshake record that announces a message of 15 KiB and never completes it.
        record = b"\x16\x03\x01\x40\x00" + b"\x01\x00\x3c\x00" + bytes(5000)
        writer.write(bytes.fromhex("19738201") + bytes(8) + record)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        writer.close()


async def test_unfinished_handshakes_are_bounded(proxy: Identity, trusting: Policy) -> None:
    """One too many: the one that has waited longest goes, and newcomers still get in."""
    limits = RatlsLimits(max_unfinished=2)
    async with listening(proxy, trusting, limits=limits) as server:
        waiting = []
        for _ in range(3):
            waiting.append(await asyncio.open_connection(HOST, server.port))
            await waiting[-1][0].readexactly(24)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await waiting[0][0].readexactly(1)
        assert server.unfinished == 2
        assert await speak(await dial(server.port, proxy, trusting)) == b"ping"
        for _, writer in waiting:
            writer.close()


async def test_a_cancelled_dial_leaves_nothing(proxy: Identity, trusting: Policy) -> None:
    async with listening(proxy, trusting, difficulty=30) as server:
        task = asyncio.create_task(dial(server.port, proxy, trusting, max_pow_difficulty=40))
        await until(lambda: server.unfinished == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: server.unfinished == 0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the state has no event
            await asyncio.sleep(0.005)


class Counting:
    """An evidence source that counts."""

    def __init__(self, inner: EvidenceSource) -> None:
        self.inner = inner
        self.quotes = 0

    kind = EvidenceKind.TDX_SIMULATED

    def quote(self, report_data: bytes) -> bytes:
        self.quotes += 1
        return self.inner.quote(report_data)


async def test_renewal_does_not_touch_open_connections(
    tee: SimulatedTee, worker: Identity, trusting: Policy
) -> None:
    source = Counting(SimulatedTdx(tee, "proxy"))
    offset = -50_000.0
    identity = Identity.generate(source, clock=lambda: time.time() + offset)
    old_key = identity.current().public_key
    identity.contexts = TlsContexts(time.time)
    async with listening(identity, trusting) as server:
        before = await dial(server.port, worker, trusting)
        assert not await identity.renew_if_due()
        offset = 0.0
        assert await identity.renew_if_due()
        after = await dial(server.port, worker, trusting)
        assert before.transport is not None
        assert after.transport is not None
        assert before.transport.peer.public_key == old_key
        assert after.transport.peer.public_key == identity.current().public_key != old_key
        assert await speak(before) == b"ping"
        assert await speak(after) == b"ping"
    assert source.quotes == 4  # an official and a dated quote in each certificate


async def test_official_files_are_read_again_when_they_change(
    tee: SimulatedTee, tmp_path: Path
) -> None:
    def write(made: CertificateRecipe) -> None:
        pem = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / "n_key.pem").write_bytes(pem)
        (tmp_path / "n_cert.pem").write_bytes(to_pem(made.to_der()))

    write(recipe(tee))
    identity = Identity.from_files(tmp_path / "n")
    first = identity.current()
    assert not await identity.renew_if_due()
    await asyncio.sleep(0.02)
    write(recipe(tee))
    assert await identity.renew_if_due()
    assert identity.current().public_key != first.public_key
    assert identity.current().version == 2
    assert "PrivateKey" not in repr(first)


async def test_nothing_is_ever_resumed(proxy: Identity, worker: Identity, trusting: Policy) -> None:
    """A resumed session would skip verification: a session kept from one connection is useless."""
    server_tls, _ = proxy.contexts.connection(proxy.current(), trusting, role("client"))
    client_tls, client_verdict = worker.contexts.connection(
        worker.current(), trusting, role("server")
    )
    shake(client_tls, server_tls)
    assert client_verdict.peer is not None
    session = client_tls.get_session()
    assert session is not None
    server_again, _ = proxy.contexts.connection(proxy.current(), trusting, role("client"))
    client_again, verdict = worker.contexts.connection(worker.current(), trusting, role("server"))
    client_again.set_session(session)
    shake(client_again, server_again)
    assert verdict.peer is not None
    assert client_again.get_cipher_name() in {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"}
    assert client_again.get_protocol_version_name() == "TLSv1.3"


def role(name: str) -> Any:
    from cocoon.attestation.verify import PeerRole

    return PeerRole(name)


def shake(client: SSL.Connection, server: SSL.Connection) -> None:
    for _ in range(6):
        for side, other in ((client, server), (server, client)):
            with suppress(SSL.WantReadError):
                side.do_handshake()
            with suppress(SSL.WantReadError):
                other.bio_write(side.bio_read(1 << 16))
    for side in (client, server):
        with pytest.raises(SSL.WantReadError):
            side.recv(100)


async def test_tls_below_1_3_is_refused(proxy: Identity, trusting: Policy) -> None:
    server, _ = proxy.contexts.connection(proxy.current(), trusting, role("client"))
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    client = SSL.Connection(context, None)
    client.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    server.bio_write(client.bio_read(1 << 16))
    with pytest.raises(SSL.Error):
        server.do_handshake()
