"""The tables of a store, brought up to date by whichever process comes first.

Alembic costs 10 MB and 0.1 s: it is loaded only where there is an old schema to change. A new store
is made from the present tables at once. The caller holds a lock that other processes wait for
(:meth:`cocoon.store.database.Database.open`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from cocoon.errors import StoreError


def _nothing(connection: sa.Connection) -> None:
    """No first rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What a store holds.

    Attributes:
        name: what it is, for the texts of errors: ``"store of API keys"``.
        tables: the present ones.
        head: number of the newest migration.
        migrations: folder of Alembic's scripts, with an ``env.py``.
        version_table: where the number stands; a PostgreSQL database may hold other parts' tables.
        lock: advisory lock of PostgreSQL that is held while the schema is changed.
        fill: writes first rows that are missing.
    """

    name: str
    tables: sa.MetaData
    head: str
    migrations: Path
    version_table: str
    lock: int
    fill: Callable[[sa.Connection], None] = _nothing

    def version(self) -> sa.Table:
        """The table that the number stands in."""
        column = sa.Column("version_num", sa.String(32), primary_key=True)
        return sa.Table(self.version_table, sa.MetaData(), column)

    def bring_up_to_date(self, connection: sa.Connection) -> None:
        """Create or change the tables; the caller commits.

        Raises:
            StoreError: the schema is newer than this program, or cannot be changed.
            sqlalchemy.exc.SQLAlchemyError: the database refuses.
        """
        version = self.version()
        if not sa.inspect(connection).has_table(version.name):
            self.tables.create_all(connection)
            version.create(connection)
            connection.execute(sa.insert(version).values(version_num=self.head))
        elif connection.scalar(sa.select(version)) != self.head:
            self.run_migrations(connection)
        self.fill(connection)

    def run_migrations(self, connection: sa.Connection) -> None:
        """Let Alembic do what is missing; raises as :meth:`bring_up_to_date`."""
        from alembic import command  # noqa: PLC0415 - see the head of this file
        from alembic.config import Config  # noqa: PLC0415
        from alembic.util import CommandError  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(self.migrations))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(f"cannot change the schema of the {self.name}: {error}") from error
