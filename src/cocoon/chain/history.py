"""An account's transactions as they appear, oldest first and without gaps."""

from itertools import pairwise

from cocoon.chain.address import Address
from cocoon.chain.backend import MAX_TRANSACTIONS, ChainBackend, TransactionRef
from cocoon.chain.transaction import Transaction
from cocoon.errors import ChainDataError

MAX_NEW = 5000
"""More than an account can get between two looks; a server that says so is not believed."""
_FIRST_PAGE = 10


class AccountHistory:
    """Reads what is new on an account since a logical time.

    Args:
        backend: the chain.
        address: whose transactions.
        after: logical time of the last one that is known; 0 reads from the first.
    """

    def __init__(self, backend: ChainBackend, address: Address, after: int) -> None:
        self._backend = backend
        self._address = address
        self.read_to = after
        """Logical time up to which everything was returned."""

    async def new(self) -> list[Transaction]:
        """What was not returned before, oldest first; if it fails, the next call begins again.

        Raises:
            ChainError: the chain cannot be read.
            ChainDataError: the transactions do not join up, or are too many.
        """
        found: list[Transaction] = []
        before: TransactionRef | None = None
        limit = _FIRST_PAGE
        while True:
            page = await self._backend.transactions(self._address, limit=limit, before=before)
            fresh = [step for step in page if step.lt > self.read_to]
            found += fresh
            if len(fresh) < len(page) or not page or page[-1].prev_lt <= self.read_to:
                break
            if len(found) > MAX_NEW:
                raise ChainDataError(f"more than {MAX_NEW} new transactions of {self._address}")
            before = TransactionRef(page[-1].lt, page[-1].hash)
            limit = MAX_TRANSACTIONS
        self._check(found)
        found.reverse()
        if found:
            self.read_to = found[-1].lt
        return found

    def _check(self, newest_first: list[Transaction]) -> None:
        """Each must name the one before it, down to one that is known."""
        for newer, older in pairwise(newest_first):
            if (newer.prev_lt, newer.prev_hash) != (older.lt, older.hash):
                raise ChainDataError(f"transactions of {self._address} do not join up")
        if newest_first and newest_first[-1].prev_lt > self.read_to:
            raise ChainDataError(f"older transactions of {self._address} are missing")
