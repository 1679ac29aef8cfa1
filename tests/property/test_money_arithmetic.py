"""Deposits, charges and payouts on the real virtual machine agree with plain arithmetic."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cocoon.chain import opcodes
from cocoon.chain.contracts import client_messages, worker_messages
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.money_lab import SUBMITTER, Contract, LabSnapshot, MoneyLab

VALUE = 700_000_000
MAX_AMOUNT = 2**64 - 1
TOKENS = st.one_of(
    st.integers(0, 10**9),
    st.sampled_from([0, 1, 2**32, 2**62, 2**63 - 1]),
    st.integers(0, 2**63 - 1),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deposit"), st.integers(0, 40 * TON)),
        st.tuples(st.just("charge"), TOKENS),
        st.tuples(st.just("payout"), TOKENS),
        st.tuples(st.just("limited"), TOKENS),
        st.tuples(st.just("withdraw"), st.just(0)),
    ),
    max_size=10,
)
PRICES = [(20, 14), (1, 0), (1, 1), (0, 0), (10**9, 999_999_999)]


@dataclass
class Books:
    """What the contracts should hold: ``onchain.md`` §6, §7, with debt and a ledger."""

    price: int
    fee: int
    balance: int = 0
    debt: int = 0
    used: int = 0
    earned: int = 0
    claimed: int = 0
    commission: int = 0
    paid: int = 0

    def deposit(self, amount: int) -> None:
        self.balance += amount

    def withdraw(self, stake: int) -> None:
        self.balance = min(self.balance, stake)

    def charge(self, tokens: int) -> None:
        if tokens < self.used or (tokens == self.used and not self.debt):
            return
        due = (tokens - self.used) * self.price + self.debt
        taken = min(due, self.balance)
        self.balance -= taken
        self.earned += taken
        self.debt, self.used = min(due - taken, MAX_AMOUNT), tokens

    def payout(self, tokens: int) -> None:
        amount = (tokens - self.claimed) * self.price
        if tokens <= self.claimed or amount > self.earned:
            return
        fee = (tokens - self.claimed) * self.fee
        self.earned -= amount
        self.paid += fee
        self.commission += amount - fee
        self.claimed = tokens


@pytest.fixture(scope="module", params=PRICES)
def lab(
    request: pytest.FixtureRequest,
) -> Iterator[tuple[MoneyLab, Contract, Contract, LabSnapshot]]:
    price, fee = request.param
    with memory_chain() as chain:
        lab = MoneyLab(chain, price_per_token=price, worker_fee_per_token=fee)
        lab.deploy_proxy()
        client, worker = lab.client(), lab.worker()
        yield lab, client, worker, lab.snapshot()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_contracts_count_as_the_books_do(lab, steps) -> None:
    lab, client, worker, start = lab
    lab.restore(start)
    books = Books(lab.params.price_per_token, lab.params.worker_fee_per_token)
    for kind, number in steps:
        match kind:
            case "deposit":
                body = client_messages.top_up(1, number, SUBMITTER)
                lab.send(client.owner, client.address, number + VALUE, body)
                books.deposit(number)
            case "withdraw":
                body = client_messages.withdraw(1, SUBMITTER)
                lab.send(client.owner, client.address, VALUE, body)
                books.withdraw(lab.params.min_client_stake)
            case "charge":
                lab.charge(client, number)
                books.charge(number)
            case "payout":
                lab.payout(worker, number)
                books.payout(number)
            case "limited":
                payment = lab.payment(opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, worker, 2**63 - 1)
                limit = max(1, number)
                body = worker_messages.limited_payout(payment, limit, SUBMITTER)
                lab.send(SUBMITTER, worker.address, VALUE, body)
                books.payout(min(2**63 - 1, books.claimed + limit))
        lab.check()
    state, ledger = lab.client_state(client), lab.ledger()
    debt = state.ledger.debt if state.ledger else 0
    assert (state.balance, debt, state.tokens_used) == (books.balance, books.debt, books.used)
    assert (ledger.client_funds, ledger.earned) == (books.balance, books.earned)
    assert lab.worker_state(worker).tokens == books.claimed
    assert lab.books().balance == books.commission
    assert ledger.paid_total == books.paid + books.commission
