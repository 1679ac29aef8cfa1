"""Attacks by an outsider who read only the specifications; each of them must be repelled.

They go for what the other suites do not: prices that a vote of the validators changes while claims
are open, messages that are repeated before the first has arrived, orders hidden in library cells,
accounts without a coin left, and proposals that dress up as others.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cocoon.chain import opcodes
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts import client_messages, proxy_messages, worker_messages
from cocoon.chain.contracts import governor as gov
from cocoon.chain.contracts import root as root_messages
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.governor_state import ResultStatus
from cocoon.chain.contracts.payment import inner_cell, signed_envelope
from cocoon.chain.contracts.proxy_inbox import ClientRequest, read_proxy_message
from cocoon.chain.contracts.tariff import Multipliers, Tariff, TariffStep
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.root_contract import root_data
from cocoon.testing.chain import GENESIS, TON, memory_chain
from cocoon.testing.contracts import people
from cocoon.testing.dear_chain import dear_chain
from cocoon.testing.governance import DELAY, GovernedRoot
from cocoon.testing.money_lab import (
    CLIENT_OWNER,
    OPERATOR,
    STRANGER,
    SUBMITTER,
    WORKER_OWNER,
    Contract,
    MoneyLab,
)

MILLION = 1_000_000
LEAST = 100_000_001
"""The least value that every operation accepts at today's prices."""
CLIENT_DELAY = 43_200
YEAR = 365 * 86_400
DEPOSIT = 20 * TON
CHARGE, GRANT = opcodes.EXT_CLIENT_CHARGE_SIGNED, opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED
PAYOUT = opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED
LAST = opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED


def stage(chain: EmbeddedChain, **options: int) -> tuple[MoneyLab, Contract, Contract]:
    """A proxy with stake, a client with a deposit of which 20 million nanoTON were charged."""
    lab = MoneyLab(chain)
    lab.deploy_proxy(value=TON)
    client = lab.client(value=options.get("client", TON))
    worker = lab.worker(value=options.get("worker", TON))
    top_up(lab, client, DEPOSIT)
    lab.settle()
    lab.charge(client, MILLION)
    lab.settle()
    lab.check()
    return lab, client, worker


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as made:
        yield made


def top_up(lab: MoneyLab, client: Contract, amount: int, value: int = TON) -> None:
    body = client_messages.top_up(lab.query(), amount, SUBMITTER)
    lab.send(STRANGER, client.address, amount + value, body)


def ask_refund(lab: MoneyLab, client: Contract, value: int = TON) -> None:
    body = client_messages.request_refund(lab.query(), SUBMITTER)
    lab.send(client.owner, client.address, value, body)


def leave(lab: MoneyLab, client: Contract) -> None:
    """The owner alone, by the forced way; afterwards nothing is left for it in the pool."""
    for _ in range(3):
        if lab.client_state(client).phase is not ContractPhase.CLOSED:
            ask_refund(lab, client, 40 * TON)
            lab.settle()
            lab.advance(CLIENT_DELAY + 1)
            lab.settle()
    state = lab.client_state(client)
    assert (state.phase, state.balance) == (ContractPhase.CLOSED, 0)
    lab.check()


# Prices change while claims are open.


