"""Databases of servers: SQLite or PostgreSQL under one schema.

:mod:`cocoon.store.database` opens one, :mod:`cocoon.store.schema` keeps its tables up to date. What
the tables mean is the business of whoever brings them.
"""

from cocoon.store.database import Database, sqlite_url
from cocoon.store.schema import Schema

__all__ = ["Database", "Schema", "sqlite_url"]
