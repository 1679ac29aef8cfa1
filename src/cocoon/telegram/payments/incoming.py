"""What came in on an account since a place that is known, read backwards without gaps."""

from dataclasses import dataclass, field

from cocoon.accounting import MAX_AMOUNT, Nano
from cocoon.chain.address import Address
from cocoon.chain.backend import MAX_TRANSACTIONS, ChainBackend, TransactionRef
from cocoon.chain.message import MessageKind
from cocoon.chain.transaction import Transaction
from cocoon.errors import ChainDataError
from cocoon.telegram.accounts.values import Cursor, Transfer
from cocoon.telegram.payments.comment import read_comment, topup_of

MAX_NEW = 1_000_000
"""Transactions between two looks; a server that says so is not believed."""
_FIRST_PAGE = 16


@dataclass(slots=True)
class Incoming:
    """What was read: transfers with a top-up's text, oldest first, and how far was read.

    ``cursor`` is None for an account without transactions.
    """

    cursor: Cursor | None = None
    transfers: list[Transfer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Until:
    """Where reading backwards ends: at a known place, or before a time (Unix seconds)."""

    known: Cursor | None
    since: int = 0

    def is_reached(self, step: Transaction, newer: Transaction | None) -> bool:
        """Whether this transaction is not new.

        Args:
            step: a transaction.
            newer: the one after it; None if it is the newest. A server that is behind has none.

        Raises:
            ChainDataError: the known transaction is not where it was: another chain.
        """
        if self.known is None:
            return step.time < self.since
        is_same_place = step.lt == self.known.lt
        is_passed = step.lt < self.known.lt and newer is not None
        if is_passed or (is_same_place and step.hash != self.known.hash):
            raise ChainDataError("the chain does not have a transaction that we had read")
        return step.lt <= self.known.lt


async def read_incoming(backend: ChainBackend, address: Address, until: Until) -> Incoming:
    """Read from the newest transaction back to what is known.

    Args:
        backend: the chain; what it says is believed as far as its docstring tells.
        address: whose transactions.
        until: where to end.

    Raises:
        ChainError: the chain cannot be read.
        ChainDataError: the transactions do not join up, or are too many.
    """
    found = Incoming()
    newer: Transaction | None = None
    before: TransactionRef | None = None
    count, limit = 0, _FIRST_PAGE
    while page := await backend.transactions(address, limit=limit, before=before):
        for step in page:
            _check_joined(newer, step)
            if until.is_reached(step, newer):
                found.transfers.reverse()
                return found
            newer = step
            _take(found, step)
        count += len(page)
        if count > MAX_NEW:
            raise ChainDataError(f"more than {MAX_NEW} new transactions of {address}")
        before, limit = TransactionRef(page[-1].lt, page[-1].hash), MAX_TRANSACTIONS
    _check_first(newer, until)
    found.transfers.reverse()
    return found


def _take(found: Incoming, step: Transaction) -> None:
    if step.lt > MAX_AMOUNT or (step.in_message and step.in_message.value > MAX_AMOUNT):
        raise ChainDataError("a number of a transaction is larger than any")
    if found.cursor is None:
        found.cursor = Cursor(lt=step.lt, hash=step.hash)
    transfer = transfer_of(step)
    if transfer is not None:
        found.transfers.append(transfer)


def transfer_of(step: Transaction) -> Transfer | None:
    """The money that a transaction brought for a top-up; None for anything else.

    Money that was sent back, to us or by us, does not count.
    """
    message = step.in_message
    if message is None or message.kind is not MessageKind.INTERNAL:
        return None
    if message.bounced or step.bounced or message.value <= 0:
        return None
    comment = read_comment(message.body)
    topup = None if comment is None else topup_of(comment)
    if topup is None:
        return None
    return Transfer(topup=topup, hash=step.hash.hex(), amount=Nano(message.value))


def _check_joined(newer: Transaction | None, step: Transaction) -> None:
    if newer is not None and (newer.prev_lt, newer.prev_hash) != (step.lt, step.hash):
        raise ChainDataError("transactions of the wallet for top-ups do not join up")


def _check_first(oldest: Transaction | None, until: Until) -> None:
    """The server has no older ones: then there must be none, and nothing was known before."""
    if oldest is not None and (until.known is not None or oldest.prev_lt):
        raise ChainDataError("older transactions of the wallet for top-ups are missing")
