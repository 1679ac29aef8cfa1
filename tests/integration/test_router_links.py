"""Links through both routers, with quotes of a simulated TDX machine."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
import uvloop

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.fake_tdx import FakeTdx
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.errors import CocoonError, UnavailableError
from cocoon.net.identity import Identity
from cocoon.net.link import Link
from cocoon.net.plain import dial_plain, listen_plain
from cocoon.net.router import Router, serve_router
from cocoon.net.router_file import (
    BUILT_IN,
    PolicyConfig,
    PolicyKind,
    PortConfig,
    PortKind,
    RouterConfig,
)
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire.connection import Role

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return "asyncio", {"loop_factory": uvloop.new_event_loop}


class Echo:
    """Answers queries with their number."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.reasons: list[CocoonError | None] = []

    def on_opened(self, link: Link) -> None:
        self.links.append(link)

    def on_message(self, link: Link, obj: TLObject) -> None:
        link.send(obj)

    def on_query(self, link: Link, query_id: int, obj: TLObject) -> None:
        assert isinstance(obj, t.TestQuery)
        link.answer(query_id, t.TestAnswer(id=obj.id))

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:
        self.reasons.append(reason)


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> SimulatedTee:
    directory: Path = tmp_path_factory.mktemp("tee") / "machine"
    return SimulatedTee(directory, int(time.time()))


async def start(tee: SimulatedTee, evidence: Any, port: PortConfig, **more: Any) -> Router:
    return await serve_router(
        RouterConfig((port,), {**BUILT_IN, **more}),
        identity=Identity.generate(evidence),
        collateral=CollateralBook(tee.collateral(int(time.time()))),
        simulated_root=tee.root_certificate,
    )


async def test_links_over_attested_routers(tee: SimulatedTee) -> None:
    proxy, worker = SimulatedTdx(tee, "proxy"), SimulatedTdx(tee, "worker")
    handler = Echo()
    server = await listen_plain(lambda: Link(Role.ACCEPTOR, handler), "127.0.0.1", 0)
    only_workers = PolicyConfig(PolicyKind.TDX, frozenset({worker.image_hash}))
    reverse = PortConfig(
        0,
        PortKind.REVERSE,
        "workers",
        ("127.0.0.1", server.port),
        True,
        pow_difficulty=14,
        host="127.0.0.1",
    )
    socks = PortConfig(0, PortKind.SOCKS5, "tdx", None, True)
    inner = await start(tee, proxy, reverse, workers=only_workers)
    outer = await start(tee, worker, socks)
    stranger = await start(tee, SimulatedTdx(tee, "stranger"), socks)
    fake = await start(tee, FakeTdx(), socks)
    running = [inner, outer, stranger, fake]
    target = inner.addresses[0][1]

    async def dial(router: Router) -> Link:
        _, link = await dial_plain(
            lambda: Link(Role.CONNECTOR, Echo()), "127.0.0.1", target, socks=router.addresses[0]
        )
        await link.wait_open()
        return link

    try:
        async with asyncio.timeout(20):
            link = await dial(outer)
            assert link.peer.image_hash == proxy.image_hash
            answers = await asyncio.gather(
                *(link.query(t.TestQuery(id=n), 5.0) for n in range(200))
            )
            assert answers == [t.TestAnswer(id=n) for n in range(200)]
            assert handler.links[0].peer.image_hash == worker.image_hash
            for refused in (stranger, fake):
                with pytest.raises(UnavailableError):
                    await dial(refused)
            assert len(handler.links) == 1
            query = asyncio.create_task(link.query(t.TestQuery(id=1), 60.0))
            await inner.close()
            with pytest.raises(UnavailableError):
                await query
    finally:
        for router in running:
            await router.close()
        await server.close()
        for opened in handler.links:
            opened.close()
