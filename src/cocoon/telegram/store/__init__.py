"""The store of a Telegram service: accounts, ledger, top-ups, encrypted history and updates."""

from pathlib import Path

from cocoon.store import Database, Schema
from cocoon.telegram.store import schema

SCHEMA = Schema(
    name="store of the Telegram service",
    tables=schema.metadata,
    head="0001",
    migrations=Path(__file__).parent / "migrations",
    version_table="telegram_alembic_version",
    lock=0x636F636F7467,
)


def open_store(url: str, *, create: bool = True) -> Database:
    """Open the store; arguments and errors as for :meth:`cocoon.store.Database.open`."""
    return Database.open(url, SCHEMA, create=create)
