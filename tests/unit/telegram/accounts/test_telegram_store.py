"""The store's thread: batches, failures in them, migrations, a database that goes away."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cocoon.accounting import Nano
from cocoon.errors import BadRequestError, ConfigError, StoreError
from cocoon.store import sqlite_url
from cocoon.telegram.accounts import Accounts, Kind, Store
from cocoon.telegram.accounts.background import PAUSES
from cocoon.telegram.store import SCHEMA, open_store, schema
from cocoon.testing.postgres import PostgresServer
from cocoon.testing.telegram_books import check_books, open_accounts

pytestmark = pytest.mark.anyio
ANNA = 7


def test_telegram_migrations_and_tables_agree(store: str) -> None:
    migrated = open_store(store)
    with migrated.write() as connection:
        schema.metadata.drop_all(connection)
        SCHEMA.version().drop(connection)
    with migrated.write() as connection:
        SCHEMA.run_migrations(connection)
        SCHEMA.run_migrations(connection)
    with migrated.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": SCHEMA.version_table, "compare_type": True}
        )
        assert compare_metadata(context, schema.metadata) == []
    migrated.close()
    for _ in range(2):
        open_store(store).close()


async def test_one_bad_job_spoils_no_other(store: str) -> None:
    one = Store(store)
    await one.open()

    def bad(on: sa.Connection) -> None:
        on.execute(sa.insert(schema.cursors).values(address="half", lt=1, hash=b""))
        raise BadRequestError("no")

    def twice(on: sa.Connection) -> None:
        for _ in range(2):
            on.execute(sa.insert(schema.cursors).values(address="twice", lt=1, hash=b""))

    def insert(number: int):
        def work(on: sa.Connection) -> int:
            on.execute(sa.insert(schema.cursors).values(address=f"a{number}", lt=1, hash=b""))
            return number

        return work

    def broken(on: sa.Connection) -> None:
        on.execute(sa.text("SELECT nonsense"))

    jobs = [insert(1), bad, insert(2), twice, insert(3)]
    told = await asyncio.gather(*(one.run(j, write=True) for j in jobs), return_exceptions=True)
    assert [told[0], told[2], told[4]] == [1, 2, 3]
    assert isinstance(told[1], BadRequestError)
    assert isinstance(told[3], StoreError)
    assert "twice" not in str(told[3])
    with pytest.raises(StoreError):
        await one.run(broken)
    found = await one.run(lambda on: on.scalars(sa.select(schema.cursors.c.address)).all())
    assert sorted(found) == ["a1", "a2", "a3"]
    await one.close()
    await one.close()
    with pytest.raises(StoreError, match="closed"):
        await one.run(insert(4), write=True)


async def test_a_full_disk_is_never_told_as_success(tmp_path) -> None:
    """SQLite may undo a whole transaction when the disk is full, not only a statement."""
    url = f"sqlite:///{tmp_path / 'full.sqlite'}"
    async with open_accounts(url) as accounts:
        await accounts.credit(ANNA, Kind.GIFT, "first", Nano(1))

        def limit(on: sa.Connection) -> None:
            pages = on.exec_driver_sql("PRAGMA page_count").scalar()
            on.exec_driver_sql(f"PRAGMA max_page_count={pages + 3}")

        await accounts.store.run(limit)
        detail = {"x": "y" * 3000}
        told = await asyncio.gather(
            *(accounts.credit(ANNA, Kind.GIFT, f"g{n}", Nano(1), detail) for n in range(40)),
            return_exceptions=True,
        )
        assert any(isinstance(one, StoreError) for one in told)
        booked = {entry.reference for entry in await accounts.ledger(ANNA)}
        assert {f"g{n}" for n, one in enumerate(told) if one is True} | {"first"} == booked
        await accounts.store.run(check_books)


async def test_bad_urls(tmp_path) -> None:
    with pytest.raises(ConfigError):
        await Store("nonsense").open()
    missing = Store(f"sqlite:///{tmp_path / 'none.sqlite'}", create=False)
    with pytest.raises(StoreError):
        await missing.open()
    with pytest.raises(StoreError, match="closed"):
        await missing.run(lambda _: None)


async def test_the_database_restarts(postgres: PostgresServer) -> None:
    """What is owed is settled when it is back; a hold that nobody was promised is given back."""
    async with open_accounts(postgres.new_database()) as accounts:
        await accounts.credit(ANNA, Kind.GIFT, "g", Nano(100))
        await accounts.hold(ANNA, "a", Nano(10))
        await accounts.hold(ANNA, "b", Nano(10))
        postgres.stop()
        try:
            settling = asyncio.create_task(accounts.settle("a", Nano(4), {}))
            releasing = asyncio.create_task(accounts.release("b"))
            with pytest.raises(StoreError):
                await accounts.hold(ANNA, "c", Nano(10))
            with pytest.raises(StoreError):
                await accounts.ledger(ANNA)
        finally:
            await asyncio.to_thread(postgres.start)
        assert (await settling).total == Nano(4)
        await releasing
        await accounts._background.close()
        account = await accounts.account(ANNA)
        assert (account.balance, account.held) == (Nano(96), 0)
        await accounts.store.run(check_books)


async def test_a_store_that_stays_away(store: str, monkeypatch) -> None:
    monkeypatch.setattr("cocoon.telegram.accounts.background.PAUSES", (0.0,) * len(PAUSES))
    async with open_accounts(store) as accounts:
        await accounts.credit(ANNA, Kind.GIFT, "g", Nano(100))
        await accounts.hold(ANNA, "a", Nano(10))
        real, tries = accounts.store.submit, 0

        def away(work, *, write: bool = False):
            nonlocal tries
            tries += 1
            return real(_raise, write=write)

        monkeypatch.setattr(accounts.store, "submit", away)
        with pytest.raises(StoreError):
            await accounts.settle("a", Nano(4), {})
        assert tries == len(PAUSES) + 1
        monkeypatch.undo()
        assert (await accounts.settle("a", Nano(4), {})).total == Nano(4)


@pytest.mark.parametrize("is_closed", [False, True])
async def test_what_is_owed_is_done_when_a_store_is_back_after_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_closed: bool
) -> None:
    later = 3600.0 if is_closed else 0.01
    monkeypatch.setattr("cocoon.telegram.accounts.background.PAUSES", (0.0,))
    monkeypatch.setattr("cocoon.telegram.accounts.background.LATER", later)
    url = sqlite_url(tmp_path / "t.sqlite")
    async with open_accounts(url) as accounts:
        await accounts.credit(ANNA, Kind.GIFT, "g", Nano(100))
        await accounts.hold(ANNA, "a", Nano(10))
        await accounts.hold(ANNA, "b", Nano(10))
        real = accounts.store.submit
        monkeypatch.setattr(
            accounts.store, "submit", lambda _, *, write=False: real(_raise, write=write)
        )
        with pytest.raises(StoreError):
            await accounts.settle("a", Nano(4), {})
        with pytest.raises(StoreError):
            await accounts.release("b")
        await asyncio.sleep(0.05)
        monkeypatch.setattr(accounts.store, "submit", real)
        while not is_closed and (await accounts.account(ANNA)).held:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    async with open_accounts(url, serve=False) as accounts:
        account = await accounts.account(ANNA)
        assert (account.balance, account.held) == (Nano(96), 0)
        await accounts.store.run(check_books)


async def test_a_release_that_seemed_to_fail_leaves_a_later_hold(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocoon.telegram.accounts.background.PAUSES", (0.05,) * 3)
    async with open_accounts(store) as accounts:
        await accounts.credit(ANNA, Kind.GIFT, "g", Nano(100))
        await accounts.hold(ANNA, "a", Nano(10))
        real, is_done = accounts.store.run, asyncio.Event()

        async def breaks(work, *, write: bool = False):
            await real(work, write=write)
            if not is_done.is_set():
                is_done.set()
                raise StoreError("the connection broke during the commit")

        monkeypatch.setattr(accounts.store, "run", breaks)
        releasing = asyncio.create_task(accounts.release("a"))
        await is_done.wait()
        await accounts.hold(ANNA, "a", Nano(20))
        await releasing
        monkeypatch.setattr(accounts.store, "run", real)
        assert (await accounts.settle("a", Nano(15), {})).total == Nano(15)
        await accounts.store.run(check_books)


def _raise(_: object) -> None:
    raise StoreError("away")


async def test_starting_where_nothing_is_yields_an_error(tmp_path) -> None:
    from cocoon.telegram.accounts import AccountPolicy

    accounts = Accounts(f"sqlite:///{tmp_path}", AccountPolicy())
    with pytest.raises(StoreError):
        await accounts.start()
    await accounts.close()
