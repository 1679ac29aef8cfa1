"""Official routers (stand-ins, see official/README.md) and ours, in front of both kinds of runner.

``near`` is the router of the side that dials (a SOCKS5 port), ``far`` the one in front of the proxy
(reverse ports).
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conformance_net import HOST, MODEL, Net, ask, chat, open_net, our_root, registered, until
from official import attested, certs, tls
from official.attested import FAKE_TDX_IMAGE, PeerInfo
from official.certs import UntrustedError
from official.router import ReversePort, SocksPort, socks_connect
from official.tl import http_request

from cocoon.attestation import policy
from cocoon.errors import AttestationError, CocoonError, RemoteProtocolError, UnavailableError
from cocoon.net.dialing import RatlsDial, dial
from cocoon.net.identity import Identity
from cocoon.net.link import Link
from cocoon.net.ratls import listen_ratls
from cocoon.net.router import Router, serve_router
from cocoon.net.router_config import parse_arguments
from cocoon.wire.connection import Role

from conformance_net import fake_identity  # isort: skip

pytestmark = pytest.mark.anyio

OURS_OR_OFFICIAL = ("ours", "official")


async def our_router(net: Net, *arguments: str, identity: Identity | None = None) -> Router:
    """Our router from official command-line arguments, but on free loopback ports."""
    config = parse_arguments(arguments)
    ports = tuple(replace(port, port=0, host=HOST) for port in config.ports)
    router = await serve_router(replace(config, ports=ports), identity=identity or fake_identity())
    net.stack.push_async_callback(router.close)
    return router


async def near_port(net: Net, kind: str, accepts: str = "fake_tdx") -> int:
    if kind == "official":
        return (await net.socks(accepts)).port
    router = await our_router(net, "-S", f"8116@{accepts}", "--serialize-info")
    return router.addresses[0][1]


async def far_ports(
    net: Net, kind: str, workers: int, clients: int, *, worker_policy: str = "fake_tdx"
) -> tuple[int, int]:
    if kind == "official":
        back = await net.reverse(workers, worker_policy)
        front = await net.reverse(clients, "any")
        return back.port, front.port
    router = await our_router(
        net,
        *("-R", f"11001:localhost:{workers}@{worker_policy}"),
        *("-R", f"11002:localhost:{clients}@any"),
        *("--serialize-info", "-d", "4"),
    )
    return router.addresses[0][1], router.addresses[1][1]


@pytest.mark.parametrize("runners", OURS_OR_OFFICIAL)
@pytest.mark.parametrize("far", OURS_OR_OFFICIAL)
@pytest.mark.parametrize("near", OURS_OR_OFFICIAL)
async def test_every_combination(tmp_path: Path, near: str, far: str, runners: str) -> None:
    """One kind of runner (client and worker) at the other kind of proxy, through two routers."""
    async with open_net(tmp_path) as net:
        socks = await near_port(net, near)
        if runners == "official":
            proxy = await net.our_proxy("router", check_worker_hashes=True, root=_listed())
            ports = await far_ports(net, far, proxy.worker_port, proxy.client_port)
            worker = await net.official_worker(
                ports[0], router=socks, model=MODEL, check_hashes=True
            )
            client = await net.official_client(ports[1], router=socks, check_hashes=True)
            answer = client.send(http_request(chat()), model=MODEL)
            await asyncio.wait_for(answer.ended.wait(), 10)
            assert json.loads(answer.body)["choices"]
            assert worker.link is not None
            assert worker.link.peer is not None
            assert worker.link.peer.image_hash == FAKE_TDX_IMAGE
            (peer,) = [entry.peer for entry in proxy.registry]
            assert peer.image_hash == FAKE_TDX_IMAGE
        else:
            official = await net.official_proxy(check_hashes=True)
            ports = await far_ports(net, far, official.worker_port, official.client_port)
            changes: dict[str, Any] = {
                "root": _listed(**registered(*ports)),
                "dial": net.dial(socks),
                "check_proxy_hashes": True,
            }
            await net.our_worker(*ports, model=MODEL, **changes)
            ours = await net.our_client(*ports, **changes)
            async with await ours.run(ask()) as response:
                assert json.loads(await response.read())["choices"]
            infos = {peer.kind: peer.link.peer for peer in official.peers}
            assert infos["worker"] is not None
            assert infos["worker"].image_hash == FAKE_TDX_IMAGE
            assert infos["client"] is not None
            assert infos["client"].image_hash == bytes(32)  # @any does not look


def _listed(**changes: Any) -> Any:
    return our_root(model_types=[MODEL], **changes)


async def test_any_everywhere_as_in_official_local_tests(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy("router")
        official = await near_port(net, "official", "any")
        ours = await near_port(net, "ours", "any")
        ports = await far_ports(
            net, "ours", proxy.worker_port, proxy.client_port, worker_policy="any"
        )
        await net.official_worker(ports[0], router=ours)
        client = await net.our_client(*ports, dial=net.dial(official))
        async with await client.run(ask()) as response:
            assert json.loads(await response.read())["choices"]


async def test_clients_without_a_certificate_base(tmp_path: Path) -> None:
    """A client's router has no ``-C``: it makes a certificate without a quote."""
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy("router")
        ports = await far_ports(net, "ours", proxy.worker_port, proxy.client_port)
        plain = await net.socks(attested=False)
        await net.official_client(ports[1], router=plain.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError, TimeoutError)):
            await net.official_worker(ports[0], router=plain.port)
        router = await our_router(
            net, "-S", "8116@fake_tdx", "-s", identity=Identity.generate(None)
        )
        await net.official_client(ports[1], router=router.addresses[0][1])


