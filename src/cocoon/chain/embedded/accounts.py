"""Accounts of the embedded chain, in front of its database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cocoon.chain.account import parse_shard_account
from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState, AccountStatus
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.cells import EMPTY_CELL
from cocoon.chain.embedded.records import MAX_RECORD_BYTES, MAX_RECORD_CELLS
from cocoon.errors import ChainError, DecodeError

CACHED_ACCOUNTS = 4096


@dataclass(frozen=True, slots=True)
class Contract:
    """An account and, if it is active, what a get-method needs.

    Args:
        state: the account.
        code: its code as a bag of cells.
        data: its data as a bag of cells.
    """

    state: AccountState
    code: bytes = b""
    data: bytes = b""


class AccountCache:
    """The newest ``ShardAccount`` of each account, parsed when somebody asks.

    Args:
        read: reads one from the database.
    """

    def __init__(self, read: Callable[[Address], bytes | None]) -> None:
        self._read = read
        self._bocs: dict[Address, bytes | None] = {}
        self._contracts: dict[Address, Contract] = {}

    def boc(self, address: Address) -> bytes | None:
        """The ``ShardAccount``; None if nothing ever happened there."""
        if address not in self._bocs:
            if len(self._bocs) >= CACHED_ACCOUNTS:
                self._bocs.clear()
                self._contracts.clear()
            self._bocs[address] = self._read(address)
        return self._bocs[address]

    def update(self, accounts: Mapping[Address, bytes]) -> None:
        """Take over what a block changed."""
        if len(self._bocs) + len(accounts) > CACHED_ACCOUNTS:
            self._bocs.clear()
            self._contracts.clear()
        self._bocs.update(accounts)
        for address in accounts:
            self._contracts.pop(address, None)

    def state(self, address: Address, time: int) -> AccountState:
        """The account, as of a block of this time."""
        return self.contract(address, time).state

    def contract(self, address: Address, time: int) -> Contract:
        """The account with what a get-method needs."""
        contract = self._contracts.get(address)
        if contract is None:
            contract = self._contracts[address] = self._parse(address)
        return replace(contract, state=replace(contract.state, time=time))

    def _parse(self, address: Address) -> Contract:
        boc = self.boc(address)
        if boc is None:
            return Contract(AccountState(address, AccountStatus.NONEXISTENT, 0))
        try:
            cell = from_boc(
                boc, max_bytes=MAX_RECORD_BYTES, max_cells=MAX_RECORD_CELLS, proofs=True
            )
            state = parse_shard_account(cell, address, 0)
        except DecodeError as error:
            raise ChainError(f"account {address} cannot be read: {error}") from error
        if state.code is None:
            return Contract(state)
        return Contract(state, to_boc(state.code), to_boc(state.data or EMPTY_CELL))
