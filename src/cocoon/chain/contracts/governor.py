"""The governor: several owners of a root, who decide together, in public and after a delay.

Bodies of its messages, its actions, its initial data, and what its log messages say. The contract
and the reasons for it: ``contracts/governor/SPEC.md``; what it keeps: ``governor_state``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts.fields import head
from cocoon.chain.contracts.governor_rules import Rules
from cocoon.chain.contracts.governor_state import GovernorState
from cocoon.chain.contracts.tariff import NO_TARIFF, Multipliers, Tariff, check_multipliers
from cocoon.errors import ConfigError, DecodeError

TON = 10**9
VALUE_VOTE = TON // 5
"""For approvals, withdrawals and most executions; what is not used comes back."""
VALUE_PROPOSE = TON
"""A proposal also clears the queue, and leaves its rent; what is not used comes back."""
VALUE_UPGRADE = 3 * TON // 2
"""For executing an action with code or data in it."""
MAX_ACTION_BITS = 959
"""The query id must fit into the body as well."""
URGENT_OPERATIONS = frozenset(
    {
        opcodes.ROOT_DEL_WORKER_TYPE,
        opcodes.ROOT_DEL_MODEL_TYPE,
        opcodes.ROOT_DEL_PROXY_TYPE,
        opcodes.ROOT_UNREGISTER_PROXY,
    }
)
"""Revocations, which only take trust away: fewer approvals, no delay."""


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
    return GovernorState(root, rules, tariff, {}, {}, next_id=0, executed=0).data()


def execution_value(action: Cell) -> int:
    """What to attach to :func:`execute`, nanoTON; what is not used comes back."""
    return VALUE_UPGRADE if action.refs else VALUE_VOTE


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


def set_tariff(
    effective_at: int, multipliers: Multipliers, *, replaces_announced: bool = False
) -> Cell:
    """Action that sets a tariff.

    Args:
        effective_at: Unix seconds from which it holds; 0 lowers it at once.
        multipliers: the weights.
        replaces_announced: drop the prices that are announced; without it a lowering leaves them
            announced, and a second announcement is refused.

    Raises:
        DecodeError: a weight is out of range.
    """
    check_multipliers(multipliers)
    out = Builder().uint(opcodes.GOVERNOR_SET_TARIFF, 32).uint(effective_at, 32)
    return multipliers.write(out).uint(replaces_announced, 1).cell()


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
        event = read.uint(8)
        if not 1 <= event <= max(GovernorEvent):
            raise DecodeError("unknown step in a log message of the governor")
        log = cls(
            GovernorEvent(event),
            read.uint(32),
            read.raw(32),
            read.address(),
            read.uint(32),
            read.signed(64),
        )
        read.end()
        return log
