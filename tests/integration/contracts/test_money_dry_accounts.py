"""Accounts that owe rent: the network takes it from the next message, which may be a claim."""

import pytest

from cocoon.chain import opcodes
from cocoon.chain.backend import AccountStatus
from cocoon.chain.cells import Builder
from cocoon.chain.contracts import client_messages
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.dear_chain import dear_prices
from cocoon.testing.money_lab import CLIENT_OWNER, STRANGER, SUBMITTER, Contract, MoneyLab

MILLION = 1_000_000
DAY = 86_400
GRANT = opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED
LAST = opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED


def top_up(lab: MoneyLab, client: Contract, amount: int, value: int) -> None:
    body = client_messages.top_up(lab.query(), amount, SUBMITTER)
    lab.send(CLIENT_OWNER, client.address, amount + value, body)


@pytest.mark.parametrize("value", [100_000_000, 105_000_000, 150_000_000, 700_000_000])
def test_a_deposit_comes_back_from_a_closed_client_that_owes_rent(value: int) -> None:
    """It was acknowledged, the client has closed, and then, for years, the message was on its way:
    the client sends it back, or refuses it and the proxy contract does."""
    with memory_chain(max_hops=1) as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy(value=3 * TON)
        client = lab.client()
        lab.settle()
        top_up(lab, client, 5 * TON, value)
        lab.pay(GRANT, client, 0)
        assert lab.client_state(client).phase is ContractPhase.CLOSED
        start, statuses = lab.snapshot(), set()
        for days in range(0, 1500, 50):
            lab.advance(days * DAY + 1)
            lab.settle()
            account = chain.account(client.address)
            statuses.add(account.status)
            if account.status is AccountStatus.ACTIVE:
                assert lab.client_state(client).balance == 0
            assert lab.ledger().client_funds == 0
            assert lab.balance(CLIENT_OWNER) > 5 * TON
            lab.check()
            lab.restore(start)
        assert statuses == {AccountStatus.ACTIVE, AccountStatus.FROZEN}


def credited(lab: MoneyLab, client: Contract, amount: int) -> None:
    """The acknowledgement of a proxy contract that is not there: whatever it is sent comes back."""
    body = (
        Builder().uint(opcodes.PROXY_CLIENT_CREDITED, 32).uint(1, 64).coins(amount)
        .address(CLIENT_OWNER).address(SUBMITTER).cell()
    )  # fmt: skip
    lab.send(lab.proxy.address, client.address, TON // 10, body)


@pytest.mark.parametrize("what", ["grant", "force"])
def test_a_refund_that_comes_back_to_a_client_that_owes_rent(what: str) -> None:
    """The rent is kept when the refund leaves, so it is not taken from its way back."""
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        client = lab.client(value=40 * MILLION)
        credited(lab, client, 20 * TON)
        if what == "force":
            body = client_messages.request_refund(lab.query(), SUBMITTER)
            lab.send(CLIENT_OWNER, client.address, 320 * MILLION, body)
        start, checked = lab.snapshot(), 0
        for days in range(1000, 3500, 100):
            lab.advance(days * DAY)
            for value in (210 * MILLION, 240 * MILLION, 300 * MILLION, 320 * MILLION):
                before = lab.snapshot()
                refund(lab, client, what, value)
                if chain.account(client.address).status is AccountStatus.ACTIVE:
                    assert lab.owed_to_clients() == 20 * TON
                    checked += 1
                lab.restore(before)
            lab.restore(start)
        assert checked > 20


def refund(lab: MoneyLab, client: Contract, what: str, value: int) -> None:
    if what == "grant":
        lab.pay(GRANT, client, MILLION, value)
    else:
        body = client_messages.request_refund(lab.query(), SUBMITTER)
        lab.send(CLIENT_OWNER, client.address, value, body)


def test_a_last_payout_that_comes_back_to_a_worker_that_owes_rent() -> None:
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy(value=3 * TON)
        worker = lab.worker(value=10 * MILLION)
        payment = lab.payment(LAST, worker, MILLION)
        start, checked = lab.snapshot(), 0
        for days in range(0, 4500, 250):
            lab.advance(days * DAY)
            for value in (211 * MILLION, 230 * MILLION, 320 * MILLION):
                before = lab.snapshot()
                lab.send(STRANGER, worker.address, value, payment.body())
                if chain.account(worker.address).status is AccountStatus.ACTIVE:
                    assert lab.worker_state(worker).tokens == 0
                    checked += 1
                lab.restore(before)
            lab.restore(start)
        assert checked > 20


def test_a_deposit_refused_after_closing_leaves_nothing_but_rent_behind() -> None:
    """It comes back to a closed contract, which needs no reserve for work any more."""
    with memory_chain(max_hops=1) as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy(stake=0)  # takes no deposits
        client = lab.client(value=20 * MILLION)
        lab.settle()
        top_up(lab, client, 5 * TON, TON)
        lab.pay(GRANT, client, 0)
        lab.settle()
        assert lab.client_state(client).phase is ContractPhase.CLOSED
        assert lab.balance(client.address) < 15 * MILLION
        assert lab.balance(CLIENT_OWNER) > 5 * TON + 900 * MILLION
        lab.check()


@pytest.mark.parametrize("factor", [1, 8])
def test_a_deposit_with_little_left_meets_a_closed_client(factor: int) -> None:
    """The pool takes missing rent out of the deposit's value, and leaves as much as is needed to
    refuse the deposit and to pay it back: to the nanoTON, at any price."""
    with memory_chain(max_hops=1) as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy(value=20 * MILLION)
        client = lab.client(value=TON)
        lab.settle()
        lab.advance(10 * 365 * DAY)
        chain.set_config(dear_prices(chain.config(), gas=factor, forward=factor))
        start = lab.snapshot()

        def counts(value: int) -> bool:
            lab.restore(start)
            top_up(lab, client, 5 * TON, value)
            lab.settle()
            return lab.ledger().client_funds == 5 * TON

        low, high = factor * TON // 10, 20 * TON
        assert not counts(low)
        assert counts(high)
        while high - low > MILLION // 10:
            middle = (low + high) // 2
            low, high = (low, middle) if counts(middle) else (middle, high)
        for more in range(0, 60, 3):
            lab.restore(start)
            top_up(lab, client, 5 * TON, high + factor * more * MILLION)
            lab.pay(GRANT, client, 0, factor * TON)
            assert lab.client_state(client).phase is ContractPhase.CLOSED
            lab.settle()
            assert lab.ledger().client_funds == lab.client_state(client).balance == 0
            assert lab.balance(CLIENT_OWNER) > 5 * TON
            lab.check()
