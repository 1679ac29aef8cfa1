"""Accounts, ledger, top-ups, history and updates of a Telegram service."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _long(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _id(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def _text(name: str, size: int, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(size), nullable=nullable)


def _key(name: str, size: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(size), primary_key=True)


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "telegram_service",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
        _text("owner", 32),
        _long("since"),
    )
    _money()
    _topups()
    _people()
    _chats()
    _operations()


def _money() -> None:
    op.create_table(
        "telegram_user",
        _id(),
        _long("created"),
        _long("last_seen"),
        _text("language", 16),
        _long("balance"),
        _long("free_day"),
        _long("free_used"),
        sa.Column("blocked", sa.Boolean, nullable=False),
        sa.CheckConstraint("balance >= 0 AND free_used >= 0", name="telegram_user_money"),
    )
    op.create_table(
        "telegram_entry",
        sa.Column("id", _SERIAL, primary_key=True),
        _long("user"),
        _long("at"),
        _text("kind", 16),
        _text("reference", 160),
        _long("amount"),
        _long("free"),
        sa.Column("detail", sa.Text, nullable=False),
        sa.UniqueConstraint("kind", "reference"),
    )
    op.create_index("telegram_entry_of_user", "telegram_entry", ["user", "id"])
    op.create_index("telegram_entry_at", "telegram_entry", ["at"])
    op.create_table(
        "telegram_hold",
        _key("reference", 160),
        _long("user"),
        _long("at"),
        _text("ticket", 16),
        _long("amount"),
        _long("free"),
        _long("free_day"),
        sa.CheckConstraint("amount >= 0 AND free >= 0", name="telegram_hold_money"),
    )
    op.create_index("telegram_hold_of_user", "telegram_hold", ["user"])


def _topups() -> None:
    op.create_table(
        "telegram_topup",
        _key("id", 32),
        _long("user"),
        _text("method", 8),
        _long("created"),
        _long("nano"),
        _long("stars"),
        _text("state", 12),
        _long("received"),
        _long("paid_at", nullable=True),
        sa.Column("charge_id", sa.String(160), unique=True),
        sa.Column("refunds", sa.Integer, nullable=False),
        _long("refund_nano"),
    )
    op.create_index("telegram_topup_of_user", "telegram_topup", ["user", "created"])
    op.create_table(
        "telegram_cursor",
        _key("address", 80),
        _long("lt"),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )


def _people() -> None:
    op.create_table("telegram_login", _key("hash", 64), _text("nonce", 64), _long("expires"))
    op.create_index("telegram_login_expires", "telegram_login", ["expires"])
    op.create_table(
        "telegram_answer",
        _key("reference", 160),
        _long("user"),
        _text("chat", 48),
        _long("at"),
        sa.Column("facts", sa.Text, nullable=False),
    )
    op.create_index("telegram_answer_of_chat", "telegram_answer", ["chat", "at"])
    op.create_index("telegram_answer_of_user", "telegram_answer", ["user"])
    op.create_index("telegram_answer_at", "telegram_answer", ["at"])


def _chats() -> None:
    op.create_table(
        "telegram_chat",
        _key("id", 48),
        _long("last_seen"),
        _text("model", 200),
        _text("price_class", 16),
        _text("language", 16),
        sa.Column("sealed_prompt", sa.LargeBinary),
    )
    op.create_table(
        "telegram_turn",
        sa.Column("id", _SERIAL, primary_key=True),
        _text("chat", 48),
        _long("at"),
        _text("role", 12),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("telegram_turn_of_chat", "telegram_turn", ["chat", "id"])


def _operations() -> None:
    op.create_table(
        "telegram_update",
        _id(),
        _long("at"),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
    )
    op.create_table("telegram_failure", _id("day"), _key("code", 48), _long("count"))


def downgrade() -> None:
    """Drop them again."""
    for table in (
        "failure", "update", "turn", "chat", "answer", "login",
        "cursor", "topup", "hold", "entry", "user", "service",
    ):  # fmt: skip
        op.drop_table(f"telegram_{table}")
