"""Every message sequence of ``onchain.md`` §14 with the official values of §11, to the nanoTON."""

import pytest

from cocoon.chain import opcodes
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts import client_messages, proxy_messages, worker_messages
from cocoon.chain.contracts.client_state import ClientLedger
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_envelopes import (
    sign_close_complete,
    sign_close_request,
    sign_commit,
)
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import Outcome
from cocoon.testing.money_lab import (
    CLIENT_OWNER,
    OPERATOR,
    SUBMITTER,
    WORKER_OWNER,
    MoneyLab,
    someone,
)

MILLION = 1_000_000
DEPLOY_CLIENT, DEPLOY_WORKER, DEPLOY_PROXY = 800_000_000, 300_000_000, 300_000_000
REGISTER, ORDINARY, WORKER_OWN, COMMISSION, RETIRE = (
    TON, 700_000_000, 500_000_000, 200_000_000, TON,
)  # fmt: skip
FEW = 40_000_000
"""More than the fees of any sequence."""
PRICE, FEE = 20, 14
DELAY = 43_200


def values_to(outcome: Outcome, address: object, operation: int) -> list[int]:
    """Values of the messages to this address with this operation."""
    return [
        message.value
        for transaction in outcome.transactions
        for message in transaction.out_messages
        if message.dest == address and op(message.body) == operation
    ]


def op(body: Cell) -> int:
    return body.data >> body.bits - 32 if body.bits >= 32 else -1


def charge_tokens(lab: MoneyLab, stage: object, tokens: int) -> None:
    assert lab.charge(stage.client, tokens).ok
    lab.check()


def test_onboarding() -> None:
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy(value=DEPLOY_PROXY)
        client = lab.client(value=DEPLOY_CLIENT)
        lab.check()

        body = client_messages.register(lab.query(), 77, CLIENT_OWNER)
        outcome = lab.send(CLIENT_OWNER, client.address, REGISTER, body)
        seen = [t for t in outcome.transactions if t.address == lab.proxy.address]
        assert len(seen) == 1
        assert seen[0].success
        assert seen[0].in_message.value == 10_000_000
        lab.check()

        body = client_messages.change_secret_hash(lab.query(), bytes([9]) * 32, CLIENT_OWNER)
        assert lab.send(CLIENT_OWNER, client.address, ORDINARY, body).ok
        assert lab.client_state(client).secret_hash == bytes([9]) * 32
        lab.check()

        before = lab.balance(CLIENT_OWNER)
        body = client_messages.top_up(lab.query(), 15 * TON, CLIENT_OWNER)
        outcome = lab.send(CLIENT_OWNER, client.address, 15 * TON + ORDINARY, body)
        assert lab.client_state(client).balance == 15 * TON
        assert lab.ledger().client_funds == 15 * TON
        assert [t.address for t in outcome.transactions] == [
            client.address, lab.proxy.address, client.address, CLIENT_OWNER,
        ]  # fmt: skip
        assert ORDINARY - FEW < lab.balance(CLIENT_OWNER) - before < ORDINARY
        lab.check()


def test_only_the_account_that_earned_it_changes_when_a_client_is_charged(stage, lab) -> None:
    pool = lab.balance(lab.proxy.address)
    outcome = lab.charge(stage.client, 100 * MILLION)
    assert outcome.ok
    state = lab.client_state(stage.client)
    assert state.balance == 20 * TON - 100 * MILLION * PRICE
    assert state.tokens_used == 100 * MILLION
    assert state.ledger is None  # no debt, so the storage is the official one
    assert lab.client_state(stage.other_client).balance == 30 * TON
    ledger = lab.ledger()
    assert ledger.client_funds == 48 * TON
    assert ledger.earned == ledger.charged_total == 2 * TON
    assert lab.balance(lab.proxy.address) == pool  # charging moves claims, not coins
    assert values_to(outcome, SUBMITTER, opcodes.EXCESSES)[0] > ORDINARY - FEW
    lab.check()