async def test_record_of_our_router_is_official(tmp_path: Path) -> None:
    """Every byte of the record: ends, key, measurements; and it comes before anything else."""
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        (back, _) = await far_ports(net, "ours", proxy.worker_port, proxy.client_port)
        certificate = certs.generate(attested=True)
        near = SocksPort(certificate, "fake_tdx")
        await near.start()
        worker = await net.official_worker(back, router=near.port)
        info = proxy.peers[0].link.peer
        assert info is not None
        assert info.public_key == certificate.public_key
        assert info.tdx == attested.fake_tdx(certificate.public_key)
        assert info.destination == (HOST, proxy.worker_port)
        assert info.source[0] == HOST
        assert worker.link is not None
        await near.close()

        socks = await near_port(net, "ours")
        reader, writer = await socks_connect(socks, HOST, back)
        told = await attested.read(reader)
        assert told.destination == (HOST, back)
        assert told.source == writer.get_extra_info("sockname")[:2]
        writer.close()
        await writer.wait_closed()


# --- certificates of both forms, and those that must be refused ---


async def _dial_ours(port: int, accepts: policy.Policy, **changes: Any) -> Link:
    class Silent:
        def on_opened(self, link: Link) -> None: ...
        def on_message(self, link: Link, obj: Any) -> None: ...
        def on_query(self, link: Link, query_id: int, obj: Any) -> None: ...
        def on_closed(self, link: Link, reason: CocoonError | None) -> None: ...

    settings = RatlsDial(fake_identity(), accepts, **changes)
    return await dial(settings, HOST, port, lambda: Link(Role.CONNECTOR, Silent()))


@pytest.mark.parametrize("v1", [True, False], ids=["x509 v1", "x509 v3"])
async def test_official_certificates(tmp_path: Path, v1: bool) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        certificate = certs.generate(attested=True, v1=v1)
        front = ReversePort(certificate, "fake_tdx", proxy.client_port)
        await front.start()
        link = await _dial_ours(front.port, policy.fake_tdx())
        assert link.peer.public_key == certificate.public_key
        assert link.peer.image_hash == FAKE_TDX_IMAGE
        link.close()
        await front.close()

        ours = await net.our_proxy()
        reader, writer, info = await tls.dial(HOST, ours.worker_port, certificate, "fake_tdx")
        assert info.image_hash == FAKE_TDX_IMAGE
        assert reader is not None
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "bad",
    [
        lambda: certs.generate(attested=False),
        lambda: certs.generate(attested=True, names=False),
    ],
    ids=["no quote", "no dNSName"],
)
async def test_bad_server_certificates(
    tmp_path: Path, bad: Callable[[], certs.Certificate]
) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        front = ReversePort(bad(), "any", proxy.client_port)
        await front.start()
        with pytest.raises(AttestationError):
            await _dial_ours(front.port, policy.fake_tdx())
        await front.close()


async def test_our_certificate_passes_official_checks(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        for accepts in ("any", "fake_tdx"):
            _, writer, info = await tls.dial(
                HOST, proxy.client_port, certs.generate(attested=False), accepts
            )
            assert isinstance(info, PeerInfo)
            writer.close()
            await writer.wait_closed()
        unattested = await listen_ratls(
            asyncio.Protocol,
            HOST,
            0,
            identity=Identity.generate(None),
            policy=policy.unsafe_accept_anything(),
            pow_difficulty=0,
        )
        with pytest.raises(UntrustedError, match="required"):
            await tls.dial(HOST, unattested.port, certs.generate(attested=True), "fake_tdx")
        await unattested.close()


# --- proof of work ---


async def test_too_hard_work_is_refused_by_both(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        front = await net.reverse(proxy.client_port, "any", 29)
        with pytest.raises(RemoteProtocolError, match="29 bits"):
            await _dial_ours(front.port, policy.fake_tdx())
        router = await our_router(
            net, "-R", f"11002:localhost:{proxy.client_port}@any", "-s", "-d", "29"
        )
        with pytest.raises(ConnectionError):
            await net.official_client(router.addresses[0][1])


async def test_wrong_work_is_refused(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        reader, writer = await asyncio.open_connection(HOST, proxy.client_port)
        challenge = await reader.readexactly(24)
        salt, nonce = challenge[8:], 0
        while tls.pow_ok(salt, nonce, 4):
            nonce += 1
        writer.write(bytes.fromhex("19738201") + nonce.to_bytes(8, "little"))
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


@pytest.mark.slow
async def test_default_difficulty(tmp_path: Path) -> None:
    """20 bits, the official default; our solver against an official challenge."""
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        front = await net.reverse(proxy.client_port, "any", 20)
        began = time.monotonic()
        link = await _dial_ours(front.port, policy.fake_tdx())
        assert time.monotonic() - began < 30
        link.close()


async def test_router_hangs_up_when_the_peer_fails(tmp_path: Path) -> None:
    """The SOCKS5 reply says success before that is known; a failure is a close (§2.4)."""
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        for kind in OURS_OR_OFFICIAL:
            socks = await near_port(net, kind)
            # A port where nobody listens.
            reader, writer = await socks_connect(socks, HOST, 9)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
            with pytest.raises(UnavailableError):
                await dial(
                    net.dial(socks), HOST, 9, lambda: Link(Role.CONNECTOR, None)  # type: ignore[arg-type]
                )  # fmt: skip
        await until(lambda: proxy.client_side.connections == 0)