@pytest.mark.parametrize("factor", [2, 7, 25])
@pytest.mark.parametrize("value", [LEAST, 3 * LEAST, 10 * TON])
def test_dearer_gas_burns_no_claim(chain: EmbeddedChain, factor: int, value: int) -> None:
    """A stranger submits what was signed, with the value that was enough at the old prices."""
    lab, client, worker = stage(chain)
    with dear_chain(factor) as dear:
        prices = from_boc(dear._config)
    orders = [
        lab.payment(PAYOUT, worker, 5 * MILLION),
        lab.payment(LAST, worker, 6 * MILLION),
        lab.payment(CHARGE, client, 2 * MILLION),
        lab.payment(GRANT, client, 3 * MILLION),
    ]
    chain.set_config(prices)
    for order, contract in zip(orders, (worker, worker, client, client), strict=True):
        lab.send(STRANGER, contract.address, value, order.body())
        lab.check()
    assert lab.worker_state(worker).tokens == 0
    leave(lab, client)
    earned = lab.ledger().earned
    assert lab.ledger().client_funds == 0
    lab.send(
        STRANGER,
        worker.address,
        40 * TON,
        worker_messages.limited_payout(orders[0], earned // 20, SUBMITTER),
    )
    assert lab.ledger().earned == 0
    lab.check()


@pytest.mark.parametrize("factor", [5, 20])
def test_what_contracts_attach_follows_the_gas_price(factor: int) -> None:
    """With enough value from the submitter every message of the chain is executed, notes too."""
    with dear_chain(factor) as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy(stake=0, value=TON)
        stake = proxy_messages.increase_stake(lab.query(), TON, OPERATOR)
        lab.send(OPERATOR, lab.proxy.address, 30 * TON, stake)
        client, worker = lab.client(value=TON), lab.worker(value=TON)
        top_up(lab, client, DEPOSIT, 30 * TON)
        outcomes = [
            lab.pay(CHARGE, client, MILLION, 30 * TON),
            lab.pay(PAYOUT, worker, MILLION, 30 * TON),
            lab.pay(GRANT, client, 2 * MILLION, 30 * TON),
        ]
        for outcome in outcomes:
            contracts = (lab.proxy.address, client.address, worker.address)
            ran = [t for t in outcome.transactions if t.address in contracts]
            assert len(ran) > 1
            assert all(t.success for t in ran)
        assert lab.ledger().charged_total == 40 * MILLION
        assert lab.client_state(client).ledger is None
        lab.check()


# Twice before the first has arrived.


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32))
def test_whatever_is_repeated_in_flight_is_paid_once(seed: int) -> None:
    """Every claim is submitted several times, in any order, before any answer is there."""
    random = Random(seed)
    with memory_chain(max_hops=1) as chain:
        lab, client, worker = stage(chain)
        ask_refund(lab, client)
        lab.settle()
        lab.advance(CLIENT_DELAY + 1)
        lab.settle()
        before = lab.balance(CLIENT_OWNER)
        force = client_messages.request_refund(lab.query(), SUBMITTER)
        payout = lab.payment(PAYOUT, worker, 3 * MILLION)
        messages = [
            (client, CLIENT_OWNER, force),
            (client, STRANGER, lab.payment(GRANT, client, 2 * MILLION).body()),
            (client, STRANGER, lab.payment(CHARGE, client, 3 * MILLION).body()),
            (worker, STRANGER, payout.body()),
            (worker, STRANGER, worker_messages.limited_payout(payout, MILLION, SUBMITTER)),
            (worker, STRANGER, lab.payment(LAST, worker, 3 * MILLION).body()),
        ] * 2
        random.shuffle(messages)
        for contract, sender, body in messages:
            lab.send(sender, contract.address, TON, body)
        lab.settle()
        lab.check()
        ledger = lab.ledger()
        assert ledger.client_funds == 0
        assert ledger.charged_total in {20 * MILLION, 40 * MILLION, 60 * MILLION}
        assert ledger.paid_total <= ledger.charged_total
        # The deposit less what was charged, and the contract's own coins: not once more.
        gained = lab.balance(CLIENT_OWNER) - before
        assert gained >= DEPOSIT - 5 * TON - ledger.charged_total - TON
        assert gained < DEPOSIT + 2 * TON


def test_the_delay_ends_when_it_has_passed(chain: EmbeddedChain) -> None:
    """Not in its last second: a charge that is sent then still counts."""
    lab, client, _ = stage(chain)
    ask_refund(lab, client)
    unlock = lab.client_state(client).unlock_time
    lab.advance(unlock - chain.now)
    ask_refund(lab, client)
    assert lab.client_state(client).phase is ContractPhase.CLOSING
    lab.charge(client, 2 * MILLION)
    assert lab.ledger().charged_total == 40 * MILLION
    lab.advance(1)
    ask_refund(lab, client)
    assert lab.client_state(client).phase is ContractPhase.CLOSED
    lab.check()


# Who and what is signed.


def test_an_order_in_a_library_is_not_the_signed_one(chain: EmbeddedChain) -> None:
    """The signature is over the order's hash; a reference to the same content has another one."""
    lab, client, worker = stage(chain)
    for operation, contract in ((CHARGE, client), (GRANT, client), (PAYOUT, worker)):
        order = inner_cell(operation, 1, 5 * MILLION, contract.address)
        reference = Cell.library(chain.publish_library(order))
        body = signed_envelope(order, lab.key.sign(order.hash), SUBMITTER)
        hidden = Cell(body.data, body.bits, [reference])
        assert lab.send(STRANGER, contract.address, TON, hidden).exit_code == 1007
    lab.check()


