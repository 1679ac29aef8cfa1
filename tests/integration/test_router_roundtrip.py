"""Application ─ SOCKS5 or forward router ═ PoW, RA-TLS ═ reverse router ─ service, on loopback."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509 import load_der_x509_certificate

from cocoon.attestation.certificate import build_certificate
from cocoon.attestation.evidence import report_data
from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.attestation.measurements import TdxMeasurements
from cocoon.attestation.peer import PeerSource
from cocoon.errors import CocoonError, RemoteProtocolError, UnavailableError
from cocoon.net.identity import Identity
from cocoon.net.plain import PlainTransport, dial_plain, listen_plain
from cocoon.net.ratls import RatlsLimits, RatlsTimeouts
from cocoon.net.router import Router, RouterLimits, serve_router
from cocoon.net.router_file import (
    BUILT_IN,
    PolicyConfig,
    PolicyKind,
    PortConfig,
    PortKind,
    RouterConfig,
)
from cocoon.wire import pow as proof

pytestmark = pytest.mark.anyio

FAKE_IMAGE = TdxMeasurements.zero(bytes(64)).image_hash()
LIMITS = RouterLimits(
    request_timeout=0.3,
    backend_timeout=1.0,
    idle_timeout=0.6,
    close_grace=0.4,
    max_connections=4,
    listen=RatlsLimits(pow_timeout=0.4, tls_timeout=0.4),
    dial=RatlsTimeouts(connect=1.0, pow=1.0, tls=1.0),
)


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    if request.param == "uvloop":
        return "asyncio", {"loop_factory": uvloop.new_event_loop}
    return "asyncio"


class App(asyncio.Protocol):
    """Records what happens; optionally sends everything back."""

    def __init__(self, *, echo: bool = False) -> None:
        self.echo = echo
        self.received = bytearray()
        self.transport: PlainTransport | None = None
        self.lost = asyncio.Event()
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self.echo:
            assert self.transport is not None
            self.transport.write(data)
        self.received += data
        self._news.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set()
        self._news.set()

    async def read(self, count: int) -> bytes:
        while len(self.received) < count:
            assert not self.lost.is_set(), "lost"
            self._news.clear()
            await self._news.wait()
        data = bytes(self.received[:count])
        del self.received[:count]
        return data


@dataclass
class Service:
    """The inner service: what a runner's RPC port is."""

    apps: list[App] = field(default_factory=list)
    port: int = 0

    def accept(self) -> App:
        app = App(echo=True)
        self.apps.append(app)
        return app


@asynccontextmanager
async def service() -> AsyncIterator[Service]:
    inner = Service()
    server = await listen_plain(inner.accept, "127.0.0.1", 0)
    inner.port = server.port
    try:
        yield inner
    finally:
        await server.close()
        for app in inner.apps:
            if app.transport is not None:
                app.transport.abort()


@asynccontextmanager
async def router(
    *ports: PortConfig,
    policies: dict[str, PolicyConfig] | None = None,
    limits: RouterLimits = LIMITS,
) -> AsyncIterator[Router]:
    config = RouterConfig(ports, {**BUILT_IN, **(policies or {})})
    running = await serve_router(config, identity=Identity.generate(FakeTdx()), limits=limits)
    try:
        yield running
    finally:
        await running.close()
        await eventually(lambda: running.connections == 0)


