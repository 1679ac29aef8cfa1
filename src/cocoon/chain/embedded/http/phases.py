"""Everything that a transaction says of its phases, in the names of the v3 indexers.

``cocoon.chain.transaction`` reads what Cocoon acts on; explorers show the rest too.
Layout: the network's ``TransactionDescr`` schema. Amounts are decimal texts, hashes Base64.
"""

import base64
from typing import Any

from cocoon.chain.cells import Cell, Reader
from cocoon.chain.message import read_currencies, read_state_init
from cocoon.errors import DecodeError

STATUSES = ("uninit", "frozen", "active", "nonexist")
"""Of an account before and after, by code."""
_SKIP_REASONS = ("no_state", "bad_state", "no_gas", "suspended")
_ORDINARY = 0b0000
_TICK_TOCK = 0b0010


def read_statuses(transaction: Cell) -> tuple[str, str]:
    """Status of the account before and after.

    Raises:
        DecodeError: malformed.
    """
    read = Reader(transaction)
    read.raw(80)
    read.uint(4 + 32 + 15)
    return STATUSES[read.uint(2)], STATUSES[read.uint(2)]


def read_update(transaction: Cell) -> tuple[bytes, bytes]:
    """Hash of the account before and after.

    Raises:
        DecodeError: malformed.
    """
    if len(transaction.refs) < 3:
        raise DecodeError("transaction without hashes of its account")
    # Messages come first, phases last; an extra currency in the fees would stand between.
    read = Reader(transaction.refs[-2])
    read.uint(8)
    return read.raw(32), read.raw(32)


def read_description(transaction: Cell) -> dict[str, Any]:
    """The phases; of kinds that split and merge accounts only the type.

    Raises:
        DecodeError: malformed.
    """
    if not transaction.refs:
        raise DecodeError("transaction without phases")
    read = Reader(transaction.refs[-1])
    kind = read.uint(4)
    if kind == _ORDINARY:
        return _ordinary(read)
    if kind & ~1 == _TICK_TOCK:
        out: dict[str, Any] = {"type": "tick_tock", "is_tock": bool(kind & 1)}
        out["storage_ph"] = _storage(read)
        return out | _run_phases(read)
    return {"type": "other"}


def storage_fee(description: dict[str, Any]) -> int:
    """Rent that was taken, nanoTON."""
    return int(description.get("storage_ph", {}).get("storage_fees_collected", 0))


def _ordinary(read: Reader) -> dict[str, Any]:
    out: dict[str, Any] = {"type": "ord", "credit_first": bool(read.uint(1))}
    if read.uint(1):
        out["storage_ph"] = _storage(read)
    if read.uint(1):
        out["credit_ph"] = _credit(read)
    out |= _run_phases(read, may_bounce=True)
    read.end()
    return out


def _run_phases(read: Reader, *, may_bounce: bool = False) -> dict[str, Any]:
    out: dict[str, Any] = {"compute_ph": _compute(read)}
    action = read.maybe_ref()
    if action is not None:
        out["action"] = _action(Reader(action))
    out["aborted"] = bool(read.uint(1))
    if may_bounce and read.uint(1):
        out["bounce"] = _bounce(read)
    out["destroyed"] = bool(read.uint(1))
    return out


def _coins(read: Reader) -> str:
    return str(read.var_uint(4))


def _status_change(read: Reader) -> str:
    if not read.uint(1):
        return "unchanged"
    return "deleted" if read.uint(1) else "frozen"


def _storage(read: Reader) -> dict[str, Any]:
    out = {"storage_fees_collected": _coins(read)}
    if read.uint(1):
        out["storage_fees_due"] = _coins(read)
    return out | {"status_change": _status_change(read)}


def _credit(read: Reader) -> dict[str, Any]:
    out = {"due_fees_collected": _coins(read)} if read.uint(1) else {}
    return out | {"credit": str(read_currencies(read))}


def _compute(read: Reader) -> dict[str, Any]:
    if not read.uint(1):
        reason = read.uint(2)
        if reason == 3:
            read.uint(1)
        return {"skipped": True, "reason": _SKIP_REASONS[reason]}
    out: dict[str, Any] = {
        "skipped": False,
        "success": bool(read.uint(1)),
        "msg_state_used": bool(read.uint(1)),
        "account_activated": bool(read.uint(1)),
        "gas_fees": _coins(read),
    }
    more = Reader(read.ref())
    out["gas_used"] = str(more.var_uint(3))
    out["gas_limit"] = str(more.var_uint(3))
    if more.uint(1):
        out["gas_credit"] = str(more.var_uint(2))
    out["mode"] = more.signed(8)
    out["exit_code"] = more.signed(32)
    if more.uint(1):
        out["exit_arg"] = more.signed(32)
    out["vm_steps"] = more.uint(32)
    return out


def _action(read: Reader) -> dict[str, Any]:
    out: dict[str, Any] = {
        "success": bool(read.uint(1)),
        "valid": bool(read.uint(1)),
        "no_funds": bool(read.uint(1)),
        "status_change": _status_change(read),
    }
    if read.uint(1):
        out["total_fwd_fees"] = _coins(read)
    if read.uint(1):
        out["total_action_fees"] = _coins(read)
    out["result_code"] = read.signed(32)
    if read.uint(1):
        out["result_arg"] = read.signed(32)
    for name in ("tot_actions", "spec_actions", "skipped_actions", "msgs_created"):
        out[name] = read.uint(16)
    out["action_list_hash"] = base64.b64encode(read.raw(32)).decode()
    return out | {"tot_msg_size": _size(read)}


def _size(read: Reader) -> dict[str, str]:
    return {"cells": str(read.var_uint(3)), "bits": str(read.var_uint(3))}


def _bounce(read: Reader) -> dict[str, Any]:
    if read.uint(1):
        size = _size(read)
        return {"type": "ok", "msg_size": size, "msg_fees": _coins(read), "fwd_fees": _coins(read)}
    if read.uint(1):
        size = _size(read)
        return {"type": "nofunds", "msg_size": size, "req_fwd_fees": _coins(read)}
    return {"type": "negfunds"}


def read_init(message: Cell) -> Cell | None:
    """The state that a message carries to deploy its receiver.

    Raises:
        DecodeError: malformed.
    """
    read = Reader(message)
    if not read.uint(1):
        read.uint(3)
        read.any_address()
        read.any_address()
        read_currencies(read)
        read.var_uint(4)
        read.var_uint(4)
        read.uint(64 + 32)
    elif not read.uint(1):
        read.any_address()
        read.any_address()
        read.var_uint(4)
    else:
        return None
    if not read.uint(1):
        return None
    return read.ref() if read.uint(1) else _inline_init(read)


def _inline_init(read: Reader) -> Cell:
    """An inline state as a cell of its own: what lies before the body."""
    rest = read.rest()
    probe = Reader(rest)
    read_state_init(probe)
    body = probe.rest()
    bits = rest.bits - body.bits
    refs = rest.refs[: len(rest.refs) - len(body.refs)]
    return Cell(rest.data >> body.bits, bits, refs)
