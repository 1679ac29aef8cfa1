"""The governor: several owners of a root, who decide together, in public and after a delay.

Bodies of its messages, its data, and what its log messages say. The contract and the reasons for
it: ``contracts/governor/SPEC.md``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeVar

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts.fields import head
from cocoon.chain.contracts.tariff import NO_TARIFF, Multipliers, Tariff, check_multipliers
from cocoon.chain.hashmap import read_hashmap, write_hashmap
from cocoon.errors import ConfigError, DecodeError

MAX_OWNERS = 16
MAX_DELAY = 14 * 86400
"""Seconds."""
LIFETIME = 30 * 86400
"""Seconds after which a proposal expires."""
MAX_OPEN_PER_OWNER = 4
MAX_OPEN = 64
MAX_RESULTS = 32
MAX_ACTION_BITS = 959
URGENT_OPERATIONS = frozenset(
    {
        opcodes.ROOT_DEL_WORKER_TYPE,
        opcodes.ROOT_DEL_MODEL_TYPE,
        opcodes.ROOT_DEL_PROXY_TYPE,
        opcodes.ROOT_UNREGISTER_PROXY,
    }
)
"""They only take trust away: fewer approvals, no delay."""

_Member = TypeVar("_Member", bound=IntEnum)

_ADDRESS_BITS = 267
_ADDRESS_PREFIX = 0b100 << 264
_ID_BITS = 32


class ResultStatus(IntEnum):
    """What became of an executed proposal."""

    SENT = 1
    """The root has not answered."""
    DONE = 2
    FAILED = 3


class GovernorEvent(IntEnum):
    """Step that a log message tells of."""

    PROPOSED = 1
    APPROVED = 2
    WITHDRAWN = 3
    CANCELLED = 4
    SENT = 5
    DONE = 6
    FAILED = 7
    EXPIRED = 8


@dataclass(frozen=True, slots=True)
class Rules:
    """Who decides, and how.

    Args:
        version: grows with every change; approvals count under one version only.
        owners: in the order of their indices.
        threshold: how many must approve.
        revoke_threshold: how many must approve what only takes trust away.
        delay: seconds from the last needed approval to the execution.
    """

    version: int
    owners: tuple[Address, ...]
    threshold: int
    revoke_threshold: int
    delay: int

    def check(self) -> None:
        """Refuse rules that the contract would refuse.

        Raises:
            ConfigError: says what is wrong.
        """
        count = len(self.owners)
        if not 1 <= count <= MAX_OWNERS:
            raise ConfigError(f"a governor has 1 to {MAX_OWNERS} owners, not {count}")
        if len(set(self.owners)) != count:
            raise ConfigError("an owner is named twice")
        if not 1 <= self.threshold <= count:
            raise ConfigError(f"the threshold must be 1 to {count}, the number of owners")
        if not 1 <= self.revoke_threshold <= self.threshold:
            raise ConfigError(f"the threshold of revocations must be 1 to {self.threshold}")
        if not 0 <= self.delay <= MAX_DELAY:
            raise ConfigError(f"the delay must be 0 to {MAX_DELAY} seconds")

    def cell(self) -> Cell:
        """As in the governor's data.

        Raises:
            DecodeError: a value does not fit.
        """
        indices = {
            _ADDRESS_PREFIX | int.from_bytes(owner.account, "big"): Builder().uint(index, 8).cell()
            for index, owner in enumerate(self.owners)
        }
        out = Builder().uint(self.version, 32).uint(self.threshold, 8)
        out.uint(self.revoke_threshold, 8).uint(self.delay, 32)
        return out.maybe_ref(write_hashmap(indices, _ADDRESS_BITS)).cell()

    @classmethod
    def from_cell(cls, cell: Cell) -> "Rules":
        """Read them.

        Raises:
            DecodeError: malformed.
        """
        read = Reader(cell)
        version, threshold, revoke = read.uint(32), read.uint(8), read.uint(8)
        delay, owners = read.uint(32), read.maybe_ref()
        read.end()
        found = read_hashmap(owners, _ADDRESS_BITS, lambda r: r.uint(8), max_entries=MAX_OWNERS)
        by_index = {index: _address(key) for key, index in found.items()}
        if sorted(by_index) != list(range(len(found))):
            raise DecodeError("owners of the governor are not numbered without gaps")
        ordered = tuple(by_index[index] for index in range(len(found)))
        return cls(version, ordered, threshold, revoke, delay)


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action in the queue.

    Args:
        id: its number.
        action: what would be done, see :func:`action_of`.
        urgent: whether it needs only ``revoke_threshold`` approvals and no delay.
        proposer: the owner who proposed it.
        created_at: Unix seconds.
        expires_at: Unix seconds; from then on it cannot be executed.
        ready_at: Unix seconds from which it can be executed; 0 while approvals are missing.
        rules_version: approvals count under these rules only.
        approvals: indices of the owners who approved.
    """

    id: int
    action: Cell
    urgent: bool
    proposer: Address
    created_at: int
    expires_at: int
    ready_at: int
    rules_version: int
    approvals: frozenset[int]

    @property
    def hash(self) -> bytes:
        """What owners compare before they approve, 32 bytes."""
        return self.action.hash

    @property
    def operation(self) -> int:
        """Operation code of the action."""
        return Reader(self.action).uint(32)

    @property
    def body(self) -> Cell:
        """The action as a body for the root, with query id 0; for showing it."""
        return body_of(self.action)


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """An executed proposal.

    Args:
        number: of the execution.
        id: of the proposal.
        status: what became of it.
        executor: who started it.
        hash: of the action, 32 bytes.
        time: Unix seconds of the execution.
        exit_code: the root's, if it failed.
    """

    number: int
    id: int
    status: ResultStatus
    executor: Address
    hash: bytes
    time: int
    exit_code: int


