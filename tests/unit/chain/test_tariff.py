"""The tariff: raises are announced, lowerings hold at once, nodes switch by a pure function."""

from collections.abc import Iterator

import pytest

from cocoon.accounting.price import PriceList
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts import governor as gov
from cocoon.chain.contracts.governor import GovernorEvent, GovernorLog
from cocoon.chain.contracts.governor_rules import MAX_DELAY, Rules
from cocoon.chain.contracts.tariff import (
    MAX_MULTIPLIER,
    NO_TARIFF,
    Multipliers,
    Tariff,
    TariffStep,
    check_multipliers,
)
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.governance import read_governor
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import adopt, read_root
from cocoon.errors import ConfigError, DecodeError
from cocoon.testing.chain import memory_chain
from cocoon.testing.contracts import people, person, sample_params
from cocoon.testing.governance import DELAY, GovernedRoot

A, B, C = people((1, 2, 3))
START = Multipliers(10_000, 1_000, 80_000, 80_000)
HIGHER = Multipliers(10_000, 1_000, 80_001, 80_000)
LOWER = Multipliers(9_999, 1_000, 80_000, 80_000)
FIRST = Tariff(TariffStep(1, 0, START))
RANGE, NOT_ENOUGH, NO_LOWERING, ANNOUNCED = 1020, 1055, 1060, 1061


@pytest.fixture(scope="module")
def shared_chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        yield chain


@pytest.fixture
def chain(shared_chain: EmbeddedChain) -> Iterator[EmbeddedChain]:
    before = shared_chain.snapshot()
    yield shared_chain
    shared_chain.restore(before)


@pytest.fixture
def rig(chain: EmbeddedChain) -> GovernedRoot:
    return GovernedRoot(chain, owners=(A, B, C), threshold=2, tariff=FIRST)


def decide(rig: GovernedRoot, effective_at: int, multipliers: Multipliers) -> int | None:
    """Propose with A, approve with B, wait, execute; None if that went well, else the exit code."""
    number = rig.state.next_id
    outcome = rig.propose_action(A, gov.set_tariff(effective_at, multipliers))
    if not outcome.ok:
        return outcome.exit_code
    rig.approve(B, number)
    rig.chain.advance(DELAY)
    outcome = rig.execute(number)
    return None if outcome.ok else outcome.exit_code


def getter(rig: GovernedRoot) -> Tariff:
    values = rig.chain.run(rig.governor, "get_tariff").stack
    numbers = [value for value in values if isinstance(value, int)]
    now, then = (
        TariffStep(step[0], step[1], Multipliers(*step[2:])) for step in (numbers[:6], numbers[6:])
    )
    return Tariff(now, then if then.version else None)


def test_raise_is_announced(rig: GovernedRoot) -> None:
    now = rig.chain.now
    effective_at = now + 2 * DELAY + 10
    assert decide(rig, effective_at, HIGHER) is None

    tariff = rig.state.tariff
    assert tariff == Tariff(FIRST.current, TariffStep(2, effective_at, HIGHER))
    assert getter(rig) == tariff
    assert tariff.tariff_at(effective_at - 1) == FIRST.current
    assert tariff.tariff_at(effective_at) == tariff.next
    rig.chain.advance(effective_at - rig.chain.now)
    assert getter(rig) == Tariff(TariffStep(2, effective_at, HIGHER))


def test_raise_without_notice_is_refused(rig: GovernedRoot) -> None:
    now = rig.chain.now
    assert decide(rig, 0, HIGHER) == NO_LOWERING
    assert decide(rig, now, HIGHER) == NO_LOWERING
    assert decide(rig, now + 1, HIGHER) == RANGE
    assert decide(rig, now + 2 * DELAY - 1, HIGHER) == RANGE
    assert decide(rig, now + 366 * 86400 + DELAY, HIGHER) == RANGE
    # Proposed in time, executed too late for the notice.
    number = rig.state.next_id
    rig.propose_action(A, gov.set_tariff(rig.chain.now + 2 * DELAY, HIGHER))
    rig.approve(B, number)
    rig.chain.advance(DELAY + 1)
    assert rig.execute(number).exit_code == RANGE
    assert rig.state.tariff == FIRST


