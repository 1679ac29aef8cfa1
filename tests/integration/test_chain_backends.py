"""One contract suite for every backend that can run here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from cocoon.chain.backend import ChainBackend
from cocoon.chain.connect import BackendSettings, backend_from
from cocoon.chain.embedded import EmbeddedChain
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.liteserver import LiteserverBackend, Timing
from cocoon.chain.liteserver.servers import Servers
from cocoon.testing.backend_suite import CHECKS, Check, Subject
from cocoon.testing.chain import memory_chain
from cocoon.testing.chain_server import serving
from cocoon.testing.liteserver import FalseLiteserver, Masterchain

pytestmark = pytest.mark.anyio

Make = Callable[[EmbeddedChain], AbstractAsyncContextManager[ChainBackend]]


@asynccontextmanager
async def embedded(chain: EmbeddedChain) -> AsyncIterator[ChainBackend]:
    yield EmbeddedBackend(chain)


@asynccontextmanager
async def toncenter_v2(chain: EmbeddedChain) -> AsyncIterator[ChainBackend]:
    async with serving(chain) as url:
        yield backend_from(BackendSettings(kind="embedded", url=url, is_testnet=True))


@asynccontextmanager
async def toncenter_v3(chain: EmbeddedChain) -> AsyncIterator[ChainBackend]:
    async with serving(chain) as url:
        yield backend_from(
            BackendSettings(
                kind="toncenter",
                url=url,
                is_testnet=True,
                version="v3",
                requests_per_second=1000,
            )
        )


@asynccontextmanager
async def liteserver(chain: EmbeddedChain) -> AsyncIterator[ChainBackend]:
    masterchain = Masterchain(chain)
    async with FalseLiteserver(masterchain) as one, FalseLiteserver(masterchain) as two:
        # Nothing is remembered, so that each check sees what it has just done.
        timing = Timing(timeout=5, block_life=0, retry_delay=0.05)
        yield LiteserverBackend(
            Servers((one.server, two.server)), is_testnet=True, agreement=2, timing=timing
        )


MAKERS: list[Make] = [embedded, toncenter_v2, toncenter_v3, liteserver]


@pytest.fixture(params=MAKERS, ids=lambda make: make.__name__)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    make: Make = request.param
    with memory_chain() as chain:
        async with make(chain) as backend:
            await backend.start()
            try:
                yield Subject(backend, chain)
            finally:
                await backend.close()


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_contract_of_backends(check: Check, subject: Subject) -> None:
    await check(subject)
