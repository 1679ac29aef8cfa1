"""What strangers, servers and bad moments can do to a proxy's settlement on a real TVM."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.accounting import Nano, Tokens
from cocoon.chain.address import Address
from cocoon.chain.backend import Head
from cocoon.chain.cells import Cell
from cocoon.chain.contracts import client_messages, proxy_messages
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.payment import CLIENT_CHARGE, sign_payment
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.embedded.execution import Execution, faucet_message
from cocoon.errors import ChainDataError, ChainError
from cocoon.proxy import books as books_module
from cocoon.proxy.onchain import watcher as watcher_module
from cocoon.proxy.onchain.outbox import Due
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.testing.chain import TON
from cocoon.testing.onchain import FEE, PRICE, PROXY_DELAY, World, make_world, owner_of
from cocoon.testing.proxy_onchain import (
    CLIENT_OWNER,
    EXCESSES,
    VALUE,
    WORKER_OWNER,
    ProxyWorld,
    proxy_settings,
    running,
)

pytestmark = pytest.mark.anyio

TOKENS = 10_000_000
STRANGER = Address(bytes([0x66]) * 32)


@pytest.fixture
def world() -> Iterator[World]:
    world = make_world()
    world.wallet(7)
    with world.chain:
        yield world


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the chain tells nobody
            await asyncio.sleep(0.01)


async def with_deposit(it: ProxyWorld, amount: int = 5 * TON) -> None:
    it.deploy_client()
    it.top_up(amount)
    await until(lambda: it.proxy.books.client(CLIENT_OWNER) is not None)


def as_stranger(it: ProxyWorld, body: Cell, *, value: int = VALUE) -> None:
    """A message from another client's owner to that one's contract, which is deployed."""
    params = it.world.root.params
    assert params.client_code is not None
    contract = it.proxy.books.client_contract(STRANGER)
    data = client_data(params, STRANGER, it.contract, it.key.public_key)
    init = state_init(params.client_code, data)
    it.world.chain.faucet(contract, VALUE, init=init)
    it.world.chain.faucet(contract, value, body=body, source=STRANGER)


async def test_an_absurd_stake_of_a_stranger_stops_nothing(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as it:
        as_stranger(it, client_messages.increase_stake(1, 2**64 - 1, EXCESSES))
        await with_deposit(it)
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        assert int(record.account.funds.balance) == 5 * TON
        await it.proxy.flush()


async def test_full_books_stop_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books_module, "MAX_ACCOUNTS", 1)
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        as_stranger(it, client_messages.register(1, 5, EXCESSES))
        it.top_up(TON)
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        await until(lambda: record.account.funds.balance == 6 * TON)
        assert it.proxy.books.client(STRANGER) is None


class _Stalled(EmbeddedBackend):
    """A server whose newest block grows old."""

    stalled = False

    async def head(self) -> Head:
        if self.stalled:
            raise ChainError("chain stalls")
        return await super().head()


async def test_a_server_that_stalls_stops_new_requests(tmp_path: Path) -> None:
    world = make_world(client_delay_before_close=1)
    world.wallet(7)
    backend = _Stalled(world.chain)
    settings = proxy_settings(world, tmp_path)
    assert settings.chain is not None
    chain = replace(settings.chain, backend=lambda: backend)
    with world.chain:
        async with running(world, tmp_path, chain=chain) as it:
            await with_deposit(it)
            assert it.proxy.dispatcher.terms.refusal is None
            backend.stalled = True
            await until(lambda: it.proxy.dispatcher.terms.refusal is not None, 2.0)
            backend.stalled = False
            await until(lambda: it.proxy.dispatcher.terms.refusal is None, 2.0)


async def test_many_commits_without_money_do_not_hide_the_one_on_chain(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path, settlement=SettlementSettings()) as it:
        await with_deposit(it)
        it.use(TOKENS)
        await it.proxy.flush()
        assert it.ledger().commit_seqno > 0
        onchain = it.proxy.onchain
        assert onchain is not None

        async def fails(*_messages: object, **_rest: object) -> None:
            raise ChainError("the wallet is empty")

        onchain._sender.send = fails  # type: ignore[assignment,method-assign]
        for _ in range(150):
            it.use(1)
            await it.proxy._settlement.flush(commit=True)
    async with running(world, tmp_path) as it:
        await it.proxy.flush()
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        assert int(record.account.counter.chain) == TOKENS + 150


async def test_a_charge_beyond_the_books_stops_signing_at_once(
    world: World, tmp_path: Path
) -> None:
    """A second instance with this key and other books, before any commit tells."""
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        payment = sign_payment(
            it.key,
            CLIENT_CHARGE,
            query_id=9,
            tokens=TOKENS,
            address=it.client,
            excesses=EXCESSES,
        )
        world.chain.faucet(it.client, VALUE, body=payment.body(), source=STRANGER)
        onchain = it.proxy.onchain
        assert onchain is not None
        await until(lambda: onchain.fault is not None)
        assert it.proxy.dispatcher.terms.refusal is not None
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        assert record.account.funds.charged == Tokens(0)


async def test_a_charge_that_overtakes_a_credit_hides_no_deposit(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        it.use(TOKENS)
        await it.proxy.flush()
        record = it.proxy.books.client(CLIENT_OWNER)
        onchain = it.proxy.onchain
        assert record is not None
        assert onchain is not None
        top_up = client_messages.top_up(2, TON, EXCESSES)
        charge = onchain._messages.charge(record).body
        two_at_once(world, it.client, (CLIENT_OWNER, 2 * TON, top_up), (STRANGER, TON, charge))
        left = 6 * TON - TOKENS * PRICE
        assert it.client_state().balance == left
        await until(lambda: record.account.funds.charged == TOKENS)
        await until(lambda: record.account.funds.balance == left, 3.0)


def two_at_once(world: World, dest: Address, *messages: tuple[Address, int, Cell]) -> None:
    """Messages that arrive before anything that they cause does."""

    def start(block: Execution) -> None:
        for source, value, body in messages:
            lt = block.last_lt + 1
            block.internal(
                faucet_message(
                    source, dest, value, body, None, bounce=True, lt=lt, time=block.around.time
                )
            )

    world.chain._run_block(start)


async def test_who_pretends_to_be_a_client_does_not_take_its_registration(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as it:
        it.deploy_client()
        side = it.proxy.client_side
        links = [_FakeLink(), _FakeLink()]
        for link, nonce in zip(links, (77, 78), strict=True):
            connection = side.new_connection(link)  # type: ignore[arg-type]
            connection.address = CLIENT_OWNER  # as anybody may say
            connection.session = _FakeSession()  # type: ignore[assignment]
            side._await_registration(link, 1, connection, nonce)  # type: ignore[arg-type]
        it.register(77)
        await until(lambda: links[0].answers)
        assert links[0].answers == ["authorized"]
        assert links[1].answers == []


class _FakeLink:
    is_open = True

    def __init__(self) -> None:
        self.answers: list[object] = []

    def answer(self, _query_id: int, answer: object) -> None:
        self.answers.append(answer)


class _FakeSession:
    def authorized(self, _payment: object) -> str:
        return "authorized"


async def test_two_orders_at_once_are_both_carried_out(world: World, tmp_path: Path) -> None:
    settlement = SettlementSettings(commit_value=0)
    async with running(world, tmp_path, settlement=settlement) as it:
        await with_deposit(it)
        it.use(TOKENS)
        await it.proxy.flush()
        onchain = it.proxy.onchain
        assert onchain is not None
        await asyncio.gather(
            onchain.settle_now(Due(charges=True)), onchain.settle_now(Due(commission=True))
        )
        assert it.client_state().tokens_used == TOKENS


async def test_retirement_waits_for_workers_and_ignores_who_never_earned(
    world: World, tmp_path: Path
) -> None:
    reads: list[Address] = []

    class Counting(EmbeddedBackend):
        async def account(self, address: Address):  # type: ignore[no-untyped-def]
            reads.append(address)
            return await super().account(address)

    settings = proxy_settings(world, tmp_path)
    assert settings.chain is not None
    chain = replace(settings.chain, backend=lambda: Counting(world.chain))
    async with running(world, tmp_path, chain=chain) as it:
        await with_deposit(it)
        idle = [Address(bytes([1, number]) * 16) for number in range(50)]
        strangers = {it.proxy.books.open_worker(owner).contract for owner in idle}
        it.use(TOKENS)
        await it.proxy.flush()
        onchain = it.proxy.onchain
        assert onchain is not None
        onchain._holds.failed(it.worker)  # its payout failed just now
        it.proxy.retire()
        await until(lambda: it.client_state().phase is ContractPhase.CLOSED)
        world.chain.advance(PROXY_DELAY + 1)
        await asyncio.sleep(0.3)
        assert it.proxy_state().phase is ContractPhase.CLOSING
        onchain._holds.forget_times()
        await until(lambda: it.proxy_state().phase is ContractPhase.CLOSED)
        assert it.worker_state().tokens == TOKENS
        assert not strangers & set(reads)


async def test_a_request_that_ends_during_the_retirement_is_paid(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        it.use(TOKENS)
        books = it.proxy.books
        record, worker = books.client(CLIENT_OWNER), books.open_worker(WORKER_OWNER)
        assert record is not None
        held = books.ledger.reserve(record.account, Tokens(TOKENS), Nano(PRICE))
        await it.proxy.settle(Due(charges=True))
        it.proxy.retire()
        await until(lambda: world.balance(WORKER_OWNER) >= TOKENS * FEE)
        await asyncio.sleep(0.3)  # several rounds
        assert it.worker_state().phase is ContractPhase.OPEN
        books.ledger.settle(held, worker.account, Tokens(TOKENS))
        await until(lambda: world.balance(WORKER_OWNER) >= 2 * TOKENS * FEE)
        world.chain.advance(PROXY_DELAY + 1)
        await until(lambda: it.proxy_state().phase is ContractPhase.CLOSED)
        assert it.ledger().earned == 0


async def test_everybody_is_paid_after_the_operator_has_closed_the_contract_alone(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        it.use(TOKENS)
        await it.proxy.flush()
        contract = it.contract
    for seconds in (PROXY_DELAY + 1, 0):
        body = proxy_messages.close(1, owner_of(7))
        world.chain.faucet(contract, VALUE, body=body, source=owner_of(7))
        world.chain.advance(seconds)
    async with running(world, tmp_path) as it:
        assert it.proxy_state().phase is ContractPhase.CLOSED
        await until(lambda: it.client_state().phase is ContractPhase.CLOSED)
        await until(lambda: world.balance(WORKER_OWNER) >= TOKENS * FEE)
        assert it.ledger().client_funds == 0


async def test_a_client_that_never_paid_does_not_delay_a_retirement(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as it:
        as_stranger(it, client_messages.register(1, 5, EXCESSES))
        await until(lambda: it.proxy.books.client(STRANGER) is not None)
        it.proxy.retire()
        await until(lambda: it.proxy_state().phase is ContractPhase.CLOSING)
        world.chain.advance(PROXY_DELAY + 1)
        await until(lambda: it.proxy_state().phase is ContractPhase.CLOSED)
        assert "refund" not in it.proxy.onchain.sent  # type: ignore[union-attr]


async def test_a_long_absence_is_caught_up_page_by_page(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "MAX_TRANSACTIONS", 3)
    monkeypatch.setattr(watcher_module, "HELD_PAGES", 2)
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        contract = it.contract
    for _ in range(20):
        world.chain.faucet(contract, TON)
    async with running(world, tmp_path) as it:
        newest = world.chain.transactions(contract, limit=1)[0]
        await until(lambda: it.proxy.books.position.lt == newest.lt)
        it.top_up(TON)
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        await until(lambda: record.account.funds.balance == 6 * TON)


async def test_a_chain_that_was_reset_is_said_before_money_goes_there(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        contract = it.contract
    other = make_world()
    wallet = other.wallet(7)
    with other.chain:
        before = other.balance(wallet.address)
        with pytest.raises(ChainDataError, match="a chain that was reset"):
            async with running(other, tmp_path):
                pass
        assert other.balance(wallet.address) == before
        assert not other.chain.account(contract).is_active


async def test_a_contract_that_cannot_be_deployed_is_said_at_start(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def loses(*_args: object, **_rest: object) -> None:
        return None

    monkeypatch.setattr("cocoon.proxy.onchain.settler.ChainSettlement._send", loses)
    monkeypatch.setattr("cocoon.proxy.onchain.settler.DEPLOY_TIME", 0.1)
    with pytest.raises(ChainError, match="start the proxy again"):
        async with running(world, tmp_path):
            pass


async def test_books_that_a_server_led_astray_find_back(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as it:
        await with_deposit(it)
        it.use(TOKENS)
        await it.proxy.flush()
        position = it.proxy.books.position
    store = sqlite3.connect(tmp_path / "proxy.sqlite")
    with store:
        store.execute("UPDATE proxy_state SET seen_lt = ?, seen_hash = ?", (10**17, bytes(32)))
    store.close()
    async with running(world, tmp_path) as it:
        assert it.proxy.books.position.lt >= position.lt
        record = it.proxy.books.client(CLIENT_OWNER)
        assert record is not None
        await it.proxy.settle(Due(charges=True))
        assert it.client_state().tokens_used == TOKENS