def lower(rig: GovernedRoot, to: Multipliers, *, replaces_announced: bool = False) -> int | None:
    """Propose a lowering with A, approve with B, execute at once; None, or the exit code."""
    number = rig.state.next_id
    action = gov.set_tariff(0, to, replaces_announced=replaces_announced)
    for outcome in (
        rig.propose_action(A, action),
        rig.approve(B, number),
        rig.execute(number),
    ):
        if not outcome.ok:
            return outcome.exit_code
    return None


def test_lowering_holds_at_once_with_all_approvals(rig: GovernedRoot) -> None:
    """It takes income away from those who serve: no haste in the number of approvals."""
    rig.propose_action(A, gov.set_tariff(0, LOWER))
    proposal = rig.state.proposals[0]
    assert (proposal.urgent, proposal.immediate) == (False, True)
    assert rig.execute(0).exit_code == NOT_ENOUGH
    rig.chain.advance(DELAY)
    assert rig.execute(0).exit_code == NOT_ENOUGH
    rig.approve(B, 0)
    assert rig.state.proposals[0].ready_at == rig.chain.now
    assert rig.execute(0).ok
    assert rig.state.tariff == Tariff(TariffStep(2, rig.chain.now, LOWER))


def test_one_owner_makes_nothing_free_of_charge(rig: GovernedRoot) -> None:
    rig.propose_action(A, gov.set_tariff(0, Multipliers(0, 0, 0, 0)))
    rig.chain.advance(3 * DELAY)
    assert rig.execute(0).exit_code == NOT_ENOUGH
    assert rig.state.tariff == FIRST


def test_lowering_leaves_what_is_announced(rig: GovernedRoot) -> None:
    effective_at = rig.chain.now + 3 * DELAY
    assert decide(rig, effective_at, HIGHER) is None
    assert lower(rig, LOWER) is None
    # Versions grow with time: the announced step has a new one.
    now = TariffStep(3, rig.chain.now, LOWER)
    assert rig.state.tariff == Tariff(now, TariffStep(4, effective_at, HIGHER))
    assert rig.state.tariff.version == 4
    # The prices of today are no lowering: an announced raise is not vetoed by them.
    assert lower(rig, LOWER) == NO_LOWERING


def test_lowering_below_a_lowering_that_stays_announced(rig: GovernedRoot) -> None:
    effective_at = rig.chain.now + 3 * DELAY
    assert decide(rig, effective_at, Multipliers(1, 1, 1, 1)) is None
    assert lower(rig, LOWER) is None
    assert rig.state.tariff.next == TariffStep(4, effective_at, Multipliers(1, 1, 1, 1))


def test_announced_raise_is_dropped_by_those_who_say_so(rig: GovernedRoot) -> None:
    assert decide(rig, rig.chain.now + 3 * DELAY, HIGHER) is None
    before = rig.state.tariff
    # Not by one owner.
    number = rig.state.next_id
    rig.propose_action(A, gov.set_tariff(0, START, replaces_announced=True))
    assert rig.execute(number).exit_code == NOT_ENOUGH
    assert rig.state.tariff == before
    # With the approvals the present prices may stay: what was announced was dearer.
    rig.approve(B, number)
    assert rig.execute(number).ok
    assert rig.state.tariff == Tariff(TariffStep(3, rig.chain.now, START))
    # Nothing is announced any more, so nothing is lowered by the same prices.
    assert lower(rig, START, replaces_announced=True) == NO_LOWERING
    assert lower(rig, LOWER, replaces_announced=True) is None


def test_announced_lowering_is_not_taken_back_at_once(rig: GovernedRoot) -> None:
    assert decide(rig, rig.chain.now + 3 * DELAY, LOWER) is None
    assert rig.state.tariff.next == TariffStep(2, rig.state.tariff.next.effective_at, LOWER)  # type: ignore[union-attr]
    # The present prices are higher than what is announced: to keep them is a raise.
    for replaces in (False, True):
        assert lower(rig, START, replaces_announced=replaces) == NO_LOWERING
    middle = Multipliers(9_999, 1_000, 79_999, 80_000)
    assert lower(rig, middle, replaces_announced=True) is None


