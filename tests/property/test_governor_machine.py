"""The governor against a model of it: random people do random things in random order."""

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts import governor as gov
from cocoon.chain.contracts import root
from cocoon.chain.contracts.governor_rules import Rules
from cocoon.chain.contracts.governor_state import (
    LIFETIME,
    MAX_OPEN_PER_OWNER,
    MAX_RESULTS,
    ResultStatus,
)
from cocoon.chain.contracts.tariff import Multipliers, Tariff, TariffStep
from cocoon.chain.opcodes import DO_NOT_PROCESS, GOVERNOR_SET_RULES, GOVERNOR_SET_TARIFF
from cocoon.testing.chain import memory_chain
from cocoon.testing.contracts import people
from cocoon.testing.governance import GovernedRoot

PEOPLE = people(range(1, 6))
OK, NOT_OWNER, TOO_EARLY, RANGE = 0, 1010, 1011, 1020
NO_PROPOSAL, OTHER_CONTENT, OTHER_RULES, TWICE, NOT_APPROVED = 1050, 1051, 1052, 1053, 1054
NOT_ENOUGH, EXPIRED, FULL, BAD_ACTION, NO_LOWERING, ANNOUNCED = 1055, 1057, 1058, 1059, 1060, 1061
START = Multipliers(10, 10, 10, 10)


@dataclass
class Queued:
    """What the model knows of a proposal."""

    action: Cell
    urgent: bool
    immediate: bool
    proposer: Address
    expires_at: int
    rules_version: int
    ready_at: int = 0
    approvals: set[Address] = field(default_factory=set)


class Model:
    """The governor as one would write it without a blockchain."""

    def __init__(self, rules: Rules, tariff: Tariff) -> None:
        self.rules = rules
        self.tariff = tariff
        self.queue: dict[int, Queued] = {}
        self.next_id = 0
        self.done: list[tuple[int, ResultStatus]] = []
        self.root_version = 2

    def propose(self, who: Address, action: Cell, now: int) -> int:
        if who not in self.rules.owners:
            return NOT_OWNER
        operation = Reader(action).uint(32)
        if operation == DO_NOT_PROCESS:
            return BAD_ACTION
        urgent = immediate = operation in gov.URGENT_OPERATIONS
        if operation == GOVERNOR_SET_TARIFF:
            order = Order.read(action)
            immediate = order.effective_at <= now
            if immediate and not self.is_lowering(order, now):
                return NO_LOWERING
            if not immediate and order.effective_at < now + 2 * self.rules.delay:
                return RANGE
        live = {number: one for number, one in self.queue.items() if not self.is_dead(one, now)}
        own = [one for one in live.values() if (one.proposer, one.urgent) == (who, urgent)]
        if len(own) >= MAX_OPEN_PER_OWNER:
            return FULL
        self.queue = live
        one = Queued(action, urgent, immediate, who, now + LIFETIME, self.rules.version)
        self.count(one, who, now)
        self.queue[self.next_id] = one
        self.next_id += 1
        return OK

    def is_dead(self, one: Queued, now: int) -> bool:
        return one.expires_at <= now or one.rules_version != self.rules.version

    def count(self, one: Queued, who: Address, now: int) -> None:
        one.approvals.add(who)
        if not one.ready_at and len(one.approvals) >= self.needed(one):
            one.ready_at = now if one.immediate else now + self.rules.delay

    def needed(self, one: Queued) -> int:
        return self.rules.revoke_threshold if one.urgent else self.rules.threshold

    def approve(self, who: Address, number: int, seen: bytes, version: int, now: int) -> int:
        if who not in self.rules.owners:
            return NOT_OWNER
        one = self.queue.get(number)
        if one is None:
            return NO_PROPOSAL
        if seen != one.action.hash:
            return OTHER_CONTENT
        if version != self.rules.version:
            return OTHER_RULES
        if one.expires_at <= now:
            return EXPIRED
        if one.rules_version != version:
            if one.proposer not in self.rules.owners:
                return OTHER_RULES
            one.approvals, one.ready_at, one.rules_version = set(), 0, version
        if who in one.approvals:
            return TWICE
        self.count(one, who, now)
        return OK

    def withdraw(self, who: Address, number: int) -> int:
        if who not in self.rules.owners:
            return NOT_OWNER
        one = self.queue.get(number)
        if one is None:
            return NO_PROPOSAL
        if one.proposer == who:
            del self.queue[number]
            return OK
        if one.rules_version != self.rules.version:
            return OTHER_RULES
        if who not in one.approvals:
            return NOT_APPROVED
        one.approvals.remove(who)
        if len(one.approvals) < self.needed(one):
            one.ready_at = 0
        if not one.approvals:
            del self.queue[number]
        return OK

    def execute(self, number: int, now: int) -> int:
        one = self.queue.get(number)
        if one is None:
            return NO_PROPOSAL
        if one.expires_at <= now:
            del self.queue[number]
            return OK
        if one.rules_version != self.rules.version:
            return OTHER_RULES
        if len(one.approvals) < self.needed(one):
            return NOT_ENOUGH
        if now < one.ready_at:
            return TOO_EARLY
        code = self.carry_out(number, one, now)
        if code == OK:
            del self.queue[number]
        return code

    def carry_out(self, number: int, one: Queued, now: int) -> int:
        status, operation = ResultStatus.DONE, Reader(one.action).uint(32)
        if operation == GOVERNOR_SET_RULES:
            self.rules = read_rules(one.action, self.rules.version + 1)
        elif operation == GOVERNOR_SET_TARIFF:
            code = self.set_tariff(one, now)
            if code != OK:
                return code
        elif one.action == FAILING:
            status = ResultStatus.FAILED
        else:
            self.root_version += 1
        self.done.append((number, status))
        return OK

    def settled(self, now: int) -> Tariff:
        following = self.tariff.next
        if following is not None and following.effective_at <= now:
            return Tariff(following)
        return self.tariff

    def is_lowering(self, order: "Order", now: int) -> bool:
        tariff = self.settled(now)
        steps = [tariff.current]
        if tariff.next and order.replaces:
            steps.append(tariff.next)
        dearer = [step for step in steps if not order.weights.is_at_most(step.multipliers)]
        cheaper = [step for step in steps if order.weights != step.multipliers]
        return not dearer and bool(cheaper)

    def set_tariff(self, one: Queued, now: int) -> int:
        order, tariff = Order.read(one.action), self.settled(now)
        version = tariff.version + 1
        if one.immediate:
            if not self.is_lowering(order, now):
                return NO_LOWERING
            following = None if order.replaces else tariff.next
            if following is not None:
                following = replace(following, version=version + 1)
            self.tariff = Tariff(TariffStep(version, now, order.weights), following)
            return OK
        if order.effective_at < now + self.rules.delay:
            return RANGE
        if tariff.next is not None and not order.replaces:
            return ANNOUNCED
        step = TariffStep(version, order.effective_at, order.weights)
        self.tariff = Tariff(tariff.current, step)
        return OK


