"""The wallet's queue and the real wallet contracts on the embedded chain."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cocoon.chain import Address, SecretKey
from cocoon.chain.backend import TransactionRef
from cocoon.chain.cells import Builder
from cocoon.chain.contracts import client_messages
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.proxy_inbox import ClientRequest, TopUp, parse_proxy_inbox
from cocoon.chain.contracts.replies import parse_bounce
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.delivery import DeliveryStatus
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.message import OutMessage, parse_message
from cocoon.chain.sender import WHOLE_TRACE, SenderTiming, WalletSender
from cocoon.chain.transaction import Transaction
from cocoon.chain.wallets.base import Wallet
from cocoon.chain.wallets.cocoon import CocoonWallet
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.chain.wallets.v5r1 import WalletV5R1
from cocoon.errors import ChainError, MessageRejectedError, WalletFundsError
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.onchain import small_params

pytestmark = pytest.mark.anyio
KEY = SecretKey(bytes([7]) * 32)
OWNER = Address(bytes([0x11]) * 32)
PERSON = Address(bytes([0x77]) * 32)
FAST = SenderTiming(poll=0.01, resend=0.05, track=5.0, give_up=5.0)
WALLETS: list[Wallet] = [
    WalletV4R2(KEY),
    WalletV5R1(KEY, testnet=True),
    CocoonWallet(KEY, OWNER, load_code("wallet")),
]


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        yield chain


def comment(number: int, value: int = TON // 100) -> OutMessage:
    return OutMessage(PERSON, value, Builder().uint(0, 32).uint(number, 8).cell(), bounce=False)


@pytest.mark.parametrize("wallet", WALLETS, ids=repr)
async def test_every_wallet_deploys_itself_and_sends_its_most(
    chain: EmbeddedChain, wallet: Wallet
) -> None:
    sender = WalletSender(EmbeddedBackend(chain), wallet, timing=FAST)
    with pytest.raises(WalletFundsError) as caught:
        await sender.send(comment(1))
    chain.faucet(wallet.address, caught.value.missing)
    assert (await sender.send(comment(1)))[0].ok
    chain.faucet(wallet.address, 50 * TON)
    deliveries = await sender.send(*(comment(number) for number in range(wallet.max_messages)))
    assert all(delivery.ok for delivery in deliveries)
    assert len({delivery.wallet_hash for delivery in deliveries}) == 1
    data = chain.account(wallet.address).data
    assert data is not None
    assert wallet.read_seqno(data) == 2
    received = [step.in_message for step in await EmbeddedBackend(chain).transactions(PERSON)]
    assert received[0] is not None
    assert received[0].body.data == wallet.max_messages - 1
    assert all(delivery.fees > 0 for delivery in deliveries)


@pytest.mark.parametrize("wallet", WALLETS, ids=repr)
async def test_outcomes_of_contracts_are_told(chain: EmbeddedChain, wallet: Wallet) -> None:
    chain.faucet(wallet.address, 50 * TON)
    sender = WalletSender(EmbeddedBackend(chain), wallet, timing=FAST)
    params = small_params()
    data = client_data(params, wallet.address, Address(bytes([5]) * 32), KEY.public_key)
    init = state_init(load_code("client"), data)
    client = Address(init.hash)
    (deployed,) = await sender.send(OutMessage(client, 8 * TON // 10, init=init, bounce=False))
    assert deployed.ok
    nonsense = OutMessage(client, TON, Builder().uint(0xDEADBEEF, 32).uint(1, 64).cell())
    early = OutMessage(client, TON // 100, client_messages.withdraw(1, wallet.address))
    absent = OutMessage(Address(bytes([0x55]) * 32), TON // 10)
    results = await sender.send(nonsense, early, absent, follow=WHOLE_TRACE)
    assert [result.status for result in results] == [DeliveryStatus.BOUNCED] * 3
    assert "1012" in results[0].describe()
    assert "did not run" in results[2].describe()
    # A top-up goes on to the proxy contract, which is not there: the money comes back.
    body = client_messages.top_up(7, 3 * TON, wallet.address)
    (top_up,) = await sender.send(OutMessage(client, 4 * TON, body), follow=WHOLE_TRACE)
    assert top_up.status is DeliveryStatus.DELIVERED
    assert not top_up.ok
    assert [step.success for step in top_up.trace[:2]] == [True, False]
    assert top_up.complete
    returned = top_up.trace[2].in_message
    assert returned is not None
    assert returned.bounced
    bounce = parse_bounce(returned.body)
    assert bounce is not None
    assert (bounce.phase, bounce.exit_code) == (0, -1)  # there is no contract
    request = parse_proxy_inbox(bounce.body)
    assert isinstance(request, ClientRequest)
    assert request.payload == TopUp(3 * TON, wallet.address)
    assert request.owner == wallet.address
    assert chain.account(wallet.address).balance > 47 * TON


async def test_two_queues_on_one_wallet_lose_and_repeat_nothing(chain: EmbeddedChain) -> None:
    wallet = WALLETS[0]
    chain.faucet(wallet.address, 50 * TON)
    backend = EmbeddedBackend(chain)
    senders = [WalletSender(backend, wallet, timing=FAST) for _ in range(3)]
    results = await asyncio.gather(
        *(senders[number % 3].send(comment(number)) for number in range(24))
    )
    assert all(group[0].ok for group in results)
    seen = [
        step.in_message.body.data
        for step in await backend.transactions(PERSON, limit=100)
        if step.in_message is not None
    ]
    assert sorted(seen) == list(range(24))


async def test_a_blocked_wallet_says_so(chain: EmbeddedChain) -> None:
    wallet = WALLETS[2]
    chain.faucet(wallet.address, 5 * TON)
    sender = WalletSender(EmbeddedBackend(chain), wallet, timing=FAST)
    assert (await sender.send(comment(1)))[0].ok
    block = Builder().uint(0, 32).raw(b"b").cell()
    chain.faucet(wallet.address, TON, body=block, source=OWNER)
    with pytest.raises(MessageRejectedError) as caught:
        await sender.send(comment(2))
    assert caught.value.contract_exit_code == 1031


class Inventing(EmbeddedBackend):
    """A server that shows transactions of somebody else in place of the wallet's own."""

    async def transactions(
        self, address: Address, *, limit: int = 20, before: TransactionRef | None = None
    ) -> list[Transaction]:
        found = await super().transactions(address, limit=limit, before=before)
        other = Builder().raw(bytes(64)).uint(0, 128).cell()
        return [
            replace(step, in_message=replace(step.in_message, body=other))
            if step.in_message
            else step
            for step in found
        ]


async def test_a_server_that_invents_transactions_does_not_make_us_pay_again(
    chain: EmbeddedChain,
) -> None:
    wallet = WalletV4R2(KEY)
    chain.faucet(wallet.address, 50 * TON)
    timing = replace(FAST, give_up=0.3)
    sender = WalletSender(Inventing(chain), wallet, timing=timing)
    with pytest.raises(ChainError, match="invents transactions"):
        await sender.send(comment(1, TON))
    await sender.close()
    assert chain.account(PERSON).balance <= TON


@pytest.mark.parametrize("wallet", WALLETS, ids=repr)
def test_a_wallet_knows_what_its_key_has_signed(wallet: Wallet) -> None:
    body = parse_message(wallet.transfer([comment(1)], 7, 9)).body
    assert wallet.signed_seqno(body) == 7
    forged = Builder().uint(body.data ^ 1, body.bits)
    for ref in body.refs:
        forged.ref(ref)
    assert wallet.signed_seqno(forged.cell()) is None
    assert wallet.signed_seqno(Builder().cell()) is None
    assert wallet.signed_seqno(Builder().raw(bytes(64)).cell()) is None