async def eventually(condition: Callable[[], bool], within: float = 3.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 (a condition of the code under test)
            await asyncio.sleep(0.005)


def socks(policy: str = "fake_tdx", **more: Any) -> PortConfig:
    values = {"serialize_info": True, "max_pow_difficulty": 12, **more}
    return PortConfig(0, PortKind.SOCKS5, policy, **values)


def reverse(to: int, policy: str = "fake_tdx", **more: Any) -> PortConfig:
    values = {"serialize_info": True, "pow_difficulty": 6, "host": "127.0.0.1", **more}
    return PortConfig(0, PortKind.REVERSE, policy, ("localhost", to), **values)


@dataclass
class Network:
    """Both routers and the service."""

    service: Service
    outer: Router
    inner: Router

    async def dial(self, **more: Any) -> App:
        """Reach the service; the returned application has a record of the far router."""
        _, app = await dial_plain(
            App, "127.0.0.1", self.inner.addresses[0][1], socks=self.outer.addresses[0], **more
        )
        return app


@asynccontextmanager
async def network(
    *,
    near: PortConfig | None = None,
    far: Callable[[int], PortConfig] = reverse,
    policies: dict[str, PolicyConfig] | None = None,
    limits: RouterLimits = LIMITS,
) -> AsyncIterator[Network]:
    async with AsyncExitStack() as stack:
        inner_service = await stack.enter_async_context(service())
        inner = await stack.enter_async_context(router(far(inner_service.port), limits=limits))
        outer = await stack.enter_async_context(
            router(near or socks(), policies=policies, limits=limits)
        )
        yield Network(inner_service, outer, inner)


def transport_of(app: App) -> PlainTransport:
    assert app.transport is not None
    return app.transport


async def check_echo(app: App, data: bytes = b"ping") -> None:
    transport_of(app).write(data)
    async with asyncio.timeout(3):
        assert await app.read(len(data)) == data


async def test_bytes_pass_with_a_record_at_both_ends() -> None:
    async with network() as net:
        app = await net.dial()
        await check_echo(app)
        for seen in (transport_of(app).peer, transport_of(net.service.apps[0]).peer):
            assert seen.source is PeerSource.ROUTER
            assert seen.image_hash == FAKE_IMAGE
            assert len(seen.public_key) == 32
        transport_of(app).close()
        await asyncio.wait_for(net.service.apps[0].lost.wait(), 2)
        await eventually(lambda: net.outer.connections + net.inner.connections == 0)


async def test_megabytes_pass_in_both_directions() -> None:
    async with network() as net:
        app = await net.dial()
        await check_echo(app, bytes(range(256)) * 16384)


async def test_forward_port() -> None:
    async with network() as net:
        target = ("127.0.0.1", net.inner.addresses[0][1])
        port = PortConfig(0, PortKind.FORWARD, "fake_tdx", target, serialize_info=True)
        async with router(port) as forward:
            _, app = await dial_plain(App, *forward.addresses[0], socks=None)
            await check_echo(app)


async def test_user_name_selects_the_policy() -> None:
    strict = PolicyConfig(PolicyKind.FAKE_TDX, image_hashes=frozenset())
    near = socks("strict", policy_from_username=True)
    async with network(near=near, policies={"strict": strict}) as net:
        with pytest.raises(UnavailableError):
            await net.dial()
        await check_echo(await net.dial(username="fake_tdx"))
        with pytest.raises(RemoteProtocolError, match="does not know the policy"):
            await net.dial(username="unheard-of")


async def test_policy_that_the_remote_side_fails() -> None:
    nobody = PolicyConfig(PolicyKind.FAKE_TDX, image_hashes=frozenset({bytes(32)}))
    async with network(near=socks("nobody"), policies={"nobody": nobody}) as net:
        with pytest.raises(UnavailableError):
            await net.dial()
        assert net.service.apps == []


async def test_proof_of_work_above_the_limit_is_refused() -> None:
    def far(port: int) -> PortConfig:
        return reverse(port, pow_difficulty=13)

    async with network(far=far) as net:
        with pytest.raises(UnavailableError):
            await net.dial()


async def raw(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


async def expect_close(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(3):
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass


GARBAGE = [
    pytest.param(b"\0" * 12, id="wrong magic"),
    pytest.param(proof.Response(-1).to_bytes(), id="wrong nonce"),
    pytest.param(b"", id="silence"),
    pytest.param(b"\x19", id="one byte, then silence"),
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_hostile_peer_is_dropped_and_others_are_not(garbage: bytes) -> None:
    def far(port: int) -> PortConfig:
        return reverse(port, pow_difficulty=16)

    async with network(near=socks(max_pow_difficulty=16), far=far) as net:
        app = await net.dial()
        reader, writer = await raw(net.inner.addresses[0][1])
        writer.write(garbage)
        await expect_close(reader)
        writer.close()
        await check_echo(app)
        assert len(net.service.apps) == 1


async def test_garbage_after_the_proof_of_work() -> None:
    async with network() as net:
        app = await net.dial()
        reader, writer = await raw(net.inner.addresses[0][1])
        challenge = proof.Challenge.from_bytes(await reader.readexactly(24))
        nonce = proof.solve(challenge.salt, challenge.difficulty, 0, 2**20)
        assert nonce is not None
        writer.write(proof.Response(nonce).to_bytes() + b"\xff" * 1000)
        await expect_close(reader)
        writer.close()
        await check_echo(app)
        assert len(net.service.apps) == 1


@pytest.mark.parametrize("greeting", [b"", b"\x05", b"\x05\x01\x00\x05\x01", b"\x04\x01"])
async def test_slow_or_wrong_application_is_dropped(greeting: bytes) -> None:
    async with network() as net:
        reader, writer = await raw(net.outer.addresses[0][1])
        writer.write(greeting)
        await expect_close(reader)
        writer.close()
        await eventually(lambda: net.outer.connections == 0)


async def test_application_that_leaves_stops_the_dial() -> None:
    silent = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    try:
        async with router(socks(), limits=replace(LIMITS, dial=RatlsTimeouts())) as outer:
            reader, writer = await raw(outer.addresses[0][1])
            target = silent.sockets[0].getsockname()[1].to_bytes(2, "big")
            writer.write(b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01" + target)
            assert (await reader.readexactly(12))[:4] == b"\x05\x00\x05\x00"
            assert outer.connections == 1
            writer.close()
            await eventually(lambda: outer.connections == 0)
    finally:
        silent.close()


async def test_more_connections_than_allowed() -> None:
    async with network(limits=replace(LIMITS, idle_timeout=30)) as net:
        apps = [await net.dial() for _ in range(LIMITS.max_connections)]
        with pytest.raises(UnavailableError):
            await net.dial()
        for app in apps:
            await check_echo(app)


async def test_idle_connection_is_closed() -> None:
    async with network() as net:
        app = await net.dial()
        await asyncio.wait_for(app.lost.wait(), 3)
        await eventually(lambda: net.outer.connections + net.inner.connections == 0)


async def test_service_that_is_away() -> None:
    async with network() as net:
        async with router(reverse(1), socks()) as broken:
            # The far router finds out only after the handshake: the record may come first.
            with contextlib.suppress(UnavailableError):
                _, app = await dial_plain(App, *broken.addresses[0], socks=broken.addresses[1])
                await asyncio.wait_for(app.lost.wait(), 3)
        await check_echo(await net.dial())


async def test_slow_reader_does_not_fill_memory() -> None:
    """Back-pressure reaches the writer through both routers."""
    async with network(limits=replace(LIMITS, idle_timeout=30)) as net:
        app = await net.dial()
        transport = transport_of(app)
        await check_echo(app)
        inner = net.service.apps[0]
        inner.echo = False
        inner.received.clear()
        transport_of(inner).pause_reading()
        chunk = bytes(1 << 20)
        for _ in range(64):
            transport.write(chunk)
            await asyncio.sleep(0)
        await asyncio.sleep(0.2)
        assert transport.get_write_buffer_size() > (16 << 20)
        transport_of(inner).resume_reading()
        async with asyncio.timeout(20):
            for _ in range(64):
                assert await inner.read(len(chunk)) == chunk


async def test_a_policy_needs_its_collateral() -> None:
    from cocoon.errors import ConfigError

    with pytest.raises(ConfigError, match="collateral"):
        await serve_router(RouterConfig((socks("tdx"),)))


def write_credentials(base: Path, key: Ed25519PrivateKey, at: float) -> None:
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    now = int(time.time())
    der = build_certificate(
        key, quote=FakeTdx().quote(report_data(public)), not_before=now - 60, serial=now
    )
    certificate = load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for suffix, content in (("_cert.pem", certificate), ("_key.pem", private)):
        path = base.with_name(base.name + suffix)
        path.write_bytes(content)
        path.chmod(0o600)
        os.utime(path, (at, at))


async def test_certificate_files_and_their_replacement(tmp_path: Path) -> None:
    base = tmp_path / "tdx"
    with pytest.raises(CocoonError):
        await serve_router(RouterConfig((socks(),), cert_base=str(base)))
    keys = [Ed25519PrivateKey.generate() for _ in range(2)]
    public = [key.public_key().public_bytes_raw() for key in keys]
    write_credentials(base, keys[0], 1000.0)
    async with service() as inner_service, router(reverse(inner_service.port)) as inner:
        outer = await serve_router(RouterConfig((socks(),), cert_base=str(base)))
        try:
            net = Network(inner_service, outer, inner)
            await check_echo(await net.dial())
            write_credentials(base, keys[1], 2000.0)
            assert await outer._identity.renew_if_due()
            await check_echo(await net.dial())
        finally:
            await outer.close()
        seen = [transport_of(app).peer.public_key for app in inner_service.apps]
        assert seen == public
