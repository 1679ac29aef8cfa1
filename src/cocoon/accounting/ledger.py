"""The proxy's books: what each client has used and each worker has earned.

Pure values, no store and no clock. The proxy calls in this order::

    reservation = ledger.reserve(client, tokens, prices)        before a request is forwarded
    settlement = ledger.settle(reservation, worker, reported)   when it ends well, exactly once
    ledger.release(reservation)                                 when it fails, exactly once
    batch = ledger.take_batch()                                 every second or two: changed rows
    ledger.committed(batch)                                     once the store has them on disk
    ledger.confirmed(batch.seqno)                               once that commit is seen on chain

Every settled request adds the same number to one client and one worker, so both sides of the books
have equal sums at all times, and in every batch.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cocoon.accounting.account import Account, AccountKind, Reservation, Settlement
from cocoon.accounting.amount import Nano, Tokens
from cocoon.accounting.levels import Counter, Levels
from cocoon.accounting.state_root import AccountLevel
from cocoon.errors import InsufficientFundsError, LocalProtocolError, PaymentError

MAX_UNCONFIRMED_BATCHES = 600
"""Flushes on disk but not yet on chain that are told apart: ten minutes at one a second."""


class Row(NamedTuple):
    """One account as a store keeps it.

    Args:
        kind: client or worker.
        owner: the owner's address, in the form that the caller uses as key.
        used: the counter to be stored.
        confirmed: the chain level when the row was taken, a lower bound after a restart.
    """

    kind: AccountKind
    owner: str
    used: Tokens
    confirmed: Tokens


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that changed since the last batch, to be written in one transaction.

    Args:
        seqno: number of this flush; with the rows it is what a chain commit stands for.
        rows: changed accounts only; may be empty.
    """

    seqno: int
    rows: tuple[Row, ...]


