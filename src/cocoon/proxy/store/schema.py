"""Tables of the proxy's store. A change here needs a migration in ``migrations/versions``."""

import sqlalchemy as sa

metadata = sa.MetaData()

proxy_state = sa.Table(
    "proxy_state",
    metadata,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
    sa.Column("public_key", sa.LargeBinary(32), nullable=False),
    sa.Column("contract", sa.String(72), nullable=False),
    sa.Column("seqno", sa.BigInteger, nullable=False),
    sa.Column("seen_lt", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("seen_hash", sa.LargeBinary(32), nullable=False, server_default=""),
)

state_commit = sa.Table(
    "state_commit",
    metadata,
    sa.Column("seqno", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
)

client_account = sa.Table(
    "client_account",
    metadata,
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

worker_account = sa.Table(
    "worker_account",
    metadata,
    sa.Column("owner", sa.String(72), primary_key=True),
    sa.Column("contract", sa.String(72), nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("signable", sa.BigInteger, nullable=False),
    sa.Column("paid", sa.BigInteger, nullable=False),
    sa.Column("last_request_at", sa.BigInteger, nullable=False),
    sa.CheckConstraint("used >= signable AND signable >= 0", name="worker_levels"),
)
