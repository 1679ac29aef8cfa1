"""The plan of a worker's payouts."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cocoon.chain.address import Address
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.contracts.proxy_state import ProxyLedger, ProxyState
from cocoon.chain.contracts.worker_state import WorkerState
from cocoon.worker.chain.limits import PayoutRules
from cocoon.worker.chain.plan import Blocked, Facts, Pay, Wait, payout

TON = 10**9
NOW = 1_800_000_000
ADDRESS = Address(bytes([1]) * 32)
PARAMS = ContractParams(3, 1, 17, True, 20, 14)
coins = st.integers(0, 100 * TON)
tokens = st.integers(0, 5 * 10**9)

proxies = st.builds(
    lambda phase, ledger: ProxyState(ADDRESS, bytes(32), ADDRESS, phase, 0, 0, 0, PARAMS, ledger),
    st.sampled_from(ContractPhase),
    st.one_of(st.none(), st.builds(ProxyLedger, earned=coins)),
)
workers = st.builds(
    lambda phase, paid: WorkerState(ADDRESS, ADDRESS, bytes(32), phase, paid, PARAMS),
    st.sampled_from([ContractPhase.OPEN, ContractPhase.CLOSED]),
    tokens,
)
all_facts = st.builds(
    Facts,
    now=st.just(NOW),
    wallet=coins,
    reserve=st.just(2 * TON),
    worker=st.one_of(st.none(), workers),
    proxy=st.one_of(st.none(), proxies),
    fee=st.sampled_from([0, 1, 14]),
    price=st.sampled_from([0, 14, 20]),
    signed=tokens,
    since=st.integers(NOW - 30 * 86_400, NOW),
    outdated=st.booleans(),
)
all_rules = st.builds(
    PayoutRules,
    threshold=coins,
    max_age=st.one_of(st.none(), st.integers(60, 30 * 86_400)),
    smallest=coins,
)


@given(all_facts, all_rules, st.booleans())
def test_a_payout_is_what_the_contracts_accept(
    facts: Facts, rules: PayoutRules, asked: bool
) -> None:
    step = payout(facts, rules, asked=asked)
    if not isinstance(step, Pay):
        return
    assert 0 < step.tokens <= facts.signed - facts.paid
    assert facts.worker is None or facts.worker.phase is ContractPhase.OPEN
    assert facts.proxy is not None
    if facts.proxy.ledger is not None:
        assert step.tokens * facts.price <= facts.proxy.ledger.earned
    assert facts.wallet >= facts.reserve + step.value
    assert step.deploy == (facts.worker is None)
    assert (step.limit is None) == (step.tokens == facts.due_tokens)


@given(all_facts, all_rules)
def test_unasked_payouts_are_worth_their_fees(facts: Facts, rules: PayoutRules) -> None:
    step = payout(facts, rules)
    if isinstance(step, Pay):
        assert facts.due > rules.smallest
        assert step.tokens == facts.due_tokens or step.amount > rules.smallest


@given(all_facts, all_rules)
def test_whatever_is_paid_unasked_is_paid_when_asked(facts: Facts, rules: PayoutRules) -> None:
    if isinstance(payout(facts, rules), Pay):
        assert isinstance(payout(facts, rules, asked=True), Pay)


@given(all_facts, all_rules)
def test_what_the_wallet_lacks_is_what_helps(facts: Facts, rules: PayoutRules) -> None:
    step = payout(facts, rules, asked=True)
    if isinstance(step, Blocked) and step.missing:
        richer = replace(facts, wallet=facts.wallet + step.missing)
        assert isinstance(payout(richer, rules, asked=True), Pay)


@given(all_facts, all_rules)
def test_paying_again_and_again_ends(facts: Facts, rules: PayoutRules) -> None:
    facts = replace(facts, wallet=100 * TON)
    for _ in range(3):
        step = payout(facts, rules, asked=True)
        if not isinstance(step, Pay):
            return
        paid = facts.paid + step.tokens
        worker = WorkerState(ADDRESS, ADDRESS, bytes(32), ContractPhase.OPEN, paid, PARAMS)
        facts = replace(facts, worker=worker)
        assert facts.proxy is not None
        ledger = facts.proxy.ledger
        if ledger is not None:
            rest = ProxyLedger(earned=ledger.earned - step.tokens * facts.price)
            facts = replace(facts, proxy=replace(facts.proxy, ledger=rest))
    raise AssertionError("payouts never end")


def test_old_earnings_are_paid_whatever_the_threshold() -> None:
    proxy = ProxyState(
        ADDRESS, bytes(32), ADDRESS, ContractPhase.OPEN, 0, 0, 0, PARAMS, ProxyLedger(earned=TON)
    )
    facts = Facts(NOW, 100 * TON, 2 * TON, None, proxy, 14, 20, TON // 20, NOW - 3600)
    rules = PayoutRules(max_age=3600)
    assert isinstance(payout(facts, rules), Pay)
    assert payout(replace(facts, since=NOW - 3599), rules) == Wait("not due yet", NOW + 1)
    assert isinstance(payout(replace(facts, since=NOW, outdated=True), rules), Pay)
