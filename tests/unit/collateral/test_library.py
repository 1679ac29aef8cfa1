import asyncio
import socket
import time

import pytest

from cocoon.attestation.evidence.missing import SNP, TDX
from cocoon.attestation.evidence.tdx import root_hash_of, verify_tdx
from cocoon.attestation.measurements import TdxMeasurements
from cocoon.collateral.http import VendorHttp
from cocoon.collateral.intel import IntelCollateral, platform_key
from cocoon.collateral.library import Library, Sources
from cocoon.devnet.tee_pki import FMSPC, SimulatedPki
from cocoon.devnet.tee_quote import build_quote
from cocoon.errors import ConfigError, EvidenceError, MissingCollateralError
from cocoon.testing.collateral_server import QUICK, CollateralServer, Fault, Served

pytestmark = pytest.mark.anyio
NOW = int(time.time())
KEY = platform_key(FMSPC.hex())
DAY = 86_400


class Rig:
    """A library of Intel's collateral whose clock stands still."""

    def __init__(self, server: CollateralServer, pki: SimulatedPki, directory, **options) -> None:
        self.now = float(server.served.now)
        self.pki = pki
        root = root_hash_of(pki.root_der)
        intel = IntelCollateral(VendorHttp(server.url, limits=QUICK), None, root_hash=root)
        self.library = Library(
            directory, Sources(intel=intel), clock=lambda: self.now, uniform=lambda: 0.0, **options
        )
        self.library.load()
        self.refresher = self.library._refreshers["intel"]

    def verify(self, pki: SimulatedPki | None = None) -> str | None:
        measurements = TdxMeasurements.zero(bytes(64))
        return verify_tdx(
            build_quote(pki or self.pki, measurements),
            self.library.books.tdx,
            int(self.now),
            simulated_root=self.pki.root_der,
        ).tcb_status


@pytest.fixture
def rig(server, pki, tmp_path):
    return Rig(server, pki, tmp_path)


async def test_a_handshake_never_fetches_but_the_next_one_succeeds(rig, server, monkeypatch):
    def no_network(*_: object) -> None:
        raise AssertionError("a handshake touched the network")

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", no_network)
        patched.setattr(socket.socket, "connect", no_network)
        patched.setattr(socket.socket, "connect_ex", no_network)
        patched.setattr(asyncio.BaseEventLoop, "sock_connect", no_network)
        with pytest.raises(MissingCollateralError) as caught:
            rig.verify()
    assert (caught.value.kind, caught.value.key) == (TDX, KEY)
    assert server.requests == []
    await rig.refresher.step()
    assert len(server.requests) == 4
    assert rig.verify() == "UpToDate"
    await rig.refresher.step()
    assert len(server.requests) == 4
    await rig.library.close()


async def test_strangers_cannot_make_us_ask_the_vendor(rig, server):
    """A quote whose certificates are somebody's own names no platform that we fetch data for."""
    for number in range(3):
        stranger = SimulatedPki.create(NOW, bytes([number]) * 32)
        with pytest.raises(EvidenceError):
            rig.verify(stranger)
    await rig.refresher.step()
    assert server.requests == []
    await rig.library.close()


async def test_it_is_renewed_before_it_expires_and_refused_after(rig, server):
    with pytest.raises(MissingCollateralError):
        rig.verify()
    await rig.refresher.step()
    expires = rig.library.books.tdx.find(FMSPC).expires_at
    rig.now += 2 * DAY
    server.served.now = int(rig.now)
    await rig.refresher.step()
    assert rig.library.books.tdx.find(FMSPC).expires_at == expires + 2 * DAY
    server.broken["/"] = Fault(500)
    rig.now += 31 * DAY
    await rig.refresher.step()
    with pytest.raises(EvidenceError):
        rig.verify()
    server.broken.clear()
    server.served.now = int(rig.now)
    rig.now += 3600
    await rig.refresher.step()
    assert rig.verify() == "UpToDate"
    await rig.library.close()