class Ledger:
    """All accounts of one proxy contract.

    Args:
        seqno: number of the last flush in the store, 0 for a new one.
    """

    def __init__(self, seqno: int = 0) -> None:
        self._accounts: dict[AccountKind, dict[str, Account]] = {kind: {} for kind in AccountKind}
        self._dirty: set[Account] = set()
        self._seqno = seqno
        self._in_flight: Batch | None = None
        self._unconfirmed: deque[Batch] = deque()
        self._unconfirmed_tokens = 0

    @classmethod
    def restore(cls, rows: Iterable[Row], seqno: int) -> "Ledger":
        """The books as the store has them after a restart.

        Nothing above ``confirmed`` may be signed until the start-up commit is seen on chain: take
        a batch, store it, commit it, and :meth:`confirmed` then lifts every account.

        Raises:
            PaymentError: a row is inconsistent, or an account appears twice.
        """
        ledger = cls(seqno)
        for row in rows:
            accounts = ledger._accounts[row.kind]
            if row.owner in accounts:
                raise PaymentError(f"two {row.kind.value} rows for {row.owner}")
            counter = Counter(Levels(row.used, row.used, row.confirmed))
            account = accounts[row.owner] = Account(row.kind, row.owner, counter)
            if row.confirmed < row.used:
                ledger._dirty.add(account)
                if row.kind is AccountKind.CLIENT:
                    ledger._unconfirmed_tokens += int(row.used) - int(row.confirmed)
        return ledger

    def snapshot(self) -> tuple[Row, ...]:
        """Every account as a row, changed or not; for tests, tools and moving a store."""
        return tuple(
            _row(account) for accounts in self._accounts.values() for account in accounts.values()
        )

    @property
    def seqno(self) -> int:
        """Number of the last batch taken."""
        return self._seqno

    @property
    def has_changes(self) -> bool:
        """Whether the next batch would have rows."""
        return bool(self._dirty)

    def client(self, owner: str) -> Account:
        """The account of a client, opened at zero on first use."""
        return self._account(AccountKind.CLIENT, owner)

    def worker(self, owner: str) -> Account:
        """The account of a worker's owner, opened at zero on first use."""
        return self._account(AccountKind.WORKER, owner)

    def find(self, kind: AccountKind, owner: str) -> Account | None:
        """The account if it exists; opens none."""
        return self._accounts[kind].get(owner)

    def accounts(self, kind: AccountKind) -> Iterable[Account]:
        """All accounts of a kind, oldest first."""
        return self._accounts[kind].values()

    def reserve(self, client: Account, tokens: Tokens, price_per_token: Nano) -> Reservation:
        """Set ``tokens`` aside so that running requests together never outspend the client.

        Raises:
            InsufficientFundsError: they are not available; nothing is changed.
        """
        if client.kind is not AccountKind.CLIENT:
            raise LocalProtocolError("only a client's tokens can be reserved")
        available = client.tokens_available(price_per_token)
        if tokens > available:
            raise InsufficientFundsError(
                f"client balance is too low: {available} tokens available, {tokens} needed"
            )
        return client.hold(tokens)

    def settle(self, reservation: Reservation, worker: Account, reported: Tokens) -> Settlement:
        """End a request that succeeded: charge the client and credit the worker alike.

        A report above the reservation is cut to it: neither is the client charged more than it
        agreed to, nor the worker paid from what nobody paid in (defect D2).

        Raises:
            LocalProtocolError: the reservation was settled or released before.
            PaymentError: a counter would leave its range; the reservation then stays open.
        """
        if worker.kind is not AccountKind.WORKER:
            raise LocalProtocolError("only a worker can be credited")
        reservation.check_open()
        charged = min(reported, reservation.tokens)
        client = reservation.account
        client_total = client.counter.max + charged  # both must fit before either moves
        worker.counter.use(charged)
        client.counter.max = client_total
        self._unconfirmed_tokens += int(charged)
        reservation.close()
        if charged:
            self._dirty.add(client)
            self._dirty.add(worker)
        return Settlement(charged, reported)

    def release(self, reservation: Reservation) -> None:
        """End a request that failed: nothing is charged.

        Raises:
            LocalProtocolError: the reservation was settled or released before.
        """
        reservation.close()

    def touch(self, account: Account) -> None:
        """Something else that is stored with this account has changed: it is written next."""
        self._dirty.add(account)

    @property
    def unconfirmed(self) -> int:
        """Tokens that clients have used and that no commit on chain covers yet."""
        return self._unconfirmed_tokens

    def levels(self, batch: Batch) -> list[AccountLevel]:
        """Every account that was ever used, at the level that the store has with ``batch``."""
        taken = {(row.kind, row.owner): row.used for row in batch.rows}
        return [
            (kind, owner, taken.get((kind, owner), account.counter.db))
            for kind, accounts in self._accounts.items()
            for owner, account in accounts.items()
            if account.counter.max
        ]

    def take_batch(self) -> Batch:
        """Take what changed, as one transaction for the store.

        Raises:
            LocalProtocolError: the last batch was neither committed nor failed.
        """
        if self._in_flight is not None:
            raise LocalProtocolError("a batch is in flight already")
        self._seqno += 1
        self._in_flight = Batch(self._seqno, tuple(_row(account) for account in self._dirty))
        self._dirty.clear()
        return self._in_flight

    def committed(self, batch: Batch) -> None:
        """The store has the batch on disk.

        Raises:
            LocalProtocolError: not the batch in flight.
        """
        self._end_flight(batch)
        for row in batch.rows:
            self._accounts[row.kind][row.owner].counter.stored(row.used)
        if batch.rows:
            self._unconfirmed.append(batch)
        if len(self._unconfirmed) > MAX_UNCONFIRMED_BATCHES:
            self._join_oldest()

    def failed(self, batch: Batch) -> None:
        """The store does not have the batch; its accounts count as changed again.

        Raises:
            LocalProtocolError: not the batch in flight.
        """
        self._end_flight(batch)
        self._dirty.update(self._accounts[row.kind][row.owner] for row in batch.rows)

    def confirmed(self, seqno: int) -> list[Account]:
        """The chain holds the commit of this flush, and with it of all earlier ones.

        Returns:
            Accounts whose chain level rose: there is something new to sign for them.

        Raises:
            LocalProtocolError: the store does not hold this flush yet.
        """
        stored = self._seqno if self._in_flight is None else self._in_flight.seqno - 1
        if seqno > stored:
            raise LocalProtocolError(f"flush {seqno} is confirmed but not stored")
        risen: dict[Account, None] = {}
        while self._unconfirmed and self._unconfirmed[0].seqno <= seqno:
            for row in self._unconfirmed.popleft().rows:
                account = self._accounts[row.kind][row.owner]
                if row.used > account.counter.chain:
                    if row.kind is AccountKind.CLIENT:
                        self._unconfirmed_tokens -= int(row.used) - int(account.counter.chain)
                    account.counter.confirmed(row.used)
                    risen[account] = None
        return list(risen)

    def _account(self, kind: AccountKind, owner: str) -> Account:
        accounts = self._accounts[kind]
        account = accounts.get(owner)
        if account is None:
            account = accounts[owner] = Account(kind, owner, Counter())
            if kind is AccountKind.CLIENT:
                # It must survive a restart even before its first request; who merely connects as
                # a worker leaves nothing in the store.
                self._dirty.add(account)
        return account

    def _join_oldest(self) -> None:
        """Keep a silent chain from filling memory; the older rows just wait for the later seqno."""
        older, newer = self._unconfirmed.popleft(), self._unconfirmed.popleft()
        rows = {(row.kind, row.owner): row for row in (*older.rows, *newer.rows)}
        self._unconfirmed.appendleft(Batch(newer.seqno, tuple(rows.values())))

    def _end_flight(self, batch: Batch) -> None:
        if batch is not self._in_flight:
            raise LocalProtocolError(f"batch {batch.seqno} is not in flight")
        self._in_flight = None


def _row(account: Account) -> Row:
    return Row(account.kind, account.owner, account.counter.max, account.counter.chain)
