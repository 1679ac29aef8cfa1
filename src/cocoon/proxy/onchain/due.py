"""What is to be sent now: pure decisions over the books (``onchain.md`` §11).

Only committed counters are ever charged or paid, so a message in flight that is sent again after a
crash asks for the same or more of the same cumulative counter, never twice.
"""

from collections.abc import Iterator

from cocoon.accounting import PriceList
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.proxy.books import REOPENED, Books, ClientRecord, WorkerRecord


def uncharged(record: ClientRecord) -> int:
    """Committed tokens of a client that are not charged on chain yet."""
    return max(int(record.account.counter.chain) - int(record.account.funds.charged), 0)


def unpaid(record: WorkerRecord) -> int:
    """Committed tokens of a worker that are not paid on chain yet."""
    return max(int(record.account.counter.chain) - record.paid, 0)


def charges(books: Books, prices: PriceList, threshold: int) -> Iterator[ClientRecord]:
    """Clients whose uncharged usage is worth at least ``threshold`` nanoTON, or must be charged."""
    price = int(prices.price_per_token)
    for record in books.clients:
        tokens = uncharged(record)
        worth = tokens * price >= threshold or record.state == REOPENED
        if tokens and worth and record.state != ContractPhase.CLOSED:
            yield record


def payouts(books: Books, prices: PriceList, threshold: int) -> Iterator[WorkerRecord]:
    """Workers whose unpaid earnings are worth at least ``threshold`` nanoTON."""
    fee = int(prices.worker_fee_per_token)
    for record in books.workers:
        tokens = unpaid(record)
        if tokens and tokens * fee >= threshold:
            yield record


def earners(books: Books) -> Iterator[WorkerRecord]:
    """Workers that ever earned anything: the others have no contract to close."""
    return (record for record in books.workers if record.account.counter.chain or record.paid)


def has_money(record: ClientRecord) -> bool:
    """Whether a client's contract is open and holds something, or owes it to us."""
    if record.state == ContractPhase.CLOSED:
        return False
    account = record.account
    used = int(account.counter.max) > int(account.funds.charged)
    return bool(account.funds.balance) or used or bool(account.running)


def is_busy(books: Books) -> bool:
    """Whether a request runs, or usage is not committed yet."""
    return bool(books.ledger.unconfirmed) or any(r.account.running for r in books.clients)


def refunds(books: Books, *, everybody: bool = False) -> Iterator[ClientRecord]:
    """Clients that can be granted their refund: closing, nothing running, all usage committed.

    Args:
        books: the accounts.
        everybody: also those that did not ask, because the proxy retires.
    """
    for record in books.clients:
        account = record.account
        # A stranger's contract that never held anything is not worth our fees.
        wanted = record.state == ContractPhase.CLOSING or (everybody and has_money(record))
        if wanted and not account.running and account.counter.all_signable:
            yield record


def closing_with_usage(books: Books) -> bool:
    """Whether a client waits for its refund or its reopening, and its usage for a commit."""
    return any(
        record.state in (ContractPhase.CLOSING, REOPENED)
        and not record.account.counter.all_signable
        for record in books.clients
    )