@dataclass(frozen=True)
class Order:
    """An action that sets the tariff."""

    effective_at: int
    weights: Multipliers
    replaces: bool

    @classmethod
    def read(cls, action: Cell) -> "Order":
        read = Reader(action)
        read.uint(32)
        return cls(read.uint(32), Multipliers.read(read), bool(read.uint(1)))


def read_rules(action: Cell, version: int) -> Rules:
    read = Reader(action)
    read.uint(32)
    threshold, revoke, delay = read.uint(8), read.uint(8), read.uint(32)
    owners: list[Address] = []
    node: Cell | None = read.ref()
    while node is not None:
        inner = Reader(node)
        owners.append(inner.address())
        node = inner.maybe_ref()
    return Rules(version, tuple(owners), threshold, revoke, delay)


FAILING = gov.action_of(root.change_price(0, 1, 2))
CALLS = [
    gov.action_of(root.change_price(0, 30, 10)),
    gov.action_of(root.add_model_type(0, bytes(32))),
    gov.action_of(root.del_model_type(0, bytes(32))),
    gov.action_of(root.unregister_proxy(0, 1)),
    FAILING,
    Builder().uint(DO_NOT_PROCESS, 32).cell(),
]


@st.composite
def new_rules(draw: st.DrawFn) -> Cell:
    owners = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True))
    threshold = draw(st.integers(1, len(owners)))
    return gov.set_rules(
        owners,
        threshold=threshold,
        revoke_threshold=draw(st.integers(1, threshold)),
        delay=draw(st.sampled_from([0, 100, 1000])),
    )


weights = st.builds(Multipliers, *[st.integers(5, 12)] * 4)
choices = st.integers(0, 99)


