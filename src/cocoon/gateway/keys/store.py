"""The store of keys as :mod:`cocoon.store` knows it."""

import secrets
from pathlib import Path

import sqlalchemy as sa

from cocoon.gateway.keys import schema
from cocoon.store import Database, Schema

SALT_BYTES = 32


def open_store(url: str, *, create: bool = True) -> Database:
    """Open the store of keys; arguments and errors as for :meth:`cocoon.store.Database.open`."""
    return Database.open(url, KEYS, create=create)


def _fill(connection: sa.Connection) -> None:
    if connection.scalar(sa.select(schema.state.c.id)) is None:
        salt = secrets.token_bytes(SALT_BYTES)
        connection.execute(sa.insert(schema.state).values(id=1, version=1, salt=salt))


KEYS = Schema(
    name="store of API keys",
    tables=schema.metadata,
    head="0001",
    migrations=Path(__file__).parent / "migrations",
    version_table="keys_alembic_version",
    lock=0x636F636F6F6E,
    fill=_fill,
)
