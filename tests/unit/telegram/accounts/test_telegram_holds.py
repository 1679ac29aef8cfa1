"""Holds, charges and the allowance, on both databases."""

import asyncio

import pytest

from cocoon.accounting import Nano
from cocoon.errors import (
    BadRequestError,
    BlockedError,
    InsufficientFundsError,
    LocalProtocolError,
    PaymentError,
    StoreError,
)
from cocoon.telegram.accounts import AccountPolicy, Accounts, Kind
from cocoon.testing.telegram_books import START, StandingClock, check_books, open_accounts

pytestmark = pytest.mark.anyio
DAY = 86_400
ANNA, BEN = 7, 2**52


async def fund(accounts: Accounts, user: int, amount: int) -> None:
    assert await accounts.credit(user, Kind.GIFT, f"gift-{user}-{amount}", Nano(amount))


async def test_allowance_pays_first_and_comes_back_first(store: str) -> None:
    async with open_accounts(store, free=100) as accounts:
        await fund(accounts, ANNA, 1000)
        hold = await accounts.hold(ANNA, "chat:1:1", Nano(300))
        assert (hold.free, hold.paid, hold.total) == (Nano(100), Nano(200), Nano(300))
        account = await accounts.account(ANNA)
        assert (account.balance, account.free_left, account.held) == (Nano(800), 0, Nano(300))
        charged = await accounts.settle("chat:1:1", Nano(120), {"model": "m"})
        assert (charged.free, charged.paid, charged.total) == (Nano(100), Nano(20), Nano(120))
        # Doing it again, whatever the cost now is, changes nothing.
        assert await accounts.settle("chat:1:1", Nano(299), {}) == charged
        assert await accounts.charged("chat:1:1") == charged
        await accounts.release("chat:1:1")
        account = await accounts.account(ANNA)
        assert (account.balance, account.free_left, account.held) == (Nano(980), 0, 0)
        entry = (await accounts.ledger(ANNA))[-1]
        assert (entry.kind, entry.amount, entry.free) == ("charge", -20, Nano(100))
        assert entry.detail == {"model": "m"}
        await accounts.hold(ANNA, "chat:1:2", Nano(10))
        assert (await accounts.settle("chat:1:2", Nano(50), {})).total == Nano(10)
        await accounts.store.run(check_books)


async def test_an_allowance_that_was_made_smaller_costs_nobody_money(store: str) -> None:
    async with open_accounts(store, free=100) as accounts:
        await fund(accounts, ANNA, 50)
        await accounts.hold(ANNA, "a", Nano(100))
        await accounts.settle("a", Nano(100), {})
        accounts.policy = AccountPolicy(free_daily=Nano(30))
        assert (await accounts.account(ANNA)).free_left == 0
        hold = await accounts.hold(ANNA, "b", Nano(50))
        assert (hold.free, hold.paid) == (Nano(0), Nano(50))
        await accounts.store.run(check_books)


async def test_a_cheap_answer_gives_allowance_back(store: str) -> None:
    clock = StandingClock()
    async with open_accounts(store, free=100, clock=clock) as accounts:
        assert (await accounts.hold(ANNA, "a", Nano(80))).paid == 0
        await accounts.settle("a", Nano(30), {})
        assert (await accounts.account(ANNA)).free_left == Nano(70)
        await accounts.hold(ANNA, "b", Nano(70))
        await accounts.release("b")
        assert (await accounts.account(ANNA)).free_left == Nano(70)
        # A hold of yesterday gives nothing to today's allowance, which is whole again.
        await accounts.hold(ANNA, "c", Nano(60))
        clock.at += DAY
        assert (await accounts.account(ANNA)).free_left == Nano(100)
        await accounts.hold(ANNA, "d", Nano(90))
        await accounts.release("c")
        assert (await accounts.account(ANNA)).free_left == Nano(10)
        # A clock set back grants nothing again.
        clock.at -= 2 * DAY
        assert (await accounts.account(ANNA)).free_left == Nano(10)
        with pytest.raises(InsufficientFundsError):
            await accounts.hold(ANNA, "e", Nano(11))
        await accounts.store.run(check_books)


async def test_refusals(store: str) -> None:
    async with open_accounts(store, free=50) as accounts:
        await fund(accounts, ANNA, 30)
        with pytest.raises(InsufficientFundsError, match=r"0\.00000002 TON") as caught:
            await accounts.hold(ANNA, "a", Nano(100))
        assert caught.value.missing == 20
        part = await accounts.hold(ANNA, "a", Nano(100), least=Nano(60))
        assert part.total == Nano(80)
        with pytest.raises(BadRequestError, match="being made"):
            await accounts.hold(ANNA, "a", Nano(0))
        with pytest.raises(BadRequestError, match="being made"):
            await accounts.hold(BEN, "a", Nano(1))
        await accounts.settle("a", Nano(1), {})
        with pytest.raises(BadRequestError, match="charged already"):
            await accounts.hold(ANNA, "a", Nano(1))
        await accounts.block(ANNA, True)
        with pytest.raises(BlockedError):
            await accounts.hold(ANNA, "b", Nano(1))
        assert (await accounts.account(ANNA)).blocked
        await accounts.block(ANNA, False)
        await accounts.hold(ANNA, "b", Nano(1))
        with pytest.raises(LocalProtocolError):
            await accounts.settle("never-held", Nano(1), {})
        with pytest.raises(LocalProtocolError):
            await accounts.settle("b", Nano(1), {"x": object()})
        with pytest.raises(LocalProtocolError):
            await accounts.settle("b", Nano(1), {"x": "y" * 5000})
        for user in (0, -5, 2**63):
            with pytest.raises(BadRequestError):
                await accounts.account(user)
        for reference in ("", "a b", "x" * 161, "é", "a\0"):
            with pytest.raises(BadRequestError):
                await accounts.hold(ANNA, reference, Nano(1))
        with pytest.raises(PaymentError):
            await accounts.credit(ANNA, Kind.GIFT, "huge", Nano(2**63 - 1))
        await accounts.store.run(check_books)