class GovernorMachine(RuleBasedStateMachine):
    """Contract and model get the same messages and must always agree."""

    @initialize(owners=st.integers(1, 4), data=st.data())
    def deploy(self, owners: int, data: st.DataObject) -> None:
        self.chain = memory_chain()
        threshold = data.draw(st.integers(1, owners))
        revoke = data.draw(st.integers(1, threshold))
        tariff = Tariff(TariffStep(1, 0, START))
        self.rig = GovernedRoot(
            self.chain,
            owners=PEOPLE[:owners],
            threshold=threshold,
            revoke_threshold=revoke,
            delay=100,
            tariff=tariff,
        )
        self.model = Model(Rules(0, PEOPLE[:owners], threshold, revoke, 100), tariff)

    def teardown(self) -> None:
        if hasattr(self, "chain"):
            self.chain.close()

    @property
    def now(self) -> int:
        return self.chain.now

    def person(self, choice: int) -> Address:
        """Mostly an owner."""
        owners = self.model.rules.owners
        return PEOPLE[choice % 5] if choice >= 80 else owners[choice % len(owners)]

    def queued(self, choice: int) -> int:
        """Mostly the number of a proposal in the queue."""
        waiting = list(self.model.queue)
        return choice % 20 if choice >= 80 or not waiting else waiting[choice % len(waiting)]

    @rule(who=choices, action=st.sampled_from(CALLS) | new_rules())
    def propose(self, who: int, action: Cell) -> None:
        self.send_proposal(self.person(who), action)

    def send_proposal(self, who: Address, action: Cell) -> None:
        expected = self.model.propose(who, action, self.now)
        assert self.rig.propose_action(who, action).exit_code == expected

    @rule(
        who=choices,
        ahead=st.sampled_from([-1000, 0, 1, 100, 199, 200, 500, 2500]),
        to=weights,
        replaces=st.booleans(),
    )
    def propose_tariff(self, who: int, ahead: int, to: Multipliers, replaces: bool) -> None:
        action = gov.set_tariff(self.now + ahead, to, replaces_announced=replaces)
        self.send_proposal(self.person(who), action)

    @rule(who=choices, number=choices, version=st.integers(0, 2))
    def approve_as_read_before(self, who: int, number: int, version: int) -> None:
        self.send_approval(self.person(who), self.queued(number), version)

    @rule(who=choices, number=choices)
    def approve(self, who: int, number: int) -> None:
        version = self.model.rules.version
        self.send_approval(self.person(who), self.queued(number), version)

    @rule(number=choices)
    def approve_by_all(self, number: int) -> None:
        chosen = self.queued(number)
        for owner in self.model.rules.owners:
            self.send_approval(owner, chosen, self.model.rules.version)

    @rule(number=choices)
    def decide(self, number: int) -> None:
        chosen = self.queued(number)
        for owner in self.model.rules.owners:
            self.send_approval(owner, chosen, self.model.rules.version)
        self.chain.advance(self.model.rules.delay)
        self.send_execution(chosen, PEOPLE[0])

    @rule(who=choices, number=choices)
    def approve_something_else(self, who: int, number: int) -> None:
        self.send_approval(
            self.person(who), self.queued(number), self.model.rules.version, FAILING.hash
        )

    def send_approval(
        self, who: Address, number: int, version: int, seen: bytes | None = None
    ) -> None:
        if seen is None:
            one = self.model.queue.get(number)
            seen = FAILING.hash if one is None else one.action.hash
        expected = self.model.approve(who, number, seen, version, self.now)
        body = gov.approve(1, number, seen, version)
        assert self.rig.send(body, who).exit_code == expected

    @rule(who=choices, number=choices)
    def withdraw(self, who: int, number: int) -> None:
        owner, chosen = self.person(who), self.queued(number)
        expected = self.model.withdraw(owner, chosen)
        assert self.rig.withdraw(owner, chosen).exit_code == expected

    @rule(number=choices, who=choices)
    def execute(self, number: int, who: int) -> None:
        self.send_execution(self.queued(number), self.person(who))

    def send_execution(self, number: int, who: Address) -> None:
        expected = self.model.execute(number, self.now)
        assert self.rig.execute(number, who).exit_code == expected

    @rule(seconds=st.sampled_from([1, 50, 99, 100, 101, 1000, 10 * 86400, LIFETIME]))
    def wait(self, seconds: int) -> None:
        self.chain.advance(seconds)

    @invariant()
    def both_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        state, model = self.rig.state, self.model
        assert state.rules == model.rules
        assert state.tariff == model.tariff
        assert state.next_id == model.next_id
        assert self.rig.config.version == model.root_version
        assert list(state.proposals) == list(model.queue)
        for number, one in model.queue.items():
            found = state.proposals[number]
            assert found.action == one.action
            assert (found.urgent, found.immediate) == (one.urgent, one.immediate)
            assert (found.proposer, found.expires_at) == (one.proposer, one.expires_at)
            assert (found.ready_at, found.rules_version) == (one.ready_at, one.rules_version)
            if one.rules_version == model.rules.version:
                assert state.approvals(found) == one.approvals
        results = [(result.id, result.status) for result in state.results.values()]
        assert results == model.done[-MAX_RESULTS:]


TestGovernor = GovernorMachine.TestCase
TestGovernor.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
