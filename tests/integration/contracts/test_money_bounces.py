"""Every message that one contract sends another is made to come back, and nothing is lost by it."""

import pytest

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.backend import AccountStatus
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts import client_messages, proxy_messages, worker_messages
from cocoon.chain.contracts.client_state import ClientLedger
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.payment import inner_cell
from cocoon.chain.contracts.proxy_envelopes import sign_close_request
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import Outcome
from cocoon.testing.money_lab import (
    CLIENT_OWNER,
    OPERATOR,
    SUBMITTER,
    WORKER_OWNER,
    Contract,
    MoneyLab,
)

MILLION = 1_000_000
ORDINARY = 700_000_000
FEW = 40_000_000
DELAY = 43_200
ELSEWHERE = 5
"""A workchain that does not exist: an address there makes an action fail."""


def bounced(outcome: Outcome, address: Address) -> list[int]:
    """Values that came back to this contract."""
    return [
        t.in_message.value
        for t in outcome.transactions
        if t.address == address and t.in_message.bounced
    ]


def top_up(lab: MoneyLab, client: Contract, amount: int, value: int = ORDINARY) -> Outcome:
    body = client_messages.top_up(lab.query(), amount, SUBMITTER)
    return lab.send(SUBMITTER, client.address, amount + value, body)


def close_proxy(lab: MoneyLab) -> None:
    body = proxy_messages.close(lab.query(), OPERATOR)
    assert lab.send(OPERATOR, lab.proxy.address, TON, body).ok


@pytest.mark.parametrize("reason", ["not deployed", "no stake", "closing", "closed"])
@pytest.mark.parametrize("value", [100_000_000, ORDINARY])
def test_a_refused_deposit_goes_to_the_owner(reason: str, value: int) -> None:
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        if reason != "not deployed":
            lab.deploy_proxy(stake=TON - 1 if reason == "no stake" else TON)
        if reason in {"closing", "closed"}:
            close_proxy(lab)
        if reason == "closed":
            lab.advance(86_400)
            close_proxy(lab)
        client = lab.client()
        lab.check()
        held = lab.balance(client.address)
        outcome = top_up(lab, client, 15 * TON, value)
        assert len(bounced(outcome, client.address)) == 1
        assert lab.client_state(client).balance == 0
        assert 0 < 15 * TON + value - lab.balance(CLIENT_OWNER) < FEW
        assert 0 <= held - lab.balance(client.address) < 100
        if reason == "not deployed":
            lab.deploy_proxy()
            lab.check()
            assert top_up(lab, client, 15 * TON, value).ok
            assert lab.client_state(client).balance == 15 * TON
        else:
            assert lab.ledger().client_funds == 0
        lab.check()


def test_stake_makes_a_proxy_take_deposits() -> None:
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy(stake=0)
        client = lab.client()
        assert bounced(top_up(lab, client, TON), client.address)
        body = proxy_messages.increase_stake(lab.query(), TON, OPERATOR)
        assert lab.send(OPERATOR, lab.proxy.address, TON + 100_000_000, body).ok
        assert not bounced(top_up(lab, client, TON), client.address)
        assert lab.client_state(client).balance == TON
        lab.check()


def test_a_payout_beyond_what_was_earned_is_payable_later(stage, lab) -> None:
    lab.charge(stage.client, 10 * MILLION)
    before = lab.balance(WORKER_OWNER)
    payment = lab.payment(opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, stage.worker, 10 * MILLION + 1)
    outcome = lab.send(SUBMITTER, stage.worker.address, ORDINARY, payment.body())
    assert bounced(outcome, stage.worker.address)
    assert lab.worker_state(stage.worker).tokens == 0
    assert lab.ledger().earned == 10 * MILLION * 20
    # The rest of the value belongs to the worker's owner now.
    assert ORDINARY - FEW < lab.balance(WORKER_OWNER) - before < ORDINARY
    lab.check()

    part = worker_messages.limited_payout(payment, 10 * MILLION, SUBMITTER)
    assert not bounced(
        lab.send(SUBMITTER, stage.worker.address, ORDINARY, part), stage.worker.address
    )
    lab.charge(stage.client, 10 * MILLION + 1)
    lab.send(SUBMITTER, stage.worker.address, ORDINARY, payment.body())
    assert lab.worker_state(stage.worker).tokens == 10 * MILLION + 1
    assert lab.ledger().earned == 0


