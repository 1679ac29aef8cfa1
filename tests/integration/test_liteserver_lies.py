"""A liteserver that lies, fails or keeps silent."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from pytoniq_core import Address as OtherAddress
from pytoniq_core import Cell as OtherCell
from pytoniq_core.proof.check_proof import (
    ProofError,
    check_account_proof,
    check_block_header_proof,
    check_shard_proof,
)
from pytoniq_core.tl.block import BlockIdExt as OtherBlockId
from ton_core import NetworkGlobalID
from tonutils.clients import LiteClient

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountStatus
from cocoon.chain.boc import to_boc
from cocoon.chain.embedded import EmbeddedChain
from cocoon.chain.evidence import MAINNET_ZERO_STATE
from cocoon.chain.keys import SecretKey
from cocoon.chain.liteserver import LiteserverBackend, Timing, tl
from cocoon.chain.liteserver.proofs import check_shard, prove_account, read_header
from cocoon.chain.liteserver.servers import Server, Servers
from cocoon.chain.message import OutMessage
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.errors import (
    ChainDataError,
    ChainError,
    ConfigError,
    ContractError,
    DecodeError,
    MessageRejectedError,
)
from cocoon.testing.backend_suite import COMMENT, STRANGER
from cocoon.testing.chain import GENESIS, TON, memory_chain
from cocoon.testing.liteserver import REJECTED, FalseLiteserver, Masterchain
from cocoon.testing.made_up_state import make_state

pytestmark = pytest.mark.anyio
TIMING = Timing(timeout=2, block_life=0, retry_delay=0, attempts=2, wait=0.1)
OTHER = Address(b"\x78" * 32)


@pytest.fixture
def chain() -> Any:
    with memory_chain() as chain:
        chain.faucet(STRANGER, TON)
        chain.faucet(STRANGER, 2 * TON)
        chain.faucet(OTHER, 3 * TON)
        yield chain


@asynccontextmanager
async def connected(
    chain: EmbeddedChain, count: int = 1, **options: Any
) -> AsyncIterator[tuple[LiteserverBackend, list[FalseLiteserver]]]:
    masterchain = Masterchain(chain)
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(FalseLiteserver(masterchain)) for _ in range(count)
        ]
        options = {"agreement": 1, "is_testnet": True, "timing": TIMING} | options
        found = Servers(tuple(server.server for server in servers))
        backend = LiteserverBackend(found, **options)
        stack.push_async_callback(backend.close)
        yield backend, servers


# Proofs, checked by an independent library too


async def test_the_stand_in_proves_what_an_independent_library_accepts(
    chain: EmbeddedChain,
) -> None:
    shown = Masterchain(chain).newest()
    for address in (STRANGER, OTHER):
        shard = shown.shard(address)
        block = other_id(shard.block)
        account = OtherCell.one_from_boc(to_boc(shard.cells[address]))
        other = OtherAddress((0, address.account))
        check_account_proof(shard.proof(address), block, other, account)
    header = OtherCell.one_from_boc(shown.header_bag())
    check_block_header_proof(header[0], shown.block.root_hash)
    masterchain = other_id(shown.block)
    for part in shown.shards:
        check_shard_proof(shown.shard_proof(), masterchain, other_id(part.block))
    with pytest.raises(ProofError):
        check_shard_proof(shown.shard_proof(), masterchain, other_id(shown.block, workchain=0))


def other_id(block: tl.BlockId, workchain: int | None = None) -> OtherBlockId:
    number = block.workchain if workchain is None else workchain
    return OtherBlockId(number, None, block.seqno, block.root_hash, block.file_hash)


async def test_an_ordinary_client_understands_the_stand_in(chain: EmbeddedChain) -> None:
    """So that our own client is not only tested against our own idea of a liteserver."""
    wallet = WalletV4R2(SecretKey(b"\x05" * 32))
    chain.faucet(wallet.address, 10 * TON)
    async with FalseLiteserver(Masterchain(chain)) as server:
        client = LiteClient(
            NetworkGlobalID.TESTNET,
            ip=server.server.host,
            port=server.server.port,
            public_key=server.server.key,
        )
        await client.connect()
        try:
            info = await client.get_masterchain_info()
            assert info.last_block().seqno == chain.head().seqno
            block, header = await client.lookup_block(-1, -(2**63), seqno=info.last_block().seqno)
            assert (block, header.info.gen_utime) == (info.last_block(), chain.head().time)
            transfer = wallet.transfer([OutMessage(STRANGER, TON)], 0, chain.now + 60)
            await client.send_message(to_boc(transfer).hex())
            await client.provider.updater.refresh()
            state = await client.get_info(wallet.address.raw())
            assert state.balance == chain.account(wallet.address).balance
            assert await client.run_get_method(wallet.address.raw(), "seqno") == [1]
            found = await client.get_transactions(wallet.address.raw())
            assert [item.lt for item in found] == [
                item.lt for item in chain.transactions(wallet.address)
            ]
        finally:
            await client.close()


async def test_proofs(chain: EmbeddedChain) -> None:
    shown = Masterchain(chain).newest()
    shard = shown.shard(STRANGER)
    header = read_header(shown.header_bag(), shown.block)
    assert (header.seqno, header.time, header.network_id) == (shown.block.seqno, GENESIS, -3)
    check_shard(shown.shard_proof(), shown.block, shard.block, STRANGER)
    proven = prove_account(shard.proof(STRANGER), shard.block, STRANGER)
    state = chain.account(STRANGER)
    assert (proven.last_lt, proven.last_hash) == (state.last_lt, state.last_hash)
    assert proven.cell_hash == shard.cells[STRANGER].hash
    absent = Address(b"\x79" * 32)
    assert prove_account(shard.proof(absent), shard.block, absent).cell_hash is None


async def test_proofs_of_something_else(chain: EmbeddedChain) -> None:
    shown = Masterchain(chain).newest()
    shard, far = shown.shard(STRANGER), shown.shard(Address(b"\xff" * 32))
    old = make_state(shown.block.seqno, GENESIS - 1, [chain.account(STRANGER)])
    wrong: list[Callable[[], Any]] = [
        lambda: read_header(shown.header_bag(), shard.block),
        lambda: read_header(shown.header_bag(), replace(shown.block, seqno=1)),
        lambda: read_header(old.header_bag(), shown.block),
        lambda: read_header(shown.shard_proof(), shown.block),
        lambda: check_shard(shown.shard_proof(), shown.block, far.block, STRANGER),
        lambda: check_shard(old.shard_proof(), shown.block, shard.block, STRANGER),
        lambda: check_shard(
            shown.shard_proof(), shown.block, replace(shard.block, file_hash=bytes(32)), STRANGER
        ),
        lambda: check_shard(shard.proof(STRANGER), shard.block, shard.block, STRANGER),
        # The other account's place is cut off in this proof, which so proves nothing about it.
        lambda: prove_account(shard.proof(STRANGER), shard.block, OTHER),
        lambda: prove_account(shard.proof(STRANGER), far.block, STRANGER),
        lambda: prove_account(old.shard(STRANGER).proof(STRANGER), shard.block, STRANGER),
        lambda: prove_account(shown.shard_proof(), shown.block, STRANGER),
    ]
    for attempt in wrong:
        with pytest.raises(DecodeError):
            attempt()


async def test_every_damaged_bit_of_a_proof_is_noticed(chain: EmbeddedChain) -> None:
    """Or changes nothing that is proven."""
    shown = Masterchain(chain).newest()
    shard = shown.shard(STRANGER)
    proof = shard.proof(STRANGER)
    true = prove_account(proof, shard.block, STRANGER)
    for _ in range(2000):
        damaged = bytearray(proof)
        damaged[secrets.randbelow(len(proof))] ^= 1 << secrets.randbelow(8)
        try:
            assert prove_account(bytes(damaged), shard.block, STRANGER) == true
        except DecodeError:
            continue


# Lies


async def test_an_account_without_its_proof(chain: EmbeddedChain) -> None:
    async with connected(chain) as (backend, (server,)):
        assert (await backend.account(STRANGER)).balance == 3 * TON

        def richer(answer: bytes) -> bytes:
            read = tl.TlReader(answer)
            head = read.take(4) + read.block().bytes() + read.block().bytes()
            proofs = tl.text(read.text()) + tl.text(read.text())
            shown = make_state(1, 1, [replace(chain.account(STRANGER), balance=99 * TON)])
            cell = shown.shard(STRANGER).cells[STRANGER]
            return head + proofs + tl.text(to_boc(cell))

        server.tamper[tl.GET_ACCOUNT_STATE] = richer
        with pytest.raises(ChainDataError, match="not the one that its proof shows"):
            await backend.account(STRANGER)


async def test_an_account_that_is_hidden(chain: EmbeddedChain) -> None:
    async with connected(chain) as (backend, (server,)):

        def none(answer: bytes) -> bytes:
            read = tl.TlReader(answer)
            head = read.take(4) + read.block().bytes() + read.block().bytes()
            return head + tl.text(read.text()) + tl.text(read.text()) + tl.text(b"")

        server.tamper[tl.GET_ACCOUNT_STATE] = none
        with pytest.raises(ChainDataError, match="is not believed"):
            await backend.account(STRANGER)
        missing = await backend.account(Address(b"\x79" * 32))
        assert missing.status is AccountStatus.NONEXISTENT


async def test_somebody_elses_history(chain: EmbeddedChain) -> None:
    async with connected(chain) as (backend, (server,)):
        assert len(await backend.transactions(STRANGER)) == 2
        theirs = server._serve(tl.get_transactions(OTHER, 16, 2**62, bytes(32)))
        server.tamper[tl.GET_TRANSACTIONS] = lambda answer: theirs
        with pytest.raises(ChainDataError):
            await backend.transactions(STRANGER)
        server.tamper[tl.GET_TRANSACTIONS] = lambda answer: (
            tl.TRANSACTION_LIST + tl.number(0) + tl.text(b"")
        )
        with pytest.raises(ChainError, match="keeps all history"):
            await backend.transactions(STRANGER)


async def test_servers_that_contradict_each_other(chain: EmbeddedChain) -> None:
    async with connected(chain, 2, agreement=2) as (backend, servers):
        await backend.start()
        chain.faucet(STRANGER, TON)
        for server in servers:

            def fork(answer: bytes) -> bytes:
                return (
                    answer[:-1] if answer[:4] == tl.ERROR else answer[:30] + b"\x07" + answer[31:]
                )

            server.tamper[tl.LOOKUP_BLOCK] = fork
        with pytest.raises(ChainDataError, match=r"contradict each other.*nothing is believed"):
            await backend.account(STRANGER)
        for server in servers:
            server.tamper.clear()
        assert (await backend.account(STRANGER)).balance == 4 * TON


async def test_too_few_servers_agree(chain: EmbeddedChain) -> None:
    timing = replace(TIMING, timeout=0.5)
    async with connected(chain, 3, agreement=3, timing=timing) as (backend, servers):
        await backend.start()
        chain.faucet(STRANGER, TON)
        servers[1].silent = True
        with pytest.raises(ChainError, match=r"confirm the newest block|does not answer"):
            await backend.head()


async def test_another_server_takes_over(chain: EmbeddedChain) -> None:
    async with connected(chain, 3, agreement=2) as (backend, servers):
        await backend.start()
        for server in servers:
            server.silent = True
            server.drop()
            chain.faucet(STRANGER, TON)
            before = chain.account(STRANGER).balance
            assert (await backend.account(STRANGER)).balance == before
            server.silent = False


async def test_the_wrong_network(chain: EmbeddedChain) -> None:
    async with connected(chain) as (backend, (server,)):

        def on_mainnet(answer: bytes) -> bytes:
            return answer[:-64] + MAINNET_ZERO_STATE + bytes(32)

        server.tamper[tl.GET_MASTERCHAIN_INFO] = on_mainnet
        with pytest.raises((ConfigError, ChainDataError), match="mainnet"):
            await backend.start()
    with pytest.raises(ConfigError, match="on mainnet, but the configuration says testnet"):
        LiteserverBackend(
            Servers((Server("h", 1, bytes(32)),), MAINNET_ZERO_STATE), is_testnet=True, agreement=1
        )


async def test_another_beginning_than_configured(chain: EmbeddedChain) -> None:
    async with connected(chain) as (_, (server,)):
        backend = LiteserverBackend(
            Servers((server.server,), b"\x01" * 32), is_testnet=True, agreement=1, timing=TIMING
        )
        with pytest.raises(ChainDataError, match="another beginning"):
            await backend.start()
        await backend.close()


async def test_a_chain_that_stalls_or_goes_back(chain: EmbeddedChain) -> None:
    for _ in range(40):
        chain.faucet(STRANGER, TON)
    now = [GENESIS + 5.0]
    async with connected(chain, max_age=60, wall=lambda: now[0]) as (backend, (server,)):
        first = await backend.head()
        now[0] += 100
        with pytest.raises(ChainError, match="chain stalls"):
            await backend.head()
        now[0] -= 100

        def behind(answer: bytes) -> bytes:
            return answer[:16] + tl.number(first.seqno - 35) + answer[20:]

        server.tamper[tl.GET_MASTERCHAIN_INFO] = behind
        with pytest.raises(ChainDataError, match="jumps back"):
            await backend.head()


@pytest.mark.parametrize(
    "answer",
    [b"", b"\0\0\0\0", tl.MASTERCHAIN_INFO, tl.ERROR, tl.ERROR + b"\xff" * 8, b"\xff" * 200],
    ids=["empty", "kind", "short", "error", "long error", "noise"],
)
async def test_nonsense(chain: EmbeddedChain, answer: bytes) -> None:
    async with connected(chain) as (backend, (server,)):
        for kind in (tl.GET_MASTERCHAIN_INFO, tl.GET_BLOCK_HEADER, tl.GET_ACCOUNT_STATE):
            server.tamper = {kind: lambda _: answer}
            with pytest.raises(ChainError):
                await backend.account(STRANGER)
        server.tamper = {tl.RUN_METHOD: lambda _: answer, tl.SEND_MESSAGE: lambda _: answer}
        with pytest.raises(ChainError):
            await backend.run(STRANGER, "seqno")
        with pytest.raises(ChainError):
            await backend.send(COMMENT)


# Sending


async def test_refusals(chain: EmbeddedChain) -> None:
    async with connected(chain) as (backend, (server,)):
        await backend.start()

        async def refuse(*texts: str) -> None:
            await backend.head()
            chain.freeze()
            server.refusals.clear()
            server.tamper.clear()
            errors = [tl.ERROR + tl.number(0) + tl.text(text.encode()) for text in texts]
            server.tamper[tl.SEND_MESSAGE] = lambda _: errors.pop(0)
            await backend.send(COMMENT)

        with pytest.raises(MessageRejectedError) as caught:
            await refuse(f"{REJECTED} exitcode=35")
        assert caught.value.contract_exit_code == 35
        await refuse("duplicate message")
        with pytest.raises(ChainError, match="overloaded"):
            await refuse("overloaded", "overloaded")
        with pytest.raises(MessageRejectedError):
            await refuse("overloaded", REJECTED)


async def test_a_refusal_after_silence_says_nothing(chain: EmbeddedChain) -> None:
    async with connected(chain, timing=replace(TIMING, timeout=0.2)) as (backend, (server,)):
        await backend.start()
        tries: list[bytes] = []

        def slow(answer: bytes) -> bytes:
            tries.append(answer)
            if len(tries) == 1:
                import time

                time.sleep(0.4)
            return tl.ERROR + tl.number(0) + tl.text(REJECTED.encode())

        server.tamper[tl.SEND_MESSAGE] = slow
        await backend.send(COMMENT)
        assert len(tries) == 2


# Connections


async def test_nobody_is_there() -> None:
    backend = LiteserverBackend(
        Servers((Server("127.0.0.1", 1, bytes([9]) * 32),)),
        is_testnet=True,
        agreement=1,
        timing=TIMING,
    )
    with pytest.raises(ChainError, match="cannot be reached"):
        await backend.start()
    await backend.close()


async def test_a_server_without_the_key(chain: EmbeddedChain) -> None:
    async with connected(chain) as (_, (server,)):
        for key in (bytes([9]) * 32, bytes(32), b"\x01" + bytes(31), b"\xff" * 32):
            backend = LiteserverBackend(
                Servers((replace(server.server, key=key),)),
                is_testnet=True,
                agreement=1,
                timing=replace(TIMING, timeout=0.3),
            )
            with pytest.raises(ChainError, match="cannot be reached"):
                await backend.start()
            await backend.close()


@pytest.mark.parametrize("noise", [b"", b"\xff" * 4096, bytes(4096)], ids=["eof", "ones", "zeros"])
async def test_a_server_that_speaks_nonsense(noise: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(256)
        writer.write(noise)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    backend = LiteserverBackend(
        Servers((Server("127.0.0.1", port, bytes([9]) * 32),)),
        is_testnet=True,
        agreement=1,
        timing=replace(TIMING, timeout=0.5),
    )
    with pytest.raises(ChainError, match="cannot be reached"):
        await backend.start()
    await backend.close()
    listener.close()
    await listener.wait_closed()


async def test_many_queries_on_one_connection(chain: EmbeddedChain) -> None:
    async with connected(chain, timing=replace(TIMING, block_life=60)) as (backend, _):
        states = await asyncio.gather(*(backend.account(STRANGER) for _ in range(30)))
        assert {state.balance for state in states} == {3 * TON}


async def test_a_failing_method_is_no_reason_to_ask_another(chain: EmbeddedChain) -> None:
    async with connected(chain) as (backend, (server,)):
        with pytest.raises(ContractError):
            await backend.run(STRANGER, "seqno")
        assert server.questions.count(tl.RUN_METHOD) == 1


def test_more_must_agree_than_there_are() -> None:
    with pytest.raises(ConfigError, match="name more, or set agreement lower"):
        LiteserverBackend(Servers((Server("h", 1, bytes(32)),)), is_testnet=True)
    twice = (Server("h", 1, bytes(32)), Server("other", 1, bytes(32)))
    with pytest.raises(ConfigError, match="2 liteservers shall agree"):
        LiteserverBackend(Servers(twice), is_testnet=True)
