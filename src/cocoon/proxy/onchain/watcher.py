"""Follows the proxy contract's transactions, each exactly once and in order.

The books remember how far they are (:attr:`Books.position`), in the same store transaction as what
was learned, so a crash neither skips nor repeats one.
"""

from collections.abc import Callable

from cocoon.chain.backend import MAX_TRANSACTIONS, ChainBackend, TransactionRef
from cocoon.chain.transaction import Transaction
from cocoon.errors import ChainDataError
from cocoon.proxy.books import Books
from cocoon.proxy.store import ChainPosition

MAX_BACKLOG = 100_000
"""Transactions that are caught up on at once; more is no proxy that was merely down."""


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
            ChainDataError: it does not hold the transaction that the books were at.
        """
        news = await self._news()
        for transaction in reversed(news):
            self._take(transaction)
            self._books.position = ChainPosition(transaction.lt, transaction.hash)
        return len(news)

    async def _news(self) -> list[Transaction]:
        """New transactions, newest first."""
        known = self._books.position
        news: list[Transaction] = []
        before: TransactionRef | None = None
        while True:
            page = await self._backend.transactions(
                self._books.contract, limit=MAX_TRANSACTIONS, before=before
            )
            for transaction in page:
                if transaction.lt <= known.lt:
                    _check_known(transaction, known)
                    return news
                news.append(transaction)
            if not page or page[-1].prev_lt == 0:
                if known.lt:
                    raise _lost(known)
                return news
            if len(news) > MAX_BACKLOG:
                raise ChainDataError(f"the proxy contract has more than {MAX_BACKLOG} new "
                                     "transactions")  # fmt: skip
            before = TransactionRef(page[-1].lt, page[-1].hash)


def _check_known(transaction: Transaction, known: ChainPosition) -> None:
    if (transaction.lt, transaction.hash) != (known.lt, known.hash):
        raise _lost(known)


def _lost(known: ChainPosition) -> ChainDataError:
    return ChainDataError(
        f"the chain does not hold transaction {known.hash.hex()} (lt {known.lt}) that the books "
        "were at: this is another network, a chain that was reset, or a lying server"
    )