def test_replacing_what_is_announced_is_no_way_to_a_raise(rig: GovernedRoot) -> None:
    before = rig.chain.snapshot()
    cheap, middle = Multipliers(1, 1, 1, 1), Multipliers(2, 2, 2, 2)
    for announced, wanted in (
        (Multipliers(10_000, 1_000, 90_000, 80_000), HIGHER),  # dearer than now
        (cheap, middle),  # cheaper than now, dearer than what was promised
        (START, START),  # nothing changes
    ):
        assert decide(rig, rig.chain.now + 3 * DELAY, announced) is None
        assert lower(rig, wanted, replaces_announced=True) == NO_LOWERING
        rig.chain.restore(before)


def test_second_announcement_says_that_it_replaces_the_first(rig: GovernedRoot) -> None:
    assert decide(rig, rig.chain.now + 5 * DELAY, HIGHER) is None
    before = rig.state.tariff
    later = rig.chain.now + 2 * DELAY
    assert decide(rig, later, LOWER) == ANNOUNCED
    assert rig.state.tariff == before
    number = rig.state.next_id
    effective_at = rig.chain.now + 2 * DELAY
    rig.propose_action(A, gov.set_tariff(effective_at, LOWER, replaces_announced=True))
    rig.approve(B, number)
    rig.chain.advance(DELAY)
    assert rig.execute(number).ok
    assert rig.state.tariff == Tariff(FIRST.current, TariffStep(3, effective_at, LOWER))


def test_lowering_of_one_class_is_no_excuse_for_a_raise(rig: GovernedRoot) -> None:
    for place in range(4):
        weights = [1, 1, 1, 1]
        weights[place] = (10_001, 1_001, 80_001, 80_001)[place]
        order = gov.set_tariff(0, Multipliers(*weights))
        assert rig.propose_action(A, order).exit_code == NO_LOWERING


def test_lowering_of_each_class_alone_is_one(rig: GovernedRoot) -> None:
    before = rig.chain.snapshot()
    for place in range(4):
        weights = [10_000, 1_000, 80_000, 80_000]
        weights[place] -= 1
        assert lower(rig, Multipliers(*weights)) is None
        rig.chain.restore(before)


def test_present_prices_are_no_lowering(rig: GovernedRoot) -> None:
    assert lower(rig, START) == NO_LOWERING


def test_lowering_that_has_become_a_raise_is_refused(rig: GovernedRoot) -> None:
    """Two lowerings are approved; after the deeper one the other would raise prices."""
    rig.propose_action(A, gov.set_tariff(0, LOWER))
    rig.approve(B, 0)
    assert lower(rig, Multipliers(1, 1, 1, 1)) is None
    assert rig.execute(0).exit_code == NO_LOWERING
    assert rig.state.tariff.current.multipliers == Multipliers(1, 1, 1, 1)


def test_step_whose_time_has_come_counts(rig: GovernedRoot) -> None:
    assert decide(rig, rig.chain.now + 2 * DELAY, HIGHER) is None
    rig.chain.advance(DELAY)
    # The raise holds now, so going back is a lowering.
    assert lower(rig, START) is None
    assert rig.state.tariff == Tariff(TariffStep(3, rig.chain.now, START))


def test_first_tariff_is_announced(chain: EmbeddedChain) -> None:
    """Without a tariff the root's weights hold, which the governor does not know."""
    rig = GovernedRoot(chain, owners=(A, B, C), threshold=2)
    assert rig.state.tariff == NO_TARIFF
    assert decide(rig, 0, Multipliers(0, 0, 0, 0)) == NO_LOWERING
    effective_at = rig.chain.now + 2 * DELAY
    assert decide(rig, effective_at, LOWER) is None
    free = Multipliers(0, 0, 0, 0)
    assert lower(rig, free, replaces_announced=True) == NO_LOWERING
    assert rig.state.tariff.tariff_at(effective_at - 1) is None
    assert rig.state.tariff.tariff_at(effective_at) == TariffStep(1, effective_at, LOWER)


