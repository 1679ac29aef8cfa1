"""Stores of keys: the same tests run on SQLite and on PostgreSQL."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cocoon.accounting import Nano
from cocoon.client.api import Outcome
from cocoon.gateway.gate import Demand
from cocoon.gateway.keys import KeyRecord
from cocoon.gateway.keys.registry import Registry
from cocoon.gateway.keys.secret import new_key
from cocoon.gateway.keys.store import open_store
from cocoon.store import sqlite_url
from cocoon.testing.postgres import PostgresServer, postgres_binaries


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    binaries = postgres_binaries()
    if binaries is None:
        message = "PostgreSQL is missing: apt-get install postgresql"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with PostgresServer(binaries) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "keys.sqlite")
    return request.getfixturevalue("postgres").new_database()


Make = Callable[..., tuple[KeyRecord, bytes]]


@pytest.fixture
def make(store: str) -> Make:
    """Makes a key in the store; returns it with its text."""

    def make_key(**fields: object) -> tuple[KeyRecord, bytes]:
        made = new_key()
        draft = KeyRecord(key_id="", secret_hash=b"", created_at=int(time.time()), name="k")
        values = {name: getattr(draft, name) for name in draft.__dataclass_fields__} | fields
        database = open_store(store)
        try:
            record = Registry(database).create(KeyRecord(**values), made)
        finally:
            database.close()
        return record, made.text.encode()

    return make_key


def _demand(cost: int = 100, user: str = "", *, model: str = "demo", tokens: int = 10) -> Demand:
    return Demand("r", "/v1/chat/completions", model, user, Nano(cost), 40, tokens)


@pytest.fixture
def demand() -> Callable[..., Demand]:
    return _demand


@pytest.fixture
def outcome() -> Callable[..., Outcome]:
    return lambda cost=100, prompt=3, completion=4, told=True: Outcome(
        Nano(cost), told=told, prompt_tokens=prompt, completion_tokens=completion
    )
