"""Top-ups with TON: real wallet contracts on the embedded chain pay the operator's wallet."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cocoon.accounting import Nano
from cocoon.chain import Address, SecretKey
from cocoon.chain.backend import ChainBackend, TransactionRef
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.message import OutMessage
from cocoon.chain.sender import SenderTiming, WalletSender
from cocoon.chain.transaction import Transaction
from cocoon.chain.wallets.base import Wallet
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.chain.wallets.v5r1 import WalletV5R1
from cocoon.errors import ChainDataError, ChainError
from cocoon.telegram.accounts import Accounts, Cursor, Topup
from cocoon.telegram.payments import TonTopups, comment_cell, comment_of, read_comment
from cocoon.testing.chain import GENESIS, TON, memory_chain
from cocoon.testing.telegram_books import StandingClock, check_books, open_accounts

pytestmark = pytest.mark.anyio
ANNA, BEN = 7, 8
OPERATOR = WalletV4R2(SecretKey(bytes([1]) * 32))
PAYERS: list[Wallet] = [
    WalletV4R2(SecretKey(bytes([2]) * 32)),
    WalletV5R1(SecretKey(bytes([3]) * 32), testnet=True),
]
FAST = SenderTiming(poll=0.005, resend=0.5, track=3.0, give_up=5.0)


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        for payer in PAYERS:
            chain.faucet(payer.address, 100 * TON)
        yield chain


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[Accounts]:
    url = f"sqlite:///{tmp_path / 'ton.sqlite'}"
    async with open_accounts(url, clock=StandingClock(GENESIS)) as accounts:
        yield accounts
        await accounts.store.run(check_books)


def watcher(accounts: Accounts, backend: ChainBackend) -> TonTopups:
    clock = StandingClock(GENESIS)
    return TonTopups(accounts, backend, OPERATOR.address, 0.01, clock=clock)


async def send(chain: EmbeddedChain, payer: Wallet, *messages: OutMessage) -> None:
    sender = WalletSender(EmbeddedBackend(chain), payer, timing=FAST)
    deliveries = await sender.send(*messages)
    await sender.close()
    assert all(delivery.transaction is not None for delivery in deliveries)


def transfer(nano: int, comment: str | Cell, dest: Address = OPERATOR.address) -> OutMessage:
    body = comment_cell(comment) if isinstance(comment, str) else comment
    return OutMessage(dest, nano, body, bounce=False)


async def balance(accounts: Accounts, user: int = ANNA) -> int:
    return int((await accounts.account(user)).balance)


@pytest.mark.parametrize("payer", PAYERS, ids=repr)
async def test_what_arrives_is_credited_once(
    chain: EmbeddedChain, accounts: Accounts, payer: Wallet
) -> None:
    watch = watcher(accounts, EmbeddedBackend(chain))
    assert await watch.look() == []
    topup = await accounts.new_topup(ANNA, "ton", Nano(2 * TON))
    request = watch.transfer_request(topup)
    # As a wallet application does: address, amount and payload as they came.
    body = from_boc(base64.b64decode(request.payload))
    dest = Address.parse(request.address)
    await send(chain, payer, OutMessage(dest, int(request.amount), body, bounce=False))
    (done,) = await watch.look()
    assert (done.id, done.state, done.received) == (topup.id, "paid", Nano(2 * TON))
    for _ in range(3):
        assert await watch.look() == []
    assert await balance(accounts) == 2 * TON
    # Less than asked, and again for the same one, twice in one message: what arrives counts.
    text = comment_of(topup.id)
    await send(chain, payer, transfer(5, text), transfer(7, f" {text.upper()}\n"))
    assert [step.received for step in await watch.look()] == [2 * TON + 5, 2 * TON + 12]
    assert await balance(accounts) == 2 * TON + 12
    entries = await accounts.ledger(ANNA)
    assert {entry.detail["topup"] for entry in entries} == {topup.id}
    steps = await EmbeddedBackend(chain).transactions(OPERATOR.address)
    assert {entry.reference for entry in entries} == {step.hash.hex() for step in steps}


async def test_transfer_requests(accounts: Accounts, chain: EmbeddedChain) -> None:
    topup = await accounts.new_topup(ANNA, "ton", Nano(1_500_000_000))
    request = watcher(accounts, EmbeddedBackend(chain)).transfer_request(topup)
    assert request.address == OPERATOR.address.friendly(testnet=True)
    assert (request.amount, request.valid_until) == ("1500000000", GENESIS + 300)
    assert request.comment == f"cocoon:{topup.id}"
    assert read_comment(from_boc(base64.b64decode(request.payload))) == request.comment
    expected = f"ton://transfer/{request.address}?amount=1500000000&text=cocoon:{topup.id}"
    assert request.link == expected


async def test_what_is_no_topup_is_not_credited(chain: EmbeddedChain, accounts: Accounts) -> None:
    watch = watcher(accounts, EmbeddedBackend(chain))
    topup = await accounts.new_topup(ANNA, "ton", Nano(TON))
    stars = await accounts.new_topup(ANNA, "stars", Nano(TON), 5)
    text = comment_of(topup.id)
    strange = Builder().uint(1, 32).raw(text.encode()).cell()
    await send(chain, PAYERS[0], transfer(TON, "cocoon:" + "a" * 20), transfer(TON, strange))
    await send(chain, PAYERS[0], transfer(TON, comment_of(stars.id)), transfer(TON, "hello"))
    await send(chain, PAYERS[0], transfer(TON, Cell(0, 0)), transfer(TON, text + "x"))
    # Our own transfers with such a text, and one that comes back to us, are not income.
    nowhere = Address(bytes([9]) * 32)
    await send(chain, OPERATOR, OutMessage(nowhere, TON, comment_cell(text), bounce=True))
    await send(chain, OPERATOR, transfer(TON // 2, text, PAYERS[0].address))
    assert await watch.look() == []
    assert await balance(accounts) == 0
    failures = {code: count for _, code, count in (await accounts.overview()).failures}
    assert failures == {"topup_unknown": 2}
    steps = await EmbeddedBackend(chain).transactions(OPERATOR.address)
    assert any(step.in_message and step.in_message.bounced for step in steps)


async def test_money_that_the_wallet_sends_back_is_not_credited(
    chain: EmbeddedChain, accounts: Accounts
) -> None:
    """A contract without code refuses a bounceable message: the payer has the money again."""
    topup = await accounts.new_topup(ANNA, "ton", Nano(TON))
    watch = watcher(accounts, EmbeddedBackend(chain))
    body = comment_cell(comment_of(topup.id))
    await send(chain, PAYERS[0], OutMessage(OPERATOR.address, TON, body, bounce=True))
    (step,) = await EmbeddedBackend(chain).transactions(OPERATOR.address)
    assert step.bounced
    assert await watch.look() == []
    assert await balance(accounts) == 0


async def test_pages_and_restarts(chain: EmbeddedChain, accounts: Accounts) -> None:
    """Far more than a page, read by watchers that come and go, with others' money in between."""
    topups = [await accounts.new_topup(user, "ton", Nano(TON)) for user in (ANNA, BEN)]
    for round_ in range(4):
        for number in range(40):
            to = topups[number % 2]
            body = comment_cell(comment_of(to.id) if number % 4 else "other")
            chain.faucet(OPERATOR.address, 1000 + number, body=body)
        if round_ != 1:
            await watcher(accounts, EmbeddedBackend(chain)).look()
    per_round = {
        user: sum(1000 + n for n in range(40) if n % 2 == index and n % 4)
        for index, user in enumerate((ANNA, BEN))
    }
    for user in (ANNA, BEN):
        assert await balance(accounts, user) == 4 * per_round[user]


