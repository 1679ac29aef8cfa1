"""Random messages from everybody, one transaction at a time, so that they overtake one another.

Whatever happened: the pool covers what it owes after every transaction, every coin is somewhere
when all is quiet, and then, with the proxy's key, wallet and operator gone, every client takes back
all that was not charged and every worker cashes what was.
"""

from random import Random

import pytest

from cocoon.chain import opcodes
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts import client_messages, proxy_messages, worker_messages
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.payment import SignedPayment
from cocoon.chain.contracts.proxy_envelopes import (
    sign_close_complete,
    sign_close_request,
    sign_commit,
)
from cocoon.testing.chain import TON
from cocoon.testing.dear_chain import dear_chain
from cocoon.testing.money_lab import (
    CLIENT_OWNER,
    OTHER_CLIENT_OWNER,
    OTHER_WORKER_OWNER,
    STRANGER,
    SUBMITTER,
    WORKER_OWNER,
    Contract,
    MoneyLab,
)

MILLION = 1_000_000
PRICE, FEE = 20, 14
STEPS = 60
SEEDS = 8
VALUES = (30_000_000, 100_000_000, 100_000_001, 130_000_000, 215_000_000, 700_000_000, TON, 3 * TON)
AMOUNTS = (0, 1, TON // 3, 2 * TON, 15 * TON, 40 * TON)
CHARGE, GRANT = opcodes.EXT_CLIENT_CHARGE_SIGNED, opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED
PAYOUT = opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED
LAST = opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED


class Crowd:
    """Everybody who may send messages, with all that the machine key ever signed."""

    def __init__(self, lab: MoneyLab, random: Random) -> None:
        self.lab = lab
        self.random = random
        small = random.random() < 0.3
        lab.deploy_proxy(stake=random.choice((TON, TON, TON - 1)))
        value = 20_000_000 if small else 800_000_000
        self.clients = [lab.client(owner, value=value) for owner in CLIENTS]
        self.workers = [lab.worker(owner, value=value) for owner in WORKERS]
        self.signed: dict[Contract, list[SignedPayment]] = {}
        self.used = dict.fromkeys(self.clients + self.workers, 0)
        self.seqno = 0

    def step(self) -> None:
        random, lab = self.random, self.lab
        kind = random.randrange(20)
        if kind < 6:
            lab.tick()
        elif kind < 8:
            client = random.choice(self.clients)
            amount = random.choice(AMOUNTS)
            self.to(client, client_messages.top_up(lab.query(), amount, SUBMITTER), amount)
        elif kind < 11:
            self.sign(random.choice(self.clients), (CHARGE, CHARGE, CHARGE, CHARGE, GRANT))
        elif kind < 13:
            self.sign(random.choice(self.workers), (PAYOUT, PAYOUT, PAYOUT, LAST))
        elif kind < 15:
            self.replay()
        elif kind < 17:
            self.owner_of_client(random.choice(self.clients))
        elif kind == 17:
            self.operator()
        elif kind == 18:
            lab.advance(random.choice((1, 3600, 43_201, 86_401, 30 * 86_400)))
        else:
            self.stranger()

    def to(self, contract: Contract, body: Cell, amount: int = 0, *, bounce: bool = True) -> None:
        sender = contract.owner if self.random.random() < 0.9 else STRANGER
        value = amount + self.random.choice(VALUES)
        self.lab.send(sender, contract.address, value, body, bounce=bounce)

    def sign(self, contract: Contract, operations: tuple[int, ...]) -> None:
        self.used[contract] += self.random.choice((1, 1000, MILLION, 300 * MILLION))
        operation = self.random.choice(operations)
        payment = self.lab.payment(operation, contract, self.used[contract])
        self.signed.setdefault(contract, []).append(payment)
        if self.random.random() < 0.8:
            self.to(contract, payment.body())

    def replay(self) -> None:
        """Something old, or signed and never sent, perhaps in parts or to the wrong contract."""
        if not self.signed:
            return
        contract = self.random.choice(list(self.signed))
        payment = self.random.choice(self.signed[contract])
        body = payment.body()
        if payment.operation == PAYOUT and self.random.random() < 0.5:
            limit = self.random.choice((1, 1000, MILLION, 50 * MILLION))
            body = worker_messages.limited_payout(payment, limit, SUBMITTER)
        if self.random.random() < 0.1:
            contract = self.random.choice(self.clients + self.workers)
        self.to(contract, body)

    def owner_of_client(self, client: Contract) -> None:
        query, amount = self.lab.query(), self.random.choice(AMOUNTS)
        body = self.random.choice(
            (
                client_messages.withdraw(query, SUBMITTER),
                client_messages.request_refund(query, SUBMITTER),
                client_messages.reopen(query, amount, SUBMITTER),
                client_messages.register(query, 5, SUBMITTER),
                client_messages.increase_stake(query, amount, SUBMITTER),
                client_messages.change_secret_hash_and_top_up(query, amount, bytes(32), SUBMITTER),
                client_messages.settle(query, SUBMITTER),
            )
        )
        self.to(client, body, amount if self.random.random() < 0.7 else 0)

    def operator(self) -> None:
        lab, random = self.lab, self.random
        query, address, amount = lab.query(), lab.proxy.address, random.choice(AMOUNTS)
        self.seqno += 1
        bodies = (
            proxy_messages.payout_request(query, SUBMITTER),
            proxy_messages.increase_stake(query, amount, SUBMITTER),
            proxy_messages.text_command(b"w"),
            sign_commit(
                lab.key, query, seqno=self.seqno, state_root=bytes(32),
                proxy=address, excesses=SUBMITTER,
            ).cell(),
        )  # fmt: skip
        closing = (
            proxy_messages.close(query, SUBMITTER),
            sign_close_request(lab.key, query, address, SUBMITTER).cell(),
            sign_close_complete(lab.key, query, address, SUBMITTER).cell(),
            proxy_messages.text_command(b"c"),
        )
        body = random.choice(closing if random.random() < 0.3 else bodies)
        self.to(lab.proxy, body, amount if random.random() < 0.7 else 0)

    def stranger(self) -> None:
        """Coins without a body, nonsense, and messages that do not bounce."""
        contract = self.random.choice([self.lab.proxy, *self.clients, *self.workers])
        junk = Builder().uint(self.random.getrandbits(96), 96).cell()
        body = self.random.choice((Builder().cell(), junk))
        self.to(contract, body, bounce=self.random.random() < 0.5)


CLIENTS = (CLIENT_OWNER, OTHER_CLIENT_OWNER)
WORKERS = (WORKER_OWNER, OTHER_WORKER_OWNER)


def assert_covered(lab: MoneyLab) -> None:
    books, ledger = lab.books(), lab.ledger()
    owed = ledger.client_funds + ledger.earned + books.balance + books.stake
    assert owed <= lab.balance(lab.proxy.address)
    assert ledger.paid_total + ledger.earned == ledger.charged_total


def recover_client(lab: MoneyLab, client: Contract) -> None:
    """The owner alone, with nobody's help."""
    settle = client_messages.settle(lab.query(), STRANGER)
    lab.send(STRANGER, client.address, 2 * TON, settle)
    lab.settle()
    owed = lab.client_state(client).balance
    paid = 0
    for _ in range(2):
        lab.advance(43_201)
        if lab.client_state(client).phase is not ContractPhase.CLOSED:
            before = lab.client_state(client).balance
            body = client_messages.request_refund(lab.query(), client.owner)
            assert lab.send(client.owner, client.address, 2 * TON, body).ok
            lab.settle()
            paid += before - lab.client_state(client).balance
    state = lab.client_state(client)
    assert (state.phase, state.balance) == (ContractPhase.CLOSED, 0)
    assert paid == owed
    lab.check()


def recover_worker(lab: MoneyLab, worker: Contract, payment: SignedPayment) -> None:
    """Whoever has the newest signed payout takes what there is."""
    state, earned = lab.worker_state(worker), lab.ledger().earned
    tokens = min(payment.tokens - state.tokens, earned // PRICE)
    if tokens <= 0 or state.phase is ContractPhase.CLOSED:
        return
    body = worker_messages.limited_payout(payment, tokens, STRANGER)
    outcome = lab.send(STRANGER, worker.address, 2 * TON, body)
    lab.settle()
    assert outcome.ok
    assert lab.worker_state(worker).tokens == state.tokens + tokens
    assert earned - lab.ledger().earned == tokens * PRICE
    lab.check()


@pytest.mark.parametrize("factor", [1, 10])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_in_any_order(seed: int, factor: int) -> None:
    """Also where gas costs ten times as much: what was enough is refused then, not lost."""
    with dear_chain(factor, max_hops=1) as chain:
        lab = MoneyLab(chain)
        crowd = Crowd(lab, Random(seed))
        lab.settle()
        for _ in range(STEPS):
            crowd.step()
            assert_covered(lab)
        lab.settle()
        lab.check()
        for client in crowd.clients:
            recover_client(lab, client)
        for worker in crowd.workers:
            newest = [p for p in crowd.signed.get(worker, ()) if p.operation == PAYOUT]
            if newest:
                recover_worker(lab, worker, newest[-1])
        assert lab.ledger().client_funds == 0
        lab.check()
