"""Accounts of clients and workers, and the proxy's own state."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first three tables."""
    op.create_table(
        "proxy_state",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
        sa.Column("public_key", sa.LargeBinary(32), nullable=False),
        sa.Column("contract", sa.String(72), nullable=False),
        sa.Column("seqno", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "client_account",
        sa.Column("owner", sa.String(72), primary_key=True),
        sa.Column("contract", sa.String(72), nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("signable", sa.BigInteger, nullable=False),
        sa.Column("charged", sa.BigInteger, nullable=False),
        sa.Column("balance", sa.BigInteger, nullable=False),
        sa.Column("stake", sa.BigInteger, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("last_request_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("used >= signable AND signable >= 0", name="client_levels"),
    )
    op.create_table(
        "worker_account",
        sa.Column("owner", sa.String(72), primary_key=True),
        sa.Column("contract", sa.String(72), nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("signable", sa.BigInteger, nullable=False),
        sa.Column("paid", sa.BigInteger, nullable=False),
        sa.Column("last_request_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("used >= signable AND signable >= 0", name="worker_levels"),
    )


def downgrade() -> None:
    """Drop them again."""
    for table in ("worker_account", "client_account", "proxy_state"):
        op.drop_table(table)
