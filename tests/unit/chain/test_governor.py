"""The governor in the real virtual machine: rules, queue, delay, revocation, and attacks."""

from collections.abc import Iterator

import pytest

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell
from cocoon.chain.contracts import governor as gov
from cocoon.chain.contracts import root
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.governor import GovernorEvent, GovernorLog
from cocoon.chain.contracts.governor_rules import MAX_DELAY, Rules
from cocoon.chain.contracts.governor_state import (
    LIFETIME,
    MAX_OPEN,
    MAX_OPEN_PER_OWNER,
    MAX_RESULTS,
    ResultStatus,
)
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import root_data
from cocoon.chain.vm_stack import StackSlice
from cocoon.errors import DecodeError
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import Outcome, call, data, people, person, sample_params
from cocoon.testing.governance import DELAY, VALUE, GovernedRoot

A, B, C, D = people((1, 2, 3, 4))
STRANGER = person(0x99)
RAISE = root.change_price(0, 30, 10)
REVOKE = root.del_model_type(0, bytes(32))
REFUSED_BY_ROOT = root.change_price(0, 10, 30)
OK, LOW_VALUE, NOT_OWNER, TOO_EARLY, UNKNOWN, RANGE = 0, 1003, 1010, 1011, 1012, 1020
NO_PROPOSAL, OTHER_CONTENT, OTHER_RULES, TWICE, NOT_APPROVED = 1050, 1051, 1052, 1053, 1054
NOT_ENOUGH, EXPIRED, FULL, BAD_ACTION = 1055, 1057, 1058, 1059


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
def three(chain: EmbeddedChain) -> GovernedRoot:
    """Two of three owners decide; one of them revokes."""
    return GovernedRoot(chain, owners=(A, B, C), threshold=2)


def library(chain: EmbeddedChain, content: Cell) -> Cell:
    """A cell that stands for a published one."""
    return Cell.library(chain.publish_library(content))


def events(outcome: Outcome) -> list[GovernorEvent]:
    found = []
    for body in outcome.logs:
        try:
            found.append(GovernorLog.from_body(body).event)
        except DecodeError:
            continue  # of the root
    return found


def set_rules(
    *owners: Address, threshold: int = 1, revoke: int = 1, delay: int = DELAY, count: int = 1
) -> Cell:
    """As ``gov.set_rules``, but without its checks."""
    listed: Cell | None = None
    for owner in reversed(owners):
        listed = Builder().address(owner).maybe_ref(listed).cell()
    out = Builder().uint(opcodes.GOVERNOR_SET_RULES, 32).uint(threshold, 8)
    return out.uint(revoke, 8).uint(delay, 32).ref(listed or EMPTY_CELL).cell()


def adopt(rig: GovernedRoot, action: Cell) -> None:
    """Decide an action with A and B and carry it out."""
    number = rig.state.next_id
    assert rig.propose_action(A, action).ok
    assert rig.approve(B, number).ok
    rig.chain.advance(DELAY)
    assert rig.execute(number).ok


def test_decision_is_executed_by_anybody_after_the_delay(three: GovernedRoot) -> None:
    proposed = three.propose(A, RAISE)
    assert events(proposed) == [GovernorEvent.PROPOSED]
    proposal = three.state.proposals[0]
    assert (proposal.hash, proposal.proposer) == (gov.action_of(RAISE).hash, A)
    assert (proposal.ready_at, proposal.urgent) == (0, False)
    assert three.execute(0).exit_code == NOT_ENOUGH

    approved = three.approve(B, 0)
    assert events(approved) == [GovernorEvent.APPROVED]
    ready_at = three.chain.now + DELAY
    assert three.state.proposals[0].ready_at == ready_at
    assert three.execute(0).exit_code == TOO_EARLY
    three.chain.advance(DELAY - 1)
    assert three.execute(0).exit_code == TOO_EARLY
    three.chain.advance(1)

    executed = three.execute(0)
    assert executed.ok
    assert events(executed) == [GovernorEvent.SENT, GovernorEvent.DONE]
    assert three.config.params.price_per_token == 30
    assert three.state.results[0].status is ResultStatus.DONE
    assert not three.state.proposals
    # What is left goes to who paid for it.
    (back,) = executed.to(STRANGER)
    assert VALUE * 9 // 10 < back.value < VALUE

    assert three.execute(0).exit_code == NO_PROPOSAL  # not twice
    assert three.config.params.params_version == 6


