"""Flushing the books: whatever fails, usage stays and is written by a later flush."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cocoon.accounting import Account, Tokens
from cocoon.errors import StoreError
from cocoon.proxy.settlement import Settlement, SimulatedChain
from cocoon.proxy.store import Batch
from cocoon.testing.proxy_rig import CLIENT, WORKER, Rig

pytestmark = pytest.mark.anyio


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


class Disk:
    """A store that fails as often as told."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.batches: list[Batch] = []

    def flush(self, batch: Batch) -> None:
        if self.errors:
            raise self.errors.pop()
        self.batches.append(batch)

    def close(self) -> None: ...


def use(rig: Rig, tokens: int) -> Account:
    """A request that has been charged."""
    client = rig.books.open_client(CLIENT).account
    worker = rig.books.open_worker(WORKER).account
    ledger = rig.books.ledger
    ledger.settle(client.hold(Tokens(tokens)), worker, Tokens(tokens))
    return client


async def started(rig: Rig, disk: Disk, told: list[Any], health: list[bool]) -> Settlement:
    store: Any = disk
    settlement = Settlement(
        rig.books, store, SimulatedChain(), told.append, health.append, interval=0.001
    )
    await settlement.start()
    return settlement


async def test_disk_full_for_a_while() -> None:
    rig, disk, told, health = Rig(), Disk(), list[Any](), list[bool]()
    settlement = await started(rig, disk, told, health)
    disk.errors = [StoreError("disk full")] * 2
    client = use(rig, 7)
    await eventually(lambda: bool(told))
    assert health == [False, True]
    assert int(client.counter.chain) == 7
    await settlement.close()


@pytest.mark.parametrize("where", ["store", "announcement"])
async def test_a_bug_does_not_end_the_flushing(where: str) -> None:
    """Without the flushing task nothing would ever be stored again, and nobody would notice."""
    rig, disk, told, health = Rig(), Disk(), list[Any](), list[bool]()
    settlement = await started(rig, disk, told, health)
    if where == "store":
        disk.errors = [RuntimeError("bug")]
    else:
        settlement._on_signable = lambda _accounts: 1 / 0  # type: ignore[assignment]
    client = use(rig, 7)
    await eventually(lambda: int(client.counter.chain) == 7)
    use(rig, 2)
    await eventually(lambda: int(client.counter.chain) == 9)
    await eventually(lambda: settlement.healthy)
    await settlement.close()