def test_orders_of_another_network_are_for_other_contracts(chain: EmbeddedChain) -> None:
    """The same people and the same machine key, but other parameters: nothing can be replayed."""
    lab, client, worker = stage(chain)
    other = MoneyLab(chain, unique_id=18)
    other.totals = lab.totals
    foreign = [
        (client, other.payment(CHARGE, other.client(value=0), 9 * MILLION)),
        (client, other.payment(GRANT, other.client(value=0), 9 * MILLION)),
        (worker, other.payment(PAYOUT, other.worker(value=0), 9 * MILLION)),
        (worker, other.payment(LAST, other.worker(value=0), 9 * MILLION)),
    ]
    for contract, payment in foreign:
        assert lab.send(STRANGER, contract.address, TON, payment.body()).exit_code == 1015
    lab.check()


def test_a_client_of_another_proxy_is_a_stranger(chain: EmbeddedChain) -> None:
    """Same owner, same code: but what one proxy's client prepaid is no claim on another's pool."""
    lab, client, _ = stage(chain)
    other = MoneyLab(chain, proxy_seed=bytes([8]) * 32)
    foreign = other.client(value=0)
    funds = lab.ledger().client_funds
    snapshot = Builder().uint(0, 2).coins(0).coins(0).uint(0, 64 + 256).cell()
    for operation in (
        opcodes.CLIENT_PROXY_REFUND_GRANTED,
        opcodes.CLIENT_PROXY_REFUND_FORCE,
        opcodes.CLIENT_PROXY_TOP_UP,
    ):
        payload = Builder().uint(operation, 32).coins(TON).address(SUBMITTER).cell()
        body = (
            Builder().uint(opcodes.CLIENT_PROXY_REQUEST, 32).uint(1, 64).address(CLIENT_OWNER)
            .ref(snapshot).maybe_ref(payload).cell()
        )  # fmt: skip
        assert lab.send(foreign.address, lab.proxy.address, 2 * TON, body).exit_code == 1014
        # Nor can a client speak for another owner, nor the machine key's owner for anybody.
        assert lab.send(OPERATOR, lab.proxy.address, 2 * TON, body).exit_code == 1014
    assert lab.ledger().client_funds == funds
    lab.check()
    assert lab.client_state(client).balance == funds


def test_what_is_noted_at_the_proxy_is_the_clients_state(chain: EmbeddedChain) -> None:
    """Nodes read notifications instead of the account; so they must not flatter anybody."""
    lab, client, _ = stage(chain)
    secret = bytes(range(32))
    steps = [
        lambda: lab.charge(client, 2 * MILLION),
        lambda: lab.send(
            CLIENT_OWNER,
            client.address,
            TON,
            client_messages.change_secret_hash(1, secret, SUBMITTER),
        ),
        lambda: lab.send(
            CLIENT_OWNER,
            client.address,
            TON,
            client_messages.increase_stake(1, 30 * TON, SUBMITTER),
        ),
        lambda: lab.send(
            CLIENT_OWNER, client.address, TON, client_messages.register(1, 5, SUBMITTER)
        ),
        lambda: lab.send(
            CLIENT_OWNER, client.address, TON, client_messages.request_refund(1, SUBMITTER)
        ),
    ]
    for step in steps:
        notes = [
            event.snapshot
            for message in step().to(lab.proxy.address)
            if isinstance(event := read_proxy_message(message), ClientRequest)
        ]
        assert notes == [lab.client_state(client).snapshot]


# Accounts that ran dry.


def test_a_contract_in_debt_for_rent_still_pays_its_owner(chain: EmbeddedChain) -> None:
    """Years without a message: not a coin left, rent due, and the deposit comes back whole."""
    lab, client, worker = stage(chain, client=20 * MILLION, worker=20 * MILLION)
    lab.advance(6 * YEAR)
    account = chain.account(client.address)
    assert account.is_active
    before = lab.balance(CLIENT_OWNER)
    owed = lab.client_state(client).balance
    leave(lab, client)
    assert lab.balance(CLIENT_OWNER) - before >= owed
    paid = lab.balance(WORKER_OWNER)
    lab.payout(worker, MILLION)
    assert lab.balance(WORKER_OWNER) - paid >= 14 * MILLION
    lab.check()


