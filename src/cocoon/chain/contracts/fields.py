"""Fields that messages and data of several contracts share (``onchain.md`` §1)."""

from enum import IntEnum

from cocoon.chain.cells import Builder, Reader
from cocoon.errors import DecodeError


class ContractPhase(IntEnum):
    """Life of a proxy, client or worker contract; a worker contract is never closing."""

    OPEN = 0
    CLOSING = 1
    CLOSED = 2


def head(operation: int, query_id: int) -> Builder:
    """The start of almost every message: operation and query id.

    Raises:
        DecodeError: a value does not fit.
    """
    return Builder().uint(operation, 32).uint(query_id, 64)


def read_phase(read: Reader) -> ContractPhase:
    """Two bits of state.

    Raises:
        DecodeError: the fourth value, which does not exist.
    """
    value = read.uint(2)
    if value > ContractPhase.CLOSED:
        raise DecodeError("contract is in an unknown state")
    return ContractPhase(value)
