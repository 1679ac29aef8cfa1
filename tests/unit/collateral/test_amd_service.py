import time

import pytest

from cocoon.attestation.evidence.snp_collateral import SnpCollateral, snp_root_hash
from cocoon.attestation.evidence.snp_leaf import SnpLeaf
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb
from cocoon.collateral.amd import AmdCollateral, parse_key, vcek_request
from cocoon.collateral.http import VendorHttp
from cocoon.devnet.snp_pki import SimulatedSnpPki
from cocoon.errors import CollateralError, EvidenceError, UnknownPlatformError
from cocoon.testing.collateral_server import QUICK, CollateralServer, Fault, Served

pytestmark = pytest.mark.anyio
NOW = int(time.time())
CHIP = bytes(range(1, 65))
MILAN = SnpProduct.MILAN


@pytest.fixture(scope="module")
def amd_pki() -> SimulatedSnpPki:
    return SimulatedSnpPki.create(NOW, CHIP, product=MILAN)


@pytest.fixture
async def kds(amd_pki):
    async with CollateralServer(Served(NOW, amd=amd_pki, product=MILAN, chip_id=CHIP)) as server:
        yield server


@pytest.fixture
async def amd(kds, amd_pki):
    roots = {MILAN: snp_root_hash(amd_pki.root_der)}
    service = AmdCollateral(VendorHttp(kds.url, limits=QUICK), roots)
    yield service
    await service.close()


async def test_chain_and_revocations_are_fetched(amd, kds):
    collateral = await amd.fetch("Milan/vcek")
    assert collateral.key == "Milan/vcek"
    assert collateral.expires_at > NOW
    assert SnpCollateral.from_json(collateral.to_json()) == collateral
    assert kds.requests == ["/vcek/v1/Milan/cert_chain", "/vcek/v1/Milan/crl"]


async def test_the_certificate_of_our_own_chip(amd, amd_pki, kds):
    leaf = SnpLeaf.from_der(amd_pki.leaf_der)
    assert await amd.vcek(MILAN, CHIP, leaf.tcb) == amd_pki.leaf_der
    assert kds.requests[1].startswith(f"/vcek/v1/Milan/{CHIP.hex()}?blSPL=")
    with pytest.raises(UnknownPlatformError):
        await amd.vcek(MILAN, bytes(reversed(CHIP)), leaf.tcb)
    newer = SnpTcb(leaf.tcb.bootloader + 1, leaf.tcb.tee, leaf.tcb.snp, leaf.tcb.microcode)
    with pytest.raises(CollateralError, match="patch level"):
        await amd.vcek(MILAN, CHIP, newer)


async def test_another_chips_certificate_is_refused(amd, amd_pki, kds):
    leaf = SnpLeaf.from_der(amd_pki.leaf_der)
    other = bytes(reversed(CHIP))
    kds.served.chip_id = other  # it serves the same certificate for every chip
    with pytest.raises(CollateralError, match="another chip"):
        await amd.vcek(MILAN, other, leaf.tcb)


async def test_a_certificate_that_somebody_else_signed_is_refused(amd, amd_pki, kds):
    stranger = SimulatedSnpPki.create(NOW, CHIP, product=MILAN)
    leaf = SnpLeaf.from_der(stranger.leaf_der)
    path = f"/vcek/v1/Milan/{CHIP.hex()}"
    kds.broken[path] = Fault(200, body=stranger.leaf_der)
    with pytest.raises(CollateralError, match="VCEK"):
        await amd.vcek(MILAN, CHIP, leaf.tcb)
    kds.served = Served(NOW, amd=stranger, product=MILAN, chip_id=CHIP)
    with pytest.raises(CollateralError, match="another root"):
        await amd.fetch("Milan/vcek")


async def test_the_real_root_is_pinned_by_default(kds):
    service = AmdCollateral(VendorHttp(kds.url, limits=QUICK))
    with pytest.raises(CollateralError, match="another root than the pinned"):
        await service.fetch("Milan/vcek")
    await service.close()


@pytest.mark.parametrize("path", ["/vcek/v1/Milan/cert_chain", "/vcek/v1/Milan/crl"])
@pytest.mark.parametrize(
    "fault",
    [Fault(200, body=b""), Fault(200, body=b"garbage"), Fault(200, body=bytes(100_000)),
     Fault(kind="flip"), Fault(404), Fault(302, headers={"Location": "/x"})],
)  # fmt: skip
async def test_anything_else_is_refused(amd, kds, path, fault):
    kds.broken[path] = fault
    with pytest.raises(CollateralError):
        await amd.fetch("Milan/vcek")


def test_other_products_are_not_asked_for():
    for key in ("Milan", "Rome/vcek", "Milan/other", "../x/vcek", ""):
        with pytest.raises(UnknownPlatformError):
            parse_key(key)


def test_turin_has_short_ids_and_one_more_level():
    tcb = SnpTcb(bootloader=1, tee=2, snp=3, microcode=72, fmc=5)
    path, query = vcek_request(SnpProduct.TURIN, CHIP, tcb)
    assert path == "/vcek/v1/Turin/0102030405060708"
    assert query == {
        "fmcSPL": "05", "blSPL": "01", "teeSPL": "02", "snpSPL": "03", "ucodeSPL": "72",
    }  # fmt: skip
    path, query = vcek_request(SnpProduct.GENOA, CHIP, SnpTcb(10, 0, 23, 115))
    assert path == f"/vcek/v1/Genoa/{CHIP.hex()}"
    assert query == {"blSPL": "10", "teeSPL": "00", "snpSPL": "23", "ucodeSPL": "115"}


def test_a_hidden_chip_has_no_certificate_to_fetch():
    with pytest.raises(EvidenceError, match="hides its chip"):
        vcek_request(MILAN, bytes(64), SnpTcb(0, 0, 0, 0))
    with pytest.raises(EvidenceError, match="64 bytes"):
        vcek_request(MILAN, bytes(8), SnpTcb(0, 0, 0, 0))
