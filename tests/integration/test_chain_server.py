"""A served chain lives on by itself, and web pages cannot reach it."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from cocoon.chain import Address
from cocoon.chain.embedded import EmbeddedChain
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.chain_server import serving
from cocoon.testing.probe import Probe, hop

pytestmark = pytest.mark.anyio
SOMEBODY = Address(b"\x77" * 32)


async def until(reached: Any) -> None:
    async with asyncio.timeout(20):
        while not reached():  # noqa: ASYNC110 - the chain tells nobody
            await asyncio.sleep(0.02)


async def test_empty_blocks_come_by_themselves() -> None:
    clock = [1_800_000_000.0]
    with EmbeddedChain(real_time=lambda: clock[0]) as chain:
        async with serving(chain):
            clock[0] += 10
            await until(lambda: chain.head().seqno > 1)
            assert chain.head().time == clock[0]


async def test_what_one_block_left_over_goes_on() -> None:
    with memory_chain(max_hops=3) as chain:
        probe, other = Probe().deploy(chain), Probe(2).deploy(chain)
        async with serving(chain):
            chain.faucet(probe.address, TON, body=hop(10, other.address))
            await until(lambda: not chain.waiting)
        assert len(chain.transactions(other.address)) == 6


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example:8081"}]
)
async def test_web_pages_are_kept_out(headers: dict[str, str]) -> None:
    with memory_chain() as chain:
        async with serving(chain) as url, aiohttp.ClientSession() as session:
            body = json.dumps({"address": SOMEBODY.raw(), "amount": TON})
            for path in ("/", "/api/v2/getMasterchainInfo", "/devnet/transactions"):
                async with session.get(url + path, headers=headers) as answer:
                    assert answer.status == 403
            async with session.post(f"{url}/devnet/faucet", data=body, headers=headers) as answer:
                assert answer.status == 403
            async with session.post(f"{url}/devnet/faucet", data=body) as answer:
                assert answer.status == 200
        assert len(chain.recent_transactions()) == 1


async def test_a_call_that_is_cut_off_harms_nobody() -> None:
    with memory_chain() as chain:
        async with serving(chain) as url:
            port = int(url.rpartition(":")[2])
            for start in (
                b"",
                b"POST /devnet/faucet HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
            ):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(start)
                await writer.drain()
                writer.close()
            async with aiohttp.ClientSession() as session, session.get(f"{url}/health") as answer:
                assert answer.status == 200
