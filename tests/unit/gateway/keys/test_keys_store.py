"""The store: migrations, several processes at one cap, crashes, exactly-once batches."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cocoon.errors import ConfigError, StoreError
from cocoon.gateway.keys import schema
from cocoon.gateway.keys.budgets import Budgets
from cocoon.gateway.keys.leases import Booking, DeclaredDeadError, Leases, Want
from cocoon.gateway.keys.ledger import Ledger, UsageFilter, UsageRow
from cocoon.gateway.keys.periods import periods
from cocoon.gateway.keys.record import KeyRecord
from cocoon.gateway.keys.registry import Registry
from cocoon.gateway.keys.secret import new_key
from cocoon.gateway.keys.store import KEYS, open_store
from cocoon.testing.postgres import PostgresServer

NAME = ("k", "total")

HAMMER = """
import asyncio, sys
from cocoon.accounting import Nano
from cocoon.client.api import Outcome
from cocoon.gateway.gate import Caller, Demand
from cocoon.gateway.keys import KeyGate, KeysSettings
from cocoon.gateway.refusal import Refusal

async def main(store, key, crash, die):
    gate = KeyGate(KeysSettings(store=store))
    await gate.start()
    print("ready", flush=True)
    sys.stdin.readline()
    caller, spent = await gate.identify(key.encode()), 0
    async def one(n):
        nonlocal spent
        demand = Demand(f"r{n}", "/v1/chat/completions", "m", "", Nano(100), 1, 1)
        for attempt in range(5 if crash else 40):
            try:
                permit = await gate.admit(caller, demand)
            except Refusal as refusal:
                if "reserved" in str(refusal):
                    await asyncio.sleep(0.1)
                    continue
                return
            await asyncio.sleep(0)
            cost = 60 + n % 41
            permit.settle(Outcome(Nano(cost), told=True), 200)
            spent += cost
            return
    for start in range(0, 400, 40):
        await asyncio.gather(*(one(n) for n in range(start, start + 40)))
        if die and start == 120:
            import os
            print(spent, flush=True)
            os._exit(1)
    await gate.close()
    print(spent, flush=True)