def test_a_worker_and_the_operator_are_paid_what_was_charged(stage, lab) -> None:
    charge_tokens(lab, stage, 100 * MILLION)
    tokens = 60 * MILLION
    outcome = lab.payout(stage.worker, tokens)
    assert values_to(outcome, WORKER_OWNER, opcodes.PAYOUT) == [tokens * FEE]
    assert lab.balance(WORKER_OWNER) == tokens * FEE
    assert lab.worker_state(stage.worker).tokens == tokens
    assert lab.books().balance == tokens * (PRICE - FEE)
    assert lab.ledger().earned == 2 * TON - tokens * PRICE
    assert lab.ledger().paid_total == tokens * PRICE
    lab.check()

    worker_pays = lab.payment(
        opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, stage.worker, 100 * MILLION
    ).repack(WORKER_OWNER)
    lab.send(WORKER_OWNER, stage.worker.address, WORKER_OWN, worker_pays.body())
    assert lab.balance(WORKER_OWNER) > 100 * MILLION * FEE + WORKER_OWN - FEW
    assert lab.ledger().earned == 0
    lab.check()

    commission = 100 * MILLION * (PRICE - FEE)
    before = lab.balance(OPERATOR)
    body = proxy_messages.payout_request(lab.query(), SUBMITTER)
    outcome = lab.send(SUBMITTER, lab.proxy.address, COMMISSION, body)
    assert lab.balance(OPERATOR) - before == commission
    assert lab.books().balance == 0
    lab.check()


def test_the_operator_takes_commission_with_a_letter(stage, lab) -> None:
    charge_tokens(lab, stage, 100 * MILLION)
    lab.payout(stage.worker, 100 * MILLION)
    before = lab.balance(OPERATOR)
    letter = proxy_messages.text_command(b"w")
    assert lab.send(OPERATOR, lab.proxy.address, COMMISSION, letter).ok
    gained = lab.balance(OPERATOR) - before
    assert 0 < 100 * MILLION * (PRICE - FEE) + COMMISSION - gained < FEW
    assert lab.books().balance == 0


def test_withdraw_leaves_the_stake(stage, lab) -> None:
    before = lab.balance(CLIENT_OWNER)
    body = client_messages.withdraw(lab.query(), CLIENT_OWNER)
    outcome = lab.send(CLIENT_OWNER, stage.client.address, ORDINARY, body)
    assert values_to(outcome, CLIENT_OWNER, opcodes.PAYOUT) == [5 * TON]
    assert lab.client_state(stage.client).balance == 15 * TON
    assert 0 < 5 * TON + ORDINARY - (lab.balance(CLIENT_OWNER) - before) < FEW


def test_orderly_close_pays_leftovers_to_the_owner(stage, lab) -> None:
    body = client_messages.request_refund(lab.query(), CLIENT_OWNER)
    outcome = lab.send(CLIENT_OWNER, stage.client.address, ORDINARY, body)
    assert values_to(outcome, CLIENT_OWNER, opcodes.PAYOUT) == [5 * TON]
    state = lab.client_state(stage.client)
    assert (state.phase, state.unlock_time) == (ContractPhase.CLOSING, lab.chain.now + DELAY)
    lab.check()

    held, tokens = lab.balance(stage.client.address), 50 * MILLION
    outcome = lab.pay(opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, stage.client, tokens, RETIRE)
    rest = 15 * TON - tokens * PRICE
    paid = values_to(outcome, CLIENT_OWNER, opcodes.PAYOUT)
    assert paid[1] == rest
    # The contract's own coins, but for the rent that it keeps and the rent that was due.
    assert 0 <= held - 10_000_000 - paid[0] < 1000
    assert lab.balance(stage.client.address) == 10_000_000
    assert lab.balance(SUBMITTER) < RETIRE
    state = lab.client_state(stage.client)
    assert (state.phase, state.balance, state.unlock_time) == (ContractPhase.CLOSED, 0, 0)
    assert lab.ledger().earned == tokens * PRICE
    # The charge reached the proxy contract before the refund did.
    operations = [
        op(t.in_message.body) for t in outcome.transactions if t.address == lab.proxy.address
    ]
    assert operations == [opcodes.CLIENT_PROXY_CHARGED, opcodes.CLIENT_PROXY_REQUEST]


def test_grant_without_use_refunds_everything(stage, lab) -> None:
    outcome = lab.pay(opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, stage.client, 0)
    assert values_to(outcome, CLIENT_OWNER, opcodes.PAYOUT)[1] == 20 * TON
    assert lab.ledger().earned == 0


def test_forced_close_needs_nobody_and_has_no_cap(stage, lab) -> None:
    body = client_messages.request_refund(lab.query(), CLIENT_OWNER)
    lab.send(CLIENT_OWNER, stage.client.address, ORDINARY, body)
    lab.advance(DELAY + 1)
    before = lab.balance(CLIENT_OWNER)
    outcome = lab.send(CLIENT_OWNER, stage.client.address, ORDINARY, body)
    paid = values_to(outcome, CLIENT_OWNER, opcodes.PAYOUT)
    assert paid[1] == 15 * TON
    assert paid[1] > lab.books().stake  # the official contract would have paid less
    assert lab.client_state(stage.client).phase is ContractPhase.CLOSED
    assert lab.balance(CLIENT_OWNER) - before > 15 * TON + ORDINARY + DEPLOY_CLIENT - 2 * FEW