def test_approval_of_the_last_owner_does_not_restart_the_delay(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    three.approve(B, 0)
    ready_at = three.state.proposals[0].ready_at
    three.chain.advance(100)
    assert three.approve(C, 0).ok
    assert three.state.proposals[0].ready_at == ready_at


def test_strangers_decide_nothing(three: GovernedRoot) -> None:
    assert three.propose(STRANGER, RAISE).exit_code == NOT_OWNER
    three.propose(A, RAISE)
    assert three.approve(STRANGER, 0).exit_code == NOT_OWNER
    assert three.withdraw(STRANGER, 0).exit_code == NOT_OWNER
    assert call(three.chain, three.root, A, RAISE).exit_code == NOT_OWNER
    assert call(three.chain, three.root, STRANGER, RAISE).exit_code == NOT_OWNER


def test_one_owner_alone_decides_nothing(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    for _ in range(3):
        assert three.approve(A, 0).exit_code == TWICE
    three.withdraw(A, 0)
    assert three.approve(A, 0).exit_code == NO_PROPOSAL
    three.propose(A, RAISE)
    three.propose(A, RAISE)  # the same content twice: approvals do not add up
    three.chain.advance(DELAY)
    assert three.execute(1).exit_code == NOT_ENOUGH
    assert three.execute(2).exit_code == NOT_ENOUGH


def test_approval_names_content_and_rules(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    three.propose(A, root.change_price(0, 10**6, 0))
    shown = three.state.proposals[0].hash
    assert three.send(gov.approve(1, 1, shown, 0), B).exit_code == OTHER_CONTENT
    assert three.send(gov.approve(1, 0, shown, 1), B).exit_code == OTHER_RULES
    assert three.send(gov.approve(1, 7, shown, 0), B).exit_code == NO_PROPOSAL
    assert three.send(gov.approve(1, 0, shown, 0), B).ok


def test_approval_can_be_taken_back(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    assert three.withdraw(B, 0).exit_code == NOT_APPROVED
    three.approve(B, 0)
    three.chain.advance(DELAY)
    taken = three.withdraw(B, 0)
    assert events(taken) == [GovernorEvent.WITHDRAWN]
    assert three.state.proposals[0].ready_at == 0
    assert three.execute(0).exit_code == NOT_ENOUGH
    three.approve(B, 0)  # the delay starts anew
    assert three.execute(0).exit_code == TOO_EARLY
    assert events(three.withdraw(B, 0)) == [GovernorEvent.WITHDRAWN]
    assert events(three.withdraw(A, 0)) == [GovernorEvent.CANCELLED]
    assert not three.state.proposals


def test_last_approval_taken_back_cancels(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    adopt(three, set_rules(A, B, C, threshold=2))
    three.approve(B, 0)
    three.approve(C, 0)
    assert events(three.withdraw(B, 0)) == [GovernorEvent.WITHDRAWN]
    assert events(three.withdraw(C, 0)) == [GovernorEvent.CANCELLED]
    assert not three.state.proposals


def test_proposer_drops_a_proposal_whoever_else_approved_it(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    three.approve(B, 0)
    three.approve(C, 0)
    assert three.withdraw(STRANGER, 0).exit_code == NOT_OWNER
    assert events(three.withdraw(A, 0)) == [GovernorEvent.CANCELLED]
    assert not three.state.proposals
    three.chain.advance(DELAY)
    assert three.execute(0).exit_code == NO_PROPOSAL


@pytest.mark.parametrize(
    "body",
    [
        root.del_model_type(0, bytes(32)),
        root.del_worker_type(0, bytes(32)),
        root.del_proxy_type(0, bytes(32)),
        root.unregister_proxy(0, 1),
    ],
)
def test_revocation_needs_one_owner_and_no_delay(three: GovernedRoot, body: Cell) -> None:
    adopt(three, gov.action_of(root.register_proxy(0, "10.0.0.1:1")))
    version = three.config.version
    assert three.propose(B, body).ok
    assert three.execute(1).ok
    assert three.config.version == version + 1


def test_threshold_of_revocations_holds(chain: EmbeddedChain) -> None:
    rig = GovernedRoot(chain, owners=(A, B, C), threshold=3, revoke_threshold=2)
    rig.propose(A, REVOKE)
    assert rig.execute(0).exit_code == NOT_ENOUGH
    rig.approve(C, 0)
    assert rig.execute(0).ok
    assert rig.config.version == 3


@pytest.mark.parametrize("body", [root.reset(0), root.add_model_type(0, bytes(32))])
def test_everything_else_waits(three: GovernedRoot, body: Cell) -> None:
    three.propose(A, body)
    assert three.execute(0).exit_code == NOT_ENOUGH
    three.approve(B, 0)
    assert three.execute(0).exit_code == TOO_EARLY


def test_action_that_fails_at_the_root_is_recorded(three: GovernedRoot) -> None:
    number = three.state.next_id
    three.propose(A, REFUSED_BY_ROOT)
    three.approve(B, number)
    three.chain.advance(DELAY)
    executed = three.execute(number)
    assert events(executed) == [GovernorEvent.SENT, GovernorEvent.FAILED]
    log = GovernorLog.from_body(executed.logs[-1])
    assert log.detail == RANGE
    result = three.state.results[0]
    assert (result.status, result.exit_code) == (ResultStatus.FAILED, RANGE)
    assert (result.id, result.executor) == (number, STRANGER)
    assert executed.to(STRANGER)[0].value > VALUE * 8 // 10
    assert three.config.params.price_per_token == 20
    assert three.execute(number).exit_code == NO_PROPOSAL


def test_only_the_root_settles_an_execution(three: GovernedRoot) -> None:
    adopt(three, gov.action_of(REFUSED_BY_ROOT))
    before = data(three.chain, three.governor)
    excesses = Builder().uint(opcodes.EXCESSES, 32).uint(0, 64).cell()
    for sender in (STRANGER, A, three.root):
        # The root's own answer to a failed or unknown execution changes nothing either.
        assert three.send(excesses, sender).ok
        assert data(three.chain, three.governor) == before


def test_expired_proposal_is_dropped(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    three.approve(B, 0)
    three.chain.advance(LIFETIME)
    assert three.send(gov.approve(1, 0, gov.action_of(RAISE).hash, 0), C).exit_code == EXPIRED
    dropped = three.execute(0)
    assert events(dropped) == [GovernorEvent.EXPIRED]
    assert dropped.to(STRANGER)[0].value > VALUE * 8 // 10
    assert not three.state.proposals
    assert not three.state.results
    assert three.config.params.price_per_token == 20


def test_last_second_before_expiry(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    three.approve(B, 0)
    three.chain.advance(LIFETIME - 1)
    assert three.execute(0).ok
    assert three.config.params.price_per_token == 30


def test_one_owner_cannot_flood_the_queue(three: GovernedRoot) -> None:
    for _ in range(MAX_OPEN_PER_OWNER):
        assert three.propose(A, RAISE).ok
    assert three.propose(A, RAISE).exit_code == FULL
    assert three.propose(B, REVOKE).ok  # the others are not held up
    three.withdraw(A, 0)
    assert three.propose(A, RAISE).ok
    three.chain.advance(LIFETIME)
    again = three.propose(A, RAISE)
    assert events(again) == [GovernorEvent.EXPIRED] * 5 + [GovernorEvent.PROPOSED]
    assert list(three.state.proposals) == [6]


def test_there_is_always_room_for_a_revocation(chain: EmbeddedChain) -> None:
    """B keeps A's proposals alive and approves them; A revokes all the same, and drops them."""
    rig = GovernedRoot(chain, owners=(A, B, C), threshold=3)
    for number in range(MAX_OPEN_PER_OWNER):
        rig.propose(A, RAISE)
        rig.approve(B, number)
    assert rig.propose(A, RAISE).exit_code == FULL
    assert rig.propose(A, REVOKE).ok
    assert rig.execute(MAX_OPEN_PER_OWNER).ok
    for number in range(MAX_OPEN_PER_OWNER):
        assert rig.withdraw(A, number).ok
    assert not rig.state.proposals
    assert rig.propose(A, RAISE).ok


def test_revocations_have_a_limit_of_their_own(three: GovernedRoot) -> None:
    rig = three
    for _ in range(MAX_OPEN_PER_OWNER):
        assert rig.propose(A, REVOKE).ok
    assert rig.propose(A, REVOKE).exit_code == FULL
    assert rig.propose(A, RAISE).ok
    assert rig.withdraw(A, 0).ok
    assert rig.propose(A, REVOKE).ok


def test_expired_and_void_proposals_take_no_room(three: GovernedRoot) -> None:
    for _ in range(MAX_OPEN_PER_OWNER):
        three.propose(A, RAISE)
        three.propose(A, REVOKE)
    number = three.state.next_id
    three.propose_action(B, set_rules(A, B, C, threshold=2))
    three.approve(C, number)
    three.chain.advance(DELAY)
    assert three.execute(number).ok
    # Under outdated rules the proposer can still drop one; the others can approve one anew.
    assert events(three.withdraw(A, 0)) == [GovernorEvent.CANCELLED]
    assert three.approve(B, 1).ok
    outcome = three.propose(A, REVOKE)
    assert events(outcome) == [GovernorEvent.EXPIRED] * 6 + [GovernorEvent.PROPOSED]
    assert list(three.state.proposals) == [1, number + 1]


def test_full_queue_of_sixteen_owners(chain: EmbeddedChain) -> None:
    owners = people(range(1, 17))
    rig = GovernedRoot(chain, owners=owners, threshold=9, revoke_threshold=3)
    for owner in owners:
        for body in (RAISE, REVOKE):
            for _ in range(MAX_OPEN_PER_OWNER):
                outcome = rig.send(gov.propose(1, gov.action_of(body)), owner, gov.VALUE_PROPOSE)
                assert outcome.ok
    assert outcome.gas < 350_000
    assert len(rig.state.proposals) == MAX_OPEN
    assert rig.propose(owners[0], RAISE).exit_code == FULL
    for owner in owners[1:9]:
        assert rig.approve(owner, 0).ok
    rig.chain.advance(DELAY)
    assert rig.execute(0).ok
    balance = rig.chain.account(rig.governor).balance
    rig.chain.advance(LIFETIME)
    dropping = rig.send(gov.propose(1, gov.action_of(RAISE)), owners[3], gov.VALUE_PROPOSE)
    assert dropping.ok  # drops 127 at once
    assert dropping.gas < 800_000
    assert len(rig.state.proposals) == 1
    # Deposits have paid for the rent of a full queue.
    assert rig.chain.account(rig.governor).balance > balance * 9 // 10


def test_rules_are_changed_by_the_same_way(three: GovernedRoot) -> None:
    three.propose_action(
        A, gov.set_rules((B, C, D), threshold=3, revoke_threshold=2, delay=5 * DELAY)
    )
    assert three.execute(0).exit_code == NOT_ENOUGH
    three.approve(C, 0)
    assert three.execute(0).exit_code == TOO_EARLY
    three.chain.advance(DELAY)
    executed = three.execute(0)
    assert events(executed) == [GovernorEvent.DONE]
    assert three.state.rules == Rules(1, (B, C, D), 3, 2, 5 * DELAY)
    assert three.propose(A, RAISE).exit_code == NOT_OWNER
    assert three.propose(D, RAISE).ok


@pytest.mark.parametrize(
    "action",
    [
        set_rules(A, B, threshold=3),
        set_rules(A, B, threshold=0),
        set_rules(A, B, threshold=1, revoke=2),
        set_rules(A, B, threshold=1, revoke=0),
        set_rules(A, A),
        set_rules(A, B, C, B),
        set_rules(*people(range(1, 18))),
        set_rules(A, delay=MAX_DELAY + 1),
    ],
)
def test_rules_that_would_lock_it_up_are_refused(three: GovernedRoot, action: Cell) -> None:
    assert three.propose_action(A, action).exit_code == RANGE


def test_owner_that_could_never_approve_is_refused(three: GovernedRoot) -> None:
    for owner in (three.governor, three.root):
        assert three.propose_action(A, set_rules(A, owner)).exit_code == RANGE


def test_owner_outside_workchain_0_is_refused(three: GovernedRoot) -> None:
    masterchain = Builder().uint(0b100, 3).uint(0xFF, 8).uint(1, 256).uint(0, 1).cell()
    rules = set_rules(A)
    action = Cell(rules.data, rules.bits, (masterchain,))
    assert three.propose_action(A, action).exit_code == RANGE


def test_smallest_rules_are_accepted(three: GovernedRoot) -> None:
    adopt(three, set_rules(A, threshold=1, revoke=1, delay=0))
    assert three.state.rules == Rules(1, (A,), 1, 1, 0)
    number = three.state.next_id
    assert three.propose(A, RAISE).ok
    assert three.execute(number).ok
    assert three.config.params.price_per_token == 30


def test_void_proposal_stays_until_somebody_proposes(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    three.propose(A, REVOKE)
    adopt(three, set_rules(A, B, threshold=2))
    assert list(three.state.proposals) == [0, 1]
    assert three.approve(B, 0).ok
    three.propose(B, RAISE)
    assert list(three.state.proposals) == [0, 3]


def test_withdrawal_that_leaves_enough_keeps_the_time(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    three.approve(B, 0)
    three.approve(C, 0)
    ready_at = three.state.proposals[0].ready_at
    three.withdraw(C, 0)
    assert three.state.proposals[0].ready_at == ready_at


def test_no_owners_are_refused(three: GovernedRoot) -> None:
    assert three.propose_action(A, set_rules()).exit_code == 9


def test_largest_rules_are_accepted(three: GovernedRoot) -> None:
    owners = people(range(1, 17))
    adopt(three, set_rules(*owners, threshold=16, revoke=16, delay=MAX_DELAY))
    assert three.state.rules == Rules(1, owners, 16, 16, MAX_DELAY)


def test_removed_owner_keeps_no_approval(three: GovernedRoot) -> None:
    three.propose(B, RAISE)
    three.approve(A, 0)
    adopt(three, gov.set_rules((B, C, D), threshold=2, revoke_threshold=1, delay=DELAY))
    # Ready under the old rules, with the approval of a former owner.
    assert three.execute(0).exit_code == OTHER_RULES
    assert three.approve(A, 0).exit_code == NOT_OWNER
    assert three.state.approvals(three.state.proposals[0]) == frozenset()
    # C has index 1 now, which was B's: it must not find B's approval there.
    assert three.approve(C, 0).ok
    assert three.state.approvals(three.state.proposals[0]) == {C}
    assert three.execute(0).exit_code == NOT_ENOUGH
    assert three.approve(B, 0).ok
    assert three.execute(0).exit_code == TOO_EARLY
    three.chain.advance(DELAY)
    assert three.execute(0).ok


def test_rules_changed_while_a_revocation_is_open(three: GovernedRoot) -> None:
    three.propose(A, REVOKE)
    adopt(three, gov.set_rules((A, B, C), threshold=2, revoke_threshold=2, delay=DELAY))
    assert three.execute(0).exit_code == OTHER_RULES
    assert three.withdraw(B, 0).exit_code == OTHER_RULES
    three.approve(A, 0)
    assert three.execute(0).exit_code == NOT_ENOUGH
    three.approve(B, 0)
    assert three.execute(0).ok


def test_proposals_of_former_owners_are_dead(three: GovernedRoot) -> None:
    for _ in range(MAX_OPEN_PER_OWNER):
        three.propose(C, RAISE)
    adopt(three, gov.set_rules((A, B), threshold=2, revoke_threshold=1, delay=DELAY))
    assert three.approve(A, 0).exit_code == OTHER_RULES
    assert three.withdraw(C, 0).exit_code == NOT_OWNER
    assert three.propose(A, RAISE).ok
    assert [proposal.proposer for proposal in three.state.proposals.values()] == [A]


def test_malformed_actions_are_refused(three: GovernedRoot) -> None:
    for action in (EMPTY_CELL, Cell(0, 31), Cell(0, 960)):
        assert three.propose_action(A, action).exit_code == BAD_ACTION
    short = Builder().uint(opcodes.GOVERNOR_SET_RULES, 32).cell()
    assert three.propose_action(A, short).exit_code == 9
    longer = Builder().content(set_rules(A)).uint(0, 1).cell()
    assert three.propose_action(A, longer).exit_code == 9
    assert three.propose_action(A, Cell(0, 959)).ok


def test_action_in_a_library_is_refused(three: GovernedRoot) -> None:
    """Inside it reads as the library's content, outside as a reference: nobody could show it."""
    reference = library(three.chain, gov.action_of(RAISE))
    assert three.propose_action(A, reference).exit_code == 9


def test_owners_in_a_library_are_refused(three: GovernedRoot) -> None:
    """Neither the list nor a part of it: whoever reads the queue must see who would decide."""
    good = gov.set_rules((A, B), threshold=1, revoke_threshold=1, delay=DELAY)
    (first,) = good.refs
    (second,) = first.refs
    parts = Cell(first.data, first.bits, (library(three.chain, second),))
    for owners in (library(three.chain, first), parts):
        action = Cell(good.data, good.bits, (owners,))
        assert three.propose_action(A, action).exit_code == 9
    assert three.propose_action(A, good).ok


def test_what_the_root_would_ignore_is_refused(three: GovernedRoot) -> None:
    """It would not answer, and keep all the value of whoever executes it."""
    for rest in (Cell(0, 0), Cell(0, 100)):
        action = Builder().uint(opcodes.DO_NOT_PROCESS, 32).content(rest).cell()
        assert three.propose_action(A, action).exit_code == BAD_ACTION
    assert not three.state.proposals


def test_size_of_an_action_is_limited_and_paid_for(three: GovernedRoot) -> None:
    def chain_of(cells: int) -> Cell:
        cell = EMPTY_CELL
        for number in range(cells - 1):
            cell = Cell(number, 32, (cell,) if number % 2 else (cell, Cell(number, 64)))
        return cell

    many = tuple(chain_of(300) for _ in range(1))
    action = Builder().uint(opcodes.ROOT_UPGRADE, 32).ref(many[0]).cell()
    balance = three.chain.account(three.governor).balance
    assert three.send(gov.propose(1, action), A, TON // 10).exit_code == LOW_VALUE
    outcome = three.send(gov.propose(1, action), A, TON)
    assert outcome.ok
    assert three.chain.account(three.governor).balance > balance + 300 * TON // 10_000
    wide = Cell(1, 32, [Cell(n, 8, [Cell(n * 300 + m, 16) for m in range(4)]) for n in range(4)])
    assert three.send(gov.propose(1, wide), A, TON).ok


def test_too_little_value_is_refused(three: GovernedRoot) -> None:
    action = gov.action_of(RAISE)
    assert three.send(gov.propose(1, action), A, TON // 10).exit_code == LOW_VALUE
    assert three.propose(A, RAISE).ok
    approve = gov.approve(1, 0, action.hash, 0)
    assert three.send(approve, B, TON // 10 - 1).exit_code == LOW_VALUE
    assert three.send(approve, B, TON // 10).ok
    three.chain.advance(DELAY)
    assert three.execute(0, value=TON // 10 - 1).exit_code == LOW_VALUE
    assert three.execute(0, value=TON // 10).ok
    assert three.state.results[0].status is ResultStatus.DONE


def test_upgrade_cannot_be_spoilt_with_too_little_value(three: GovernedRoot) -> None:
    """Out of gas at the root, the proposal would be used up and nothing would come back."""
    after = RootConfig(person(0), 3, sample_params(), owner=three.governor)
    body = root.upgrade_full(0, root_data(after), load_code("root"))
    assert three.send(gov.propose(1, gov.action_of(body)), A, TON).ok
    three.approve(B, 0)
    three.chain.advance(DELAY)
    for value in range(TON // 10, TON // 2, TON // 10):
        assert three.execute(0, value=value).exit_code == LOW_VALUE
    executed = three.execute(0, value=TON)
    assert events(executed)[-1] is GovernorEvent.DONE
    assert three.config.version == 3
    assert executed.to(STRANGER)[0].value > 9 * TON // 10


def test_root_can_be_handed_over(three: GovernedRoot) -> None:
    adopt(three, gov.action_of(root.change_owner(0, D)))
    assert three.config.owner == D
    number = three.state.next_id
    three.propose(A, REVOKE)
    assert events(three.execute(number)) == [GovernorEvent.SENT, GovernorEvent.FAILED]
    assert three.state.results[1].exit_code == NOT_OWNER


def test_results_are_kept_for_a_while(three: GovernedRoot) -> None:
    for number in range(MAX_RESULTS + 3):
        three.propose(A, REVOKE)
        assert three.execute(number).ok
    results = three.state.results
    assert list(results) == list(range(3, MAX_RESULTS + 3))
    assert {result.status for result in results.values()} == {ResultStatus.DONE}


def test_unknown_messages_are_refused_and_deposits_accepted(three: GovernedRoot) -> None:
    before = data(three.chain, three.governor)
    balance = three.chain.account(three.governor).balance
    assert three.send(Builder().uint(5, 32).cell(), A).exit_code == UNKNOWN
    assert three.send(EMPTY_CELL, STRANGER).ok
    assert three.send(Builder().uint(opcodes.DO_NOT_PROCESS, 32).cell(), STRANGER).ok
    for body in (gov.execute(1, 0), gov.withdraw_approval(1, 0), gov.approve(1, 0, bytes(32), 0)):
        longer = Builder().content(body).uint(0, 1).cell()
        assert three.send(longer, A).exit_code == 9
    assert data(three.chain, three.governor) == before
    assert three.chain.account(three.governor).balance > balance + VALUE


def test_balance_is_never_spent(three: GovernedRoot) -> None:
    balance = three.chain.account(three.governor).balance
    three.propose(A, REFUSED_BY_ROOT)
    three.approve(B, 0)
    three.approve(C, 0)
    three.withdraw(C, 0)
    three.chain.advance(DELAY)
    three.execute(0)
    # Rent of two days aside.
    assert three.chain.account(three.governor).balance > balance - TON // 1000


def test_getters_agree_with_the_data(three: GovernedRoot) -> None:
    three.propose(A, RAISE)
    three.approve(B, 0)
    run, state = three.chain.run, three.state
    rules = run(three.governor, "get_rules").stack
    assert rules[:5] == (0, 2, 1, DELAY, 3)
    assert rules[6] == StackSlice(Builder().address(three.root).cell())
    proposal = state.proposals[0]
    assert run(three.governor, "get_proposal", [0]).stack == (
        int.from_bytes(proposal.hash, "big"),
        StackSlice(Builder().address(A).cell()),
        proposal.created_at,
        proposal.expires_at,
        proposal.ready_at,
        0,
        2,
        2,
        0,
        proposal.action,
        0,
    )
    assert state.is_executable(proposal, proposal.ready_at)
    assert not state.is_executable(proposal, proposal.ready_at - 1)
    next_id, queue, executed, results = run(three.governor, "get_proposals").stack
    assert (next_id, executed, results) == (1, 0, None)
    assert isinstance(queue, Cell)


def test_codes_of_the_whole_network_fit_into_a_proposal(three: GovernedRoot) -> None:
    codes = [load_code(name) for name in ("proxy", "worker", "client")]
    action = gov.action_of(root.upgrade_contracts(0, *codes))
    assert three.send(gov.propose(1, action), A, gov.VALUE_PROPOSE).ok
    three.approve(B, 0)
    three.chain.advance(DELAY)
    executed = three.execute(0, value=gov.execution_value(action))
    assert events(executed)[-1] is GovernorEvent.DONE
    params = three.config.params
    assert [params.proxy_code, params.worker_code, params.client_code] == codes


def test_action_of_the_greatest_size_can_be_executed(three: GovernedRoot) -> None:
    """What may stand in the queue must not be too dear to send."""
    leaves = [Cell(number << 900, 1000) for number in range(380)]
    while len(leaves) > 1:
        leaves = [Cell(5, 1000, leaves[at : at + 4]) for at in range(0, len(leaves), 4)]
    action = gov.action_of(root.upgrade(0, leaves[0]))
    assert three.send(gov.propose(1, action), A, gov.VALUE_PROPOSE).ok
    three.approve(B, 0)
    three.chain.advance(DELAY)
    executed = three.execute(0, value=gov.execution_value(action))
    assert events(executed)[0] is GovernorEvent.SENT
    assert three.state.results[0].status is ResultStatus.DONE
