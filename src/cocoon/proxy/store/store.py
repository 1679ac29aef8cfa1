"""The proxy's ledger on disk: crash-safe, single-writer, counters never go backwards.

All methods block; the proxy calls them from one thread of its own. A batch is one transaction
with full synchronisation, so what :meth:`ProxyStore.flush` has returned for survives the death of
the process and of the machine.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from cocoon.errors import StoreError
from cocoon.proxy.store import schema
from cocoon.proxy.store.rows import (
    Batch,
    ChainPosition,
    ClientRow,
    Snapshot,
    StateCommit,
    StoreIdentity,
    WorkerRow,
)
from cocoon.proxy.store.upgrade import bring_up_to_date


class ProxyStore:
    """Accounts and the batch counter of one proxy.

    Use :meth:`open`; a store belongs to one proxy identity and to one process at a time.
    """

    def __init__(self, engine: sa.Engine, connection: sa.Connection) -> None:
        self._engine = engine
        self._connection = connection
        self._written: dict[tuple[str, str], int] = {}
        self._seqno = 0

    @classmethod
    def open(cls, url: str, identity: StoreIdentity) -> Self:
        """Open or create the store at a SQLAlchemy URL and bring its schema up to date.

        Raises:
            StoreError: unreadable, in use by another process, newer than this program, or the
                state of another proxy.
        """
        engine = _create_engine(url)
        try:
            connection = engine.connect()
            bring_up_to_date(connection)
            store = cls(engine, connection)
            store._claim(identity)
        except sa.exc.OperationalError as error:
            engine.dispose()
            text = str(error.orig)
            if "locked" in text:
                text = "another process uses it; stop that proxy first"
            raise StoreError(f"cannot open the proxy's store {_shown(url)}: {text}") from error
        except sa.exc.SQLAlchemyError as error:
            engine.dispose()
            raise StoreError(f"cannot open the proxy's store {_shown(url)}: {error}") from error
        except StoreError:
            engine.dispose()
            raise
        return store

    def _claim(self, identity: StoreIdentity) -> None:
        row = self._connection.execute(sa.select(schema.proxy_state)).one_or_none()
        if row is None:
            values = {"id": 1, "seqno": 0, "seen_lt": 0, "seen_hash": bytes(32)}
            values |= asdict(identity)
            self._connection.execute(sa.insert(schema.proxy_state).values(values))
        elif row.public_key != identity.public_key or row.contract != identity.contract:
            raise StoreError(
                f"the store belongs to proxy contract {row.contract}, not to {identity.contract}: "
                "use that proxy's key and root configuration, or another database"
            )
        else:
            self._seqno = row.seqno
        self._connection.commit()

    @property
    def seqno(self) -> int:
        """Number of the last committed batch."""
        return self._seqno

    def load(self) -> Snapshot:
        """Everything in the store.

        Raises:
            StoreError: it cannot be read.
        """
        try:
            clients = [
                ClientRow(**row._mapping)
                for row in self._connection.execute(sa.select(schema.client_account))
            ]
            workers = [
                WorkerRow(**row._mapping)
                for row in self._connection.execute(sa.select(schema.worker_account))
            ]
            state = self._connection.execute(sa.select(schema.proxy_state)).one()
            commits = [
                StateCommit(row.seqno, bytes(row.root))
                for row in self._connection.execute(
                    sa.select(schema.state_commit).order_by(schema.state_commit.c.seqno)
                )
            ]
            self._connection.rollback()
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(f"cannot read the proxy's store: {error}") from error
        for row in clients:
            self._written["client", row.owner] = row.used
        for worker in workers:
            self._written["worker", worker.owner] = worker.used
        position = ChainPosition(state.seen_lt, bytes(state.seen_hash) or bytes(32))
        return Snapshot(self._seqno, tuple(clients), tuple(workers), position, tuple(commits))

    def flush(self, batch: Batch) -> None:
        """Write a batch in one transaction.

        Raises:
            StoreError: a counter or the batch number would go backwards, another process has
                written, or the database refuses. Nothing is written.
        """
        if batch.seqno <= self._seqno:
            raise StoreError(f"batch {batch.seqno} comes after batch {self._seqno}")
        self._refuse_regressions("client", batch.clients)
        self._refuse_regressions("worker", batch.workers)
        try:
            with self._connection.begin():
                self._advance(batch)
                self._upsert(schema.client_account, batch.clients)
                self._upsert(schema.worker_account, batch.workers)
                if batch.commit is not None:
                    self._remember(batch.commit, batch.confirmed)
        except sa.exc.SQLAlchemyError as error:
            # The statement text is left out: it would carry client addresses into logs.
            reason = getattr(error, "orig", None) or type(error).__name__
            raise StoreError(f"cannot write the proxy's store: {reason}") from error
        self._seqno = batch.seqno
        self._written.update({("client", row.owner): row.used for row in batch.clients})
        self._written.update({("worker", row.owner): row.used for row in batch.workers})

    def _refuse_regressions(self, kind: str, rows: Iterable[ClientRow | WorkerRow]) -> None:
        for row in rows:
            if row.used < self._written.get((kind, row.owner), 0):
                raise StoreError(f"refused to write {kind} {row.owner}: its counter would shrink")

    def _advance(self, batch: Batch) -> None:
        """Move the batch counter on from where we left it; locks its row until the commit."""
        state = schema.proxy_state
        values: dict[str, Any] = {"seqno": batch.seqno}
        if batch.position is not None:
            values |= {"seen_lt": batch.position.lt, "seen_hash": batch.position.hash}
        moved = self._connection.execute(
            sa.update(state).where(state.c.seqno == self._seqno).values(values)
        )
        if moved.rowcount != 1:
            raise StoreError("another process has written to the proxy's store; stop one of them")

    def _remember(self, commit: StateCommit, confirmed: int) -> None:
        """Keep a commit before it is sent, and forget those before the newest one on chain.

        That one is never forgotten, however many after it never arrive: without it the store would
        look like an older copy.
        """
        table = schema.state_commit
        self._connection.execute(sa.insert(table).values(asdict(commit)))
        self._connection.execute(sa.delete(table).where(table.c.seqno < confirmed))

    def _upsert(self, table: sa.Table, rows: Sequence[ClientRow | WorkerRow]) -> None:
        if not rows:
            return
        insert = _insert(self._engine.dialect.name, table)
        changes = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key}
        statement = insert.on_conflict_do_update(index_elements=["owner"], set_=changes)
        self._connection.execute(statement, [asdict(row) for row in rows])

    def close(self) -> None:
        """Release the database; the store cannot be used afterwards."""
        self._connection.close()
        self._engine.dispose()


def stored_contract(url: str) -> str | None:
    """The proxy contract that a store belongs to; None if there is no store yet.

    Raises:
        StoreError: it cannot be read.
    """
    parsed = _parse_url(url)
    if _sqlite(parsed) and not (parsed.database and Path(parsed.database).exists()):
        return None
    engine = _create_engine(url)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table(schema.proxy_state.name):
                return None
            contract = connection.scalar(sa.select(schema.proxy_state.c.contract))
            return None if contract is None else str(contract)
    except sa.exc.SQLAlchemyError as error:
        raise StoreError(f"cannot read the proxy's store {_shown(url)}: {error}") from error
    finally:
        engine.dispose()


def set_aside(url: str, name: str) -> Path:
    """Rename a SQLite store that is done with; returns its new path.

    Args:
        url: its address.
        name: goes into the new file name.

    Raises:
        StoreError: it is no file, or cannot be renamed.
    """
    parsed = _parse_url(url)
    if not _sqlite(parsed) or not parsed.database:
        raise StoreError(f"the store belongs to the closed proxy contract {name}: use another one")
    old = Path(parsed.database)
    new = old.with_name(f"{old.stem}-{name}{old.suffix}")
    try:
        for suffix in ("-wal", "-shm", ""):
            if Path(f"{old}{suffix}").exists():
                Path(f"{old}{suffix}").rename(f"{new}{suffix}")
    except OSError as error:
        raise StoreError(f"cannot rename the store {old}: {error.strerror}") from None
    return new


def sqlite_url(path: Path) -> str:
    """The SQLAlchemy URL of a SQLite file."""
    return f"sqlite:///{path}"


def _parse_url(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise StoreError("the store's address is not a database URL like sqlite:///FILE") from error


def _create_engine(url: str) -> sa.Engine:
    parsed = _parse_url(url)
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise StoreError("the proxy's store is SQLite or PostgreSQL")
    engine = sa.create_engine(parsed, poolclass=sa.pool.StaticPool if _sqlite(parsed) else None)
    if _sqlite(parsed):
        if parsed.database:
            path = Path(parsed.database)
            path.parent.mkdir(parents=True, exist_ok=True)
            _create_private(path)  # its journal gets the same mode

        @sa.event.listens_for(engine, "connect")
        def configure(connection: Any, _record: object) -> None:
            # WAL with FULL survives power loss; EXCLUSIVE keeps a second proxy away from the
            # ledger, which would otherwise sign from an old copy.
            for pragma in (
                "locking_mode=EXCLUSIVE",
                "journal_mode=WAL",
                "synchronous=FULL",
                "busy_timeout=1000",
            ):
                connection.execute(f"PRAGMA {pragma}")

    return engine


def _create_private(path: Path) -> None:
    """Who owes how much is nobody else's business: only we may read the file."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"cannot open the proxy's store {path}: {error.strerror}") from None


def _insert(dialect: str, table: sa.Table) -> Any:
    """An INSERT that knows what to do on conflict; loads only the dialect that is used."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 3 MB

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415

    return sqlite.insert(table)


def _sqlite(url: sa.URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _shown(url: str) -> str:
    return sa.make_url(url).render_as_string(hide_password=True)
