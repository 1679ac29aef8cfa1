"""What the governor and the root are told and keep: written and read back, or refused."""

import hypothesis.strategies as st
from hypothesis import given

from cocoon.chain import EMPTY_CELL, Address, Cell
from cocoon.chain.cells import Builder
from cocoon.chain.contracts import governor as gov
from cocoon.chain.contracts import root
from cocoon.chain.contracts.governor import GovernorLog
from cocoon.chain.contracts.governor_rules import MAX_DELAY, Rules
from cocoon.chain.contracts.governor_state import (
    ExecutionResult,
    GovernorState,
    Proposal,
    ResultStatus,
    read_decided,
)
from cocoon.chain.contracts.root_operations import (
    describe_action,
    describe_operation,
    read_action,
    read_operation,
)
from cocoon.chain.contracts.tariff import MAX_MULTIPLIER, Multipliers, Tariff, TariffStep
from cocoon.chain.root_config import RootConfig
from cocoon.errors import DecodeError
from cocoon.testing.contracts import person, sample_params

u32 = st.integers(0, 2**32 - 1)
amounts = st.integers(0, 2**64 - 1)
hashes = st.binary(min_size=32, max_size=32)
accounts = hashes.map(Address)
multipliers = st.builds(Multipliers, *[st.integers(0, MAX_MULTIPLIER)] * 4)
steps = st.builds(TariffStep, u32, u32, multipliers)
tariffs = st.builds(Tariff, steps, st.none() | steps)


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    owners = draw(st.lists(accounts, min_size=1, max_size=16, unique=True))
    threshold = draw(st.integers(1, len(owners)))
    return Rules(
        draw(u32),
        tuple(owners),
        threshold,
        draw(st.integers(1, threshold)),
        draw(st.integers(0, MAX_DELAY)),
    )


actions = st.builds(
    lambda code, bits, refs: Cell(code << bits, 32 + bits, refs),
    u32,
    st.integers(0, 900),
    st.lists(st.just(EMPTY_CELL), max_size=3),
)


@st.composite
def states(draw: st.DrawFn) -> GovernorState:
    now = draw(rules())
    indices = st.frozensets(st.integers(0, len(now.owners) - 1))
    queue = {
        number: Proposal(
            number,
            draw(actions),
            draw(st.booleans()),
            draw(st.booleans()),
            draw(accounts),
            *draw(st.tuples(u32, u32, u32)),
            now.version,
            draw(indices),
        )
        for number in draw(st.sets(u32, max_size=4))
    }
    results = {
        number: ExecutionResult(
            number,
            draw(u32),
            draw(st.sampled_from(ResultStatus)),
            draw(accounts),
            draw(hashes),
            draw(u32),
            draw(st.integers(-(2**31), 2**31 - 1)),
        )
        for number in draw(st.sets(u32, max_size=4))
    }
    return GovernorState(draw(accounts), now, draw(tariffs), queue, results, draw(u32), draw(u32))


@given(states())
def test_data_is_read_as_it_was_written(state: GovernorState) -> None:
    cell = state.data()
    assert GovernorState.from_data(cell) == state
    assert GovernorState.from_data(cell).data() == cell
    assert read_decided(cell) == (state.root, state.rules, state.tariff)


@given(rules())
def test_rules_as_an_action_say_the_same(now: Rules) -> None:
    action = gov.set_rules(
        now.owners,
        threshold=now.threshold,
        revoke_threshold=now.revoke_threshold,
        delay=now.delay,
    )
    details = dict(read_action(action).details)
    assert [details.pop(f"owner_{place}") for place in range(1, len(now.owners) + 1)] == list(
        now.owners
    )
    assert details == {
        "threshold": now.threshold,
        "revoke_threshold": now.revoke_threshold,
        "delay": now.delay,
    }


bodies = st.one_of(
    st.builds(root.add_worker_type, st.integers(0, 2**64 - 1), hashes),
    st.builds(root.unregister_proxy, st.integers(0, 2**64 - 1), u32),
    st.builds(root.change_price, st.integers(0, 2**64 - 1), amounts, amounts),
    st.builds(root.change_owner, st.integers(0, 2**64 - 1), accounts),
    st.builds(
        root.change_params,
        st.just(1),
        price_per_token=amounts,
        worker_fee_per_token=amounts,
        proxy_delay=u32,
        client_delay=u32,
        min_proxy_stake=amounts,
        min_client_stake=amounts,
    ),
)


@given(bodies)
def test_action_and_body_are_the_same_operation(body: Cell) -> None:
    action = gov.action_of(body)
    assert read_action(action) == read_operation(body)
    assert read_operation(body).name not in ("unknown", "malformed")
    assert gov.action_of(gov.body_of(action, 7)) == action


@given(actions, st.data())
def test_any_action_can_be_shown(action: Cell, data: st.DataObject) -> None:
    assert describe_action(action).code == action.data >> (action.bits - 32)
    cut = data.draw(st.integers(0, action.bits))
    shorter = Cell(action.data >> cut, action.bits - cut, action.refs)
    describe_action(shorter)
    describe_operation(shorter)


@given(st.integers(0, 2**1023 - 1), st.integers(0, 1023))
def test_any_bits_as_a_log_message(value: int, bits: int) -> None:
    try:
        log = GovernorLog.from_body(Cell(value & ((1 << bits) - 1), bits))
    except DecodeError:
        return
    assert log.hash


@given(tariffs, st.lists(u32, min_size=2, max_size=5))
def test_tariff_of_a_time_never_goes_back(tariff: Tariff, times: list[int]) -> None:
    config = RootConfig(person(0), 1, sample_params(), tariff=tariff)
    seen = [tariff.tariff_at(time) for time in sorted(times)]
    if tariff.next is not None:
        changed = [step is tariff.next for step in seen]
        assert changed == sorted(changed)
    for time in times:
        step, params = tariff.tariff_at(time), config.effective_params(time + 0.9)
        if step is None:
            assert params is config.params
        else:
            assert params.prompt_multiplier == step.multipliers.prompt
            assert params.reasoning_multiplier == step.multipliers.reasoning
        change = config.next_price_change(time)
        assert change is None or change > time


@given(st.integers(1, 31), hashes)
def test_proposal_of_an_owner_that_does_not_exist_is_refused(index: int, account: bytes) -> None:
    now = Rules(0, (Address(account),), 1, 1, 0)
    action = Builder().uint(1, 32).cell()
    approvals = frozenset((index % 15 + 1,))
    proposal = Proposal(0, action, False, False, Address(account), 1, 2, 0, 0, approvals)
    state = GovernorState(
        person(1), now, Tariff(TariffStep(0, 0, Multipliers(0, 0, 0, 0))), {0: proposal}, {}, 1, 0
    )
    try:
        GovernorState.from_data(state.data())
    except DecodeError:
        return
    raise AssertionError("accepted")
