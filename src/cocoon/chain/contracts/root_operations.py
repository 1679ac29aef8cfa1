"""Bodies of the root's operations and of the governor's actions, in words: what would change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Cell, Reader
from cocoon.chain.contracts.tariff import Multipliers
from cocoon.errors import DecodeError

MAX_OWNERS = 255
"""A list of owners that is longer was never accepted."""

Detail: TypeAlias = "str | int | bytes | Address"
_Details: TypeAlias = dict[str, Detail]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation in words.

    Args:
        code: operation code.
        name: as in the root's list of operations; ``unknown`` for any other.
        details: its fields; bytes are hashes.
    """

    code: int
    name: str
    details: Mapping[str, Detail]


def read_operation(body: Cell) -> Operation:
    """Read the body of a message to the root.

    Raises:
        DecodeError: it has no operation code and query id, or a known one is malformed.
    """
    read = Reader(body)
    code = read.uint(32)
    read.uint(64)
    return _operation(code, read)


def read_action(action: Cell) -> Operation:
    """Read an action of the governor: a body without query id, or a self-action.

    Raises:
        DecodeError: it has no operation code, or a known one is malformed.
    """
    read = Reader(action)
    return _operation(read.uint(32), read)


def describe_operation(body: Cell) -> Operation:
    """As :func:`read_operation`, but a malformed body is one with the name ``malformed``."""
    return _described(body, read_operation)


def describe_action(action: Cell) -> Operation:
    """As :func:`read_action`, but a malformed action is one with the name ``malformed``."""
    return _described(action, read_action)


def _described(cell: Cell, read: Callable[[Cell], Operation]) -> Operation:
    try:
        return read(cell)
    except DecodeError as error:
        code = cell.data >> (cell.bits - 32) if cell.bits >= 32 and not cell.exotic else 0
        return Operation(code, "malformed", MappingProxyType({"error": str(error)}))


def _operation(code: int, read: Reader) -> Operation:
    name, fields = _OPERATIONS.get(code, ("unknown", _unknown))
    details = fields(read)
    read.end()
    return Operation(code, name, MappingProxyType(details))


def _hash(read: Reader) -> _Details:
    return {"hash": read.raw(32)}


def _seqno(read: Reader) -> _Details:
    return {"seqno": read.uint(32)}


def _listed(read: Reader) -> _Details:
    if read.uint(1):
        raise DecodeError("network address is of an unknown type")
    try:
        return {"address": read.raw(read.uint(7)).decode("ascii")}
    except UnicodeDecodeError:
        raise DecodeError("network address is not ASCII") from None


def _relisted(read: Reader) -> _Details:
    return {**_seqno(read), **_listed(read)}


def _prices(read: Reader) -> _Details:
    return {"price_per_token": read.coins(), "worker_fee_per_token": read.coins()}


def _params(read: Reader) -> _Details:
    return {
        **_prices(read),
        "proxy_delay": read.uint(32),
        "client_delay": read.uint(32),
        "min_proxy_stake": read.coins(),
        "min_client_stake": read.coins(),
    }


def _cells(*names: str) -> Callable[[Reader], _Details]:
    return lambda read: {name: read.ref().hash for name in names}


def _upgrade_full(read: Reader) -> _Details:
    """Which version the data are for: the root takes only the next one when it is executed."""
    data, code = read.ref(), read.ref()
    inner = Reader(data)
    inner.any_address()
    return {"version": inner.uint(32), "data": data.hash, "code": code.hash}


def _nothing(_: Reader) -> _Details:
    return {}


def _unknown(read: Reader) -> _Details:
    rest = read.rest()
    return {"bits": rest.bits, "references": len(rest.refs)}


def _owner(read: Reader) -> _Details:
    return {"owner": read.address()}


def _rules(read: Reader) -> _Details:
    details: _Details = {
        "threshold": read.uint(8),
        "revoke_threshold": read.uint(8),
        "delay": read.uint(32),
    }
    node: Cell | None = read.ref()
    number = 0
    while node is not None:
        if number == MAX_OWNERS:
            raise DecodeError("list of owners is too long")
        number += 1
        inner = Reader(node)
        details[f"owner_{number}"] = inner.address()
        node = inner.maybe_ref()
        inner.end()
    return details


def _tariff(read: Reader) -> _Details:
    effective_at, weights, replaces = read.uint(32), Multipliers.read(read), read.uint(1)
    return {
        "effective_at": effective_at,
        "prompt": weights.prompt,
        "cached": weights.cached,
        "completion": weights.completion,
        "reasoning": weights.reasoning,
        "announced": "dropped" if replaces else "stays",
    }


_OPERATIONS: Mapping[int, tuple[str, Callable[[Reader], _Details]]] = {
    opcodes.ROOT_ADD_WORKER_TYPE: ("add_worker_type", _hash),
    opcodes.ROOT_DEL_WORKER_TYPE: ("del_worker_type", _hash),
    opcodes.ROOT_ADD_MODEL_TYPE: ("add_model_type", _hash),
    opcodes.ROOT_DEL_MODEL_TYPE: ("del_model_type", _hash),
    opcodes.ROOT_ADD_PROXY_TYPE: ("add_proxy_type", _hash),
    opcodes.ROOT_DEL_PROXY_TYPE: ("del_proxy_type", _hash),
    opcodes.ROOT_REGISTER_PROXY: ("register_proxy", _listed),
    opcodes.ROOT_UNREGISTER_PROXY: ("unregister_proxy", _seqno),
    opcodes.ROOT_UPDATE_PROXY: ("update_proxy", _relisted),
    opcodes.ROOT_CHANGE_PRICE: ("change_price", _prices),
    opcodes.ROOT_CHANGE_PARAMS: ("change_params", _params),
    opcodes.ROOT_UPGRADE_CONTRACTS: (
        "upgrade_contracts",
        _cells("proxy_code", "worker_code", "client_code"),
    ),
    opcodes.ROOT_UPGRADE: ("upgrade", _cells("code")),
    opcodes.ROOT_RESET: ("reset", _nothing),
    opcodes.ROOT_UPGRADE_FULL: ("upgrade_full", _upgrade_full),
    opcodes.ROOT_CHANGE_OWNER: ("change_owner", _owner),
    opcodes.GOVERNOR_SET_RULES: ("set_rules", _rules),
    opcodes.GOVERNOR_SET_TARIFF: ("set_tariff", _tariff),
}
KNOWN_OPERATIONS = frozenset(_OPERATIONS)
