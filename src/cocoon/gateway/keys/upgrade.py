"""Bring the schema of a store of keys up to date, whichever process comes first.

As for the proxy's store, Alembic is loaded only where there is an old schema to change. The caller
holds a lock that other processes wait for (:meth:`cocoon.gateway.keys.database.Database.open`).
"""

import secrets
from pathlib import Path

import sqlalchemy as sa

from cocoon.errors import StoreError
from cocoon.gateway.keys import schema

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0001"
"""Number of the newest migration."""
VERSION = sa.Table(
    "keys_alembic_version",  # a PostgreSQL database may hold other parts' tables
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), primary_key=True),
)
SALT_BYTES = 32


def bring_up_to_date(connection: sa.Connection) -> None:
    """Create or change the tables; the caller commits.

    Raises:
        StoreError: the schema is newer than this program, or cannot be changed.
        sqlalchemy.exc.SQLAlchemyError: the database refuses.
    """
    if not sa.inspect(connection).has_table(VERSION.name):
        schema.metadata.create_all(connection)
        VERSION.create(connection)
        connection.execute(sa.insert(VERSION).values(version_num=HEAD))
    elif connection.scalar(sa.select(VERSION)) != HEAD:
        run_migrations(connection)
    if connection.scalar(sa.select(schema.state.c.id)) is None:
        salt = secrets.token_bytes(SALT_BYTES)
        connection.execute(sa.insert(schema.state).values(id=1, version=1, salt=salt))


def run_migrations(connection: sa.Connection) -> None:
    """Let Alembic do what is missing; raises as :func:`bring_up_to_date`."""
    from alembic import command  # noqa: PLC0415 - 10 MB, and rarely needed
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"cannot change the schema of the store of keys: {error}") from error
