"""A store that is away, full or hangs: nothing is admitted that cannot be counted, nothing is lost.

The store is the real one; only the times that people would wait are shorter.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cocoon.accounting import Nano
from cocoon.client.api import Outcome
from cocoon.gateway.gate import Permit
from cocoon.gateway.keys import KeyGate, KeysSettings, Limits, keeper
from cocoon.gateway.keys.budgets import Budgets
from cocoon.gateway.keys.ledger import Ledger, UsageFilter
from cocoon.gateway.keys.record import KeyRecord
from cocoon.gateway.keys.registry import Registry
from cocoon.gateway.keys.secret import new_key
from cocoon.gateway.keys.store import open_store
from cocoon.gateway.refusal import Refusal
from cocoon.store import database
from cocoon.testing.postgres import PostgresServer

pytestmark = pytest.mark.anyio
PATIENCE = 0.6
Make = Callable[..., Any]


def free(permit: Permit) -> None:
    """The end of a request that cost nothing."""
    permit.settle(Outcome(Nano(0), told=True), 200)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "PATIENCE_SECONDS", PATIENCE)
    monkeypatch.setattr(keeper, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(keeper, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(keeper, "FLUSH_SECONDS", 0.02)
    monkeypatch.setattr(database, "BUSY_MS", 20)
    monkeypatch.setattr(database, "_POSTGRES_OPTIONS", "")  # no limit to waits for a lock


@pytest.fixture
def outage(store: str, request: pytest.FixtureRequest) -> Iterator["Outage"]:
    if store.startswith("sqlite"):
        yield Locked(store)
        return
    server = request.getfixturevalue("postgres")
    yield Stopped(server)
    server.stop()
    server.start()


class Locked:
    """Somebody else writes: SQLite can be read but not written, as on a full disk."""

    def __init__(self, store: str) -> None:
        self._path = Path(store.removeprefix("sqlite:///"))

    def begin(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None)
        self._connection.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        self._connection.close()


class Stopped:
    """PostgreSQL crashes and is started again."""

    def __init__(self, server: PostgresServer) -> None:
        self.begin, self.end = server.stop, server.start


Outage = Locked | Stopped


async def answer_of(gate: KeyGate, key: bytes) -> str | None:
    try:
        await gate.identify(key)
    except Refusal as refusal:
        return refusal.code
    return None


async def until_answer(gate: KeyGate, key: bytes, code: str | None) -> None:
    deadline = time.monotonic() + 15
    while await answer_of(gate, key) != code:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def books(store: str, key_id: str) -> tuple[int, int, int]:
    """Spent and leased of the total budget, and the sum of the ledger."""
    opened = open_store(store)
    try:
        total = Budgets(opened).state(key_id, time.time())[2]
        rows = list(Ledger(opened).rows(UsageFilter(key_id=key_id)))
    finally:
        opened.close()
    return total.spent, total.leased, sum(row.cost for row in rows)


@pytest.mark.parametrize("idle", [True, False])
async def test_an_outage(
    store: str, outage: Outage, make: Make, demand: Any, outcome: Any, idle: bool
) -> None:
    record, key = make(limits=Limits(total=1000))
    gate = KeyGate(KeysSettings(store=store))
    await gate.start()
    try:
        caller = await gate.identify(key)
        permits = [await gate.admit(caller, demand(100)) for _ in range(4)]
        outage.begin()
        if not idle:
            permits.pop().settle(outcome(70), 200)
        await until_answer(gate, key, "key_store_unavailable")
        with pytest.raises(Refusal) as caught:
            await gate.admit(caller, demand(1))
        assert caught.value.code == "key_store_unavailable"
        for permit in permits[1:]:
            permit.settle(outcome(70), 200)
        outage.end()
        await until_answer(gate, key, None)
        again = await gate.admit(caller, demand(600))
        again.settle(outcome(500), 200)
        permits[0].settle(outcome(70), 200)
    finally:
        await gate.close()
    assert books(store, record.key_id) == (780, 0, 780)


async def test_requests_do_not_wait_for_a_store_that_hangs(
    postgres: PostgresServer, demand: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "PATIENCE_SECONDS", 0.3)
    url = postgres.new_database()
    opened = open_store(url)
    made = make_key(opened)
    opened.close()
    gate = KeyGate(KeysSettings(store=url))
    await gate.start()
    try:
        caller = await gate.identify(made)
        where = url.removeprefix("postgresql://postgres@/")
        name, _, host = where.partition("?host=")
        with psycopg.connect(f"host={host} user=postgres dbname={name}") as other:
            other.execute("LOCK TABLE keys_process")
            began = time.monotonic()
            with pytest.raises(Refusal) as caught:
                await gate.admit(caller, demand(100))
            assert caught.value.code == "key_store_unavailable"
            assert 0.2 < time.monotonic() - began < 5
            other.rollback()
        await until_answer(gate, made, None)
        free(await gate.admit(caller, demand(1000)))  # nothing stayed reserved
    finally:
        await gate.close()


def make_key(opened: database.Database) -> bytes:
    made = new_key()
    draft = KeyRecord(key_id="", secret_hash=b"", created_at=0, name="k", limits=Limits(total=1000))
    Registry(opened).create(draft, made)
    return made.text.encode()
