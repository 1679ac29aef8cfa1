"""How far the chain is taken into the books, and the commits sent to it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the chain's position and the table of commits."""
    position = (
        sa.Column("seen_lt", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("seen_hash", sa.LargeBinary(32), nullable=False, server_default=""),
    )
    for column in position:
        op.add_column("proxy_state", column)
    op.create_table(
        "state_commit",
        sa.Column("seqno", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("state_commit")
    for name in ("seen_hash", "seen_lt"):
        op.drop_column("proxy_state", name)