class Interrupted(EmbeddedBackend):
    """Fails, or lies, on one page."""

    page = 0
    fault = "away"

    def __init__(self, chain: EmbeddedChain) -> None:
        super().__init__(chain)
        self.has_recovered = asyncio.Event()

    async def transactions(
        self, address: Address, *, limit: int = 20, before: TransactionRef | None = None
    ) -> list[Transaction]:
        found = await super().transactions(address, limit=limit, before=before)
        self.page += 1
        if self.page != 2:
            if self.page > 2:
                self.has_recovered.set()
            return found
        if self.fault == "gap":
            return found[1:]
        if self.fault == "end":
            return []
        if self.fault == "mistake":
            raise RuntimeError("a mistake of ours")
        raise ChainError("away")


@pytest.mark.parametrize("fault", ["away", "gap", "end"])
async def test_a_chain_that_fails_halfway(
    chain: EmbeddedChain, accounts: Accounts, fault: str
) -> None:
    topup = await accounts.new_topup(ANNA, "ton", Nano(TON))
    for _ in range(30):
        chain.faucet(OPERATOR.address, 10, body=comment_cell(comment_of(topup.id)))
    backend = Interrupted(chain)
    backend.fault = fault
    watch = watcher(accounts, backend)
    with pytest.raises(ChainError):
        await watch.look()
    assert await balance(accounts) == 0
    await watch.look()
    assert await balance(accounts) == 300


