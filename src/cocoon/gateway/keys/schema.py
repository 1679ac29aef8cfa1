"""Tables of the store of keys. A change here needs a migration in ``migrations/versions``."""

import sqlalchemy as sa

metadata = sa.MetaData()

_LONG = sa.BigInteger
# SQLite counts rows by itself only in a column that is INTEGER and nothing else.
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")

state = sa.Table(
    "keys_state",
    metadata,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
    sa.Column("version", _LONG, nullable=False),
    sa.Column("salt", sa.LargeBinary(32), nullable=False),
)

api_key = sa.Table(
    "keys_api_key",
    metadata,
    sa.Column("key_id", sa.String(12), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("old_hash", sa.LargeBinary(32)),
    sa.Column("old_until", _LONG),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("models", sa.Text, nullable=False),
    sa.Column("limits", sa.Text, nullable=False),
    sa.Column("user_limits", sa.Text, nullable=False),
    sa.Column("created_at", _LONG, nullable=False),
    sa.Column("expires_at", _LONG),
    sa.Column("revoked_at", _LONG),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("last_used_at", _LONG),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Column("version", _LONG, nullable=False, index=True),
)

process = sa.Table(
    "keys_process",
    metadata,
    sa.Column("process_id", sa.String(32), primary_key=True),
    sa.Column("started_at", _LONG, nullable=False),
    sa.Column("seen_at", _LONG, nullable=False),
    sa.Column("batch", _LONG, nullable=False),
)

budget = sa.Table(
    "keys_budget",
    metadata,
    sa.Column("account", sa.String(48), primary_key=True),
    sa.Column("period", sa.String(10), primary_key=True),
    sa.Column("ends_at", _LONG),
    sa.Column("spent", _LONG, nullable=False),
    sa.Column("leased", _LONG, nullable=False),
    sa.CheckConstraint("spent >= 0 AND leased >= 0", name="keys_budget_levels"),
)

lease = sa.Table(
    "keys_lease",
    metadata,
    sa.Column("process_id", sa.String(32), primary_key=True),
    sa.Column("account", sa.String(48), primary_key=True),
    sa.Column("period", sa.String(10), primary_key=True),
    sa.Column("amount", _LONG, nullable=False),
    sa.CheckConstraint("amount >= 0", name="keys_lease_amount"),
)

usage = sa.Table(
    "keys_usage",
    metadata,
    sa.Column("id", _SERIAL, primary_key=True),
    sa.Column("at", _LONG, nullable=False, index=True),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("key_id", sa.String(12), nullable=False),
    sa.Column("end_user", sa.String(32), nullable=False),
    sa.Column("endpoint", sa.String(64), nullable=False),
    sa.Column("model", sa.String(128), nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("prompt_tokens", _LONG, nullable=False),
    sa.Column("completion_tokens", _LONG, nullable=False),
    sa.Column("cost", _LONG, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("duration_ms", _LONG, nullable=False),
    sa.Index("ix_keys_usage_key", "key_id", "id"),
    sqlite_autoincrement=True,
)

usage_day = sa.Table(
    "keys_usage_day",
    metadata,
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("key_id", sa.String(12), primary_key=True),
    sa.Column("model", sa.String(128), primary_key=True),
    sa.Column("requests", _LONG, nullable=False),
    sa.Column("failed", _LONG, nullable=False),
    sa.Column("untold", _LONG, nullable=False),
    sa.Column("prompt_tokens", _LONG, nullable=False),
    sa.Column("completion_tokens", _LONG, nullable=False),
    sa.Column("cost", _LONG, nullable=False),
)