def test_a_last_payout_that_comes_back_opens_the_contract_again(stage, lab) -> None:
    payment = lab.payment(opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED, stage.worker, 10 * MILLION)
    outcome = lab.send(SUBMITTER, stage.worker.address, ORDINARY, payment.body())
    assert bounced(outcome, stage.worker.address)
    state = lab.worker_state(stage.worker)
    assert (state.phase, state.tokens) == (ContractPhase.OPEN, 0)
    assert lab.balance(stage.worker.address) == 110_000_000
    lab.check()
    lab.charge(stage.client, 10 * MILLION)
    lab.send(SUBMITTER, stage.worker.address, ORDINARY, payment.body())
    state = lab.worker_state(stage.worker)
    assert (state.phase, state.tokens) == (ContractPhase.CLOSED, 10 * MILLION)


def test_a_worker_publishes_the_charge_behind_its_payout(stage, lab) -> None:
    """The proxy signed both and vanished before it sent the charge: anybody may send it."""
    charge = lab.payment(opcodes.EXT_CLIENT_CHARGE_SIGNED, stage.client, 10 * MILLION)
    payout = lab.payment(
        opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, stage.worker, 10 * MILLION
    ).repack(WORKER_OWNER)
    outcome = lab.send(WORKER_OWNER, stage.worker.address, ORDINARY, payout.body())
    assert bounced(outcome, stage.worker.address)
    charge = charge.repack(WORKER_OWNER)
    assert lab.send(WORKER_OWNER, stage.client.address, ORDINARY, charge.body()).ok
    before = lab.balance(WORKER_OWNER)
    lab.send(WORKER_OWNER, stage.worker.address, ORDINARY, payout.body())
    assert lab.balance(WORKER_OWNER) - before > 10 * MILLION * 14
    assert lab.ledger().earned == 0


def test_payouts_that_overtake_a_bounce_add_up() -> None:
    """A second payout is taken while the first one's answer is still on its way."""
    with memory_chain(max_hops=1) as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy()
        client, worker = lab.client(), lab.worker()
        top_up(lab, client, 20 * TON)
        lab.settle()
        lab.charge(client, 30 * MILLION)
        lab.settle()
        lab.check()
        lab.payout(worker, 40 * MILLION)  # the worker's contract has run, the proxy's has not
        last = lab.pay(opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED, worker, 50 * MILLION)
        assert last.ok
        assert lab.worker_state(worker).phase is ContractPhase.CLOSED
        lab.settle()
        # 40 million were not covered and came back, the 10 million after them were paid.
        state = lab.worker_state(worker)
        assert (state.phase, state.tokens) == (ContractPhase.OPEN, 10 * MILLION)
        assert lab.ledger().earned == 20 * MILLION * 20
        lab.check()
        lab.charge(client, 50 * MILLION)
        lab.settle()
        lab.pay(opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED, worker, 50 * MILLION)
        lab.settle()
        assert lab.worker_state(worker).tokens == 50 * MILLION
        assert lab.ledger().earned == 0
        lab.check()


def test_a_payout_before_the_proxy_exists_comes_back() -> None:
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        worker = lab.worker()
        lab.payout(worker, 5)
        assert lab.worker_state(worker).tokens == 0
        lab.check()


def elsewhere(address: Address) -> Cell:
    return Builder().uint(0b100, 3).uint(ELSEWHERE, 8).hash256(address.account).cell()


