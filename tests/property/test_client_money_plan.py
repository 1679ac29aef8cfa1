"""The plan of a client's money, played against a model of its contract."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.chain.address import Address
from cocoon.chain.contracts.client_state import ClientLedger, ClientState
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.contracts.proxy_state import ProxyLedger, ProxyState
from cocoon.client.chain import plan
from cocoon.client.chain.limits import DepositLimits
from cocoon.client.chain.plan import Action, Blocked, Done, Facts, Operation, Wait

TON = 10**9
PRICE = 20
STAKE = 15 * TON
DELAY = 1800
OWNER, PROXY = Address(bytes([1]) * 32), Address(bytes([2]) * 32)
PARAMS = ContractParams(3, 1, 17, True, PRICE, 14, client_delay_before_close=DELAY)

coins = st.integers(0, 100 * TON)
tokens = st.integers(0, 5 * 10**9)


def client_state(**changes: object) -> ClientState:
    state = ClientState(
        phase=ContractPhase.OPEN,
        balance=0,
        stake=STAKE,
        tokens_used=0,
        unlock_time=0,
        secret_hash=bytes(32),
        owner=OWNER,
        proxy=PROXY,
        proxy_key=bytes(32),
        params=PARAMS,
        ledger=ClientLedger(),
    )
    return replace(state, **changes)  # type: ignore[arg-type]


def proxy_state(**changes: object) -> ProxyState:
    state = ProxyState(
        OWNER, bytes(32), OWNER, ContractPhase.OPEN, 0, TON, 0, PARAMS, ProxyLedger()
    )
    return replace(state, **changes)  # type: ignore[arg-type]


def facts(**changes: object) -> Facts:
    base = Facts(
        now=1_800_000_000,
        wallet=1000 * TON,
        reserve=2 * TON,
        client=client_state(),
        proxy=proxy_state(),
        stake=STAKE,
        proxy_stake=TON,
        price=PRICE,
        used=0,
        signed=0,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


states = st.builds(
    client_state,
    phase=st.sampled_from(ContractPhase),
    balance=coins,
    tokens_used=tokens,
    unlock_time=st.integers(1_799_990_000, 1_800_010_000),
    ledger=st.one_of(st.none(), st.builds(ClientLedger, debt=coins)),
)
all_facts = st.builds(
    facts,
    wallet=coins,
    client=st.one_of(st.none(), states),
    proxy=st.one_of(
        st.none(),
        st.builds(
            proxy_state, phase=st.sampled_from(ContractPhase), stake=st.sampled_from([0, TON])
        ),
    ),
    used=tokens,
    signed=tokens,
    price=st.sampled_from([0, 1, PRICE, TON]),
)
limits_of = st.builds(
    DepositLimits,
    deposit=st.one_of(st.none(), coins),
    threshold=st.one_of(st.none(), coins),
    max_per_day=st.one_of(st.none(), coins),
    max_total=st.one_of(st.none(), coins),
)


@given(all_facts, limits_of, coins, coins)
def test_a_deposit_keeps_every_limit(known: Facts, limits: DepositLimits, today: int, ever: int):
    step = plan.deposit_due(known, limits, today, ever)
    if not isinstance(step, Action):
        return
    assert step.operation is Operation.TOP_UP
    assert step.amount > 0
    if limits.max_per_day is not None:
        assert today + step.amount <= max(limits.max_per_day, today)
    if limits.max_total is not None:
        assert ever + step.amount <= max(limits.max_total, ever)
    assert known.proxy is not None
    assert known.proxy.phase is ContractPhase.OPEN
    assert known.proxy.stake >= known.proxy_stake
    assert known.client is None or known.client.phase is ContractPhase.OPEN
    assert known.client is None or known.unspent < limits.shortage(known.own_stake)


@given(all_facts, limits_of)
def test_nothing_is_sent_that_the_wallet_cannot_pay(known: Facts, limits: DepositLimits):
    funding = plan.deposit_due(known, limits, 0, 0)
    single = [plan.running(known, funding), plan.withdrawing(known), plan.closing(known)]
    for step in single:
        if isinstance(step, Action):
            assert known.wallet >= known.reserve + step.value
    together = plan.onboarding(known, False, funding)
    if isinstance(together, tuple):
        assert known.wallet >= known.reserve + sum(action.value for action in together)


@given(all_facts)
def test_what_the_wallet_lacks_is_exactly_what_helps(known: Facts):
    action = Action(Operation.TOP_UP, 5 * TON)
    blocked = plan.affordable(known, action)
    if blocked is None:
        return
    assert plan.affordable(replace(known, wallet=known.wallet + blocked.missing), action) is None
    less = replace(known, wallet=known.wallet + blocked.missing - 1)
    assert plan.affordable(less, action) is not None


@given(coins, tokens, tokens)
def test_a_deposit_ends_the_shortage(balance: int, charged: int, more: int):
    known = facts(
        client=client_state(balance=balance, tokens_used=charged), used=charged + more % 10**8
    )
    step = plan.deposit_due(known, DepositLimits(), 0, 0)
    if not isinstance(step, Action):
        assert step == Done("enough is left")
        return
    assert known.client is not None
    after = replace(known, client=replace(known.client, balance=balance + step.amount))
    assert isinstance(plan.deposit_due(after, DepositLimits(), 0, 0), Done)


# --- closing, played to its end ---


def play(known: Facts, action: Action) -> Facts:
    """What our contract makes of an action (onchain.md §6 and its fixes)."""
    client = known.client
    assert client is not None
    match action.operation:
        case Operation.CHARGE:
            assert known.signed > client.tokens_used  # exit 1000 otherwise
            debt = 0 if client.ledger is None else client.ledger.debt
            due = (known.signed - client.tokens_used) * known.price + debt
            paid = min(due, client.balance)
            client = replace(
                client,
                balance=client.balance - paid,
                tokens_used=known.signed,
                ledger=ClientLedger(debt=due - paid),
            )
        case Operation.REQUEST_REFUND:
            assert client.phase is ContractPhase.OPEN
            client = replace(
                client,
                phase=ContractPhase.CLOSING,
                unlock_time=known.now + DELAY,
                balance=min(client.balance, client.stake),
            )
        case Operation.FORCE_REFUND:
            assert client.phase is ContractPhase.CLOSING
            assert client.unlock_time < known.now  # exit 1011 otherwise
            client = replace(client, phase=ContractPhase.CLOSED, balance=0)
        case Operation.WITHDRAW:
            assert client.phase is ContractPhase.OPEN
            assert client.balance > client.stake  # exit 1001 otherwise
            client = replace(client, balance=client.stake)
        case _:
            raise AssertionError(action)
    return replace(known, client=client)


@given(all_facts, st.booleans(), st.booleans(), st.integers(0, 5))
def test_closing_always_ends_whatever_happened_before(
    known: Facts, publish: bool, proxy_is_gone: bool, crashes: int
):
    """From every state, with or without the proxy, and with steps decided again after crashes."""
    known = replace(known, wallet=100 * TON, proxy=None if proxy_is_gone else known.proxy)
    if known.client is not None and known.client.phase is ContractPhase.CLOSED:
        known = replace(known, client=replace(known.client, balance=0))
    for _ in range(10):
        step = plan.closing(known, publish=publish)
        for _ in range(crashes):
            assert plan.closing(known, publish=publish) == step
        if isinstance(step, Done):
            assert plan.is_closed(known)
            return
        if isinstance(step, Wait):
            assert step.until is not None
            known = replace(known, now=step.until)
            continue
        assert isinstance(step, Action)
        known = play(known, step)
    raise AssertionError("closing never ends")


@given(all_facts)
def test_a_withdrawal_leaves_the_stake_and_ends(known: Facts):
    known = replace(known, wallet=100 * TON)
    for _ in range(4):
        step = plan.withdrawing(known)
        if not isinstance(step, Action):
            assert known.client is None or not (
                known.client.phase is ContractPhase.OPEN
                and known.client.balance > known.client.stake
            )
            return
        known = play(known, step)
    raise AssertionError("a withdrawal never ends")


@given(all_facts)
def test_a_retired_proxy_is_left(known: Facts):
    reason = plan.must_leave(known, 1, 1)
    leaving = (
        known.client is not None
        and not plan.is_closed(known)
        and known.proxy is not None
        and known.proxy.phase is not ContractPhase.OPEN
    )
    assert (reason is not None) == leaving
    outdated = plan.must_leave(known, 1, 2)
    assert (outdated is not None) == (known.client is not None and not plan.is_closed(known))


# --- single decisions ---


def test_a_new_contract_is_deployed_registered_and_funded_at_once() -> None:
    known = facts(client=None)
    funding = plan.deposit_due(known, DepositLimits(), 0, 0)
    assert funding == Action(Operation.TOP_UP, STAKE)
    assert plan.onboarding(known, False, funding) == (
        Action(Operation.REGISTER, deploy=True),
        Action(Operation.SECRET_AND_TOP_UP, STAKE),
    )


def test_registering_again_does_not_deposit_again() -> None:
    known = facts(client=client_state(balance=STAKE))
    funding = plan.deposit_due(known, DepositLimits(), 0, 0)
    assert plan.onboarding(known, True, funding) == (Action(Operation.REGISTER),)
    assert plan.onboarding(known, False, funding) == (
        Action(Operation.REGISTER),
        Action(Operation.SET_SECRET),
    )


def test_a_poor_wallet_is_told_what_it_lacks() -> None:
    known = facts(client=None, wallet=3 * TON)
    funding = plan.deposit_due(known, DepositLimits(), 0, 0)
    blocked = plan.onboarding(known, False, funding)
    assert isinstance(blocked, Blocked)
    assert blocked.missing == (2 + 1) * TON + STAKE + 7 * TON // 10 + 50_000_000 - 3 * TON


def test_what_is_left_can_be_used_while_the_wallet_is_poor() -> None:
    known = facts(client=client_state(balance=TON), wallet=6 * TON)
    funding = plan.deposit_due(known, DepositLimits(), 0, 0)
    assert isinstance(funding, Action)
    assert plan.onboarding(known, True, funding) == (Action(Operation.REGISTER),)
    nothing_left = replace(known, client=client_state())
    assert isinstance(plan.onboarding(nothing_left, True, funding), Blocked)


@pytest.mark.parametrize("phase", [ContractPhase.CLOSING, ContractPhase.CLOSED])
def test_a_closed_contract_is_not_registered(phase: ContractPhase) -> None:
    known = facts(client=client_state(phase=phase))
    assert isinstance(plan.onboarding(known, True, Done()), Blocked)


def test_a_charge_is_published_before_usage_reaches_the_stake() -> None:
    half = STAKE // 2 // PRICE
    known = facts(client=client_state(balance=100 * TON), used=half, signed=half)
    assert plan.running(known, Done()) == Done()
    known = replace(known, used=half + 1)
    assert plan.running(known, Done()) == Action(Operation.CHARGE)
    known = replace(known, signed=0)
    assert plan.running(known, Done()) == Done()


def test_debt_counts_as_spent() -> None:
    known = facts(client=client_state(balance=10 * TON, ledger=ClientLedger(debt=4 * TON)))
    assert known.unspent == 6 * TON


def test_a_proxy_that_retires_gets_time_to_refund() -> None:
    known = facts()
    step = plan.closing(known, grant_time=500)
    assert step == Wait("the proxy may refund by itself", known.now + 500)
