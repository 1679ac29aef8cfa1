"""What a governor keeps: rules, queue, results, tariff."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeVar

from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts.governor_rules import MAX_OWNERS, Rules
from cocoon.chain.contracts.tariff import Tariff
from cocoon.chain.hashmap import read_hashmap, write_hashmap
from cocoon.errors import DecodeError

LIFETIME = 30 * 86400
"""Seconds after which a proposal expires."""
MAX_OPEN_PER_OWNER = 4
"""Revocations of one owner, and everything else of his."""
MAX_OPEN = 2 * MAX_OPEN_PER_OWNER * MAX_OWNERS
MAX_RESULTS = 32

_ID_BITS = 32
_APPROVAL_BITS = 16
_Member = TypeVar("_Member", bound=IntEnum)


class ResultStatus(IntEnum):
    """What became of an executed proposal."""

    SENT = 1
    """The root has not answered."""
    DONE = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action in the queue.

    Args:
        id: its number.
        action: what would be done, see ``governor.action_of``.
        urgent: whether it is a revocation, which needs only ``revoke_threshold`` approvals.
        immediate: whether it needs no delay: revocations, and prices that are lowered at once.
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
    immediate: bool
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

    def write(self) -> Cell:
        """The value in the queue.

        Raises:
            DecodeError: a value does not fit.
        """
        out = Builder().uint(self.urgent, 1).uint(self.immediate, 1).address(self.proposer)
        out.uint(self.created_at, 32).uint(self.expires_at, 32)
        out.uint(self.ready_at, 32).uint(self.rules_version, 32)
        mask = sum(1 << index for index in self.approvals)
        return out.uint(mask, _APPROVAL_BITS).ref(self.action).cell()


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

    def write(self) -> Cell:
        """The value in the list of results.

        Raises:
            DecodeError: a value does not fit.
        """
        out = Builder().uint(self.id, 32).uint(self.status, 8).address(self.executor)
        return out.hash256(self.hash).uint(self.time, 32).signed(self.exit_code, 32).cell()


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

    def data(self) -> Cell:
        """The data cell of such a governor.

        Raises:
            DecodeError: a value does not fit.
        """
        queue = {number: proposal.write() for number, proposal in self.proposals.items()}
        results = {number: result.write() for number, result in self.results.items()}
        out = Builder().address(self.root).uint(self.next_id, 32).uint(self.executed, 32)
        out.maybe_ref(write_hashmap(queue, _ID_BITS)).maybe_ref(write_hashmap(results, _ID_BITS))
        return out.ref(self.rules.cell()).ref(self.tariff.cell()).cell()

    @classmethod
    def from_data(cls, data: Cell) -> "GovernorState":
        """Read a governor's data.

        Raises:
            DecodeError: malformed, or over a limit of the contract.
        """
        read = Reader(data)
        root, next_id, executed = read.address(), read.uint(32), read.uint(32)
        proposals = read_hashmap(read.maybe_ref(), _ID_BITS, _proposal, max_entries=MAX_OPEN)
        results = read_hashmap(read.maybe_ref(), _ID_BITS, _result, max_entries=MAX_RESULTS)
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


def read_decided(data: Cell) -> tuple[Address, Rules, Tariff]:
    """Only what nodes need: the root, the rules and the tariff.

    Whatever stands in the queue, which every single owner can write to, cannot make this fail.

    Raises:
        DecodeError: malformed.
    """
    read = Reader(data)
    root = read.address()
    read.uint(64)
    read.maybe_ref()
    read.maybe_ref()
    rules, tariff = Rules.from_cell(read.ref()), Tariff.from_cell(read.ref())
    read.end()
    return root, rules, tariff


def _proposal(read: Reader) -> Proposal:
    urgent, immediate, proposer = bool(read.uint(1)), bool(read.uint(1)), read.address()
    created_at, expires_at, ready_at = read.uint(32), read.uint(32), read.uint(32)
    rules_version, mask, action = read.uint(32), read.uint(_APPROVAL_BITS), read.ref()
    Reader(action).uint(32)  # it has an operation
    return Proposal(
        id=0,
        action=action,
        urgent=urgent,
        immediate=immediate,
        proposer=proposer,
        created_at=created_at,
        expires_at=expires_at,
        ready_at=ready_at,
        rules_version=rules_version,
        approvals=frozenset(index for index in range(_APPROVAL_BITS) if mask >> index & 1),
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