def test_weights_are_limited(rig: GovernedRoot) -> None:
    most = MAX_MULTIPLIER
    for place in range(4):
        weights = [0, 0, 0, 0]
        weights[place] = most + 1
        too_high = Multipliers(*weights)
        with pytest.raises(DecodeError):
            check_multipliers(too_high)
        later = rig.chain.now + 3 * DELAY
        order = too_high.write(Builder().uint(0x5A146826, 32).uint(later, 32)).uint(0, 1).cell()
        assert rig.propose_action(A, order).exit_code == RANGE
    assert decide(rig, rig.chain.now + 2 * DELAY, Multipliers(most, most, most, most)) is None


def test_lowering_from_this_very_second(rig: GovernedRoot) -> None:
    rig.propose_action(A, gov.set_tariff(rig.chain.now, LOWER))
    assert rig.state.proposals[0].immediate
    rig.approve(B, 0)
    executed = rig.execute(0)
    assert [GovernorLog.from_body(log).event for log in executed.logs] == [GovernorEvent.DONE]
    assert rig.state.tariff == Tariff(TariffStep(2, rig.chain.now, LOWER))


@pytest.mark.anyio
async def test_nodes_read_rules_and_tariff_with_the_root(rig: GovernedRoot) -> None:
    backend = EmbeddedBackend(rig.chain)
    before = await read_root(backend, rig.root)
    assert before.owner_kind == "governor"
    assert before.rules == Rules(0, (A, B, C), 2, 1, DELAY)
    assert before.effective_params(rig.chain.now).completion_multiplier == 80_000
    assert before.next_price_change(rig.chain.now) is None

    effective_at = rig.chain.now + 2 * DELAY
    assert decide(rig, effective_at, HIGHER) is None
    after = await read_root(backend, rig.root)
    # The root's own version is the same, and so are all addresses.
    assert (after.version, after.params) == (before.version, before.params)
    assert adopt(before, after) is after
    assert adopt(after, before) is after
    assert after.next_price_change(effective_at - 1) == effective_at
    assert after.next_price_change(effective_at) is None
    prices = [
        PriceList.from_fields(after.effective_params(time)).multipliers
        for time in (effective_at - 0.5, effective_at)
    ]
    assert prices == [(10_000, 1_000, 80_000, 80_000), (10_000, 1_000, 80_001, 80_000)]


@pytest.mark.anyio
async def test_only_a_governor_of_this_root_is_believed(rig: GovernedRoot) -> None:
    backend = EmbeddedBackend(rig.chain)
    assert await read_governor(backend, rig.root) is None
    assert await read_governor(backend, person(0x77)) is None
    state = await read_governor(backend, rig.governor)
    assert state is not None
    assert state.root == rig.root


def test_single_owner_is_named_as_such() -> None:
    config = RootConfig(person(0), 1, sample_params(), owner=A)
    assert config.owner_kind == "single"
    assert config.effective_params(0) is config.params


@pytest.mark.parametrize(
    "rules",
    [
        Rules(0, (), 1, 1, 0),
        Rules(0, (A, A), 1, 1, 0),
        Rules(0, (A, B), 3, 1, 0),
        Rules(0, (A, B), 1, 2, 0),
        Rules(0, (A, B), 1, 0, 0),
        Rules(0, (A, B), 1, 1, MAX_DELAY + 1),
        Rules(0, people(range(17)), 1, 1, 0),
        Rules(0, (A, person(0x50)), 1, 1, 0),
    ],
)
def test_rules_that_would_lock_up_are_refused_before_deployment(rules: Rules) -> None:
    with pytest.raises(ConfigError):
        gov.governor_data(person(0x50), rules)


def test_tariff_is_read_as_it_was_written() -> None:
    for tariff in (NO_TARIFF, FIRST, Tariff(FIRST.current, TariffStep(2, 5, HIGHER))):
        assert Tariff.from_cell(tariff.cell()) == tariff
    longer = Builder().content(FIRST.cell()).uint(0, 1).cell()
    for cell in (longer, Cell(0, 10)):
        with pytest.raises(DecodeError):
            Tariff.from_cell(cell)
