import time
from collections.abc import AsyncIterator

import pytest

from cocoon.attestation.evidence.tdx import root_hash_of
from cocoon.collateral.http import VendorHttp
from cocoon.collateral.intel import IntelCollateral
from cocoon.devnet.tee_pki import SimulatedPki
from cocoon.testing.collateral_server import QUICK, CollateralServer, Served

NOW = int(time.time())


@pytest.fixture(scope="session")
def pki() -> SimulatedPki:
    return SimulatedPki.create(NOW, bytes(range(32)))


@pytest.fixture
async def server(pki: SimulatedPki) -> AsyncIterator[CollateralServer]:
    async with CollateralServer(Served(NOW, intel=pki)) as running:
        yield running


@pytest.fixture
async def http(server: CollateralServer) -> AsyncIterator[VendorHttp]:
    service = VendorHttp(server.url, limits=QUICK)
    yield service
    await service.close()


@pytest.fixture
def intel(http: VendorHttp, pki: SimulatedPki) -> IntelCollateral:
    return IntelCollateral(http, None, root_hash=root_hash_of(pki.root_der))
