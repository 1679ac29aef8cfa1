"""A client contract that was closed and opened again: nothing of its earlier life can be used.

A granted refund lets a client go at once, without its delay, so a grant must never work twice: the
use of the new life would go unpaid.
"""

import pytest

from cocoon.chain import opcodes
from cocoon.chain.contracts import client_messages
from cocoon.chain.contracts.client_state import ClientLedger
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.payment import SignedPayment
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import Outcome
from cocoon.testing.money_lab import CLIENT_OWNER, STRANGER, SUBMITTER, Contract, MoneyLab

MILLION = 1_000_000
ORDINARY = 700_000_000
PRICE, DELAY = 20, 43_200
CHARGE, GRANT = opcodes.EXT_CLIENT_CHARGE_SIGNED, opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED


def reopen(lab: MoneyLab, client: Contract, amount: int) -> Outcome:
    body = client_messages.reopen(lab.query(), amount, SUBMITTER)
    return lab.send(CLIENT_OWNER, client.address, amount + ORDINARY, body)


def submit(lab: MoneyLab, client: Contract, payment: SignedPayment) -> Outcome:
    return lab.send(STRANGER, client.address, ORDINARY, payment.body())


def leave_by_force(lab: MoneyLab, client: Contract) -> None:
    for _ in range(2):
        body = client_messages.request_refund(lab.query(), SUBMITTER)
        assert lab.send(CLIENT_OWNER, client.address, ORDINARY, body).ok
        lab.advance(DELAY + 1)
    assert lab.client_state(client).phase is ContractPhase.CLOSED


def test_an_old_grant_does_not_close_a_reopened_client(stage, lab) -> None:
    """The attack: use on credit, then leave at once with the grant that anybody can read."""
    grant = lab.payment(GRANT, stage.client, MILLION)
    assert submit(lab, stage.client, grant).ok
    assert reopen(lab, stage.client, 20 * TON).ok
    state = lab.client_state(stage.client)
    assert (state.phase, state.ledger) == (ContractPhase.OPEN, ClientLedger(reopened=True))
    used = lab.payment(CHARGE, stage.client, 500 * MILLION)
    for _ in range(2):
        assert submit(lab, stage.client, grant).exit_code == 1000
        assert lab.client_state(stage.client).balance == 20 * TON
    assert submit(lab, stage.client, used).ok
    assert lab.ledger().charged_total == 500 * MILLION * PRICE
    assert submit(lab, stage.client, grant).exit_code == 1000
    lab.check()


def test_a_grant_that_was_never_used_is_void_once_its_charge_is_on_chain(stage, lab) -> None:
    """The owner closed by force before the grant came: it charges what it was signed for, or
    nothing is left of it. A proxy gives no credit before."""
    grant = lab.payment(GRANT, stage.client, 3 * MILLION)
    charge = lab.payment(CHARGE, stage.client, 3 * MILLION)
    lab.charge(stage.client, MILLION)
    leave_by_force(lab, stage.client)
    assert submit(lab, stage.client, grant).exit_code == 1006
    assert reopen(lab, stage.client, 20 * TON).ok
    here = lab.snapshot()
    # It is the first that comes: a rightful charge, and the deposit goes back.
    assert submit(lab, stage.client, grant).ok
    assert lab.ledger().charged_total == 3 * MILLION * PRICE
    lab.restore(here)
    # The proxy charges first: the grant is worth nothing any more.
    assert submit(lab, stage.client, charge).ok
    assert submit(lab, stage.client, grant).exit_code == 1000
    lab.check()


def test_a_reopened_client_is_let_go_for_what_it_used(stage, lab) -> None:
    """A grant that charges something is new by that; afterwards it is as old as the first."""
    submit(lab, stage.client, lab.payment(GRANT, stage.client, MILLION))
    for life in range(2, 5):
        assert reopen(lab, stage.client, 20 * TON).ok
        grant = lab.payment(GRANT, stage.client, life * MILLION)
        before = lab.balance(CLIENT_OWNER)
        assert submit(lab, stage.client, grant).ok
        assert lab.balance(CLIENT_OWNER) - before >= 20 * TON - MILLION * PRICE
        state = lab.client_state(stage.client)
        assert (state.phase, state.tokens_used) == (ContractPhase.CLOSED, life * MILLION)
        assert state.ledger == ClientLedger(reopened=True)
        assert submit(lab, stage.client, grant).exit_code == 1006
        lab.check()


