import pytest

from cocoon.accounting import (
    AccountKind,
    Counter,
    Funds,
    Ledger,
    Levels,
    Nano,
    Reservation,
    Row,
    Tokens,
)
from cocoon.errors import InsufficientFundsError, LocalProtocolError, PaymentError

PRICE = Nano(2)
FUNDS = Funds(balance=Nano(1000), stake=Nano(1000))


def funded() -> Ledger:
    ledger = Ledger()
    ledger.client("c").funds = FUNDS
    return ledger


def reserve(ledger: Ledger, tokens: int) -> Reservation:
    return ledger.reserve(ledger.client("c"), Tokens(tokens), PRICE)


def spend(ledger: Ledger, tokens: int) -> None:
    ledger.settle(reserve(ledger, tokens), ledger.worker("w"), Tokens(tokens))


def test_settling_moves_the_same_number_on_both_sides() -> None:
    ledger = funded()
    settlement = ledger.settle(reserve(ledger, 100), ledger.worker("w"), Tokens(40))
    assert (settlement.charged, settlement.was_capped) == (40, False)
    assert ledger.client("c").counter.max == ledger.worker("w").counter.max == 40
    assert ledger.client("c").tokens_available(PRICE) == 460
    assert ledger.client("c").running == 0


def test_releasing_charges_nothing() -> None:
    ledger = funded()
    reservation = reserve(ledger, 100)
    assert ledger.client("c").tokens_available(PRICE) == 400
    ledger.release(reservation)
    assert ledger.client("c").tokens_available(PRICE) == 500


def test_a_worker_cannot_take_more_than_was_reserved() -> None:
    ledger = funded()
    settlement = ledger.settle(reserve(ledger, 100), ledger.worker("w"), Tokens(10**12))
    assert (settlement.charged, settlement.was_capped) == (100, True)
    assert ledger.worker("w").counter.max == 100


def test_a_reservation_ends_once() -> None:
    ledger = funded()
    reservation = reserve(ledger, 1)
    ledger.release(reservation)
    assert not reservation.is_open
    with pytest.raises(LocalProtocolError):
        ledger.release(reservation)
    with pytest.raises(LocalProtocolError):
        ledger.settle(reservation, ledger.worker("w"), Tokens(1))
    assert ledger.worker("w").counter.max == 0


def test_running_requests_together_cannot_outspend() -> None:
    ledger = funded()
    reserve(ledger, 300)
    with pytest.raises(InsufficientFundsError, match="200 tokens available, 201 needed"):
        reserve(ledger, 201)
    reserve(ledger, 200)


def test_sides_are_not_interchangeable() -> None:
    ledger = funded()
    with pytest.raises(LocalProtocolError):
        ledger.reserve(ledger.worker("w"), Tokens(0), PRICE)
    with pytest.raises(LocalProtocolError):
        ledger.settle(reserve(ledger, 1), ledger.client("c"), Tokens(1))


def test_overflow_changes_nothing() -> None:
    full = 2**63 - 1
    row = Row(AccountKind.WORKER, "w", Tokens(full), Tokens(full))
    ledger = Ledger.restore([row], 1)
    ledger.client("c").funds = FUNDS
    reservation = reserve(ledger, 1)
    with pytest.raises(PaymentError):
        ledger.settle(reservation, ledger.worker("w"), Tokens(1))
    assert reservation.is_open
    assert ledger.client("c").counter.max == 0


def test_levels_rise_with_store_and_chain() -> None:
    ledger = funded()
    spend(ledger, 10)
    batch = ledger.take_batch()
    spend(ledger, 5)
    client = ledger.client("c").counter
    assert client.levels == Levels(Tokens(15), Tokens(0), Tokens(0))
    ledger.committed(batch)
    assert client.levels == Levels(Tokens(15), Tokens(10), Tokens(0))
    risen = ledger.confirmed(batch.seqno)
    assert client.levels == Levels(Tokens(15), Tokens(10), Tokens(10))
    assert {account.owner for account in risen} == {"c", "w"}


