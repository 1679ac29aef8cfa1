"""The embedded chain behind the interface that all chains have."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cocoon.chain import Address
from cocoon.chain.backend import ChainBackend, TransactionRef
from cocoon.chain.embedded import EmbeddedBackend, EmbeddedChain
from cocoon.chain.message import OutMessage
from cocoon.errors import ChainError, ContractError, MessageRejectedError
from cocoon.testing.chain import GENESIS, TON, memory_chain
from cocoon.testing.probe import Probe, add

pytestmark = pytest.mark.anyio


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        yield chain


async def test_everything_that_a_backend_does(chain: EmbeddedChain) -> None:
    backend: ChainBackend = EmbeddedBackend(chain)
    await backend.start()
    assert (backend.name, backend.is_testnet) == ("embedded", True)
    probe, other = Probe().deploy(chain), Probe(2).deploy(chain)
    head = await backend.head()
    assert (head.seqno, head.time) == (3, GENESIS)
    await backend.send(probe.order(0, OutMessage(other.address, TON, add(4))))
    assert (await backend.run(other.address, "total")).stack == (6,)
    assert (await backend.account(other.address)).is_active
    newest, *rest = await backend.transactions(probe.address)
    assert len(rest) == 2
    older = await backend.transactions(
        probe.address, limit=1, before=TransactionRef(newest.lt, newest.hash)
    )
    assert older == rest[:1]
    assert newest.prev_hash == rest[0].hash
    with pytest.raises(MessageRejectedError):
        await backend.send(probe.order(0))
    with pytest.raises(ContractError):
        await backend.run(other.address, "nosuch")
    await backend.close()
    assert chain.head().seqno == 4


async def test_head_follows_the_clock(chain: EmbeddedChain) -> None:
    backend = EmbeddedBackend(chain)
    seqno = (await backend.head()).seqno
    chain.freeze(GENESIS + 60)
    head = await backend.head()
    assert (head.seqno, head.time) == (seqno + 1, GENESIS + 60)


async def test_the_event_loop_goes_on_meanwhile(chain: EmbeddedChain) -> None:
    backend, probe = EmbeddedBackend(chain), Probe().deploy(chain)
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    beating = asyncio.create_task(beat())
    with pytest.raises(ContractError):
        await backend.run(probe.address, "forever")
    beating.cancel()
    assert beats > 10


async def test_a_broken_file_is_a_chain_error(tmp_path: Path) -> None:
    chain = EmbeddedChain(tmp_path / "chain.sqlite", now=GENESIS)
    backend = EmbeddedBackend(chain)
    chain.close()
    with pytest.raises(ChainError):
        await backend.transactions(Address(bytes(32)))