@dataclass(frozen=True, slots=True)
class GovernorState:
    """All that a governor keeps.

    Args:
        root: the contract that it owns.
        rules: who decides.
        tariff: weights of the token classes.
        proposals: the queue, by id.
        results: the newest executions, by number.
        next_id: number of the next proposal.
        executed: executions so far.
    """

    root: Address
    rules: Rules
    tariff: Tariff
    proposals: Mapping[int, Proposal]
    results: Mapping[int, ExecutionResult]
    next_id: int
    executed: int

    def approvals(self, proposal: Proposal) -> frozenset[Address]:
        """The owners whose approval of a proposal counts now."""
        if proposal.rules_version != self.rules.version:
            return frozenset()
        return frozenset(self.rules.owners[index] for index in proposal.approvals)

    def needed(self, proposal: Proposal) -> int:
        """How many approvals it needs."""
        return self.rules.revoke_threshold if proposal.urgent else self.rules.threshold

    def is_executable(self, proposal: Proposal, time: int) -> bool:
        """Whether it can be executed at a time, Unix seconds."""
        enough = len(self.approvals(proposal)) >= self.needed(proposal)
        return enough and proposal.ready_at <= time < proposal.expires_at

    @classmethod
    def from_data(cls, data: Cell) -> "GovernorState":
        """Read a governor's data.

        Raises:
            DecodeError: malformed, or over a limit of the contract.
        """
        read = Reader(data)
        root, next_id, executed = read.address(), read.uint(32), read.uint(32)
        proposals = read_hashmap(read.maybe_ref(), _ID_BITS, _proposal, max_entries=MAX_OPEN)
        results = read_hashmap(read.maybe_ref(), 32, _result, max_entries=MAX_RESULTS)
        rules, tariff = Rules.from_cell(read.ref()), Tariff.from_cell(read.ref())
        read.end()
        return cls(
            root=root,
            rules=rules,
            tariff=tariff,
            proposals={key: _numbered(key, value, rules) for key, value in proposals.items()},
            results={key: ExecutionResult(key, *value) for key, value in results.items()},
            next_id=next_id,
            executed=executed,
        )


def governor_data(root: Address, rules: Rules, tariff: Tariff = NO_TARIFF) -> Cell:
    """Initial data of a governor.

    Args:
        root: the contract that it will own.
        rules: the first ones.
        tariff: the first one; none by default, then the root's parameters hold.

    Raises:
        ConfigError: the rules would be refused.
        DecodeError: a value does not fit.
    """
    rules.check()
    if root in rules.owners:
        raise ConfigError("the root cannot be an owner of its governor")
    out = Builder().address(root).uint(0, 32).uint(0, 32).uint(0, 2)  # counters, two empty dicts
    return out.ref(rules.cell()).ref(tariff.cell()).cell()


def propose(query_id: int, action: Cell) -> Cell:
    """Put an action into the queue, which is the first approval; from an owner.

    Raises:
        DecodeError: a value does not fit; so for every function here.
    """
    return head(opcodes.GOVERNOR_PROPOSE, query_id).ref(action).cell()


def approve(query_id: int, proposal_id: int, action_hash: bytes, rules_version: int) -> Cell:
    """Approve an action, named by its hash too; from an owner.

    Args:
        query_id: any 64-bit number.
        proposal_id: its number.
        action_hash: :attr:`Proposal.hash` of what was looked at.
        rules_version: the rules under which it was looked at.
    """
    out = head(opcodes.GOVERNOR_APPROVE, query_id).uint(proposal_id, 32)
    return out.hash256(action_hash).uint(rules_version, 32).cell()


