"""The proxy's books under any order of requests, flushes, chain commits, crashes and restarts."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from cocoon.accounting import (
    AccountKind,
    Batch,
    ChannelSigner,
    Counter,
    Funds,
    Ledger,
    LowerClaim,
    Nano,
    PaymentReceiver,
    Reservation,
    Row,
    Tokens,
)
from cocoon.errors import InsufficientFundsError, LocalProtocolError, PaymentError

PRICE = Nano(3)
FUNDS = Funds(balance=Nano(3000), stake=Nano(3000), charged=Tokens(0))
CLIENTS = ["c1", "c2"]
WORKERS = ["w1", "w2"]
OWNERS = [(AccountKind.CLIENT, owner) for owner in CLIENTS] + [
    (AccountKind.WORKER, owner) for owner in WORKERS
]


class Books(RuleBasedStateMachine):
    """A ledger beside a naive model: a store, a chain and what everybody has seen signed."""

    reservations = Bundle("reservations")

    def __init__(self) -> None:
        super().__init__()
        self.store: dict[tuple[AccountKind, str], Row] = {}
        self.store_seqno = 0
        self.batch: Batch | None = None
        self.signed: dict[tuple[AccountKind, str], int] = dict.fromkeys(OWNERS, 0)
        self.open: dict[str, list[Reservation]] = {owner: [] for owner in CLIENTS}
        self.history: dict[int, dict[tuple[AccountKind, str], int]] = {0: {}}
        self.on_chain = 0
        self.used: dict[tuple[AccountKind, str], int] = dict.fromkeys(OWNERS, 0)
        self.receivers = {
            (AccountKind.CLIENT, owner): PaymentReceiver(int, LowerClaim.KEEP_HIGHEST)
            for owner in CLIENTS
        }
        self.start(Ledger())

    def start(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.epoch = object()
        self.ready = False
        for owner in CLIENTS:
            ledger.client(owner).funds = FUNDS
        for owner in WORKERS:
            ledger.worker(owner)
        self.signers = {
            (kind, owner): ChannelSigner(self.counter(kind, owner), lambda n: b"%d" % n)
            for kind, owner in OWNERS
        }

    def counter(self, kind: AccountKind, owner: str) -> Counter:
        account = self.ledger.find(kind, owner)
        assert account is not None
        return account.counter

    @rule(target=reservations, owner=st.sampled_from(CLIENTS), tokens=st.integers(0, 1100))
    def reserve(self, owner: str, tokens: int) -> object:
        held = sum(int(reservation.tokens) for reservation in self.open[owner])
        used = self.used[AccountKind.CLIENT, owner]
        affordable = tokens <= 1000 - held - used
        try:
            reservation = self.ledger.reserve(self.ledger.client(owner), Tokens(tokens), PRICE)
        except InsufficientFundsError:
            assert not affordable
            return multiple()
        assert affordable
        self.open[owner].append(reservation)
        return (self.epoch, owner, reservation)

    @rule(
        item=consumes(reservations),
        worker=st.sampled_from(WORKERS),
        reported=st.integers(0, 5000),
    )
    def settle(self, item: tuple[object, str, Reservation], worker: str, reported: int) -> None:
        epoch, owner, reservation = item
        if epoch is not self.epoch:
            return  # its process is gone
        settlement = self.ledger.settle(reservation, self.ledger.worker(worker), Tokens(reported))
        assert settlement.charged == min(reported, reservation.tokens)
        self.used[AccountKind.CLIENT, owner] += int(settlement.charged)
        self.used[AccountKind.WORKER, worker] += int(settlement.charged)
        self.end(owner, reservation)

    @rule(item=consumes(reservations))
    def release(self, item: tuple[object, str, Reservation]) -> None:
        epoch, owner, reservation = item
        if epoch is not self.epoch:
            return
        self.ledger.release(reservation)
        self.end(owner, reservation)

    def end(self, owner: str, reservation: Reservation) -> None:
        self.open[owner].remove(reservation)
        with pytest.raises(LocalProtocolError):
            self.ledger.release(reservation)
        with pytest.raises(LocalProtocolError):
            self.ledger.settle(reservation, self.ledger.worker("w1"), Tokens(1))

    @precondition(lambda self: self.batch is None)
    @rule()
    def take_batch(self) -> None:
        self.batch = self.ledger.take_batch()

    @precondition(lambda self: self.batch is not None)
    @rule(written=st.booleans())
    def end_batch(self, written: bool) -> None:
        assert self.batch is not None
        if written:
            self.write(self.batch)
            self.ledger.committed(self.batch)
        else:
            self.ledger.failed(self.batch)
        self.batch = None

    def write(self, batch: Batch) -> None:
        self.store.update({(row.kind, row.owner): row for row in batch.rows})
        self.store_seqno = batch.seqno
        self.history[batch.seqno] = {key: int(row.used) for key, row in self.store.items()}

    @rule(age=st.integers(0, 3))
    def confirm(self, age: int) -> None:
        seqno = max((known for known in self.history if known <= self.store_seqno - age), default=0)
        self.ledger.confirmed(seqno)
        self.on_chain = max(self.on_chain, seqno)
        if seqno == self.store_seqno:
            # A real proxy opens for business after the first commit of its session is seen.
            self.ready = True
            for key, used in self.history[seqno].items():
                assert self.counter(*key).chain == used

    @precondition(lambda self: self.batch is None)
    @rule(
        client=st.sampled_from(CLIENTS),
        worker=st.sampled_from(WORKERS),
        tokens=st.integers(1, 50),
        stage=st.integers(0, 3),
    )
    def request(self, client: str, worker: str, tokens: int, stage: int) -> None:
        """A whole request and its way to the chain, or part of it: single rules rarely get far."""
        account = self.ledger.client(client)
        if account.tokens_available(PRICE) < tokens:
            return
        reservation = self.ledger.reserve(account, Tokens(tokens), PRICE)
        self.ledger.settle(reservation, self.ledger.worker(worker), Tokens(tokens))
        self.used[AccountKind.CLIENT, client] += tokens
        self.used[AccountKind.WORKER, worker] += tokens
        if stage >= 1:
            self.take_batch()
        if stage >= 2:
            self.end_batch(written=True)
        if stage >= 3:
            self.confirm(age=0)
            self.sign((AccountKind.CLIENT, client))
            self.sign((AccountKind.WORKER, worker))

    @rule(written=st.booleans())
    def crash(self, written: bool) -> None:
        if self.batch is not None and written:
            self.write(self.batch)  # on disk, but the process never heard of it
        self.batch = None
        self.open = {owner: [] for owner in CLIENTS}
        self.start(Ledger.restore(self.store.values(), self.store_seqno))
        for key in OWNERS:
            self.used[key] = int(self.store[key].used) if key in self.store else 0
        start_up = self.ledger.take_batch()
        self.write(start_up)
        self.ledger.committed(start_up)

    @precondition(lambda self: self.ready)
    @rule(key=st.sampled_from(OWNERS))
    def sign(self, key: tuple[AccountKind, str]) -> None:
        amount = int(self.signers[key].latest())
        assert self.signed[key] <= amount <= self.used[key], "backwards, or more than used"
        assert amount <= self.store[key].used if key in self.store else amount == 0
        self.signed[key] = amount
        levels = self.counter(*key).levels
        if key in self.receivers:
            self.receivers[key].receive(b"%d" % amount, levels.db, levels.max)

    @rule(key=st.sampled_from(OWNERS), tokens=st.integers(0, 30) | st.integers(0, 3000))
    def sign_anything(self, key: tuple[AccountKind, str], tokens: int) -> None:
        signer, counter = self.signers[key], self.counter(*key)
        if signer.signed <= tokens <= counter.chain:
            return
        before = signer.signed
        with pytest.raises(PaymentError):
            signer.sign(Tokens(tokens))
        assert signer.signed == before

    @invariant()
    def both_sides_have_equal_sums(self) -> None:
        sums = [
            sum(int(account.counter.max) for account in self.ledger.accounts(kind))
            for kind in AccountKind
        ]
        assert sums[0] == sums[1]

    @invariant()
    def the_store_has_equal_sums_too(self) -> None:
        sums = dict.fromkeys(AccountKind, 0)
        for row in self.store.values():
            sums[row.kind] += row.used
        assert len(set(sums.values())) == 1

    @invariant()
    def counters_match_the_model(self) -> None:
        for kind, owner in OWNERS:
            levels = self.counter(kind, owner).levels  # raises if out of order
            assert levels.max == self.used[kind, owner]

    @invariant()
    def nothing_counts_as_confirmed_that_is_not(self) -> None:
        confirmed = self.history[self.on_chain]
        for kind, owner in OWNERS:
            assert self.counter(kind, owner).chain <= confirmed.get((kind, owner), 0)

    @invariant()
    def reservations_do_not_leak(self) -> None:
        for owner, held in self.open.items():
            account = self.ledger.client(owner)
            assert account.reserved == sum(int(reservation.tokens) for reservation in held)
            assert account.running == len(held)
            assert account.tokens_available(PRICE) >= 0


Books.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBooks = Books.TestCase
