"""The embedded chain's database: one SQLite file, or memory.

A block is one SQL transaction, so a killed process leaves whole blocks. The file is in WAL mode and
not flushed at every block: after a power cut the last blocks may be missing, but nothing is half
there. One process holds it at a time.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.chain.address import Address
from cocoon.chain.embedded.records import Block, ChainTransaction
from cocoon.errors import StoreError

APPLICATION_ID = 0x434F4348
SCHEMA_VERSION = 1
_MEMORY = ":memory:"

_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE account(address BLOB PRIMARY KEY, boc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE queue(id INTEGER PRIMARY KEY, boc BLOB NOT NULL);
CREATE TABLE library(hash BLOB PRIMARY KEY, boc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE block(
  seqno INTEGER PRIMARY KEY, time INTEGER NOT NULL, start_lt INTEGER NOT NULL,
  end_lt INTEGER NOT NULL, hash BLOB NOT NULL, transactions INTEGER NOT NULL);
CREATE TABLE tx(
  lt INTEGER PRIMARY KEY, address BLOB NOT NULL, hash BLOB NOT NULL, boc BLOB NOT NULL,
  block INTEGER NOT NULL, time INTEGER NOT NULL, in_hash BLOB NOT NULL);
CREATE INDEX tx_of_account ON tx(address, lt);
CREATE INDEX tx_by_hash ON tx(hash);
CREATE INDEX tx_by_message ON tx(in_hash);
"""
_TX = "address, lt, hash, boc, block, time, in_hash"
_NEWEST_FIRST = "ORDER BY lt DESC LIMIT ?"
_NO_LIMIT = 1 << 62
_MAGIC = b"SQLite format 3\0"
_FORMAT = slice(18, 20)
"""Where a database's header says how it is written and read."""
_NO_WAL = 1


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that a block changes.

    Args:
        block: the block.
        transactions: its transactions, in order.
        accounts: ``ShardAccount`` bags of the accounts that it touched.
        queue: messages that wait for the next block; None if still the same ones wait.
    """

    block: Block
    transactions: Sequence[ChainTransaction] = ()
    accounts: Iterable[tuple[Address, bytes]] = ()
    queue: Sequence[bytes] | None = None


class ChainStore:
    """The database; methods raise ``StoreError`` only. Not for several threads at once.

    Args:
        path: the file; None for memory.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(
                path or _MEMORY, check_same_thread=False, isolation_level=None, timeout=0
            )
        except sqlite3.Error as error:
            raise StoreError(f"cannot open {path}: {error}") from error
        try:
            self._prepare()
        except (sqlite3.Error, StoreError) as error:
            self._db.close()
            reason = "another process uses it" if "locked" in str(error) else str(error)
            raise StoreError(f"cannot open {path}: {reason}") from error

    def _prepare(self) -> None:
        # An exclusive lock keeps a second process out, and the log needs no shared memory.
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        with self._transaction():
            application, version = self._pragma("application_id"), self._pragma("user_version")
            if not application and not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
                return
            if application != APPLICATION_ID:
                raise StoreError("it is no embedded chain")
            if version != SCHEMA_VERSION:
                raise StoreError(
                    f"it has version {version} and this Cocoon reads version {SCHEMA_VERSION}; "
                    "delete it to start a new chain"
                )

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """``BEGIN`` … ``COMMIT``, or ``ROLLBACK`` on any error."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreError(f"the chain's file cannot be written: {error}") from error

    def close(self) -> None:
        """Release the file."""
        with suppress(sqlite3.Error):
            self._db.close()

    # Writing

    def commit(self, commit: Commit) -> None:
        """Store a block, whole or not at all."""
        block = commit.block
        with self._transaction():
            if commit.queue is not None:
                self._db.execute("DELETE FROM queue")
                self._db.executemany(
                    "INSERT INTO queue(boc) VALUES(?)", ((boc,) for boc in commit.queue)
                )
            self._db.executemany(
                f"INSERT INTO tx({_TX}) VALUES(?,?,?,?,?,?,?)",
                (
                    (t.address.account, t.lt, t.hash, t.boc, t.block, t.time, t.in_hash)
                    for t in commit.transactions
                ),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO account VALUES(?,?)",
                ((address.account, boc) for address, boc in commit.accounts),
            )
            self._db.execute(
                "INSERT INTO block VALUES(?,?,?,?,?,?)",
                (
                    block.seqno,
                    block.time,
                    block.start_lt,
                    block.end_lt,
                    block.hash,
                    block.transactions,
                ),
            )

    def set_meta(self, **values: Any) -> None:
        """Store settings of the chain."""
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES(?,?)", values.items())

    def add_library(self, cell_hash: bytes, boc: bytes) -> None:
        """Store a published cell."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO library VALUES(?,?)", (cell_hash, boc))

    # Reading

    def meta(self) -> dict[str, Any]:
        """All settings."""
        return dict(self._rows("SELECT key, value FROM meta"))

    def libraries(self) -> list[bytes]:
        """All published cells."""
        return [boc for (boc,) in self._rows("SELECT boc FROM library")]

    def library(self, cell_hash: bytes) -> bytes | None:
        """A published cell by its hash."""
        rows = self._rows("SELECT boc FROM library WHERE hash=?", cell_hash)
        return rows[0][0] if rows else None

    def queue(self) -> list[bytes]:
        """Messages that wait, oldest first."""
        return [boc for (boc,) in self._rows("SELECT boc FROM queue ORDER BY id")]

    def account(self, address: Address) -> bytes | None:
        """An account's ``ShardAccount``."""
        rows = self._rows("SELECT boc FROM account WHERE address=?", address.account)
        return rows[0][0] if rows else None

    def active_accounts(self, limit: int) -> list[Address]:
        """Accounts that ever had a transaction, the most recently active first."""
        sql = "SELECT address FROM tx GROUP BY address ORDER BY MAX(lt) DESC LIMIT ?"
        return [Address(raw) for (raw,) in self._rows(sql, limit)]

    def head(self) -> Block | None:
        """The newest block."""
        rows = self._rows("SELECT * FROM block ORDER BY seqno DESC LIMIT 1")
        return Block(*rows[0]) if rows else None

    def block(self, seqno: int) -> Block | None:
        """A block by its number."""
        rows = self._rows("SELECT * FROM block WHERE seqno=?", seqno)
        return Block(*rows[0]) if rows else None

    def blocks(self, limit: int, before: int | None) -> list[Block]:
        """Blocks, newest first, with numbers below ``before``."""
        sql = "SELECT * FROM block WHERE seqno<? ORDER BY seqno DESC LIMIT ?"
        return [Block(*row) for row in self._rows(sql, _bound(before), limit)]

    def transactions(
        self, address: Address, limit: int, before: int | None
    ) -> list[ChainTransaction]:
        """Transactions of an account, newest first."""
        where = "WHERE address=? AND lt<?"
        return self._tx(f"{where} {_NEWEST_FIRST}", address.account, _bound(before), limit)

    def recent(self, limit: int, before: int | None) -> list[ChainTransaction]:
        """Transactions of all accounts, newest first."""
        return self._tx(f"WHERE lt<? {_NEWEST_FIRST}", _bound(before), limit)

    def of_block(self, block: Block) -> list[ChainTransaction]:
        """Transactions of a block, in order."""
        if not block.transactions:
            return []
        return self._tx("WHERE lt BETWEEN ? AND ? ORDER BY lt", block.start_lt, block.end_lt)

    def by_hash(self, tx_hash: bytes) -> ChainTransaction | None:
        """A transaction by its hash."""
        return next(iter(self._tx("WHERE hash=?", tx_hash)), None)

    def by_message(self, message_hash: bytes) -> ChainTransaction | None:
        """The newest transaction of a message."""
        return next(iter(self._tx(f"WHERE in_hash=? {_NEWEST_FIRST}", message_hash, 1)), None)

    def _tx(self, rest: str, *values: Any) -> list[ChainTransaction]:
        rows = self._rows(f"SELECT {_TX} FROM tx {rest}", *values)  # noqa: S608 - our own text
        return [ChainTransaction(Address(row[0]), *row[1:]) for row in rows]

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"the chain's file cannot be read: {error}") from error

    # Copies

    def dump(self) -> bytes:
        """The whole database."""
        try:
            with closing(sqlite3.connect(_MEMORY)) as copy:
                self._db.backup(copy)
                image = bytearray(copy.serialize())
        except sqlite3.Error as error:
            raise StoreError(f"the chain cannot be copied: {error}") from error
        # An image that says "WAL" cannot be opened in memory; the copy keeps no log anyway.
        image[_FORMAT] = bytes((_NO_WAL, _NO_WAL))
        return bytes(image)

    def load(self, data: bytes) -> None:
        """Replace the whole database by what :meth:`dump` returned, in one transaction."""
        with _image(data) as copy:
            try:
                copy.backup(self._db)
            except sqlite3.Error as error:
                raise StoreError(f"the chain cannot be restored: {error}") from error