async def test_another_chain_than_before_is_not_believed(
    chain: EmbeddedChain, accounts: Accounts
) -> None:
    topup = await accounts.new_topup(ANNA, "ton", Nano(TON))
    chain.faucet(OPERATOR.address, 10, body=comment_cell(comment_of(topup.id)))
    watch = watcher(accounts, EmbeddedBackend(chain))
    await watch.look()
    name = OPERATOR.address.raw()
    known = await accounts.read_cursor(name)
    assert known is not None
    elsewhere = Cursor(lt=known.lt, hash=bytes(32))
    await accounts.credit_transfers(name, known, elsewhere, [])
    with pytest.raises(ChainDataError):
        await watch.look()
    # Somebody else read on meanwhile: what was read is not booked.
    assert await accounts.credit_transfers(name, known, known, []) == []
    assert await accounts.read_cursor(name) == elsewhere


@pytest.mark.parametrize("behind", [0, 1, 2])
async def test_a_chain_without_what_was_read_is_not_believed(
    chain: EmbeddedChain, accounts: Accounts, behind: int
) -> None:
    """A test network instead of the real one, or a history that was undone."""
    topup = await accounts.new_topup(ANNA, "ton", Nano(TON))
    for _ in range(3):
        chain.faucet(OPERATOR.address, 10, body=comment_cell(comment_of(topup.id)))
    steps = await EmbeddedBackend(chain).transactions(OPERATOR.address)
    name = OPERATOR.address.raw()
    elsewhere = Cursor(lt=steps[behind].lt - 1, hash=bytes(32))
    await accounts.credit_transfers(name, None, elsewhere, [])
    with pytest.raises(ChainDataError):
        await watcher(accounts, EmbeddedBackend(chain)).look()
    assert await balance(accounts) == 0
    assert await accounts.read_cursor(name) == elsewhere


async def test_a_server_that_is_behind_changes_nothing(
    chain: EmbeddedChain, accounts: Accounts
) -> None:
    topup = await accounts.new_topup(ANNA, "ton", Nano(TON))
    chain.faucet(OPERATOR.address, 10, body=comment_cell(comment_of(topup.id)))
    (step,) = await EmbeddedBackend(chain).transactions(OPERATOR.address)
    name = OPERATOR.address.raw()
    ahead = Cursor(lt=step.lt + 1, hash=bytes(32))
    await accounts.credit_transfers(name, None, ahead, [])
    assert await watcher(accounts, EmbeddedBackend(chain)).look() == []
    assert await accounts.read_cursor(name) == ahead


async def test_what_is_older_than_the_first_topup_is_not_read(
    chain: EmbeddedChain, accounts: Accounts
) -> None:
    for _ in range(40):
        chain.faucet(OPERATOR.address, 10)
    chain.advance(2 * 3600)

    class Counting(EmbeddedBackend):
        pages = 0

        async def transactions(
            self, address: Address, *, limit: int = 20, before: TransactionRef | None = None
        ) -> list[Transaction]:
            self.pages += 1
            return await super().transactions(address, limit=limit, before=before)

    backend = Counting(chain)
    clock = StandingClock(GENESIS + 2 * 3600)
    watch = TonTopups(accounts, backend, OPERATOR.address, clock=clock)
    assert await watch.look() == []
    assert backend.pages == 1
    # A transfer that came before the watcher first ran is found all the same.
    accounts._clock = clock
    topup = await accounts.new_topup(ANNA, "ton", Nano(TON))
    chain.faucet(OPERATOR.address, 10, body=comment_cell(comment_of(topup.id)))
    chain.advance(1000)
    (done,) = await watch.look()
    assert done.received == Nano(10)


@pytest.mark.parametrize("fault", ["away", "mistake"])
async def test_it_watches_by_itself(chain: EmbeddedChain, accounts: Accounts, fault: str) -> None:
    told: list[Topup] = []
    seen = asyncio.Event()

    async def on_paid(topup: Topup) -> None:
        told.append(topup)
        seen.set()
        raise RuntimeError("the chat is gone")

    backend = Interrupted(chain)
    backend.fault = fault
    watch = TonTopups(accounts, backend, OPERATOR.address, 0.01, on_paid=on_paid)
    topup = await accounts.new_topup(ANNA, "ton", Nano(TON))
    watch.start()
    await backend.has_recovered.wait()
    chain.faucet(OPERATOR.address, 10, body=comment_cell(comment_of(topup.id)))
    watch.look_soon()
    async with asyncio.timeout(20):
        await seen.wait()
    await watch.close()
    assert [one.received for one in told] == [Nano(10)]
    assert watch.read_at is not None
    failures = {code for _, code, _ in (await accounts.overview()).failures}
    assert failures == {"topups_unreadable"}
    await watcher(accounts, backend).close()
