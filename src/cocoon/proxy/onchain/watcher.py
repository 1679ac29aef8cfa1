"""Follows the proxy contract's transactions, each exactly once and in order.

The books remember how far they are (:attr:`Books.position`), in the same store transaction as what
was learned, so a crash neither skips nor repeats one.
"""

from collections import deque
from collections.abc import Callable

from cocoon.chain.backend import MAX_TRANSACTIONS, ChainBackend, TransactionRef
from cocoon.chain.transaction import Transaction
from cocoon.errors import ChainDataError
from cocoon.proxy.books import Books
from cocoon.proxy.store import ChainPosition

HELD_PAGES = 10
"""Pages of transactions in memory at a time. After a long absence, or when strangers flood the
contract, newer ones are fetched again when it is their turn."""


class PositionLostError(ChainDataError):
    """The chain does not hold the transaction that the books were at."""


class Watcher:
    """Reads what is new.

    Args:
        backend: the chain.
        books: whose contract is watched.
        take: called with every transaction, oldest first.
    """

    def __init__(
        self, backend: ChainBackend, books: Books, take: Callable[[Transaction], None]
    ) -> None:
        self._backend = backend
        self._books = books
        self._take = take

    async def poll(self) -> int:
        """Take all transactions since the last poll; returns how many.

        Raises:
            ChainError: the chain cannot be read.
            PositionLostError: it does not hold the transaction that the books were at.
        """
        pages, later = await self._news()
        taken = sum(self._take_page(page) for page in pages)
        for before in later:
            taken += self._take_page(await self._page(before))
        return taken

    def _take_page(self, newest_first: list[Transaction]) -> int:
        known = self._books.position
        new = [transaction for transaction in reversed(newest_first) if transaction.lt > known.lt]
        if new and known.lt and (new[0].prev_lt, new[0].prev_hash) != (known.lt, known.hash):
            raise _lost(known)
        for transaction in new:
            self._take(transaction)
            self._books.position = ChainPosition(transaction.lt, transaction.hash)
        return len(new)

    async def _news(self) -> tuple[list[list[Transaction]], list[TransactionRef]]:
        """Pages of new transactions, the oldest first, and what the pages after them come before.

        The newest page of a long list is left out: the next poll finds it.
        """
        known = self._books.position
        pages: deque[list[Transaction]] = deque()
        starts: deque[TransactionRef] = deque()
        before: TransactionRef | None = None
        while True:
            page = await self._page(before)
            new = [transaction for transaction in page if transaction.lt > known.lt]
            pages.appendleft(new)
            if len(new) < len(page):
                _check_known(page[len(new)], known)
                break
            if not page or page[-1].prev_lt == 0:
                if known.lt:
                    raise _lost(known)
                break
            before = TransactionRef(page[-1].lt, page[-1].hash)
            starts.appendleft(before)
            if len(pages) > HELD_PAGES:
                pages.pop()
        # Every page but the newest has a start; those of the pages held are not needed.
        return list(pages), list(starts)[len(pages) :]

    async def _page(self, before: TransactionRef | None) -> list[Transaction]:
        return await self._backend.transactions(
            self._books.contract, limit=MAX_TRANSACTIONS, before=before
        )


def _check_known(transaction: Transaction, known: ChainPosition) -> None:
    if (transaction.lt, transaction.hash) != (known.lt, known.hash):
        raise _lost(known)


def _lost(known: ChainPosition) -> PositionLostError:
    return PositionLostError(
        f"the chain does not hold transaction {known.hash.hex()} (lt {known.lt}) that the books "
        "were at: this is another network, a chain that was reset, or a lying server. Use another "
        "server; if the chain was reset, start with another database"
    )
