"""The proxy is gone for good: its machine key, its wallet, perhaps its operator too.

Clients take back everything that was not charged, stake included, within their delay. Workers cash
their newest signed payouts as far as clients were charged. What is left is the operator's.
"""

import pytest

from cocoon.chain import opcodes
from cocoon.chain.contracts import client_messages, proxy_messages, worker_messages
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.testing.chain import TON
from cocoon.testing.money_lab import (
    CLIENT_OWNER,
    OPERATOR,
    OTHER_CLIENT_OWNER,
    OTHER_WORKER_OWNER,
    STRANGER,
    WORKER_OWNER,
)

MILLION = 1_000_000
ORDINARY = 700_000_000
PRICE, FEE = 20, 14
DELAY = 43_200
PAYOUT = opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED
CHARGE = opcodes.EXT_CLIENT_CHARGE_SIGNED


def operator_is_gone(lab) -> None:
    """Nobody does anything."""


def operator_closes(lab) -> None:
    for _ in range(2):
        body = proxy_messages.close(lab.query(), OPERATOR)
        assert lab.send(OPERATOR, lab.proxy.address, TON, body).ok
        lab.advance(86_400)


def operator_grabs(lab) -> None:
    """Everything that an operator may send, over and over."""
    operator_closes(lab)
    for _ in range(3):
        for body in (
            proxy_messages.close(lab.query(), OPERATOR),
            proxy_messages.payout_request(lab.query(), OPERATOR),
            proxy_messages.text_command(b"w"),
            proxy_messages.text_command(b"c"),
        ):
            lab.send(OPERATOR, lab.proxy.address, TON, body)


@pytest.mark.parametrize("operator", [operator_is_gone, operator_closes, operator_grabs])
def test_everybody_gets_what_is_theirs(stage, lab, operator, monkeypatch) -> None:
    # A working day: some settled, some signed only, some used and never signed.
    lab.charge(stage.client, 100 * MILLION)
    lab.payout(stage.worker, 40 * MILLION)
    worker_has = lab.payment(PAYOUT, stage.worker, 90 * MILLION)
    other_has = lab.payment(PAYOUT, stage.other_worker, 30 * MILLION)
    client_has = lab.payment(CHARGE, stage.other_client, 20 * MILLION)
    monkeypatch.setattr(lab, "key", None)  # nothing is signed any more
    operator(lab)
    lab.check()

    # Clients leave; each is paid to the nanoTON what it had prepaid and was not charged.
    for client, owner in ((stage.client, CLIENT_OWNER), (stage.other_client, OTHER_CLIENT_OWNER)):
        if client is stage.other_client:
            # Workers publish the charge that they were shown, before the client is gone.
            assert lab.send(STRANGER, client.address, ORDINARY, client_has.body()).ok
        owed = lab.client_state(client).balance
        asked = lab.chain.now
        refunds = []
        for _ in range(2):
            body = client_messages.request_refund(lab.query(), owner)
            outcome = lab.send(owner, client.address, ORDINARY, body)
            assert outcome.ok
            refunds += [
                message.value
                for transaction in outcome.transactions
                if transaction.address == lab.proxy.address
                for message in transaction.out_messages
                if message.body.data >> (message.body.bits - 32) == opcodes.PAYOUT
            ]
            lab.advance(DELAY + 1)
        assert sum(refunds) == owed
        assert lab.chain.now - asked <= 2 * (DELAY + 1)
        assert lab.client_state(client).phase is ContractPhase.CLOSED
        lab.check()
    assert lab.ledger().client_funds == 0

    # 120 million tokens were charged; 40 are paid, 90 − 40 and 30 are signed: all of it is covered.
    for worker, owner, payment, tokens in (
        (stage.worker, WORKER_OWNER, worker_has, 50 * MILLION),
        (stage.other_worker, OTHER_WORKER_OWNER, other_has, 30 * MILLION),
    ):
        outcome = lab.send(owner, worker.address, ORDINARY, payment.repack(owner).body())
        paid = [m.value for m in outcome.to(owner) if m.value == tokens * FEE]
        assert paid == [tokens * FEE]
        lab.check()
    ledger = lab.ledger()
    assert (ledger.earned, ledger.charged_total) == (0, 120 * MILLION * PRICE)

    # The operator's commission is there as well, whoever asks for it.
    commission = lab.books().balance
    body = proxy_messages.payout_request(lab.query(), STRANGER)
    outcome = lab.send(STRANGER, lab.proxy.address, ORDINARY, body)
    assert [m.value for m in outcome.to(OPERATOR)] == [commission]
    if operator is not operator_grabs:
        expected = 120 if operator is operator_is_gone else 80
        assert commission == expected * MILLION * (PRICE - FEE)


def test_workers_share_what_was_charged(stage, lab, monkeypatch) -> None:
    """More was signed for workers than clients were charged: what there is goes out in parts."""
    lab.charge(stage.client, 50 * MILLION)
    signed = {
        stage.worker: lab.payment(PAYOUT, stage.worker, 40 * MILLION),
        stage.other_worker: lab.payment(PAYOUT, stage.other_worker, 40 * MILLION),
    }
    monkeypatch.setattr(lab, "key", None)
    for worker, payment in signed.items():
        lab.send(worker.owner, worker.address, ORDINARY, payment.body())
    assert lab.worker_state(stage.worker).tokens == 40 * MILLION
    assert lab.worker_state(stage.other_worker).tokens == 0
    left = lab.ledger().earned // PRICE
    body = worker_messages.limited_payout(signed[stage.other_worker], left, OTHER_WORKER_OWNER)
    lab.send(OTHER_WORKER_OWNER, stage.other_worker.address, ORDINARY, body)
    assert lab.worker_state(stage.other_worker).tokens == left == 10 * MILLION
    assert lab.ledger().earned == 0