def signed_for_nowhere(lab: MoneyLab, operation: int, contract: Contract, tokens: int) -> Cell:
    """A payment whose leftovers go to a workchain that does not exist."""
    query = lab.query()
    inner = inner_cell(operation, query, tokens, contract.address)
    out = Builder().uint(operation, 32).uint(query, 64).content(elsewhere(SUBMITTER))
    return out.raw(lab.key.sign(inner.hash)).ref(inner).cell()


def test_leftovers_to_nowhere_do_not_undo_a_payment(stage, lab) -> None:
    body = signed_for_nowhere(lab, opcodes.EXT_CLIENT_CHARGE_SIGNED, stage.client, MILLION)
    lab.send(SUBMITTER, stage.client.address, ORDINARY, body)
    assert lab.ledger().earned == 20 * MILLION
    lab.check()
    operation = opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED
    body = signed_for_nowhere(lab, operation, stage.worker, MILLION)
    lab.send(SUBMITTER, stage.worker.address, ORDINARY, body)
    assert lab.ledger().earned == 0
    assert lab.balance(WORKER_OWNER) == 14 * MILLION
    lab.check()


def test_a_charge_that_comes_back_is_sent_again_by_anybody() -> None:
    """The pool does not know the client's money, which only a faulty proxy contract can cause;
    here the proxy contract is simply not there when the charge arrives."""
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        client = lab.client()
        # The pool's acknowledgement, as the proxy contract would send it.
        credited = (
            Builder().uint(opcodes.PROXY_CLIENT_CREDITED, 32).uint(1, 64).coins(20 * TON)
            .address(CLIENT_OWNER).address(SUBMITTER).cell()
        )  # fmt: skip
        lab.send(lab.proxy.address, client.address, ORDINARY, credited)
        assert lab.client_state(client).balance == 20 * TON
        outcome = lab.charge(client, 10 * MILLION)
        assert len(bounced(outcome, client.address)) == 2  # the notification and the charge
        state = lab.client_state(client)
        assert state.balance == 20 * TON - 200 * MILLION
        assert state.ledger == ClientLedger(unsettled=200 * MILLION)
        lab.check()

        # A later charge takes it along; it comes back as well.
        lab.charge(client, 15 * MILLION)
        assert lab.client_state(client).ledger == ClientLedger(unsettled=300 * MILLION)
        settle = client_messages.settle(lab.query(), SUBMITTER)
        lab.send(SUBMITTER, client.address, ORDINARY, settle)
        assert lab.client_state(client).ledger == ClientLedger(unsettled=300 * MILLION)

        # A granted refund: charge and refund come back, the contract is not closed for ever.
        lab.pay(opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, client, 20 * MILLION)
        state = lab.client_state(client)
        assert state.ledger == ClientLedger(unsettled=400 * MILLION)
        assert state.balance == 20 * TON - 400 * MILLION
        assert (state.phase, state.unlock_time) == (ContractPhase.CLOSING, 0)
        assert lab.balance(client.address) == 110_000_000

        # The proxy contract appears with the same money: everything can be claimed.
        lab.deploy_proxy(stake=TON)
        other = lab.client(WORKER_OWNER)
        top_up(lab, other, 20 * TON)
        lab.send(SUBMITTER, client.address, ORDINARY, settle)
        assert lab.client_state(client).ledger is None
        assert lab.ledger().earned == 400 * MILLION
        refund = client_messages.request_refund(lab.query(), CLIENT_OWNER)
        lab.send(CLIENT_OWNER, client.address, ORDINARY, refund)
        assert lab.client_state(client).phase is ContractPhase.CLOSED
        assert lab.ledger().client_funds == 0