def pool_of(lab: MoneyLab, kind: str) -> None:
    """Ten TON of one kind of claim in the pool, besides the least stake."""
    client, worker = lab.client(value=TON), lab.worker(value=TON)
    if kind == "stake":
        body = proxy_messages.increase_stake(lab.query(), 10 * TON, OPERATOR)
        lab.send(OPERATOR, lab.proxy.address, 11 * TON, body)
        return
    top_up(lab, client, 10 * TON)
    if kind in {"earned", "commission"}:
        lab.charge(client, 10 * TON // 20)
    if kind == "commission":
        lab.payout(worker, 10 * TON // 20)
    lab.check()


@pytest.mark.parametrize("kind", ["client", "earned", "commission", "stake"])
def test_rent_that_ate_of_the_pool_is_made_good_first(chain: EmbeddedChain, kind: str) -> None:
    """Whosever money is missing, nobody is paid before the message has brought it back."""
    lab = MoneyLab(chain)
    lab.deploy_proxy(value=20 * MILLION)
    pool_of(lab, kind)
    lab.advance(12 * YEAR)
    lab.send(STRANGER, lab.proxy.address, 1)  # rent is collected
    books, ledger = lab.books(), lab.ledger()
    owed = ledger.client_funds + ledger.earned + books.balance + books.stake
    assert lab.balance(lab.proxy.address) < owed - TON // 5
    stake = proxy_messages.increase_stake(lab.query(), 0, STRANGER)
    close = proxy_messages.close(lab.query(), STRANGER)
    for sender, body in ((STRANGER, stake), (OPERATOR, close)):
        assert lab.send(sender, lab.proxy.address, TON // 5, body).exit_code == 1003
    assert lab.send(STRANGER, lab.proxy.address, 2 * TON, stake).ok
    lab.check()


def test_rent_that_is_due_is_kept_beside_the_claims(chain: EmbeddedChain) -> None:
    """An account without a coin owes rent, which the network takes with the next message."""
    lab = MoneyLab(chain)
    lab.deploy_proxy(stake=0, value=20 * MILLION)
    lab.advance(YEAR + YEAR // 2)
    assert lab.balance(lab.proxy.address) <= 20 * MILLION
    stake = proxy_messages.increase_stake(lab.query(), TON, STRANGER)
    assert lab.send(STRANGER, lab.proxy.address, 2 * TON, stake).ok
    for _ in range(2):
        lab.send(STRANGER, lab.proxy.address, 1)
        lab.check()


@pytest.mark.parametrize("factor", [1, 12])
def test_a_deposit_counts_or_comes_back_whatever_it_brings(factor: int) -> None:
    """The pool lacks rent: a deposit that pays for it may have too little left for the answer."""
    with memory_chain() as chain:
        lab, client = without_rent(chain)
        with dear_chain(factor) as dear:
            chain.set_config(from_boc(dear._config))
        narrow_down(lab, client, 10 * TON)


def without_rent(chain: EmbeddedChain) -> tuple[MoneyLab, Contract]:
    """A pool from which ten years of rent are missing."""
    lab = MoneyLab(chain)
    lab.deploy_proxy(value=20 * MILLION)
    client = lab.client(value=10 * TON)
    top_up(lab, client, TON)
    lab.advance(10 * YEAR)
    return lab, client


def narrow_down(lab: MoneyLab, client: Contract, enough: int) -> None:
    """Find the least value that a deposit needs; no value near it leaves the books in doubt."""
    start = lab.snapshot()

    def counts(value: int) -> bool:
        lab.restore(start)
        top_up(lab, client, TON, value)
        funds = lab.ledger().client_funds
        assert funds == lab.client_state(client).balance
        return funds == 2 * TON

    low, high = LEAST, enough
    assert not counts(low)
    assert counts(high)
    while high - low > MILLION // 10:
        middle = (low + high) // 2
        low, high = (low, middle) if counts(middle) else (middle, high)
    for less in range(20):
        assert not counts(low - less * MILLION // 2)


@pytest.mark.parametrize("value", [1, 4_000_000, 8_000_000, 29_999_999])
def test_tiny_messages_cost_the_pool_nothing(chain: EmbeddedChain, value: int) -> None:
    """Whatever does not bring its own gas, and does not even bounce, is paid by its sender."""
    lab, client, _ = stage(chain)
    bodies = [
        proxy_messages.payout_request(1, STRANGER),
        proxy_messages.increase_stake(1, 0, STRANGER),
        client_messages.request_refund(1, STRANGER),
        Builder().uint(opcodes.CLIENT_PROXY_REQUEST, 32).uint(1, 64).address(STRANGER)
        .ref(Builder().cell()).uint(0, 1).cell(),
        Builder().uint(opcodes.WORKER_PROXY_REQUEST, 32).uint(1, 64).address(STRANGER)
        .uint(0, 2 + 64 + 1).cell(),
    ]  # fmt: skip
    for body in bodies:
        for bounce in (True, False):
            for address in (lab.proxy.address, client.address):
                held = lab.balance(address)
                lab.send(STRANGER, address, value, body, bounce=bounce)
                assert lab.balance(address) >= held
    lab.check()


# Governance.

A, B, C = people((1, 2, 3))
FULL_PRICE = Multipliers(10_000, 1_000, 80_000, 80_000)
TARIFF = Tariff(TariffStep(1, GENESIS, FULL_PRICE))


@pytest.fixture
def rig(chain: EmbeddedChain) -> GovernedRoot:
    """Two of three decide, one revokes."""
    return GovernedRoot(chain, owners=(A, B, C), threshold=2, tariff=TARIFF)


DISGUISES = {
    "revocation and more": Builder().uint(opcodes.ROOT_DEL_MODEL_TYPE, 32).uint(0, 256)
    .uint(opcodes.ROOT_CHANGE_OWNER, 32).address(A).cell(),
    "revocation with a code": Builder().uint(opcodes.ROOT_DEL_PROXY_TYPE, 32).uint(0, 256)
    .ref(Builder().uint(1, 8).cell()).cell(),
    "revocation cut short": Builder().uint(opcodes.ROOT_DEL_WORKER_TYPE, 32).uint(0, 255).cell(),
    "unregister with an address": Builder().uint(opcodes.ROOT_UNREGISTER_PROXY, 32).uint(1, 32)
    .uint(0, 8).cell(),
}  # fmt: skip


@pytest.mark.parametrize("name", DISGUISES)
def test_nothing_rides_on_a_revocation(rig: GovernedRoot, name: str) -> None:
    """One owner may execute it at once: it fails at the root and changes nothing."""
    before = rig.config
    assert rig.propose_action(A, DISGUISES[name]).ok
    assert rig.execute(0, value=2 * TON).ok
    assert rig.config == before
    assert rig.state.results[0].status is ResultStatus.FAILED


SLOW = {
    "reset": root_messages.reset(0),
    "owner": root_messages.change_owner(0, A),
    "price": root_messages.change_price(0, 1, 1),
    "model": root_messages.add_model_type(0, bytes(32)),
    "proxy": root_messages.add_proxy_type(0, bytes(32)),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_haste_and_no_lone_decision(rig: GovernedRoot, name: str) -> None:
    """Neither one owner after any time, nor all of them before the delay."""
    before = rig.config
    rig.propose(A, SLOW[name])
    rig.chain.advance(DELAY)
    assert rig.execute(0).exit_code == 1055
    rig.approve(B, 0)
    rig.approve(C, 0)
    rig.chain.advance(DELAY - 1)
    assert rig.execute(0).exit_code == 1011
    assert rig.config == before
    rig.chain.advance(1)
    assert rig.execute(0).ok
    after = rig.config
    assert after != before
    assert rig.execute(0).exit_code == 1050  # once
    assert rig.config == after


def test_the_governors_own_messages_are_no_actions(rig: GovernedRoot) -> None:
    """A decision cannot contain a vote: the root refuses it, the governor does not hear it."""
    inner = [
        gov.execute(0, 1),
        gov.approve(0, 1, bytes(32), 0),
        gov.propose(0, Builder().uint(1, 32).cell()),
    ]
    for number, body in enumerate(inner):
        rig.propose(A, body)
        rig.approve(B, number)
        rig.chain.advance(DELAY)
        before = rig.config
        assert rig.execute(number, value=2 * TON).ok
        assert rig.config == before
        assert rig.state.results[number].status is ResultStatus.FAILED
        assert not rig.state.proposals


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 3), st.integers(1, 10_000_000), st.integers(-DELAY, 3 * DELAY))
def test_one_owner_raises_no_weight(index: int, more: int, when: int) -> None:
    """Whichever class, however little, whatever time it names."""
    with memory_chain() as chain:
        rig = GovernedRoot(chain, owners=(A, B, C), threshold=2, tariff=TARIFF)
        weights = [FULL_PRICE.prompt, FULL_PRICE.cached, FULL_PRICE.completion, 0]
        weights[index] = min(weights[index] + more + (80_000 if index == 3 else 0), 10_000_000)
        body = gov.set_tariff(chain.now + when, Multipliers(*weights))
        if rig.propose_action(A, body).ok:
            chain.advance(3 * DELAY)
            assert rig.execute(0).exit_code in {1020, 1055}
        assert rig.state.tariff == TARIFF


def test_a_shorter_delay_shortens_nothing_that_is_open(rig: GovernedRoot) -> None:
    """Rules without delay are decided first; what was approved before them must be anew."""
    rules = gov.set_rules((A, B, C), threshold=2, revoke_threshold=1, delay=0)
    rig.propose_action(A, rules)
    rig.approve(B, 0)
    rig.chain.advance(DELAY // 2)
    rig.propose(A, SLOW["owner"])
    rig.approve(B, 1)
    rig.chain.advance(DELAY // 2)
    assert rig.execute(0).ok
    before = rig.config
    assert rig.execute(1).exit_code == 1052
    assert rig.config == before
    # A alone approving anew is one approval, whoever approved under the old rules.
    rig.approve(A, 1)
    assert rig.execute(1).exit_code == 1055
    assert rig.config == before


def test_nobody_but_the_root_says_that_it_is_done() -> None:
    """A stranger answers faster than the root, which refuses what it was told."""
    with memory_chain(max_hops=1) as chain:
        rig = GovernedRoot(chain, owners=(A, B, C), threshold=1, delay=0)
        chain.settle()
        rig.propose(A, root_messages.change_price(0, 10, 30))
        chain.settle()
        rig.execute(0)
        assert rig.state.results[0].status is ResultStatus.SENT
        lie = Builder().uint(opcodes.EXCESSES, 32).uint(0, 64).cell()
        rig.send(lie, C)
        rig.send(lie, C)
        assert rig.state.results[0].status is ResultStatus.SENT
        chain.settle()
        assert rig.state.results[0].status is ResultStatus.FAILED


def test_what_was_approved_anew_stays(rig: GovernedRoot) -> None:
    """Clearing up after a change of rules drops nothing that is approved under the present ones."""
    rules = gov.set_rules((A, B, C), threshold=3, revoke_threshold=1, delay=DELAY)
    rig.propose_action(B, rules)
    rig.approve(C, 0)
    rig.propose(A, SLOW["model"])
    rig.propose(A, SLOW["proxy"])
    rig.chain.advance(DELAY)
    assert rig.execute(0).ok
    assert rig.approve(B, 1).ok
    assert rig.propose(C, SLOW["price"]).ok
    assert set(rig.state.proposals) == {1, 3}


@pytest.mark.parametrize("step", [0, 1, 10, 1000])
def test_a_pending_upgrade_is_void_after_a_revocation(rig: GovernedRoot, step: int) -> None:
    """Data prepared as the next version before an image was revoked cannot bring it back."""
    image = bytes(31) + b"x"
    rig.propose(A, root_messages.add_proxy_type(0, image))
    rig.approve(B, 0)
    rig.chain.advance(DELAY)
    assert rig.execute(0).ok
    stale = replace(rig.config, version=rig.config.version + step)
    body = root_messages.upgrade_full(0, root_data(stale), load_code("root"))
    assert rig.send(gov.propose(1, gov.action_of(body)), A, 2 * TON).ok
    rig.approve(B, 1)
    rig.chain.advance(DELAY)
    assert rig.propose(C, root_messages.del_proxy_type(0, image)).ok
    assert rig.execute(2).ok
    before = rig.config
    assert image not in before.proxy_hashes
    assert rig.execute(1, value=3 * TON).ok
    assert rig.config == before


def test_a_body_is_read_whole_or_not_at_all(rig: GovernedRoot) -> None:
    """One bit more in a message to the governor: refused, whoever sends it."""
    rig.propose(A, SLOW["model"])
    for body in (
        gov.propose(1, gov.action_of(SLOW["model"])),
        gov.approve(1, 0, rig.state.proposals[0].hash, 0),
        gov.withdraw_approval(1, 0),
        gov.execute(1, 0),
    ):
        before = rig.state
        for wrong in (
            Builder().content(body).uint(0, 1).cell(),
            Builder().content(body).ref(Builder().cell()).cell(),
            Cell(body.data >> 1, body.bits - 1, body.refs),
        ):
            assert not rig.send(wrong, A).ok
            assert rig.state == before
