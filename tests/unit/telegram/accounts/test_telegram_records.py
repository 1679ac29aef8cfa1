"""Logins, facts, forgetting, usage and what operators see, on both databases."""

import pytest
import sqlalchemy as sa

from cocoon.accounting import Nano
from cocoon.errors import BadRequestError
from cocoon.telegram.accounts import Kind
from cocoon.telegram.accounts.export import all_entries
from cocoon.telegram.store.schema import entries
from cocoon.testing.telegram_books import START, StandingClock, open_accounts

pytestmark = pytest.mark.anyio
DAY = 86_400
ANNA, BEN, CLEO = 7, 8, 9


async def test_logins_are_remembered_until_they_age(store: str) -> None:
    clock = StandingClock()
    async with open_accounts(store, clock=clock) as accounts:
        assert await accounts.remember_login("h" * 64, "device", START + 10)
        assert await accounts.remember_login("h" * 64, "device", START + 10)
        assert not await accounts.remember_login("h" * 64, "another", START + 10)
        assert await accounts.remember_login("other", "another", START + 10)
        clock.at += 11
        assert await accounts.remember_login("third", "d", START + 30)
        assert await accounts.prune() == 0  # remembering has deleted them
        assert await accounts.remember_login("h" * 64, "another", START + 30)
        for hash_, nonce in (("", "d"), ("h", ""), ("h" * 65, "d"), ("h", "ü"), ("h\0", "d")):
            with pytest.raises(BadRequestError):
                await accounts.remember_login(hash_, nonce, START)


async def test_facts(store: str) -> None:
    clock = StandingClock()
    async with open_accounts(store, clock=clock) as accounts:
        assert await accounts.facts("chat:1:1") is None
        assert await accounts.last_facts("1") is None
        await accounts.save_facts("chat:1:1", ANNA, "1", START, "{}")
        await accounts.save_facts("chat:1:2", ANNA, "1", START + 1, '{"a":1}')
        await accounts.save_facts("chat:-2:9", BEN, "-2/7", START + 2, "{}")
        await accounts.save_facts("chat:1:2", ANNA, "1", START + 1, '{"a":2}')
        found = await accounts.last_facts("1")
        assert found is not None
        assert found == await accounts.facts("chat:1:2")
        assert (found.user, found.chat, found.facts) == (ANNA, "1", '{"a":2}')
        with pytest.raises(BadRequestError):
            await accounts.save_facts("r", ANNA, "1", START, "x" * 20_000)
        with pytest.raises(BadRequestError):
            await accounts.save_facts("r", ANNA, "c" * 49, START, "{}")
        await accounts.account(ANNA, "en")
        await accounts.credit(ANNA, Kind.GIFT, "g", Nano(5))
        await accounts.forget(ANNA)
        account = await accounts.account(ANNA)
        assert (account.language, account.balance) == ("", Nano(5))
        assert len(await accounts.ledger(ANNA)) == 1
        assert await accounts.facts("chat:1:1") is None
        assert await accounts.facts("chat:-2:9") is not None
        clock.at += 91 * DAY
        assert await accounts.prune() == 1


async def test_usage_and_overview(store: str) -> None:
    clock = StandingClock()
    async with open_accounts(store, free=10, clock=clock) as accounts:
        empty = await accounts.overview()
        assert (empty.users, empty.balances, empty.days) == (0, 0, ())
        for day in range(3):
            for user in (ANNA, BEN):
                await accounts.account(user)
                await accounts.credit(user, Kind.GIFT, f"g{user}-{day}", Nano(100))
                await accounts.hold(user, f"r{user}-{day}", Nano(30))
                await accounts.settle(f"r{user}-{day}", Nano(25), {})
            clock.at += DAY
        clock.at -= DAY
        usage = await accounts.usage(ANNA, 2)
        today = int(clock.at) // DAY
        assert [one.day for one in usage] == [today, today - 1]
        assert [(one.answers, one.free, one.paid, one.topped_up) for one in usage] == [
            (1, Nano(10), Nano(15), Nano(100))
        ] * 2
        assert await accounts.usage(CLEO, 30) == []
        await accounts.hold(BEN, "held", Nano(7))
        await accounts.block(CLEO, True)
        await accounts.new_topup(ANNA, "ton", Nano(5))
        for code in ("unavailable", "unavailable", "What a person wrote!", "x" * 60):
            await accounts.count_failure(code)
        seen = await accounts.overview(30)
        assert (seen.users, seen.blocked, seen.active_today) == (3, 1, 3)
        assert (seen.holds, seen.held, seen.balances) == (1, 7, 2 * 255 - 7)
        assert [(one.answers, one.free, one.paid) for one in seen.days] == [
            (2, Nano(20), Nano(30))
        ] * 3
        assert seen.topups == {"ton/open": 1}
        assert {(code, count) for _, code, count in seen.failures} == {
            ("unavailable", 2),
            ("other", 2),
        }
        rows = await accounts.users()
        assert [(row.user, row.answers, row.free, row.paid) for row in rows] == [
            (ANNA, 3, Nano(30), Nano(45)),
            (BEN, 3, Nano(30), Nano(45)),
            (CLEO, 0, Nano(0), Nano(0)),
        ]
        assert [row.user for row in await accounts.users(after=ANNA, limit=1)] == [BEN]
        assert await accounts.users(after=CLEO) == []
        # A day that gave more back than came in shows no income, not less than none.
        await accounts.debit(ANNA, Kind.CORRECTION, "c", Nano(200))
        assert (await accounts.usage(ANNA, 1))[0].topped_up == Nano(0)


async def test_a_long_ledger_comes_in_pages(store: str) -> None:
    async with open_accounts(store) as accounts:

        def many(on: sa.Connection) -> None:
            row = {"user": ANNA, "at": START, "kind": "gift", "amount": 0, "free": 0, "detail": ""}
            rows = [{**row, "reference": f"x{number}"} for number in range(2100)]
            on.execute(sa.insert(entries), rows)

        await accounts.store.run(many, write=True)
        pages = [page async for page in all_entries(accounts, ANNA)]
        assert [len(page) for page in pages] == [1000, 1000, 100]
        references = [entry.reference for page in pages for entry in page]
        assert references == [f"x{number}" for number in range(2100)]