def check_dump(data: bytes) -> None:
    """Look through what :meth:`ChainStore.dump` returned and a file has kept since.

    Raises:
        StoreError: it is damaged, or of another version.
    """
    with _image(data) as copy:
        try:
            (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
            blocks = copy.execute("SELECT COUNT(*) FROM block").fetchone()[0]
        except sqlite3.Error as error:
            raise StoreError(f"the snapshot is damaged: {error}") from error
        if found != "ok" or not blocks:
            raise StoreError(f"the snapshot is damaged: {found}")


@contextmanager
def _image(data: bytes) -> Iterator[sqlite3.Connection]:
    """A database in memory, of our kind."""
    if not data.startswith(_MAGIC):
        raise StoreError("the snapshot is damaged: it is no database")
    with closing(sqlite3.connect(_MEMORY)) as copy:
        try:
            copy.deserialize(data)
            kind = copy.execute("PRAGMA application_id").fetchone()[0]
            version = copy.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            raise StoreError(f"the snapshot is damaged: {error}") from error
        if (kind, version) != (APPLICATION_ID, SCHEMA_VERSION):
            raise StoreError("the snapshot is of another version, or no embedded chain")
        yield copy


def _bound(before: int | None) -> int:
    return _NO_LIMIT if before is None else min(before, _NO_LIMIT)
