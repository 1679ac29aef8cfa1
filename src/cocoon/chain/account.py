"""Accounts as the network stores them: ``ShardAccount`` and ``Account`` cells.

Libraries that a contract publishes and currencies other than TON are skipped.
"""

from dataclasses import replace

from cocoon.chain.address import HASH_BYTES, Address
from cocoon.chain.backend import AccountState, AccountStatus
from cocoon.chain.cells import Cell, Reader
from cocoon.chain.message import read_currencies, read_state_init
from cocoon.errors import DecodeError


def parse_shard_account(cell: Cell, address: Address, time: int) -> AccountState:
    """Read an account with its last transaction.

    Args:
        cell: ``ShardAccount``.
        address: whose it must be.
        time: Unix seconds of the block that it was read at.

    Raises:
        DecodeError: malformed, or somebody else's.
    """
    read = Reader(cell)
    account, last_hash, last_lt = read.ref(), read.raw(HASH_BYTES), read.uint(64)
    read.end()
    state = parse_account(account, address, time)
    return replace(state, last_lt=last_lt, last_hash=last_hash)


def parse_account(cell: Cell, address: Address, time: int) -> AccountState:
    """Read an account; the hash of its last transaction is not part of it and stays zero.

    Args:
        cell: ``Account``.
        address: whose it must be.
        time: Unix seconds of the block that it was read at.

    Raises:
        DecodeError: malformed, or somebody else's.
    """
    read = Reader(cell)
    if not read.uint(1):
        read.end()
        return AccountState(address, AccountStatus.NONEXISTENT, 0, time=time)
    if read.any_address() != address:
        raise DecodeError("account state belongs to another address")
    due = _read_storage_info(read)
    # One past the last transaction and its messages, which is not that transaction's own time.
    read.uint(64)
    balance = read_currencies(read)
    state = AccountState(address, AccountStatus.UNINIT, balance, time=time, due_payment=due)
    if read.uint(1):
        code, data = read_state_init(read)
        state = replace(state, status=AccountStatus.ACTIVE, code=code, data=data)
    elif read.uint(1):
        frozen = read.raw(HASH_BYTES)
        state = replace(state, status=AccountStatus.FROZEN, frozen_hash=frozen)
    read.end()
    return state


def _read_storage_info(read: Reader) -> int:
    """The rent that the account owes, in nanoTON."""
    read.var_uint(3)  # cells
    read.var_uint(3)  # bits
    extra = read.uint(3)
    if extra > 1:
        raise DecodeError("unknown form of an account's storage record")
    if extra:
        read.raw(HASH_BYTES)
    read.uint(32)  # when rent was paid last
    return read.var_uint(4) if read.uint(1) else 0
