"""Fields of the messages that Cocoon's contracts receive, for explorers.

The roles read what they act on with the parsers of ``cocoon.chain.contracts``; the messages here
are only ever written by them. Layouts: ``onchain.md`` §2, §5 to §7 and the modules named below.
"""

from collections.abc import Callable
from typing import Any

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Cell, Reader
from cocoon.chain.contracts.payment import TOKEN_OPERATIONS
from cocoon.chain.contracts.root_operations import describe_action, describe_operation
from cocoon.chain.keys import SIGNATURE_BYTES
from cocoon.errors import DecodeError

Field = tuple[str, Callable[[Reader], Any]]


def _uint(bits: int) -> Callable[[Reader], int]:
    return lambda read: read.uint(bits)


def _hash(read: Reader) -> bytes:
    return read.raw(32)


_QUERY: Field = ("query_id", _uint(64))
_EXCESSES: Field = ("excesses", Reader.address)
_AMOUNT: Field = ("amount", Reader.coins)
_PROPOSAL: Field = ("proposal", _uint(32))

FIELDS: dict[int, tuple[Field, ...]] = {
    # contracts.client_messages
    opcodes.EXT_CLIENT_TOP_UP: (_AMOUNT, _EXCESSES),
    opcodes.OWNER_CLIENT_TOP_UP_REOPEN: (_AMOUNT, _EXCESSES),
    opcodes.OWNER_CLIENT_REGISTER: (("nonce", _uint(64)), _EXCESSES),
    opcodes.OWNER_CLIENT_CHANGE_SECRET_HASH: (("secret_hash", _hash), _EXCESSES),
    opcodes.OWNER_CLIENT_CHANGE_SECRET_HASH_AND_TOP_UP: (
        _AMOUNT,
        ("secret_hash", _hash),
        _EXCESSES,
    ),
    opcodes.OWNER_CLIENT_INCREASE_STAKE: (("new_stake", Reader.coins), _EXCESSES),
    opcodes.OWNER_CLIENT_WITHDRAW: (_EXCESSES,),
    opcodes.OWNER_CLIENT_REQUEST_REFUND: (_EXCESSES,),
    opcodes.EXT_CLIENT_SETTLE: (_EXCESSES,),
    # contracts.worker_messages
    opcodes.OWNER_WORKER_REGISTER: (_EXCESSES,),
    # contracts.governor
    opcodes.GOVERNOR_APPROVE: (_PROPOSAL, ("action_hash", _hash), ("rules_version", _uint(32))),
    opcodes.GOVERNOR_WITHDRAW_APPROVAL: (_PROPOSAL,),
    opcodes.GOVERNOR_EXECUTE: (_PROPOSAL,),
}
"""What follows operation and query id."""

_ROOT = frozenset(
    code
    for name, code in vars(opcodes).items()
    if name.startswith("ROOT_") and code != opcodes.ROOT_CHANGED
)


def read_body(body: Cell) -> dict[str, Any] | None:
    """Fields by name; None for a body that is of no such message, or malformed."""
    try:
        return _read(body)
    except DecodeError:
        return None


def _read(body: Cell) -> dict[str, Any] | None:
    read = Reader(body)
    code = read.uint(32)
    if code in TOKEN_OPERATIONS or code == opcodes.EXT_WORKER_PAYOUT_LIMITED_SIGNED:
        return _payment(read, limited=code == opcodes.EXT_WORKER_PAYOUT_LIMITED_SIGNED)
    if code in _ROOT:
        return dict(describe_operation(body).details)
    if code == opcodes.GOVERNOR_PROPOSE:
        return _proposal(read)
    fields = FIELDS.get(code)
    if fields is None:
        return None
    out = {name: take(read) for name, take in (_QUERY, *fields)}
    read.end()
    return out


def _payment(read: Reader, *, limited: bool) -> dict[str, Any]:
    """A signed counter; whether its signature is right, the contract says."""
    query_id, excesses = read.uint(64), read.address()
    read.raw(SIGNATURE_BYTES)
    limit = {"limit": read.uint(64)} if limited else {}
    inner = Reader(read.ref())
    read.end()
    inner.uint(32 + 64)
    out: dict[str, int | Address] = {"query_id": query_id, "tokens": inner.uint(64)}
    return out | {"contract": inner.address(), "excesses": excesses} | limit


def _proposal(read: Reader) -> dict[str, Any]:
    query_id, action = read.uint(64), describe_action(read.ref())
    return {"query_id": query_id, "action": action.name} | dict(action.details)
