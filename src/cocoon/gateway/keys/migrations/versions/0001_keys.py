"""Keys, budgets, leases, processes and the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _long(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "keys_state",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
        _long("version"),
        sa.Column("salt", sa.LargeBinary(32), nullable=False),
    )
    _keys()
    _budgets()
    _ledger()


def _keys() -> None:
    op.create_table(
        "keys_api_key",
        sa.Column("key_id", sa.String(12), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("old_hash", sa.LargeBinary(32)),
        _long("old_until", nullable=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("scopes", "models", "limits", "user_limits")
        ),
        _long("created_at"),
        _long("expires_at", nullable=True),
        _long("revoked_at", nullable=True),
        sa.Column("disabled", sa.Boolean, nullable=False),
        _long("last_used_at", nullable=True),
        sa.Column("notes", sa.Text, nullable=False),
        _long("version"),
    )
    op.create_index("ix_keys_api_key_version", "keys_api_key", ["version"])


def _budgets() -> None:
    op.create_table(
        "keys_process",
        sa.Column("process_id", sa.String(32), primary_key=True),
        _long("started_at"),
        _long("seen_at"),
        _long("batch"),
    )
    op.create_table(
        "keys_budget",
        sa.Column("account", sa.String(48), primary_key=True),
        sa.Column("period", sa.String(10), primary_key=True),
        _long("ends_at", nullable=True),
        _long("spent"),
        _long("leased"),
        sa.CheckConstraint("spent >= 0 AND leased >= 0", name="keys_budget_levels"),
    )
    op.create_table(
        "keys_lease",
        sa.Column("process_id", sa.String(32), primary_key=True),
        sa.Column("account", sa.String(48), primary_key=True),
        sa.Column("period", sa.String(10), primary_key=True),
        _long("amount"),
        sa.CheckConstraint("amount >= 0", name="keys_lease_amount"),
    )


def _ledger() -> None:
    op.create_table(
        "keys_usage",
        sa.Column("id", _SERIAL, primary_key=True),
        _long("at"),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(12), nullable=False),
        sa.Column("end_user", sa.String(32), nullable=False),
        sa.Column("endpoint", sa.String(64), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        _long("prompt_tokens"),
        _long("completion_tokens"),
        _long("cost"),
        sa.Column("told", sa.Boolean, nullable=False),
        _long("duration_ms"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_keys_usage_at", "keys_usage", ["at"])
    op.create_index("ix_keys_usage_key", "keys_usage", ["key_id", "id"])
    op.create_table(
        "keys_usage_day",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("key_id", sa.String(12), primary_key=True),
        sa.Column("model", sa.String(128), primary_key=True),
        *(
            _long(name)
            for name in (
                "requests",
                "failed",
                "untold",
                "prompt_tokens",
                "completion_tokens",
                "cost",
            )
        ),
    )


def downgrade() -> None:
    """Drop them again."""
    for table in ("usage_day", "usage", "lease", "budget", "process", "api_key", "state"):
        op.drop_table(f"keys_{table}")