def test_refunds_that_come_back_are_owed_again() -> None:
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        client = lab.client()
        credited = (
            Builder().uint(opcodes.PROXY_CLIENT_CREDITED, 32).uint(1, 64).coins(20 * TON)
            .address(CLIENT_OWNER).address(SUBMITTER).cell()
        )  # fmt: skip
        lab.send(lab.proxy.address, client.address, ORDINARY, credited)

        def owner(body: Cell) -> Outcome:
            outcome = lab.send(CLIENT_OWNER, client.address, ORDINARY, body)
            assert outcome.ok
            assert len(bounced(outcome, client.address)) == 1
            return outcome

        owner(client_messages.withdraw(lab.query(), CLIENT_OWNER))
        state = lab.client_state(client)
        assert (state.phase, state.balance) == (ContractPhase.OPEN, 20 * TON)
        owner(client_messages.request_refund(lab.query(), CLIENT_OWNER))
        state = lab.client_state(client)
        assert (state.phase, state.balance) == (ContractPhase.CLOSING, 20 * TON)
        unlock = state.unlock_time
        lab.advance(DELAY + 1)
        before = lab.balance(CLIENT_OWNER)
        held = lab.balance(client.address)
        owner(client_messages.request_refund(lab.query(), CLIENT_OWNER))
        state = lab.client_state(client)
        assert (state.phase, state.balance) == (ContractPhase.CLOSING, 20 * TON)
        assert state.unlock_time == unlock
        # The contract keeps what it needs to be asked again; all else is the owner's.
        assert lab.balance(client.address) == 110_000_000
        gained = lab.balance(CLIENT_OWNER) - before
        assert 0 < ORDINARY + held - 110_000_000 - gained < FEW
        owner(client_messages.request_refund(lab.query(), CLIENT_OWNER))
        assert lab.client_state(client).balance == 20 * TON
        lab.check()


def test_a_deposit_that_meets_a_closed_client_goes_back() -> None:
    """The client contract closes between the deposit and its acknowledgement."""
    with memory_chain(max_hops=1) as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy()
        client = lab.client()
        lab.settle()
        top_up(lab, client, 5 * TON)
        lab.pay(opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, client, 0)
        assert lab.client_state(client).phase is ContractPhase.CLOSED
        lab.settle()
        assert lab.client_state(client).balance == 0
        assert lab.ledger().client_funds == 0
        assert lab.balance(CLIENT_OWNER) > 5 * TON
        lab.check()


def test_a_deposit_that_meets_a_closing_client_counts() -> None:
    with memory_chain(max_hops=1) as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy()
        client = lab.client()
        lab.settle()
        top_up(lab, client, 5 * TON)
        body = client_messages.request_refund(lab.query(), CLIENT_OWNER)
        lab.send(CLIENT_OWNER, client.address, ORDINARY, body)
        lab.settle()
        state = lab.client_state(client)
        assert (state.phase, state.balance) == (ContractPhase.CLOSING, 5 * TON)
        lab.check()


def test_an_acknowledgement_that_comes_back_pays_the_owner() -> None:
    """Only a frozen client contract refuses one: here one that cannot pay its rent."""
    with memory_chain(max_hops=1) as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy(value=3 * TON)
        client = lab.client(value=200_000_000)
        lab.settle()
        secret = client_messages.change_secret_hash(lab.query(), bytes([1]) * 32, CLIENT_OWNER)
        lab.send(CLIENT_OWNER, client.address, ORDINARY, secret)
        lab.settle()
        top_up(lab, client, 5 * TON)
        lab.advance(15 * 365 * 86_400)
        lab.settle()
        assert chain.account(client.address).status is AccountStatus.FROZEN
        assert lab.ledger().client_funds == 0
        assert lab.balance(CLIENT_OWNER) > 5 * TON
        lab.check()


def test_a_signed_close_that_lacks_value_changes_nothing(stage, lab) -> None:
    body = sign_close_request(lab.key, lab.query(), lab.proxy.address, SUBMITTER).cell()
    assert lab.send(SUBMITTER, lab.proxy.address, 99_999_999, body).exit_code == 1003
    assert lab.books().phase is ContractPhase.OPEN