def test_a_reopened_client_that_used_nothing_leaves_by_force(stage, lab) -> None:
    submit(lab, stage.client, lab.payment(GRANT, stage.client, MILLION))
    assert reopen(lab, stage.client, 20 * TON).ok
    same = lab.payment(GRANT, stage.client, MILLION)
    assert submit(lab, stage.client, same).exit_code == 1000
    before = lab.balance(CLIENT_OWNER)
    leave_by_force(lab, stage.client)
    assert lab.balance(CLIENT_OWNER) - before > 20 * TON
    assert submit(lab, stage.client, same).exit_code == 1006
    lab.check()


def test_a_first_life_ends_with_the_counter_that_it_has(stage, lab) -> None:
    """Where nothing was closed before, no grant is old: everything is charged, and it may go."""
    lab.charge(stage.client, MILLION)
    assert lab.client_state(stage.client).ledger is None
    assert submit(lab, stage.client, lab.payment(GRANT, stage.client, MILLION)).ok


@pytest.mark.parametrize("tokens", [0, 1200 * MILLION])
def test_the_mark_stays(stage, lab, tokens: int) -> None:
    """With and without debt, however often it is charged, closed and opened; the getter tells."""
    if tokens:
        lab.charge(stage.client, tokens)  # more than was deposited
    leave_by_force(lab, stage.client)
    debt = max(tokens * PRICE - 20 * TON, 0)
    assert (lab.client_state(stage.client).ledger or ClientLedger()) == ClientLedger(debt=debt)
    run = lab.chain.run
    assert run(stage.client.address, "get_cocoon_client_ledger").stack == (debt, 0, 0)
    assert reopen(lab, stage.client, 30 * TON).ok
    for _ in range(2):
        assert run(stage.client.address, "get_cocoon_client_ledger").stack == (debt, 0, -1)
        lab.charge(stage.client, tokens + 5)
        debt = 0
        assert lab.client_state(stage.client).ledger == ClientLedger(reopened=True)
        leave_by_force(lab, stage.client)
        assert lab.client_state(stage.client).ledger == ClientLedger(reopened=True)
        reopen(lab, stage.client, 3 * TON)
    data = lab.chain.account(stage.client.address).data
    assert lab.client_state(stage.client).data() == data
    lab.check()


def test_debt_of_an_earlier_life_is_owed_whatever_repeats_it(stage, lab) -> None:
    """The last charge of the first life, once more: it takes what was owed, nothing more."""
    charge = lab.payment(CHARGE, stage.client, 1200 * MILLION)  # 24 TON, of which 20 are there
    submit(lab, stage.client, charge)
    leave_by_force(lab, stage.client)
    assert reopen(lab, stage.client, 20 * TON).ok
    assert submit(lab, stage.client, charge).ok
    assert lab.client_state(stage.client).balance == 16 * TON
    assert submit(lab, stage.client, charge).exit_code == 1000
    lab.check()


def test_a_refund_on_its_way_while_the_client_opens_again() -> None:
    """The refund is paid, the deposit counts, and the grant is old already."""
    with memory_chain(max_hops=1) as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy()
        client = lab.client()
        lab.settle()
        body = client_messages.top_up(lab.query(), 20 * TON, SUBMITTER)
        lab.send(CLIENT_OWNER, client.address, 21 * TON, body)
        lab.settle()
        grant = lab.payment(GRANT, client, MILLION)
        submit(lab, client, grant)
        reopen(lab, client, 5 * TON)
        submit(lab, client, grant)
        lab.settle()
        state = lab.client_state(client)
        assert (state.phase, state.balance) == (ContractPhase.OPEN, 5 * TON)
        assert lab.ledger().charged_total == MILLION * PRICE
        lab.check()
