"""A database of ours: SQLite by default, PostgreSQL through the same schema.

All methods block. A server calls them from one thread of its own, a command from its main thread.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from cocoon.errors import ConfigError, StoreError
from cocoon.store.schema import Schema

BUSY_MS = 5000
"""Longest wait for another process' transaction; one of ours takes milliseconds."""
SWITCH_TRIES = 60
_POSTGRES_OPTIONS = f"-c lock_timeout={BUSY_MS} -c statement_timeout=60000"
# A machine that vanished does not even answer with an error.
_NOTICE_THE_DEAD = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_IMMEDIATE = "cocoon_immediate"


class Database:
    """Transactions on a store.

    Args:
        engine: of SQLAlchemy; see :meth:`open`.
        name: what it is, for the texts of errors: ``"store of API keys"``.
    """

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._writer = engine.execution_options(**{_IMMEDIATE: True})

    @classmethod
    def open(cls, url: str, schema: Schema, *, create: bool = True) -> Self:
        """Open the store at a database URL, and bring its schema up to date.

        Args:
            url: ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``.
            schema: what is in it.
            create: whether a SQLite file that is not there is made.

        Raises:
            ConfigError: not such a URL.
            StoreError: it cannot be opened, or is newer than this program.
        """
        database = cls(_create_engine(url, schema.name, create=create), schema.name)
        try:
            with database.write() as connection:
                if not database.is_sqlite:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(schema.lock)))
                schema.bring_up_to_date(connection)
        except StoreError:
            database.close()
            raise
        return database

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction; committed, with all that is in it on disk, when the block ends.

        Raises:
            StoreError: the database refuses or is away; nothing is written, unless the connection
                broke during the commit.
        """
        with _errors(self._name), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads, and keeps nobody from writing.

        Raises:
            StoreError: as :meth:`write`.
        """
        with _errors(self._name), self._engine.connect() as connection:
            yield connection

    def insert(self, table: sa.Table) -> Any:
        """An INSERT that knows what to do on conflict; loads only the dialect that is used."""
        if self.is_sqlite:
            from sqlalchemy.dialects import sqlite  # noqa: PLC0415

            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table)

    def close(self) -> None:
        """Drop all connections."""
        self._engine.dispose()


@contextmanager
def _errors(name: str) -> Iterator[None]:
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        # No statement and no parameters: they hold hashes and names.
        reason = getattr(error, "orig", None) or type(error).__name__
        text = " ".join(str(reason).split())[:300]
        raise StoreError(f"the {name} does not work: {text}") from None


def _create_engine(url: str, name: str, *, create: bool) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
    except sa.exc.ArgumentError:
        backend = ""
    if backend == "sqlite":
        return _sqlite(parsed, name, create=create)
    if backend == "postgresql":
        return _postgresql(parsed)
    raise ConfigError(
        f"the {name} is a database URL: sqlite:///FILE or postgresql://USER@HOST/NAME"
    )


def _postgresql(url: sa.URL) -> sa.Engine:
    options = {"connect_timeout": 5, "options": _POSTGRES_OPTIONS, **_NOTICE_THE_DEAD}
    # A server set up without a locale has databases without an encoding: texts would be bytes.
    options["client_encoding"] = "utf8"
    try:
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=1,
            max_overflow=1,
            pool_pre_ping=True,
            connect_args=options,
        )
    except ImportError:
        raise ConfigError(
            "PostgreSQL needs the package psycopg: pip install 'psycopg[binary]'"
        ) from None


def _sqlite(url: sa.URL, name: str, *, create: bool) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise ConfigError(f"the {name} must be a file: sqlite:///FILE")
    path = Path(url.database)
    if not create and not path.exists():
        raise StoreError(f"there is no {name} at {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Who spends how much is nobody else's business; the journal gets the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"cannot open the {name} {path}: {error.strerror}") from None
    engine = sa.create_engine(
        url.set(drivername="sqlite"), connect_args={"timeout": BUSY_MS / 1000}, pool_size=2
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins no transactions; `begin` does
        # FULL: what a lease promises must survive a power cut.
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get(_IMMEDIATE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _write_ahead(connection: Any) -> None:
    """Switch to write-ahead logging; unlike all else, SQLite does not wait for others here."""
    for _ in range(SWITCH_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            time.sleep(0.05)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path}"