def test_a_closed_client_opens_again(stage, lab) -> None:
    lab.pay(opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, stage.client, 10)
    body = client_messages.reopen(lab.query(), 3 * TON, CLIENT_OWNER)
    assert lab.send(CLIENT_OWNER, stage.client.address, 3 * TON + ORDINARY, body).ok
    state = lab.client_state(stage.client)
    assert (state.phase, state.balance, state.tokens_used) == (ContractPhase.OPEN, 3 * TON, 10)
    lab.check()
    assert lab.charge(stage.client, 20).ok
    assert lab.client_state(stage.client).balance == 3 * TON - 10 * PRICE


def test_secret_and_deposit_in_one_message(stage, lab) -> None:
    secret = bytes([5]) * 32
    body = client_messages.change_secret_hash_and_top_up(lab.query(), TON, secret, CLIENT_OWNER)
    assert lab.send(CLIENT_OWNER, stage.client.address, TON + ORDINARY, body).ok
    state = lab.client_state(stage.client)
    assert (state.secret_hash, state.balance) == (secret, 21 * TON)


def test_a_higher_stake_is_the_floor_of_withdrawals(stage, lab) -> None:
    body = client_messages.increase_stake(lab.query(), 18 * TON, CLIENT_OWNER)
    assert lab.send(CLIENT_OWNER, stage.client.address, ORDINARY, body).ok
    body = client_messages.withdraw(lab.query(), CLIENT_OWNER)
    outcome = lab.send(CLIENT_OWNER, stage.client.address, ORDINARY, body)
    assert values_to(outcome, CLIENT_OWNER, opcodes.PAYOUT) == [2 * TON]


def test_debt_is_taken_from_the_next_deposit(stage, lab) -> None:
    tokens = 1_200 * MILLION  # 24 TON, of which 20 are there
    lab.charge(stage.client, tokens)
    state = lab.client_state(stage.client)
    assert (state.balance, state.ledger) == (0, ClientLedger(debt=4 * TON))
    assert lab.ledger().earned == 20 * TON
    assert lab.client_state(stage.other_client).balance == 30 * TON
    lab.check()

    body = client_messages.top_up(lab.query(), 10 * TON, CLIENT_OWNER)
    lab.send(CLIENT_OWNER, stage.client.address, 10 * TON + ORDINARY, body)
    assert lab.client_state(stage.client).balance == 10 * TON
    assert lab.charge(stage.client, tokens).ok  # the same counter, for the debt
    state = lab.client_state(stage.client)
    assert (state.balance, state.ledger) == (6 * TON, None)
    assert lab.ledger().earned == 24 * TON
    assert lab.charge(stage.client, tokens).exit_code == 1000  # no debt, nothing new


def test_limited_payout_takes_what_was_earned(stage, lab) -> None:
    charge_tokens(lab, stage, 30 * MILLION)
    payment = lab.payment(opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, stage.worker, 100 * MILLION)
    body = worker_messages.limited_payout(payment, 30 * MILLION, SUBMITTER)
    outcome = lab.send(SUBMITTER, stage.worker.address, ORDINARY, body)
    assert values_to(outcome, WORKER_OWNER, opcodes.PAYOUT) == [30 * MILLION * FEE]
    assert lab.worker_state(stage.worker).tokens == 30 * MILLION
    lab.check()
    charge_tokens(lab, stage, 100 * MILLION)
    outcome = lab.send(SUBMITTER, stage.worker.address, ORDINARY, payment.body())
    assert values_to(outcome, WORKER_OWNER, opcodes.PAYOUT) == [70 * MILLION * FEE]
    assert lab.worker_state(stage.worker).tokens == 100 * MILLION


def test_last_payout_closes_and_returns_leftovers(stage, lab) -> None:
    charge_tokens(lab, stage, 10 * MILLION)
    held = lab.balance(stage.worker.address)
    outcome = lab.pay(
        opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED, stage.worker, 10 * MILLION, RETIRE
    )
    paid = values_to(outcome, WORKER_OWNER, opcodes.PAYOUT)
    assert paid[1] == 10 * MILLION * FEE
    assert 0 <= held - 10_000_000 - paid[0] < 1000
    assert lab.worker_state(stage.worker).phase is ContractPhase.CLOSED


