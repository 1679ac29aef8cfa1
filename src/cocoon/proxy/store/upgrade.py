"""Bring a store's schema up to date.

Alembic does it, but costs 10 MB and 0.1 s: it is loaded only where there is an old schema to
change. A new store is made from the present tables at once; a test compares both ways.
"""

from pathlib import Path

import sqlalchemy as sa

from cocoon.errors import StoreError
from cocoon.proxy.store import schema

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0002"
"""Number of the newest migration."""
_VERSION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), primary_key=True),
)


def bring_up_to_date(connection: sa.Connection) -> None:
    """Create or change the tables and commit.

    Raises:
        StoreError: the schema is newer than this program, or cannot be changed.
        sqlalchemy.exc.SQLAlchemyError: the database refuses.
    """
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        schema.metadata.create_all(connection)
        _VERSION.create(connection)
        connection.execute(sa.insert(_VERSION).values(version_num=HEAD))
    elif _VERSION.name not in tables or connection.scalar(sa.select(_VERSION)) != HEAD:
        run_migrations(connection)
    connection.commit()


def run_migrations(connection: sa.Connection) -> None:
    """Let Alembic do what is missing; raises as :func:`bring_up_to_date`."""
    from alembic import command  # noqa: PLC0415 - see the head of this file
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"cannot change the schema of the proxy's store: {error}") from error