async def test_credits_and_debits_are_unique(store: str) -> None:
    async with open_accounts(store) as accounts:
        told = [await accounts.credit(ANNA, Kind.TON, "h", Nano(5)) for _ in range(3)]
        assert told == [True, False, False]
        assert not await accounts.credit(BEN, Kind.TON, "h", Nano(5))
        assert await accounts.credit(ANNA, Kind.STARS, "h", Nano(5))
        with pytest.raises(InsufficientFundsError):
            await accounts.debit(ANNA, Kind.CORRECTION, "c", Nano(11))
        assert await accounts.debit(ANNA, Kind.CORRECTION, "c", Nano(10))
        assert not await accounts.debit(ANNA, Kind.CORRECTION, "c", Nano(10))
        assert (await accounts.account(ANNA)).balance == 0
        assert [entry.amount for entry in await accounts.ledger(ANNA)] == [5, 5, -10]
        last = (await accounts.ledger(ANNA, limit=2))[-1]
        assert [entry.amount for entry in await accounts.ledger(ANNA, after=last.id)] == [-10]


async def test_at_once_nothing_is_spent_twice(store: str) -> None:
    async with open_accounts(store, free=7) as accounts:
        await fund(accounts, ANNA, 100)

        async def one(number: int) -> bool:
            try:
                await accounts.hold(ANNA, f"r{number % 40}", Nano(5))
            except (InsufficientFundsError, BadRequestError):
                return False
            if number % 3:
                await accounts.settle(f"r{number % 40}", Nano(3), {})
            else:
                await accounts.release(f"r{number % 40}")
            return True

        done = await asyncio.gather(*(one(number) for number in range(120)))
        assert any(done)
        await accounts.store.run(check_books)
        account = await accounts.account(ANNA)
        charges = [entry for entry in await accounts.ledger(ANNA) if entry.kind == "charge"]
        assert account.held == 0
        assert account.balance == 100 + sum(entry.amount for entry in charges)
        assert len({entry.reference for entry in charges}) == len(charges)


async def test_a_new_process_takes_over(store: str) -> None:
    async with open_accounts(store, free=10) as old:
        await fund(old, ANNA, 100)
        await old.hold(ANNA, "a", Nano(50))
        async with open_accounts(store, free=10, serve=False) as command:
            assert (await command.account(ANNA)).held == Nano(50)
            assert await command.credit(ANNA, Kind.GIFT, "from-a-command", Nano(1))
            with pytest.raises(LocalProtocolError):
                await command.hold(ANNA, "b", Nano(1))
        assert not old.store.is_hopeless
        async with open_accounts(store, free=10) as new:
            account = await new.account(ANNA)
            assert (account.held, account.balance, account.free_left) == (0, Nano(101), Nano(10))
            for call in (old.hold(ANNA, "c", Nano(1)), old.settle("a", Nano(50), {})):
                with pytest.raises(StoreError, match="taken over"):
                    await call
            assert old.store.is_hopeless
            assert (await new.hold(ANNA, "a", Nano(60))).total == Nano(60)
            await new.settle("a", Nano(60), {})
            assert (await new.account(ANNA)).balance == Nano(51)
            await new.store.run(check_books)


async def test_who_goes_away_while_waiting_holds_nothing(store: str) -> None:
    async with open_accounts(store) as accounts:
        await fund(accounts, ANNA, 100)
        for number in range(20):
            task = asyncio.create_task(accounts.hold(ANNA, f"r{number}", Nano(1)))
            for _ in range(number % 5):
                await asyncio.sleep(0.001 * (number % 3))
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            else:
                await accounts.release(f"r{number}")
        await accounts._background.close()
        account = await accounts.account(ANNA)
        assert (account.balance, account.held) == (Nano(100), 0)


async def test_a_dropped_try_leaves_the_next_one_alone(store: str) -> None:
    """The same reference is held again before the first try is given back."""
    async with open_accounts(store) as accounts:
        await fund(accounts, ANNA, 100)
        first = asyncio.create_task(accounts.hold(ANNA, "a", Nano(1)))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await accounts._background.close()
        await accounts.hold(ANNA, "a", Nano(2))
        assert (await accounts.settle("a", Nano(2), {})).total == Nano(2)


async def test_settling_goes_on_without_the_caller(store: str) -> None:
    async with open_accounts(store) as accounts:
        await fund(accounts, ANNA, 100)
        await accounts.hold(ANNA, "a", Nano(10))
        task = asyncio.create_task(accounts.settle("a", Nano(4), {}))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await accounts._background.close()
        assert (await accounts.account(ANNA)).balance == Nano(96)


async def test_new_days_and_languages_are_written_down(store: str) -> None:
    clock = StandingClock()
    async with open_accounts(store, clock=clock) as accounts:
        assert (await accounts.account(ANNA, "en")).created == START
        assert (await accounts.account(ANNA, "")).language == "en"
        assert (await accounts.account(ANNA, "pt-br")).language == "pt-br"
        assert (await accounts.account(ANNA, "<script>")).language == "pt-br"
        clock.at += DAY
        assert (await accounts.overview()).active_today == 0
        await accounts.account(ANNA)
        assert (await accounts.overview()).active_today == 1