@pytest.mark.parametrize("by_key", [True, False])
def test_retiring_a_proxy_leaves_clients_and_workers_theirs(stage, lab, by_key) -> None:
    charge_tokens(lab, stage, 100 * MILLION)
    lab.payout(stage.worker, 50 * MILLION)
    address = lab.proxy.address
    if by_key:
        first = sign_close_request(lab.key, lab.query(), address, SUBMITTER).cell()
        second = sign_close_complete(lab.key, lab.query(), address, SUBMITTER).cell()
        sender = SUBMITTER
    else:
        first = second = proxy_messages.close(lab.query(), SUBMITTER)
        sender = OPERATOR
    assert lab.send(sender, address, RETIRE, first).ok
    books = lab.books()
    assert (books.phase, books.unlock_time) == (ContractPhase.CLOSING, lab.chain.now + 86_400)
    assert lab.send(sender, address, RETIRE, second).exit_code == 1011
    lab.advance(86_400)
    outcome = lab.send(sender, address, RETIRE, second)
    assert values_to(outcome, OPERATOR, opcodes.PAYOUT) == [TON + 50 * MILLION * 6]
    books = lab.books()
    assert (books.phase, books.balance, books.stake) == (ContractPhase.CLOSED, 0, 0)
    lab.check()

    # Everything after that still works for the others.
    outcome = lab.payout(stage.worker, 100 * MILLION)
    assert values_to(outcome, WORKER_OWNER, opcodes.PAYOUT) == [50 * MILLION * FEE]
    assert lab.charge(stage.client, 101 * MILLION).ok
    lab.pay(opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, stage.client, 101 * MILLION)
    lab.pay(opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, stage.other_client, 0)
    lab.payout(stage.other_worker, MILLION)
    lab.check()
    ledger = lab.ledger()
    assert (ledger.client_funds, ledger.earned) == (0, 0)
    body = proxy_messages.payout_request(lab.query(), SUBMITTER)
    outcome = lab.send(SUBMITTER, address, COMMISSION, body)
    assert values_to(outcome, OPERATOR, opcodes.PAYOUT) == [51 * MILLION * 6]


def test_commits_grow(stage, lab) -> None:
    def commit(seqno: int, value: int = 20_000_000) -> Outcome:
        order = sign_commit(
            lab.key, lab.query(), seqno=seqno, state_root=bytes([seqno]) * 32,
            proxy=lab.proxy.address, excesses=SUBMITTER,
        )  # fmt: skip
        return lab.send(SUBMITTER, lab.proxy.address, value, order.cell())

    assert commit(0).exit_code == 1000
    assert commit(5).ok
    assert commit(5).exit_code == 1000
    assert commit(4).exit_code == 1000
    assert commit(6, 19_999_999).exit_code == 1003
    assert commit(6).ok
    assert (lab.ledger().commit_seqno, lab.ledger().commit_hash) == (6, bytes([6]) * 32)


def test_save_state_of_official_runners_is_ignored(stage, lab) -> None:
    before = lab.books()
    body = Builder().uint(opcodes.DO_NOT_PROCESS, 32).uint(1, 64).uint(7, 32).cell()
    for contract in (lab.proxy, stage.client, stage.worker):
        assert lab.send(someone(99), contract.address, ORDINARY, body).ok
    assert lab.books() == before


def test_getters(stage, lab) -> None:
    charge_tokens(lab, stage, 1_200 * MILLION)
    run = lab.chain.run
    stack = run(stage.client.address, "get_cocoon_client_data").stack
    assert stack[3:9] == (0, 0, 15 * TON, 1_200 * MILLION, 0, 0)
    assert stack[2] == int.from_bytes(lab.key.public_key, "big")
    assert run(stage.client.address, "get_cocoon_client_ledger").stack == (4 * TON, 0, 0)
    stack = run(lab.proxy.address, "get_cocoon_proxy_data").stack
    assert stack[3:] == (0, 0, TON, 0, 20, 14, TON, 15 * TON, 5)
    stack = run(lab.proxy.address, "get_cocoon_proxy_ledger").stack
    assert stack == (30 * TON, 20 * TON, 0, 0, 20 * TON, 0)
    stack = run(stage.worker.address, "get_cocoon_worker_data").stack
    assert stack[3:] == (0, 0)
    for index, address in ((0, WORKER_OWNER), (1, lab.proxy.address)):
        assert stack[index].cell == Builder().address(address).cell()