def test_a_late_chain_confirmation_covers_all_earlier_flushes() -> None:
    ledger = funded()
    seqnos = []
    for _ in range(3):
        spend(ledger, 10)
        batch = ledger.take_batch()
        ledger.committed(batch)
        seqnos.append(batch.seqno)
    ledger.confirmed(seqnos[1])
    assert ledger.client("c").counter.chain == 20
    assert ledger.confirmed(seqnos[0]) == []
    ledger.confirmed(seqnos[2])
    assert ledger.client("c").counter.chain == 30


def test_a_silent_chain_does_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocoon.accounting.ledger.MAX_UNCONFIRMED_BATCHES", 2)
    ledger = funded()
    for tokens in (1, 2, 3, 4):
        spend(ledger, tokens)
        ledger.committed(ledger.take_batch())
    ledger.confirmed(2)
    assert ledger.client("c").counter.chain == 0, "joined with flush 3"
    ledger.confirmed(3)
    assert ledger.client("c").counter.chain == 6
    ledger.confirmed(4)
    assert ledger.client("c").counter.chain == 10


def test_only_changed_accounts_are_in_a_batch() -> None:
    ledger = funded()
    spend(ledger, 1)
    ledger.committed(ledger.take_batch())
    assert not ledger.has_changes
    ledger.client("idle")
    assert [row.owner for row in ledger.take_batch().rows] == ["idle"]


def test_a_failed_batch_is_written_again_with_newer_numbers() -> None:
    ledger = funded()
    spend(ledger, 10)
    ledger.failed(ledger.take_batch())
    spend(ledger, 5)
    batch = ledger.take_batch()
    assert {row.used for row in batch.rows} == {15}
    assert batch.seqno == 2


def test_batches_do_not_overlap() -> None:
    ledger = funded()
    batch = ledger.take_batch()
    with pytest.raises(LocalProtocolError):
        ledger.take_batch()
    ledger.committed(batch)
    with pytest.raises(LocalProtocolError):
        ledger.committed(batch)


def test_the_chain_cannot_confirm_what_is_not_stored() -> None:
    ledger = funded()
    spend(ledger, 1)
    batch = ledger.take_batch()
    with pytest.raises(LocalProtocolError):
        ledger.confirmed(batch.seqno)
    ledger.committed(batch)
    with pytest.raises(LocalProtocolError):
        ledger.confirmed(batch.seqno + 1)


def test_restart_signs_nothing_new_before_the_first_commit() -> None:
    rows = [
        Row(AccountKind.CLIENT, "c", Tokens(50), Tokens(30)),
        Row(AccountKind.WORKER, "w", Tokens(50), Tokens(50)),
    ]
    ledger = Ledger.restore(rows, 7)
    assert set(ledger.snapshot()) == set(rows)
    assert ledger.client("c").counter.levels == Levels(Tokens(50), Tokens(50), Tokens(30))
    batch = ledger.take_batch()
    assert (batch.seqno, [row.owner for row in batch.rows]) == (8, ["c"])
    ledger.committed(batch)
    ledger.confirmed(8)
    assert ledger.client("c").counter.chain == 50


@pytest.mark.parametrize(
    "rows",
    [
        [Row(AccountKind.CLIENT, "c", Tokens(1), Tokens(2))],
        [Row(AccountKind.CLIENT, "c", Tokens(1), Tokens(1))] * 2,
    ],
)
def test_an_inconsistent_store_is_refused(rows: list[Row]) -> None:
    with pytest.raises(PaymentError):
        Ledger.restore(rows, 1)


def test_finding_does_not_open_an_account() -> None:
    ledger = Ledger()
    assert ledger.find(AccountKind.CLIENT, "c") is None
    assert list(ledger.accounts(AccountKind.CLIENT)) == []


def test_counter_levels_cannot_pass_each_other() -> None:
    counter = Counter(Levels(Tokens(5), Tokens(3), Tokens(1)))
    with pytest.raises(PaymentError):
        counter.stored(Tokens(6))
    with pytest.raises(PaymentError):
        counter.confirmed(Tokens(4))
    counter.stored(Tokens(2))
    counter.confirmed(Tokens(0))
    assert counter.levels == Levels(Tokens(5), Tokens(3), Tokens(1))