def withdraw_approval(query_id: int, proposal_id: int) -> Cell:
    """Take an approval back; the last one taken back cancels the proposal. From its owner."""
    return head(opcodes.GOVERNOR_WITHDRAW_APPROVAL, query_id).uint(proposal_id, 32).cell()


def execute(query_id: int, proposal_id: int) -> Cell:
    """Carry out an action that is ready, or drop one that has expired; anybody."""
    return head(opcodes.GOVERNOR_EXECUTE, query_id).uint(proposal_id, 32).cell()


def action_of(body: Cell) -> Cell:
    """The action that makes the governor send this body to the root: the body without query id."""
    read = Reader(body)
    out = Builder().uint(read.uint(32), 32)
    read.uint(64)
    return out.content(read.rest()).cell()


def body_of(action: Cell, query_id: int = 0) -> Cell:
    """The body that the governor sends to the root for an action."""
    read = Reader(action)
    return head(read.uint(32), query_id).content(read.rest()).cell()


def set_rules(
    owners: Sequence[Address], *, threshold: int, revoke_threshold: int, delay: int
) -> Cell:
    """Action that replaces the rules.

    Raises:
        ConfigError: the contract would refuse them.
        DecodeError: a value does not fit.
    """
    Rules(0, tuple(owners), threshold, revoke_threshold, delay).check()
    listed: Cell | None = None
    for owner in reversed(owners):
        listed = Builder().address(owner).maybe_ref(listed).cell()
    assert listed is not None
    out = Builder().uint(opcodes.GOVERNOR_SET_RULES, 32).uint(threshold, 8)
    return out.uint(revoke_threshold, 8).uint(delay, 32).ref(listed).cell()


def set_tariff(effective_at: int, multipliers: Multipliers) -> Cell:
    """Action that sets a tariff from a time on, Unix seconds; 0 lowers it at once."""
    check_multipliers(multipliers)
    out = Builder().uint(opcodes.GOVERNOR_SET_TARIFF, 32).uint(effective_at, 32)
    return multipliers.write(out).cell()


@dataclass(frozen=True, slots=True)
class GovernorLog:
    """A log message of the governor.

    Args:
        event: the step.
        proposal_id: of which proposal.
        hash: of its action, 32 bytes.
        who: owner or executor.
        rules_version: the rules then.
        detail: when it is ready (``PROPOSED``, ``APPROVED``, ``WITHDRAWN``; 0 if approvals are
            missing), number of the execution (``SENT``, ``DONE``) or exit code (``FAILED``).
    """

    event: GovernorEvent
    proposal_id: int
    hash: bytes
    who: Address
    rules_version: int
    detail: int

    @classmethod
    def from_body(cls, body: Cell) -> "GovernorLog":
        """Read the body of a log message.

        Raises:
            DecodeError: malformed, or not of this kind.
        """
        read = Reader(body)
        if read.uint(32) != opcodes.GOVERNOR_CHANGED:
            raise DecodeError("not a log message of the governor")
        log = cls(
            _member(GovernorEvent, read.uint(8)),
            read.uint(32),
            read.raw(32),
            read.address(),
            read.uint(32),
            read.signed(64),
        )
        read.end()
        return log


def _proposal(read: Reader) -> Proposal:
    urgent, proposer = bool(read.uint(1)), read.address()
    created_at, expires_at, ready_at = read.uint(32), read.uint(32), read.uint(32)
    rules_version, mask, action = read.uint(32), read.uint(16), read.ref()
    Reader(action).uint(32)  # it has an operation
    return Proposal(
        id=0,
        action=action,
        urgent=urgent,
        proposer=proposer,
        created_at=created_at,
        expires_at=expires_at,
        ready_at=ready_at,
        rules_version=rules_version,
        approvals=frozenset(index for index in range(16) if mask >> index & 1),
    )


def _numbered(number: int, value: Proposal, rules: Rules) -> Proposal:
    if value.rules_version == rules.version and any(
        index >= len(rules.owners) for index in value.approvals
    ):
        raise DecodeError("a proposal is approved by an owner that does not exist")
    return replace(value, id=number)


def _result(read: Reader) -> tuple[int, ResultStatus, Address, bytes, int, int]:
    return (
        read.uint(32),
        _member(ResultStatus, read.uint(8)),
        read.address(),
        read.raw(32),
        read.uint(32),
        read.signed(32),
    )


def _member(kind: type[_Member], value: int) -> _Member:
    try:
        return kind(value)
    except ValueError:
        raise DecodeError(f"{kind.__name__} of the governor is unknown: {value}") from None


def _address(key: int) -> Address:
    if key >> 256 != _ADDRESS_PREFIX >> 256:
        raise DecodeError("an owner of the governor is not in workchain 0")
    return Address((key & ((1 << 256) - 1)).to_bytes(32, "big"))
