"""Root configurations only move forward, and an old one is noticed."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from cocoon.chain.address import Address
from cocoon.chain.backend import Head
from cocoon.chain.root_config import RootConfig
from cocoon.errors import ChainError, ConfigError
from cocoon.net.root_source import STALE_AFTER, ChainRoot, FixedRoot
from cocoon.testing.network import test_root

pytestmark = pytest.mark.anyio

ROOT = test_root(version=5)


class Chain:
    """A backend that knows the time, and what ``read`` says next."""

    def __init__(self) -> None:
        self.time = 1000
        self.root: RootConfig | None = ROOT
        self.reads = 0

    async def head(self) -> Head:
        return Head(1, self.time)

    async def read(self, _backend: object, _address: Address) -> RootConfig:
        self.reads += 1
        if self.root is None:
            raise ChainError("not reachable")
        return self.root

    def source(self, **options: Any) -> ChainRoot:
        backend: Any = self
        options = {"clock": lambda: self.time, "interval": (0.001, 0.001), **options}
        return ChainRoot(backend, ROOT.address, read=self.read, **options)


async def test_only_greater_versions_are_adopted() -> None:
    chain = Chain()
    source = chain.source()
    seen = []
    source.on_change(lambda before, root: seen.append((before.version, root.version)))
    await source.refresh()
    for version, expected in ((5, 5), (4, 5), (7, 7), (6, 7)):
        chain.root = replace(ROOT, version=version)
        await source.refresh()
        assert source.current.version == expected
    assert seen == [(5, 7)]


async def test_before_the_first_read_there_is_nothing() -> None:
    source = Chain().source()
    with pytest.raises(ChainError, match="not read yet"):
        _ = source.current
    assert not source.is_fresh


async def test_an_initial_version_bridges_a_chain_that_is_away() -> None:
    chain = Chain()
    chain.root = None
    with pytest.raises(ChainError):
        await chain.source().start()
    source = chain.source(initial=ROOT)
    await source.start()
    try:
        assert source.current is ROOT
        chain.root = replace(ROOT, version=6)
        async with asyncio.timeout(5):
            while source.current.version != 6:  # noqa: ASYNC110
                await asyncio.sleep(0)
        reads = chain.reads
        async with asyncio.timeout(5):
            while chain.reads < reads + 3:  # noqa: ASYNC110
                await asyncio.sleep(0)
    finally:
        await source.close()


async def test_a_stalled_chain_makes_the_root_old() -> None:
    chain = Chain()
    now = 1000.0
    source = chain.source(clock=lambda: now)
    await source.refresh()
    assert source.is_fresh
    now += STALE_AFTER - 1
    assert source.is_fresh
    now += 1
    assert not source.is_fresh
    await source.refresh()  # the backend still answers, with the same old block
    assert not source.is_fresh
    chain.time = int(now)
    await source.refresh()
    assert source.is_fresh
    assert source.age == 0


async def test_what_is_no_later_version_of_this_network_is_refused() -> None:
    chain = Chain()
    source = chain.source()
    await source.refresh()
    chain.root = replace(ROOT, version=6, address=Address(bytes(32)))
    with pytest.raises(ConfigError, match="another root contract"):
        await source.refresh()
    chain.root = replace(ROOT, version=6, params=replace(ROOT.params, is_test=False))
    with pytest.raises(ConfigError, match="is_test"):
        await source.refresh()
    assert source.current.version == 5


async def test_a_fixed_root_is_always_fresh() -> None:
    source = FixedRoot(ROOT)
    await source.start()
    assert source.current is ROOT
    assert source.is_fresh
    assert source.age == 0
    changes = []
    source.on_change(lambda before, root: changes.append((before, root)))
    other = replace(ROOT, version=6)
    source.replace(other)
    assert changes == [(ROOT, other)]
    await source.close()