asyncio.run(main(*sys.argv[1:3], sys.argv[3] != "stay", sys.argv[3] == "die"))
"""


@pytest.mark.parametrize("crash", [False, True])
def test_two_processes_hammer_one_cap(store: str, make, crash: bool) -> None:
    from cocoon.gateway.keys import Limits

    cap = 40_000
    record, key = make(limits=Limits(total=cap))
    started = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, store, key.decode(), word],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for word in (("die", "survive") if crash else ("stay", "stay"))
    ]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    outputs = [one.communicate(timeout=50)[0] for one in started]
    spent = [int(text.strip()) for text in outputs]
    assert sum(spent) <= cap
    database = open_store(store)
    total = Budgets(database).state(record.key_id, time.time())[2]
    rows = list(Ledger(database).rows(UsageFilter()))
    database.close()
    assert total.spent == sum(row.cost for row in rows)
    assert total.spent + total.leased <= cap
    if crash:
        assert total.spent + total.leased >= sum(spent)  # what died with it counts as spent
    else:
        assert (total.spent, total.leased) == (sum(spent), 0)
        assert cap - total.spent < 100


def test_migrations_and_tables_agree(store: str) -> None:
    migrated = open_store(store)
    with migrated._engine.begin() as connection:
        schema.metadata.drop_all(connection)
        KEYS.version().drop(connection)
    with migrated.write() as connection:
        KEYS.run_migrations(connection)
        KEYS.run_migrations(connection)
    with migrated.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": KEYS.version_table, "compare_type": True}
        )
        assert compare_metadata(context, schema.metadata) == []
    migrated.close()
    for _ in range(2):
        open_store(store).close()


def test_a_server_without_an_encoding(postgres: PostgresServer) -> None:
    """What Debian sets up where no locale is installed."""
    url = postgres.new_database("TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    database = open_store(url)
    try:
        made = new_key()
        record = KeyRecord(key_id="", name="ΔTeam", secret_hash=b"", created_at=1)
        Registry(database).create(record, made)
        assert Registry(database).find("ΔTeam").name == "ΔTeam"
    finally:
        database.close()


def test_a_newer_store_is_refused(store: str) -> None:
    database = open_store(store)
    with database.write() as connection:
        connection.execute(sa.update(KEYS.version()).values(version_num="9999"))
    database.close()
    with pytest.raises(StoreError, match="cannot change the schema"):
        open_store(store)


def test_processes_that_start_together_make_one_schema(store: str) -> None:
    code = "import sys; from cocoon.gateway.keys.store import open_store; open_store(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", code, store]) for _ in range(3)]
    assert [one.wait(50) for one in started] == [0, 0, 0]
    database = open_store(store)
    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.state)) == 1
    database.close()


def test_a_batch_counts_once_and_the_dead_hold_no_lease(store: str) -> None:
    database = open_store(store)
    now = time.time()
    leases = Leases(database, "one")
    leases.register(now - 1000)
    grant = leases.acquire([Want(NAME, None, 1000, 300)])[NAME]
    assert (grant.held, grant.free, grant.spent) == (300, 700, 0)
    row = UsageRow(int(now * 1000), "r", "k", "", "/e", "m", 200, 1, 1, 200, True, 1)
    for _ in range(3):
        assert leases.flush(1, [row], {NAME: Booking(None, 200, 200)}, now - 1000)
    budgets = Budgets(database)
    assert _total(budgets) == (200, 100)
    assert leases.acquire([Want(NAME, None, 1000, 5000)])[NAME].held == 800
    assert budgets.dead(now) == {"one": 800}
    assert budgets.reconcile(now, as_spent=False) == 800
    assert _total(budgets) == (200, 0)
    with pytest.raises(DeclaredDeadError):
        leases.acquire([Want(NAME, None, 1000, 5000)])
    assert not leases.flush(2, [row], {NAME: Booking(None, 200, 200)}, now)
    assert _total(budgets) == (400, 0)
    assert not leases.heartbeat(now)
    database.close()


def _total(budgets: Budgets) -> tuple[int, int]:
    state = budgets.state("k", time.time())[2]
    return state.spent, state.leased


def test_retention(store: str) -> None:
    database = open_store(store)
    leases = Leases(database, "one")
    leases.register(time.time())
    rows = [
        UsageRow(day * 86_400_000, "r", "k", "", "/e", "m", 200, 1, 1, 1, True, 1) for day in (1, 9)
    ]
    leases.flush(1, rows, {}, time.time())
    ledger = Ledger(database)
    assert ledger.forget(5 * 86_400) == 1
    assert [row.at for row in ledger.rows(UsageFilter())] == [9 * 86_400_000]
    assert ledger.summary([])[0].requests == 2
    database.close()


@pytest.mark.parametrize("url", ["", "x", "mysql://h/n", "sqlite://", "sqlite:///:memory:"])
def test_wrong_addresses(url: str) -> None:
    with pytest.raises(ConfigError):
        open_store(url)


def test_errors_show_no_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(f"postgresql://u:hidden@/n?host={tmp_path}")
    assert "hidden" not in str(caught.value)
    with pytest.raises(StoreError, match="there is no store"):
        open_store(f"sqlite:///{tmp_path}/none.db", create=False)


def test_a_lease_is_larger_than_what_is_needed_now(store: str) -> None:
    database = open_store(store)
    leases = Leases(database, "one")
    leases.register(time.time())
    grant = leases.acquire([Want(NAME, None, 3200, 1)])[NAME]
    assert (grant.held, grant.chunk, grant.free, grant.spent) == (100, 100, 3100, 0)
    other = Leases(database, "two")
    other.register(time.time())
    grant = other.acquire([Want(NAME, None, 3200, 3000)])[NAME]
    assert (grant.held, grant.free) == (3000, 100)
    assert other.acquire([Want(NAME, None, 3200, 200)])[NAME].held == 3100
    assert leases.acquire([Want(NAME, None, 50, 10)])[NAME].free == 0  # the cap was lowered
    database.close()


def test_budgets_of_long_ago_are_forgotten_and_no_others(store: str) -> None:
    database = open_store(store)
    leases, budgets, now = Leases(database, "one"), Budgets(database), time.time()
    leases.register(now)
    day = periods(now)[0][1]
    names = {("k", day): int(now) + 9, ("k", "1999"): 1, ("k", "2000"): 1, ("k", "total"): None}
    bookings = {name: Booking(ends_at, 5, 0) for name, ends_at in names.items()}
    assert leases.flush(1, [], bookings, now)
    leases.acquire([Want(("k", "2000"), 1, 100, 10)])  # somebody still holds a part of it
    budgets.forget(now)
    with database.read() as connection:
        kept = set(connection.scalars(sa.select(schema.budget.c.period)))
    assert kept == {day, "2000", "total"}
    assert [one.spent for one in budgets.state("k", now)] == [5, 0, 5]
    database.close()
