import base64
import hashlib
import json
import time

import pytest

from cocoon.attestation.evidence.nvidia import needed, verify_gpu
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateralBook
from cocoon.collateral.http import VendorHttp
from cocoon.collateral.nvidia import NvidiaCollateral, rim_of
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.errors import CollateralError, MissingCollateralError, UnknownPlatformError
from cocoon.testing.collateral_server import QUICK, CollateralServer, Fault, Served

pytestmark = pytest.mark.anyio
NOW = int(time.time())
NONCE = bytes(range(32))


@pytest.fixture(scope="module")
def gpus() -> SimulatedGpus:
    return SimulatedGpus(GpuPki.from_seed(bytes(32), NOW), 1)


@pytest.fixture
async def services(gpus):
    async with CollateralServer(Served(NOW, gpus=gpus)) as server:
        yield server


@pytest.fixture
async def nvidia(services):
    client = NvidiaCollateral(
        VendorHttp(services.url, limits=QUICK), VendorHttp(services.url, limits=QUICK)
    )
    yield client
    await client.close()


async def test_everything_a_gpu_needs_is_fetched_in_a_few_rounds(nvidia, services, gpus):
    (item,), root = gpus.evidence(NONCE), gpus.root_certificate
    book = GpuCollateralBook()
    with pytest.raises(MissingCollateralError):
        verify_gpu(item, NONCE, book, NOW, simulated_root=root)
    rounds = 0
    while needs := needed(item, book, NOW, simulated_root=root):
        rounds += 1
        for need in needs:
            book.put(await nvidia.fetch(need.key))
    verified = verify_gpu(item, NONCE, book, NOW, simulated_root=root)
    assert verified.simulated
    assert rounds <= 3
    assert services.count("/v1/rim/NV_GPU_") == 2
    assert services.count("/") > 3


async def test_an_unknown_manifest_is_told_apart(nvidia, services):
    with pytest.raises(UnknownPlatformError):
        await nvidia.fetch("rim/NV_GPU_DRIVER_GH100_1.2")
    for key in ("", "rim/../../x", "rim/", "other/x", "ocsp/00/AAAA"):
        with pytest.raises(UnknownPlatformError):
            await nvidia.fetch(key)
    assert len(services.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault(200, body=b""), Fault(200, body=b"garbage"), Fault(200, body=b'{"rim":"PGE+"}'),
     Fault(500), Fault(kind="flip")],
)  # fmt: skip
async def test_anything_else_is_refused(nvidia, services, gpus, fault):
    services.broken["/v1/rim"] = fault
    with pytest.raises(CollateralError):
        await nvidia.fetch(gpus.rim_needs()[0].key)


async def test_malformed_ocsp_answers_are_refused(nvidia, services, gpus):
    key = next(item.key for item in gpus.collateral(NOW) if item.key.startswith("ocsp"))
    for body in (b"", b"garbage", bytes(9000)):
        services.faults.append(Fault(200, body=body))
        with pytest.raises(CollateralError):
            await nvidia.fetch(key)
    assert (await nvidia.fetch(key)).expires_at > NOW


def test_the_checksum_tells_of_a_broken_transfer():
    def answer(**changes: object) -> bytes:
        plain = {"rim": base64.b64encode(b"<x/>").decode(),
                 "sha256": hashlib.sha256(b"<x/>").hexdigest().upper()}  # fmt: skip
        return json.dumps(plain | changes).encode()

    assert rim_of(answer()) == b"<x/>"
    assert rim_of(answer(sha256="")) == b"<x/>"
    for wrong in ({"sha256": "00"}, {"sha256": "é"}, {"rim": "?"}, {"rim": None}, {"rim": [1]}):
        with pytest.raises(CollateralError):
            rim_of(answer(**wrong))