async def test_a_change_of_mind_of_the_vendor_arrives(rig, server):
    with pytest.raises(MissingCollateralError):
        rig.verify()
    await rig.refresher.step()
    before = rig.library.books.tdx.fingerprint
    server.served.tcb_status = "OutOfDate"
    rig.now += DAY
    await rig.refresher.step()
    assert rig.verify() == "OutOfDate"
    assert rig.library.books.tdx.fingerprint != before
    await rig.library.close()


async def test_a_second_process_starts_with_what_the_first_fetched(rig, server, pki, tmp_path):
    await rig.library.fetch(TDX, KEY)
    second = Rig(server, pki, tmp_path)
    assert second.verify() == "UpToDate"
    await second.refresher.step()
    assert len(server.requests) == 4
    await rig.library.close()
    await second.library.close()


async def test_altered_files_are_never_believed(rig, server, pki, tmp_path):
    await rig.library.fetch(TDX, KEY)
    (path,) = tmp_path.glob("*.json")
    whole = path.read_bytes()
    place = whole.index(b"tcb_info_signature") + 40
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    second = Rig(server, pki, tmp_path)
    with pytest.raises(EvidenceError):
        second.verify()
    await rig.library.close()
    await second.library.close()


async def test_without_refresh_only_the_directory_is_read(server, pki, tmp_path):
    rig = Rig(server, pki, tmp_path, refresh=False, configured=[(TDX, KEY)])
    with pytest.raises(MissingCollateralError):
        rig.verify()
    assert rig.library.books.tdx.listener is None
    task = asyncio.ensure_future(rig.library.run())
    await asyncio.sleep(0.05)
    assert server.requests == []
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_task_fetches_what_is_configured_and_missed(server, pki, tmp_path):
    rig = Rig(server, pki, tmp_path, configured=[(TDX, KEY), (SNP, "Milan/vcek")])
    task = asyncio.ensure_future(rig.library.run())
    for _ in range(400):
        if rig.library.books.tdx.find(FMSPC) is not None:
            break
        await asyncio.sleep(0.005)
    assert rig.verify() == "UpToDate"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_start_fetches_what_is_configured(server, pki, tmp_path):
    rig = Rig(server, pki, tmp_path, configured=[(TDX, KEY), (SNP, "Milan/vcek")])
    assert rig.library.lacks
    await rig.library.prefetch()
    assert rig.verify() == "UpToDate"
    assert not rig.library.lacks
    assert not Rig(server, pki, tmp_path, configured=[(TDX, KEY)]).library.lacks
    assert not Rig(
        server, pki, tmp_path / "x", configured=[(TDX, KEY)], refresh=False
    ).library.lacks


async def test_a_start_does_not_wait_for_ever(server, pki, tmp_path):
    server.broken["/"] = Fault(kind="hang")
    rig = Rig(server, pki, tmp_path, configured=[(TDX, KEY)])
    await rig.library.prefetch(0.05)
    assert rig.library.lacks
    server.broken.clear()
    await rig.library.prefetch()
    assert rig.verify() == "UpToDate"


async def test_a_vendor_that_is_not_configured_is_not_asked(rig):
    with pytest.raises(ConfigError, match="no service is asked for snp"):
        await rig.library.fetch(SNP, "Milan/vcek")
    with pytest.raises(ConfigError):
        await rig.library.fetch("other", "x")
    await rig.library.close()


async def test_a_flood_of_notes_makes_few_requests(server, tmp_path):
    """Even notes about platforms that exist are acted on slowly."""
    served = Served(NOW)  # knows nothing: 404
    server.served = served
    rig = Rig(server, SimulatedPki.create(NOW, bytes(32)), tmp_path)
    listener = rig.library.books.tdx.listener
    for number in range(5000):
        listener(TDX, f"{number:012x}/platform")
    for _ in range(20):
        await rig.refresher.step()
    assert len(server.requests) <= 8
    await rig.library.close()
