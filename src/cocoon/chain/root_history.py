"""The published history of a network's root: every change, with time, version, author and content.

Read from the transactions of the root and of the governors that own or owned it; nothing is stored.
Whoever serves the transactions could leave some out only at the old end, or all of them: each names
the one before it. Our root logs every change with its version; of an official root the operations
are listed without.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.cells import Cell, Reader
from cocoon.chain.contracts.governor import GovernorEvent, GovernorLog
from cocoon.chain.contracts.root_operations import (
    KNOWN_OPERATIONS,
    Detail,
    Operation,
    describe_action,
    describe_operation,
)
from cocoon.chain.governance import read_governor
from cocoon.chain.history import AccountHistory
from cocoon.chain.message import MessageKind
from cocoon.chain.transaction import Transaction
from cocoon.errors import DecodeError

MAX_GOVERNORS = 16
"""Former owners whose transactions are read as well."""

_LOG_BITS = 3 * 32 + 256


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the history.

    Args:
        time: Unix seconds.
        lt: logical time of the transaction.
        contract: the root, or a governor.
        who: the sender; an owner, or whoever executed a decision.
        step: ``deployed`` or ``changed`` of the root; ``proposed``, ``approved``, ``withdrawn``,
            ``cancelled``, ``sent``, ``done``, ``failed`` or ``expired`` of a proposal.
        what: name of the operation; None of a deployment.
        details: its fields, and what the step adds to them.
        version: the root's version after it; None if it says none.
        proposal: number of the proposal, of a governor's steps.
        transaction: hash, 32 bytes.
    """

    time: int
    lt: int
    contract: Address
    who: Address | None
    step: str
    what: str | None
    details: Mapping[str, Detail]
    version: int | None
    proposal: int | None
    transaction: bytes


async def read_history(backend: ChainBackend, root: Address) -> list[Change]:
    """The whole history of a root and its governors, oldest first.

    Raises:
        ChainError: the chain cannot be read.
        ChainDataError: its transactions do not join up, or are too many.
    """
    changes = root_changes(await AccountHistory(backend, root, 0).new())
    owners = dict.fromkeys(owner for change in changes for owner in _owners(change))
    governors = 0
    for owner in owners:
        state = await read_governor(backend, owner)
        if state is not None and state.root == root and governors < MAX_GOVERNORS:
            governors += 1
            changes += governor_changes(await AccountHistory(backend, owner, 0).new())
    return sorted(changes, key=lambda change: (change.time, change.lt))


def root_changes(transactions: list[Transaction]) -> list[Change]:
    """What these transactions of a root changed, oldest first.

    Args:
        transactions: oldest first.
    """
    found = (_root_change(transaction) for transaction in transactions)
    return [change for change in found if change is not None]


def governor_changes(transactions: list[Transaction]) -> list[Change]:
    """What these transactions of a governor decided, oldest first.

    Args:
        transactions: oldest first, from the first on: proposals are described from there.
    """
    actions: dict[int, Operation] = {}
    changes: list[Change] = []
    for transaction in transactions:
        if not transaction.success:
            continue
        for log in _logs(transaction):
            if log.event is GovernorEvent.PROPOSED:
                actions[log.proposal_id] = _proposed(transaction)
            changes.append(_governor_change(transaction, log, actions.get(log.proposal_id)))
    return changes


def _owners(change: Change) -> list[Address]:
    new = change.details.get("owner") if change.what == "change_owner" else None
    return [who for who in (change.who, new) if isinstance(who, Address)]


def _root_change(transaction: Transaction) -> Change | None:
    message = transaction.in_message
    if message is None or message.kind is not MessageKind.INTERNAL:
        return None
    if message.has_init and transaction.prev_lt == 0:
        return _change(transaction, "deployed")
    if not transaction.success or message.bounced:
        return None
    operation = describe_operation(message.body)
    version = _logged_version(transaction)
    if operation.code not in KNOWN_OPERATIONS and version is None:
        return None
    return _change(transaction, "changed", operation, version=version)


def _governor_change(
    transaction: Transaction, log: GovernorLog, operation: Operation | None
) -> Change:
    extra: dict[str, Detail] = {"hash_of_action": log.hash, "rules_version": log.rules_version}
    if log.event in (GovernorEvent.PROPOSED, GovernorEvent.APPROVED, GovernorEvent.WITHDRAWN):
        extra["ready_at"] = log.detail
    elif log.event is GovernorEvent.FAILED:
        extra["exit_code"] = log.detail
    step = log.event.name.lower()
    return _change(transaction, step, operation, who=log.who, proposal=log.proposal_id, extra=extra)


def _change(
    transaction: Transaction,
    step: str,
    operation: Operation | None = None,
    *,
    who: Address | None = None,
    version: int | None = None,
    proposal: int | None = None,
    extra: Mapping[str, Detail] = MappingProxyType({}),
) -> Change:
    message = transaction.in_message
    return Change(
        time=transaction.time,
        lt=transaction.lt,
        contract=transaction.address,
        who=who or (None if message is None else message.source),
        step=step,
        what=None if operation is None else operation.name,
        details=MappingProxyType({**(operation.details if operation else {}), **extra}),
        version=version,
        proposal=proposal,
        transaction=transaction.hash,
    )


def _proposed(transaction: Transaction) -> Operation:
    """The action in the message that proposed it."""
    message = transaction.in_message
    body: Cell | None = None if message is None else message.body
    if body is None or len(body.refs) != 1:
        return Operation(0, "malformed", MappingProxyType({}))
    return describe_action(body.refs[0])


def _logs(transaction: Transaction) -> list[GovernorLog]:
    found = []
    for message in transaction.out_messages:
        if message.kind is MessageKind.EXTERNAL_OUT:
            try:
                found.append(GovernorLog.from_body(message.body))
            except DecodeError:
                continue  # some other log: not ours to explain
    return found


def _logged_version(transaction: Transaction) -> int | None:
    for message in transaction.out_messages:
        body = message.body
        if message.kind is MessageKind.EXTERNAL_OUT and body.bits == _LOG_BITS and not body.exotic:
            read = Reader(body)
            if read.uint(32) == opcodes.ROOT_CHANGED:
                read.uint(32)
                return read.uint(32)
    return None
