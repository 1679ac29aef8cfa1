"""Keys in the store: make, find, change, rotate, revoke.

Every change raises the store's version, by which running gateways notice it.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import msgspec
import sqlalchemy as sa

from cocoon.errors import ConfigError, StoreError
from cocoon.gateway.keys.limits import Limits
from cocoon.gateway.keys.record import KeyRecord
from cocoon.gateway.keys.schema import api_key, state
from cocoon.gateway.keys.secret import NewKey, new_key
from cocoon.store import Database

MAX_KEYS = 100_000
"""Every gateway holds all keys in memory."""
MAX_NAMESAKES = 10
"""Of one name, as many are looked at."""
_json = msgspec.json.Encoder()


class UnknownKeyError(ConfigError):
    """There is no key with this id."""

    http_status = 404


class KeyConflictError(ConfigError):
    """The key is in a state that does not allow this."""

    http_status = 409


class Registry:
    """The keys of a store.

    Args:
        database: the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, draft: KeyRecord, made: NewKey) -> KeyRecord:
        """Store a new key.

        Args:
            draft: everything but id, hash and version.
            made: its id and secret.

        Raises:
            StoreError: the store does not work.
            KeyConflictError: there are ``MAX_KEYS``.
        """
        with self._database.write() as connection:
            version = _next_version(connection)
            count = connection.scalar(sa.select(sa.func.count()).select_from(api_key)) or 0
            if count >= MAX_KEYS:
                raise KeyConflictError(f"there are {MAX_KEYS} API keys, which is the limit")
            record = replace(
                draft, key_id=made.key_id, secret_hash=made.secret_hash, version=version
            )
            connection.execute(sa.insert(api_key).values(_to_row(record)))
        return record

    def get(self, key_id: str) -> KeyRecord:
        """One key.

        Raises:
            UnknownKeyError: there is none.
            StoreError: the store does not work.
        """
        with self._database.read() as connection:
            return _get(connection, key_id)

    def find(self, name_or_id: str) -> KeyRecord:
        """The key with an id, or the only one of a name, revoked ones apart; raises as `get`."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(api_key)
                .where(sa.or_(api_key.c.key_id == name_or_id, api_key.c.name == name_or_id))
                .order_by(api_key.c.revoked_at.isnot(None), api_key.c.created_at.desc())
                .limit(MAX_NAMESAKES)
            ).all()
        exact = [row for row in rows if row.key_id == name_or_id]
        live = [row for row in rows if row.revoked_at is None]
        found = exact or live or rows
        if len(found) > 1:
            ids = ", ".join(row.key_id for row in found)
            raise UnknownKeyError(f"several API keys have this name; give an id: {ids}")
        for row in found:
            return _from_row(row)
        raise UnknownKeyError("there is no such API key")

    def page(self, limit: int, after: str = "") -> list[KeyRecord]:
        """Keys by id, from the one after ``after``.

        Raises:
            StoreError: the store does not work.
        """
        statement = sa.select(api_key).where(api_key.c.key_id > after)
        with self._database.read() as connection:
            rows = connection.execute(statement.order_by(api_key.c.key_id).limit(limit)).all()
        return [_from_row(row) for row in rows]

    def update(self, key_id: str, changes: dict[str, Any], now: int) -> KeyRecord:
        """Change fields of a key.

        Args:
            key_id: which.
            changes: values by the names of :class:`KeyRecord`.
            now: Unix seconds.

        Raises:
            UnknownKeyError: there is none.
            KeyConflictError: it is revoked, which is for good.
            StoreError: the store does not work.
        """
        with self._database.write() as connection:
            version = _next_version(connection)
            before = _get(connection, key_id)
            if before.state(now) == "revoked":
                raise KeyConflictError("this API key is revoked; make another one")
            record = replace(before, **changes, version=version)
            row = _to_row(record)
            row.pop("last_used_at")  # gateways write it on their own
            connection.execute(sa.update(api_key).where(api_key.c.key_id == key_id).values(row))
        return record

    def rotate(self, key_id: str, overlap: int, now: int) -> tuple[KeyRecord, NewKey]:
        """Give a key another secret; the old one works for ``overlap`` more seconds.

        Raises as :meth:`update`.
        """
        made = new_key(key_id)
        old_hash = self.get(key_id).secret_hash if overlap else None
        changes = {
            "secret_hash": made.secret_hash,
            "old_hash": old_hash,
            "old_until": now + overlap if overlap else None,
        }
        return self.update(key_id, changes, now), made

    def revoke(self, key_id: str, now: int) -> KeyRecord:
        """Refuse a key from now on, for good; raises as :meth:`update`."""
        return self.update(key_id, {"revoked_at": now, "old_hash": None, "old_until": None}, now)

    def changed_since(self, version: int) -> tuple[int, list[KeyRecord]]:
        """The store's version and the keys that were changed after ``version``.

        Raises:
            StoreError: the store does not work.
        """
        with self._database.read() as connection:
            newest = connection.scalar(sa.select(state.c.version)) or 0
            if newest == version:
                return newest, []
            changed = sa.select(api_key).where(api_key.c.version > version)
            return newest, [_from_row(row) for row in connection.execute(changed)]

    def salt(self) -> bytes:
        """What the pseudonyms of end users are made with, 32 bytes.

        Raises:
            StoreError: the store does not work.
        """
        with self._database.read() as connection:
            salt = connection.scalar(sa.select(state.c.salt))
        if salt is None:
            raise StoreError("the store of API keys is damaged: it has no state")
        return bytes(salt)

    def used(self, keys: dict[str, int]) -> None:
        """Note when keys were last used, in Unix seconds.

        Raises:
            StoreError: the store does not work.
        """
        statement = (
            sa.update(api_key)
            .where(api_key.c.key_id == sa.bindparam("k"))
            .values(last_used_at=sa.bindparam("at"))
        )
        with self._database.write() as connection:
            connection.execute(statement, [{"k": key, "at": keys[key]} for key in sorted(keys)])


def _next_version(connection: sa.Connection) -> int:
    """Raise the version; its row is locked until the commit, so that versions come in order."""
    connection.execute(sa.update(state).values(version=state.c.version + 1))
    return int(connection.scalar(sa.select(state.c.version)) or 0)


def _get(connection: sa.Connection, key_id: str) -> KeyRecord:
    row = connection.execute(sa.select(api_key).where(api_key.c.key_id == key_id)).one_or_none()
    if row is None:
        raise UnknownKeyError("there is no such API key")
    return _from_row(row)


def _to_row(record: KeyRecord) -> dict[str, Any]:
    row = asdict(record)
    for name in ("scopes", "models", "limits", "user_limits"):
        row[name] = _json.encode(getattr(record, name)).decode()
    return row


def _from_row(row: sa.Row[Any]) -> KeyRecord:
    values = dict(row._mapping)
    try:
        for name in ("scopes", "models"):
            values[name] = msgspec.json.decode(values[name], type=tuple[str, ...])
        for name in ("limits", "user_limits"):
            values[name] = msgspec.json.decode(values[name], type=Limits)
    except msgspec.DecodeError:
        raise StoreError("the store of API keys is damaged: a key does not parse") from None
    for name in ("secret_hash", "old_hash"):
        values[name] = None if values[name] is None else bytes(values[name])
    return KeyRecord(**values)


def names(records: Sequence[KeyRecord]) -> dict[str, str]:
    """Names by id."""
    return {record.key_id: record.name for record in records}
