"""Two machines that have never met: the first handshake is refused at once, the next succeeds."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from cocoon.attestation import policy
from cocoon.attestation.evidence.tdx import root_hash_of
from cocoon.attestation.policy import Policy
from cocoon.collateral.http import VendorHttp
from cocoon.collateral.intel import IntelCollateral
from cocoon.collateral.library import Library, Sources
from cocoon.devnet.tee import SimulatedTdx, SimulatedTee
from cocoon.devnet.tee_pki import FMSPC
from cocoon.errors import CocoonError, MissingCollateralError
from cocoon.net.identity import Identity
from cocoon.net.ratls import RatlsServer, dial_ratls, listen_ratls
from cocoon.testing.collateral_server import QUICK, CollateralServer, Fault, Served
from cocoon.testing.ratls import Echo, Recorder

pytestmark = pytest.mark.anyio
HOST = "127.0.0.1"


@pytest.fixture
def tee(tmp_path: Path) -> SimulatedTee:
    return SimulatedTee(tmp_path / "tee", int(time.time()))


def library_of(tee: SimulatedTee, server: CollateralServer, directory: Path) -> Library:
    http = VendorHttp(server.url, limits=QUICK)
    intel = IntelCollateral(http, None, root_hash=root_hash_of(tee.root_certificate))
    library = Library(directory, Sources(intel=intel))
    library.load()
    return library


def policy_of(tee: SimulatedTee, library: Library) -> Policy:
    return policy.tdx(
        collateral=library.books.tdx, simulated_root=tee.root_certificate, name="test"
    )


async def listen(identity: Identity, accepted: Policy) -> RatlsServer:
    return await listen_ratls(Echo, HOST, 0, identity=identity, policy=accepted, pow_difficulty=4)


async def echo(port: int, identity: Identity, accepted: Policy) -> bytes:
    _, app = await dial_ratls(Recorder, HOST, port, identity=identity, policy=accepted)
    assert isinstance(app, Recorder)
    assert app.transport is not None
    app.transport.write(b"ping")
    answer = await app.wait_for(4)
    app.transport.close()
    await app.lost.wait()
    return answer


async def until_fetched(library: Library) -> None:
    for _ in range(500):
        if library.books.tdx.find(FMSPC) is not None:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nothing was fetched")


async def test_the_dialling_side_learns_from_a_refused_handshake(tee, tmp_path):
    worker = Identity.generate(SimulatedTdx(tee, "worker"))
    proxy = Identity.generate(SimulatedTdx(tee, "proxy"))
    async with CollateralServer(Served(int(time.time()), intel=tee.pki)) as vendor:
        library = library_of(tee, vendor, tmp_path / "kept")
        accepted = policy_of(tee, library)
        listening = await listen(proxy, policy.unsafe_accept_anything())
        with pytest.raises(MissingCollateralError):
            await echo(listening.port, worker, accepted)
        assert vendor.requests == []  # nobody runs the refresher yet: a handshake fetches nothing
        task = asyncio.ensure_future(library.run())
        await until_fetched(library)
        assert await echo(listening.port, worker, accepted) == b"ping"
        assert len(vendor.requests) == 4
        await stop(task, listening)


async def test_the_listening_side_learns_while_the_vendor_is_slow(tee, tmp_path):
    worker = Identity.generate(SimulatedTdx(tee, "worker"))
    proxy = Identity.generate(SimulatedTdx(tee, "proxy"))
    async with CollateralServer(Served(int(time.time()), intel=tee.pki)) as vendor:
        vendor.broken["/"] = Fault(kind="hang")
        library = library_of(tee, vendor, tmp_path / "kept")
        task = asyncio.ensure_future(library.run())
        listening = await listen(proxy, policy_of(tee, library))
        anybody = policy.unsafe_accept_anything()
        for _ in range(3):  # refused at once each time, though the vendor hangs
            async with asyncio.timeout(1.5):
                with pytest.raises((CocoonError, AssertionError)):
                    assert await echo(listening.port, worker, anybody) == b"ping"
        assert len(vendor.requests) <= 1
        vendor.broken.clear()
        await library.fetch("tdx", f"{FMSPC.hex()}/platform")
        assert await echo(listening.port, worker, anybody) == b"ping"
        await stop(task, listening)


async def stop(task: "asyncio.Future[Any]", listening: RatlsServer) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await listening.close()
