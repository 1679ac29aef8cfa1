"""The tables of a Telegram service. Money is nanoTON, times are Unix seconds.

What people wrote, and what they were answered, stands only in columns named ``sealed``, encrypted
under the key of the service (:mod:`cocoon.telegram.vault`).
"""

import sqlalchemy as sa

metadata = sa.MetaData()

_big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up only in INTEGER

service = sa.Table(
    "telegram_service",  # one row: the process that serves this store; the others may not write
    metadata,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
    sa.Column("owner", sa.String(32), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)

users = sa.Table(
    "telegram_user",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Column("language", sa.String(16), nullable=False, default=""),
    sa.Column("balance", sa.BigInteger, nullable=False, default=0),  # held money is not in it
    sa.Column("free_day", sa.BigInteger, nullable=False, default=0),  # UTC day of `free_used`
    sa.Column("free_used", sa.BigInteger, nullable=False, default=0),
    sa.Column("blocked", sa.Boolean, nullable=False, default=False),
    sa.CheckConstraint("balance >= 0 AND free_used >= 0", name="telegram_user_money"),
)

entries = sa.Table(
    "telegram_entry",  # the ledger: rows are added, never changed
    metadata,
    sa.Column("id", _big, primary_key=True, autoincrement=True),
    sa.Column("user", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("reference", sa.String(160), nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),  # what it does to the balance
    sa.Column("free", sa.BigInteger, nullable=False, default=0),  # what the allowance paid
    sa.Column("detail", sa.Text, nullable=False, default=""),  # JSON; never content
    sa.UniqueConstraint("kind", "reference"),
    sa.Index("telegram_entry_of_user", "user", "id"),
    sa.Index("telegram_entry_at", "at"),
)

holds = sa.Table(
    "telegram_hold",  # reservations; one that was settled or released is deleted
    metadata,
    sa.Column("reference", sa.String(160), primary_key=True),
    sa.Column("user", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("ticket", sa.String(16), nullable=False),  # another for each time it is held
    sa.Column("amount", sa.BigInteger, nullable=False),  # taken off the balance
    sa.Column("free", sa.BigInteger, nullable=False),  # taken off the allowance
    sa.Column("free_day", sa.BigInteger, nullable=False),
    sa.CheckConstraint("amount >= 0 AND free >= 0", name="telegram_hold_money"),
    sa.Index("telegram_hold_of_user", "user"),
)

topups = sa.Table(
    "telegram_topup",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),  # random; the comment of a transfer
    sa.Column("user", sa.BigInteger, nullable=False),
    sa.Column("method", sa.String(8), nullable=False),  # "ton" or "stars"
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("nano", sa.BigInteger, nullable=False),  # what was asked for
    sa.Column("stars", sa.BigInteger, nullable=False, default=0),
    sa.Column("state", sa.String(12), nullable=False),  # open, paid, refunding, refunded
    sa.Column("received", sa.BigInteger, nullable=False, default=0),  # what was credited
    sa.Column("paid_at", sa.BigInteger),
    sa.Column("charge_id", sa.String(160), unique=True),  # Telegram's, for Stars
    sa.Column("refunds", sa.Integer, nullable=False, default=0),  # how often one was begun
    sa.Column("refund_nano", sa.BigInteger, nullable=False, default=0),  # taken off for it
    sa.Index("telegram_topup_of_user", "user", "created"),
)

cursors = sa.Table(
    "telegram_cursor",  # how far an account on chain was read
    metadata,
    sa.Column("address", sa.String(80), primary_key=True),
    sa.Column("lt", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

logins = sa.Table(
    "telegram_login",  # initData that was taken once
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Index("telegram_login_expires", "expires"),
)

chats = sa.Table(
    "telegram_chat",  # a chat, or one topic of it
    metadata,
    sa.Column("id", sa.String(48), primary_key=True),  # "CHAT" or "CHAT/TOPIC"
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Column("model", sa.String(200), nullable=False, default=""),  # empty: the service's default
    sa.Column("price_class", sa.String(16), nullable=False, default=""),
    sa.Column("language", sa.String(16), nullable=False, default=""),
    sa.Column("sealed_prompt", sa.LargeBinary),
)

turns = sa.Table(
    "telegram_turn",  # history
    metadata,
    sa.Column("id", _big, primary_key=True, autoincrement=True),
    sa.Column("chat", sa.String(48), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("role", sa.String(12), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Index("telegram_turn_of_chat", "chat", "id"),
)

answers = sa.Table(
    "telegram_answer",  # who computed an answer and what was verified; no content
    metadata,
    sa.Column("reference", sa.String(160), primary_key=True),
    sa.Column("user", sa.BigInteger, nullable=False),
    sa.Column("chat", sa.String(48), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),  # JSON
    sa.Index("telegram_answer_of_chat", "chat", "at"),
    sa.Index("telegram_answer_of_user", "user"),
    sa.Index("telegram_answer_at", "at"),
)

inbox = sa.Table(
    "telegram_update",  # updates that Telegram was told we have
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("sealed", sa.LargeBinary),  # NULL once it was handled
)

failures = sa.Table(
    "telegram_failure",  # for operators: how often what went wrong on a UTC day
    metadata,
    sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("code", sa.String(48), primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
)
