"""The proxy's store: what is flushed survives, nothing goes backwards, one process at a time."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cocoon.errors import StoreError
from cocoon.proxy.store import Batch, ClientRow, ProxyStore, StoreIdentity, WorkerRow
from cocoon.proxy.store.schema import metadata
from cocoon.proxy.store.store import sqlite_url
from cocoon.proxy.store.upgrade import HEAD, run_migrations

IDENTITY = StoreIdentity(bytes(32), "proxy-contract")
CLIENT = ClientRow("alice", "a", 100, 40, 0, 5, 6, bytes(32), 0, 7)
WORKER = WorkerRow("bob", "b", 70, 70, 0, 8)


def open_store(path: Path, identity: StoreIdentity = IDENTITY) -> ProxyStore:
    return ProxyStore.open(sqlite_url(path / "proxy.sqlite"), identity)


def test_flushed_rows_come_back(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.flush(Batch(1, (CLIENT,), (WORKER,)))
    store.flush(Batch(3, (replace(CLIENT, used=101),)))
    store.close()
    store = open_store(tmp_path)
    snapshot = store.load()
    store.close()
    assert snapshot.seqno == 3
    assert snapshot.clients == (replace(CLIENT, used=101),)
    assert snapshot.workers == (WORKER,)


def test_counters_never_shrink(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.flush(Batch(1, (CLIENT,)))
    store.close()
    store = open_store(tmp_path)
    store.load()
    with pytest.raises(StoreError, match="shrink"):
        store.flush(Batch(2, (replace(CLIENT, used=99),)))
    store.close()


def test_signable_above_used_is_refused_and_nothing_written(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(StoreError):
        store.flush(Batch(1, (replace(CLIENT, signable=101),), (WORKER,)))
    assert store.load().workers == ()
    assert store.seqno == 0
    store.close()


def test_batch_numbers_only_grow(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.flush(Batch(2, (CLIENT,)))
    with pytest.raises(StoreError, match="comes after"):
        store.flush(Batch(2, (CLIENT,)))
    store.close()


def test_second_process_is_kept_out(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.flush(Batch(1, (CLIENT,)))
    with pytest.raises(StoreError, match="another process"):
        open_store(tmp_path)
    store.close()


def test_another_writer_is_noticed_and_nothing_written(tmp_path: Path) -> None:
    """Not every database locks as a whole; two proxies on one ledger would undo each other."""
    store = open_store(tmp_path)
    store.flush(Batch(1, (CLIENT,)))
    with store._connection.begin():
        store._connection.execute(sa.update(metadata.tables["proxy_state"]).values(seqno=2))
    for seqno in (2, 3):  # also when the number is free again
        with pytest.raises(StoreError, match="another process"):
            store.flush(Batch(seqno, (replace(CLIENT, used=200),)))
    assert store.load().clients == (CLIENT,)
    store.close()


def test_foreign_store_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with pytest.raises(StoreError, match="belongs to"):
        open_store(tmp_path, StoreIdentity(bytes(32), "somebody-else"))


@pytest.mark.parametrize("url", ["nonsense", "mysql://localhost/x"])
def test_unusable_address(url: str) -> None:
    with pytest.raises(StoreError):
        ProxyStore.open(url, IDENTITY)


def test_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "proxy.sqlite").write_bytes(b"this is not a database, it is a text file" * 100)
    with pytest.raises(StoreError):
        open_store(tmp_path)


@contextlib.contextmanager
def database(path: Path) -> Iterator[sa.Connection]:
    engine = sa.create_engine(sqlite_url(path / "proxy.sqlite"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_new_store_has_the_schema(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with database(tmp_path) as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD


def test_migrations_make_the_same_schema(tmp_path: Path) -> None:
    with database(tmp_path) as connection:
        run_migrations(connection)
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
        migrated = dict(connection.execute(sa.text("SELECT name, sql FROM sqlite_master")).all())
    (tmp_path / "new").mkdir()
    open_store(tmp_path / "new").close()
    with database(tmp_path / "new") as connection:
        made = dict(connection.execute(sa.text("SELECT name, sql FROM sqlite_master")).all())
    assert made.keys() == migrated.keys()
    for table in metadata.tables:
        assert made[table].count("CHECK") == migrated[table].count("CHECK")
    open_store(tmp_path / "new").close()


def test_store_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with database(tmp_path) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    with pytest.raises(StoreError, match="schema"):
        open_store(tmp_path)


def test_alembic_is_not_loaded_without_need(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cocoon.proxy.store import *;"
        "from cocoon.proxy.store.store import sqlite_url;"
        "ProxyStore.open(sqlite_url(Path(sys.argv[1])), StoreIdentity(bytes(32), 'c')).close();"
        "print('alembic' in sys.modules)"
    )
    for _ in range(2):  # a new store, then the same again
        command = [sys.executable, "-c", code, str(tmp_path / "proxy.sqlite")]
        assert subprocess.run(command, capture_output=True, check=True).stdout == b"False\n"


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from cocoon.proxy.store import *
from cocoon.proxy.store.store import sqlite_url
store = ProxyStore.open(sqlite_url(Path(sys.argv[1])), StoreIdentity(bytes(32), "proxy-contract"))
row = ClientRow("alice", "a", 0, 0, 0, 0, 0, bytes(32), 0, 0)
used = 0
while True:
    used += 1
    store.flush(Batch(used, (replace(row, used=used, signable=used),)))
    print(used, flush=True)
"""


def test_killed_while_writing_keeps_what_was_promised(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(50):
            promised = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().splitlines()
    promised = max([promised, *[int(line) for line in rest if line.isdigit()]])
    store = open_store(tmp_path)
    (row,) = store.load().clients
    store.close()
    assert row.used >= promised
    assert row.signable == row.used
