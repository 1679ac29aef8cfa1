"""What our certificates carry besides the official parts does not disturb an official peer."""

import asyncio
import time
from pathlib import Path

import pytest
from conformance_net import HOST, open_net
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from official import attested, certs, tls
from official.certs import UntrustedError
from official.router import ReversePort

from cocoon.attestation import policy
from cocoon.attestation.bundle import MAX_BUNDLE_BYTES
from cocoon.attestation.certificate import (
    build_certificate,
    parse_certificate,
    raw_public_key,
)
from cocoon.attestation.evidence import report_data
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.net.dialing import RatlsDial, dial
from cocoon.net.identity import Identity
from cocoon.net.link import Link
from cocoon.net.ratls import listen_ratls
from cocoon.net.ratls_context import TlsContexts
from cocoon.testing.certificates import CertificateRecipe
from cocoon.testing.ratls import identity_of
from cocoon.wire.connection import Role

pytestmark = pytest.mark.anyio

BUNDLES = {"small": 6_000, "the longest": MAX_BUNDLE_BYTES}


def with_bundle(size: int) -> Identity:
    """Fake evidence, which is all that the stand-in can judge, and a bundle beside it."""
    key = Ed25519PrivateKey.generate()
    now = int(time.time())
    recipe = CertificateRecipe(now - 60, key=key)
    quote, bundle = report_data(raw_public_key(key)), bytes(size)
    identity = identity_of(
        recipe, build_certificate(key, quote=quote, not_before=now - 60, serial=5, bundle=bundle)
    )
    identity.contexts = TlsContexts(time.time)
    return identity


@pytest.mark.parametrize("size", BUNDLES.values(), ids=BUNDLES)
async def test_an_official_dialler_skips_it(size: int) -> None:
    ours = with_bundle(size)
    server = await listen_ratls(
        asyncio.Protocol, HOST, 0, identity=ours, policy=policy.fake_tdx(), pow_difficulty=4
    )
    official = certs.generate(attested=True)
    _, writer, info = await tls.dial(HOST, server.port, official, "fake_tdx")
    key = ours.current().public_key
    assert (info.public_key, info.tdx) == (key, attested.fake_tdx(key))
    writer.close()
    await writer.wait_closed()
    await server.close()


@pytest.mark.parametrize("size", BUNDLES.values(), ids=BUNDLES)
async def test_an_official_listener_skips_it(size: int, tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        front = ReversePort(certs.generate(attested=True), "fake_tdx", proxy.worker_port)
        await front.start()
        settings = RatlsDial(with_bundle(size), policy.fake_tdx())

        class Silent:
            def on_opened(self, link: Link) -> None: ...
            def on_message(self, link: Link, obj: object) -> None: ...
            def on_query(self, link: Link, query_id: int, obj: object) -> None: ...
            def on_closed(self, link: Link, reason: Exception | None) -> None: ...

        link = await dial(settings, HOST, front.port, lambda: Link(Role.CONNECTOR, Silent()))
        async with asyncio.timeout(5):
            while not proxy.peers:  # noqa: ASYNC110  the stand-in has no event for it
                await asyncio.sleep(0.01)
        info = proxy.peers[0].link.peer
        assert info is not None
        assert info.public_key == settings.identity.current().public_key
        link.close()
        await front.close()


def test_what_our_nodes_really_show_passes_all_but_the_judgement_of_the_quote(
    tmp_path: Path,
) -> None:
    """The stand-in cannot judge TDX quotes; everything before that it can."""
    now = int(time.time())
    machine = SimulatedTdx(SimulatedTee(tmp_path / "tee", now), "proxy")
    identity = Identity.generate(machine)
    shown = identity.current()
    certificate = parse_certificate(shown.certificate_der)
    assert certificate.bundle is not None
    for of_server in (True, False):
        found = certs.check(shown.certificate_der, "any", of_server=of_server)
        assert found.public_key == shown.public_key
    with pytest.raises(UntrustedError, match="report data"):
        certs.check(shown.certificate_der, "fake_tdx", of_server=True)
