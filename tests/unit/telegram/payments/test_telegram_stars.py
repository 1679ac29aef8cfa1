"""Stars: what is accepted, credited once, given back once."""

from dataclasses import replace
from pathlib import Path

import pytest

from cocoon.accounting import Nano
from cocoon.cli.config import telegram_tables
from cocoon.errors import (
    BadRequestError,
    BlockedError,
    InsufficientFundsError,
    OverloadedError,
    UnavailableError,
)
from cocoon.telegram.accounts import Accounts, Topup
from cocoon.telegram.payments import (
    StarPayment,
    decide,
    paid,
    reconcile,
    refund,
    resume_refunds,
    worth,
)
from cocoon.testing.telegram_books import StandingClock, check_books, open_accounts

pytestmark = pytest.mark.anyio
ANNA, BEN = 7, 8
PRICE = 1000


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'stars.sqlite'}"


class Telegram:
    """Gives charges back as Telegram does."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []
        self.answer: bool | Exception = True

    async def give_back(self, user: int, charge: str) -> bool:
        self.asked.append((user, charge))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def payment(topup: Topup, charge: str = "c1", **changes: object) -> StarPayment:
    made = StarPayment(user=topup.user, payload=topup.id, charge_id=charge, stars=topup.stars)
    return replace(made, **changes)  # type: ignore[arg-type]


async def bought(
    accounts: Accounts, user: int = ANNA, stars: int = 50, charge: str = "c1"
) -> Topup:
    topup = await accounts.new_topup(user, "stars", worth(stars, PRICE), stars)
    assert decide(topup, user, "XTR", stars) is None
    done = await paid(accounts, payment(topup, charge), PRICE)
    assert done is not None
    return done


async def balance(accounts: Accounts, user: int = ANNA) -> int:
    await accounts.store.run(check_books)
    return int((await accounts.account(user)).balance)


def test_worth() -> None:
    assert worth(50, 20) == Nano(1000)
    assert worth(telegram_tables.MAX_STARS, 1) == Nano(100_000)  # every pack that can be configured
    for stars, price in ((50, 0), (0, 20), (-1, 20), (100_001, 20)):
        with pytest.raises(BadRequestError):
            worth(stars, price)


async def test_decisions(url: str) -> None:
    async with open_accounts(url) as accounts:
        topup = await accounts.new_topup(ANNA, "stars", Nano(500), 50)
        ton = await accounts.new_topup(ANNA, "ton", Nano(500))
        assert decide(topup, ANNA, "XTR", 50) is None
        assert decide(None, ANNA, "XTR", 50) == "unknown"
        assert decide(ton, ANNA, "XTR", 50) == "unknown"
        assert decide(topup, BEN, "XTR", 50) == "not_yours"
        assert decide(topup, ANNA, "EUR", 50) == "changed"
        assert decide(topup, ANNA, "XTR", 49) == "changed"
        done = await paid(accounts, payment(topup), PRICE)
        assert decide(done, ANNA, "XTR", 50) == "paid"
        assert "c1" not in repr(done) + repr(payment(topup))


async def test_topups_that_are_none(url: str) -> None:
    clock = StandingClock()
    async with open_accounts(url, clock=clock) as accounts:
        for method, nano, stars in (("stars", 5, 0), ("ton", 0, 0), ("ton", 5, 1), ("ton", 5, -1)):
            with pytest.raises(BadRequestError):
                await accounts.new_topup(ANNA, method, Nano(nano), stars)  # type: ignore[arg-type]
        for _ in range(20):
            await accounts.new_topup(ANNA, "ton", Nano(5))
        with pytest.raises(OverloadedError):
            await accounts.new_topup(ANNA, "ton", Nano(5))
        await accounts.new_topup(BEN, "ton", Nano(5))
        clock.at += 3600
        await accounts.new_topup(ANNA, "ton", Nano(5))
        await accounts.block(ANNA, True)
        with pytest.raises(BlockedError):
            await accounts.new_topup(ANNA, "ton", Nano(5))
        assert len(await accounts.topups(ANNA)) == 21
        assert await accounts.topup("x" * 50) is None
        assert await accounts.topup("\0") is None


async def test_a_payment_is_credited_once(url: str) -> None:
    async with open_accounts(url) as accounts:
        done = await bought(accounts)
        assert (done.state, done.received, done.nano) == ("paid", Nano(50_000), Nano(50_000))
        for _ in range(3):
            assert await paid(accounts, payment(done), PRICE) is None
        assert await balance(accounts) == 50_000


async def test_what_fits_no_topup_is_credited_to_the_payer(url: str) -> None:
    async with open_accounts(url) as accounts:
        done = await bought(accounts)
        again = await paid(accounts, payment(done, "c2"), PRICE)
        assert again is not None
        assert (again.id != done.id, again.state, again.charge_id) == (True, "paid", "c2")
        assert await balance(accounts) == 100_000
        other = await accounts.new_topup(ANNA, "stars", Nano(50_000), 50)
        theirs = await paid(accounts, payment(other, "c3", user=BEN), PRICE)
        assert theirs is not None
        assert theirs.user == BEN
        assert await balance(accounts, BEN) == 50_000
        fewer = await paid(accounts, payment(other, "c4", stars=20), PRICE)
        assert fewer is not None
        assert fewer.received == Nano(20_000)
        lost = await paid(accounts, payment(other, "c5", payload="what is that \0"), PRICE)
        assert lost is not None
        still_open = await accounts.topup(other.id)
        assert still_open is not None
        assert still_open.state == "open"
        # A price that is gone meanwhile leaves the payment, worth nothing, refundable.
        unpriced = await paid(accounts, payment(other, "c6", payload="gone"), 0)
        assert unpriced is not None
        assert unpriced.received == 0
        assert (await refund(accounts, ANNA, unpriced.id, Telegram().give_back)).state == "refunded"
        for stars, charge in ((0, "c7"), (-5, "c7"), (10**10, "c7"), (5, ""), (5, "a b")):
            with pytest.raises(BadRequestError):
                await paid(accounts, payment(other, charge, stars=stars), PRICE)


async def test_refunds(url: str) -> None:
    telegram = Telegram()
    async with open_accounts(url) as accounts:
        done = await bought(accounts)
        other = await bought(accounts, BEN, charge="c2")
        for topup in (other.id, "nothing", (await accounts.new_topup(ANNA, "ton", Nano(5))).id):
            with pytest.raises(BadRequestError):
                await refund(accounts, ANNA, topup, telegram.give_back)
        await accounts.hold(ANNA, "a", Nano(1))
        with pytest.raises(InsufficientFundsError):
            await refund(accounts, ANNA, done.id, telegram.give_back)
        await accounts.release("a")
        assert telegram.asked == []
        back = await refund(accounts, ANNA, done.id, telegram.give_back)
        assert (back.state, await balance(accounts)) == ("refunded", 0)
        assert telegram.asked == [(ANNA, "c1")]
        with pytest.raises(BadRequestError, match="already"):
            await refund(accounts, ANNA, done.id, telegram.give_back)
        assert await paid(accounts, payment(done), PRICE) is None
        assert await accounts.refunded_by_telegram("c1") is None
        assert await balance(accounts) == 0


async def test_a_refund_that_telegram_refuses(url: str) -> None:
    telegram = Telegram()
    async with open_accounts(url) as accounts:
        done = await bought(accounts)
        for _ in range(2):
            telegram.answer = False
            with pytest.raises(BadRequestError, match="does not give"):
                await refund(accounts, ANNA, done.id, telegram.give_back)
            assert await balance(accounts) == 50_000
        assert not await accounts.fail_refund(done.id)
        assert not await accounts.finish_refund(done.id)
        telegram.answer = True
        assert (await refund(accounts, ANNA, done.id, telegram.give_back)).state == "refunded"
        assert await balance(accounts) == 0
        kinds = [entry.kind for entry in await accounts.ledger(ANNA)]
        assert kinds == ["stars", *["refund", "refund_failed"] * 2, "refund"]


async def test_a_refund_of_which_nobody_knows(url: str) -> None:
    telegram = Telegram()
    telegram.answer = UnavailableError("no answer")
    async with open_accounts(url) as accounts:
        done = await bought(accounts)
        with pytest.raises(UnavailableError):
            await refund(accounts, ANNA, done.id, telegram.give_back)
        assert await balance(accounts) == 0
        with pytest.raises(InsufficientFundsError):
            await accounts.hold(ANNA, "a", Nano(1))
    telegram.answer = True
    async with open_accounts(url) as accounts:  # after a restart
        assert await resume_refunds(accounts, telegram.give_back) == 1
        assert await resume_refunds(accounts, telegram.give_back) == 0
        found = await accounts.topup(done.id)
        assert found is not None
        assert found.state == "refunded"
        assert telegram.asked == [(ANNA, "c1")] * 2
        assert await balance(accounts) == 0


async def test_one_refund_that_hangs_keeps_no_other_from_its_end(url: str) -> None:
    async with open_accounts(url) as accounts:
        for user, charge in ((ANNA, "c1"), (BEN, "c2")):
            done = await bought(accounts, user=user, charge=charge)
            await accounts.begin_refund(user, done.id)

        async def give_back(_: int, charge: str) -> bool:
            if charge == "c1":
                raise UnavailableError("nobody knows")
            return True

        with pytest.raises(UnavailableError):
            await resume_refunds(accounts, give_back)
        assert [each.charge_id for each in await accounts.refunding()] == ["c1"]
        assert (await balance(accounts), await balance(accounts, BEN)) == (0, 0)


async def test_telegram_gave_back_by_itself(url: str) -> None:
    async with open_accounts(url) as accounts:
        await bought(accounts)
        await accounts.hold(ANNA, "a", Nano(20_000))
        await accounts.settle("a", Nano(20_000), {})
        back = await accounts.refunded_by_telegram("c1")
        assert back is not None
        assert back.state == "refunded"
        assert await balance(accounts) == 0
        entry = (await accounts.ledger(ANNA))[-1]
        assert (entry.amount, entry.detail["missing"]) == (-30_000, 20_000)
        assert await accounts.refunded_by_telegram("c1") is None
        assert await accounts.refunded_by_telegram("unknown") is None


async def test_lost_updates_are_found(url: str) -> None:
    async with open_accounts(url) as accounts:
        known = await bought(accounts)
        lost = await accounts.new_topup(BEN, "stars", Nano(9_000), 9)
        listed = [
            payment(known),
            payment(lost, "c2"),
            payment(lost, "not a charge"),
            payment(known, "c1", is_refund=True),
        ]
        for expected in (2, 0):
            assert len(await reconcile(accounts, listed, PRICE)) == expected
        assert (await balance(accounts), await balance(accounts, BEN)) == (0, 9_000)
        assert (await accounts.overview()).failures[0][1:] == ("payment_malformed", 2)
