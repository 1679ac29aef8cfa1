"""TON's ordinary Python SDK works against an embedded chain as against a public indexer."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ton_core import NetworkGlobalID
from tonutils.clients import ToncenterClient
from tonutils.contracts.wallet import WalletV4R2, WalletV5R1
from tonutils.exceptions import ProviderResponseError, RunGetMethodError

from cocoon.chain.address import Address
from cocoon.chain.embedded import EmbeddedChain
from cocoon.testing.chain import TON
from cocoon.testing.chain_server import serving

pytestmark = pytest.mark.anyio
STRANGER = Address(b"\x77" * 32)


def received(chain: EmbeddedChain, address: Address) -> list[int]:
    """What came in; the balance is less, as rent is due by the second."""
    return [
        item.parsed.in_message.value
        for item in chain.transactions(address)
        if item.parsed.in_message is not None
    ]


@pytest.fixture
async def chain() -> AsyncIterator[EmbeddedChain]:
    with EmbeddedChain() as chain:
        yield chain


@pytest.fixture
async def client(chain: EmbeddedChain) -> AsyncIterator[ToncenterClient]:
    async with serving(chain) as url:
        client = ToncenterClient(
            NetworkGlobalID.TESTNET, base_url=f"{url}/api/v2", rps_limit=10_000
        )
        await client.connect()
        try:
            yield client
        finally:
            await client.close()


@pytest.mark.parametrize("version", [WalletV4R2, WalletV5R1])
async def test_wallet_is_funded_deployed_and_used(
    chain: EmbeddedChain, client: ToncenterClient, version: Any
) -> None:
    wallet, *_ = version.create(client)
    address = Address.parse(wallet.address.to_str())
    chain.faucet(address, 5 * TON)
    await wallet.refresh()
    assert wallet.is_uninit
    assert wallet.balance == 5 * TON

    for number in range(2):  # the first deploys the wallet too
        await wallet.transfer(STRANGER.friendly(testnet=True), TON, body=f"hello {number}")
    await wallet.refresh()
    assert wallet.is_active
    assert 3 * TON > wallet.balance > 3 * TON - TON // 50
    assert await client.run_get_method(wallet.address, "seqno") == [2]
    assert received(chain, STRANGER) == [TON, TON]

    found = await client.get_transactions(wallet.address)
    assert len(found) == 3
    assert [len(item.out_msgs) for item in found] == [1, 1, 0]
    older = await client.get_transactions(wallet.address, from_lt=found[1].lt)
    assert [item.lt for item in older] == [item.lt for item in found[1:]]
    newer = await client.get_transactions(wallet.address, to_lt=found[1].lt)
    assert [item.lt for item in newer] == [found[0].lt]


async def test_refusals_reach_the_sdk(chain: EmbeddedChain, client: ToncenterClient) -> None:
    wallet, *_ = WalletV4R2.create(client)
    chain.faucet(Address.parse(wallet.address.to_str()), TON)
    sent = await wallet.transfer(STRANGER.friendly(testnet=True), 1)
    with pytest.raises(ProviderResponseError, match="exitcode=33"):
        await client.send_message(sent.as_hex)  # again: its sequence number is used up
    with pytest.raises(RunGetMethodError, match="11"):
        await client.run_get_method(wallet.address, "no_such_method")
    with pytest.raises(RunGetMethodError, match="-13"):
        await client.run_get_method(STRANGER.raw(), "seqno")


async def test_configuration_is_read(client: ToncenterClient) -> None:
    config = await client.get_config()
    assert {0, 8, 20, 21, 24, 25} <= set(config)


async def test_many_processes_are_clients_at_once(chain: EmbeddedChain) -> None:
    """Each sends from a wallet of its own and sees all of its own transactions."""
    async with serving(chain) as url:
        children = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", _CHILD, url, stdout=asyncio.subprocess.PIPE
            )
            for _ in range(3)
        ]
        output = await asyncio.gather(*(child.communicate() for child in children))
    assert [out.split() for out, _ in output] == [[b"5", b"6"]] * 3
    assert received(chain, STRANGER) == [TON] * 15
    blocks = chain.blocks(limit=1000)
    assert [block.seqno for block in blocks] == list(range(blocks[0].seqno, 0, -1))


_CHILD = f"""
import asyncio, json, sys, urllib.request
from ton_core import NetworkGlobalID
from tonutils.clients import ToncenterClient
from tonutils.contracts.wallet import WalletV5R1

async def main(url):
    client = ToncenterClient(
        NetworkGlobalID.TESTNET, base_url=f"{{url}}/api/v2", rps_limit=10_000
    )
    await client.connect()
    wallet, *_ = WalletV5R1.create(client)
    body = {{"address": wallet.address.to_str(), "amount": {10 * TON}}}
    request = urllib.request.Request(f"{{url}}/devnet/faucet", json.dumps(body).encode())
    await asyncio.to_thread(lambda: urllib.request.urlopen(request).close())
    for _ in range(5):
        await wallet.transfer("{STRANGER.friendly(testnet=True)}", {TON})
    print((await client.run_get_method(wallet.address, "seqno"))[0])
    print(len(await client.get_transactions(wallet.address)))
    await client.close()

asyncio.run(main(sys.argv[1]))
"""
