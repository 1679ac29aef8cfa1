"""Prices of gas and of messages rise by any vote: no claim is burned for lack of value.

A stranger submits what was signed, and picks the value. Whatever it is, the claim is paid, or is
where it was: never taken out of one contract and not put into the other.
"""

from collections.abc import Callable, Iterator

import pytest

from cocoon.chain import opcodes
from cocoon.chain.contracts import client_messages, proxy_messages
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_envelopes import sign_commit
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import Outcome
from cocoon.testing.dear_chain import dear_prices
from cocoon.testing.money_lab import CLIENT_OWNER, OPERATOR, STRANGER, SUBMITTER, MoneyLab

MILLION = 1_000_000
CHARGE, GRANT = opcodes.EXT_CLIENT_CHARGE_SIGNED, opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED
PAYOUT = opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED
LAST = opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED
CLIENT_DELAY = 43_200
GAS, MESSAGE = 20_000 * 400, 400_000 + 2_500 * 400 + 6 * 40_000
"""What a hop costs at today's prices (``contracts/common/money.tolk``), in nanoTON."""
PRICES = [(1, 1), (1, 3), (1, 8), (1, 20), (1, 60), (1, 300), (4, 1), (30, 1), (10, 10), (2, 50)]


def hop(gas: int, forward: int) -> int:
    return max(TON // 100, GAS * gas + MESSAGE * forward)


def stage(lab: MoneyLab) -> None:
    """A deposit of which something was charged, and a worker that has earned it."""
    lab.deploy_proxy(value=3 * TON)
    client = lab.client(value=3 * TON)
    lab.worker(value=3 * TON)
    body = client_messages.top_up(lab.query(), 20 * TON, SUBMITTER)
    lab.send(STRANGER, client.address, 21 * TON, body)
    lab.charge(client, MILLION)
    lab.check()


def grant(lab: MoneyLab, value: int) -> Outcome:
    return lab.pay(GRANT, lab.clients[0], 2 * MILLION, value)


def charge(lab: MoneyLab, value: int) -> Outcome:
    return lab.pay(CHARGE, lab.clients[0], 2 * MILLION, value)


def withdraw(lab: MoneyLab, value: int) -> Outcome:
    body = client_messages.withdraw(lab.query(), SUBMITTER)
    return lab.send(CLIENT_OWNER, lab.clients[0].address, value, body)


def force(lab: MoneyLab, value: int) -> Outcome:
    body = client_messages.request_refund(lab.query(), SUBMITTER)
    if lab.client_state(lab.clients[0]).phase is ContractPhase.OPEN:
        lab.send(CLIENT_OWNER, lab.clients[0].address, 1000 * TON, body)
        lab.advance(CLIENT_DELAY + 1)
    return lab.send(CLIENT_OWNER, lab.clients[0].address, value, body)


def deposit(lab: MoneyLab, value: int) -> Outcome:
    body = client_messages.top_up(lab.query(), 5 * TON, SUBMITTER)
    return lab.send(STRANGER, lab.clients[0].address, 5 * TON + value, body)


def payout(lab: MoneyLab, value: int) -> Outcome:
    return lab.pay(PAYOUT, lab.workers[0], MILLION, value + 1)


def last_payout(lab: MoneyLab, value: int) -> Outcome:
    return lab.pay(LAST, lab.workers[0], MILLION, value + 1)


def too_much(lab: MoneyLab, value: int) -> Outcome:
    """More than was earned: it has to come back."""
    return lab.pay(PAYOUT, lab.workers[0], 9 * MILLION, value + 1)


CLAIMS: list[Callable[[MoneyLab, int], Outcome]] = [
    grant, charge, withdraw, force, deposit, payout, last_payout, too_much,
]  # fmt: skip


@pytest.fixture(scope="module")
def prepared() -> Iterator[MoneyLab]:
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        stage(lab)
        yield lab


@pytest.fixture
def lab(prepared: MoneyLab) -> Iterator[MoneyLab]:
    start, config = prepared.snapshot(), prepared.chain.config()
    yield prepared
    prepared.restore(start)
    prepared.chain.set_config(config)


def no_claim_lost(lab: MoneyLab) -> None:
    assert lab.ledger().client_funds == lab.owed_to_clients()
    paid = lab.worker_state(lab.workers[0]).tokens * 20
    assert lab.ledger().paid_total == paid


def runs(outcome: Outcome, lab: MoneyLab) -> bool:
    """Whether every transaction of a contract did what it should."""
    people = {SUBMITTER, STRANGER, OPERATOR, *(c.owner for c in lab.clients + lab.workers)}
    return all(t.success for t in outcome.transactions if t.address not in people)


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize(("gas", "forward"), PRICES)
def test_the_least_value_is_enough_and_less_is_refused_at_once(
    lab: MoneyLab, gas: int, forward: int, claim: Callable[[MoneyLab, int], Outcome]
) -> None:
    lab.chain.set_config(dear_prices(lab.chain.config(), gas=gas, forward=forward))
    start, least = lab.snapshot(), 10 * hop(gas, forward)
    for value in (TON // 10, least - 1):
        outcome = claim(lab, value)
        no_claim_lost(lab)
        if value < least:
            assert outcome.exit_code == 1003
            reached = {lab.proxy.address} & {t.address for t in outcome.transactions}
            assert not reached
        lab.restore(start)
    outcome = claim(lab, least)
    no_claim_lost(lab)
    lab.check()
    assert runs(outcome, lab) is (claim is not too_much)


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize(("gas", "forward"), [(1, 1), (1, 30), (6, 6)])
def test_a_pool_that_asks_for_rent_returns_what_it_refuses(
    lab: MoneyLab, gas: int, forward: int, claim: Callable[[MoneyLab, int], Outcome]
) -> None:
    """Rent of decades is missing: until the value makes it good, everything comes back."""
    if claim is force:
        body = client_messages.request_refund(lab.query(), SUBMITTER)
        lab.send(CLIENT_OWNER, lab.clients[0].address, TON, body)
    lab.advance(60 * 365 * 86_400)
    lab.chain.set_config(dear_prices(lab.chain.config(), gas=gas, forward=forward))
    start, least = lab.snapshot(), 10 * hop(gas, forward)
    codes = set()
    for step in range(24):
        outcome = claim(lab, least + step * TON // 8)
        no_claim_lost(lab)
        codes |= {
            t.compute.exit_code for t in outcome.transactions
            if t.address == lab.proxy.address and t.compute and not t.compute.skipped
        }  # fmt: skip
        lab.restore(start)
    assert codes >= {0, 1003} or claim in (charge, too_much)  # these ask for no value there


@pytest.mark.parametrize(("gas", "forward"), [(1, 1), (1, 40), (12, 1)])
def test_a_commit_needs_what_it_costs(lab: MoneyLab, gas: int, forward: int) -> None:
    """The cheapest operation as well: it never spends what is the pool's."""
    lab.chain.set_config(dear_prices(lab.chain.config(), gas=gas, forward=forward))
    least, proxy = 2 * hop(gas, forward), lab.proxy.address

    def commit(seqno: int, value: int) -> Outcome:
        order = sign_commit(
            lab.key, 1, seqno=seqno, state_root=bytes(32), proxy=proxy, excesses=SUBMITTER
        )
        return lab.send(SUBMITTER, proxy, value, order.cell())

    assert commit(1, least - 1).exit_code == 1003
    held = lab.balance(proxy)
    assert commit(2, least).ok
    assert lab.balance(proxy) >= held - 1000  # rent of a moment
    lab.check()


@pytest.mark.parametrize(("gas", "forward"), PRICES)
def test_a_proxys_own_messages_need_as_much(lab: MoneyLab, gas: int, forward: int) -> None:
    lab.chain.set_config(dear_prices(lab.chain.config(), gas=gas, forward=forward))
    least, proxy = 10 * hop(gas, forward), lab.proxy.address
    body = proxy_messages.payout_request(lab.query(), SUBMITTER)
    assert lab.send(STRANGER, proxy, least - 1, body).exit_code == 1003
    assert lab.send(STRANGER, proxy, least, body).ok
    lab.check()


def test_todays_least_value_is_the_official_one(lab: MoneyLab) -> None:
    assert grant(lab, TON // 10 - 1).exit_code == 1003
    assert grant(lab, TON // 10).ok
    assert lab.client_state(lab.clients[0]).phase is ContractPhase.CLOSED
    lab.check()


@pytest.mark.parametrize(("gas", "forward"), PRICES)
def test_what_a_client_attaches_for_others(lab: MoneyLab, gas: int, forward: int) -> None:
    """A note has a hop, the charge ahead of a refund three; so an open chain cannot run dry."""
    lab.chain.set_config(dear_prices(lab.chain.config(), gas=gas, forward=forward))
    client, one = lab.clients[0], hop(gas, forward)
    values = []
    for outcome in (charge(lab, 20 * one), lab.pay(GRANT, client, 3 * MILLION, 20 * one)):
        sent = next(t for t in outcome.transactions if t.address == client.address).out_messages
        values.append([m.value for m in sent if m.dest == lab.proxy.address])
    (note, _), (charged, _) = values
    assert (note, charged) == (one, 3 * one)
