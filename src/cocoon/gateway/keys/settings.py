"""Settings of a gate that keeps keys."""

from dataclasses import dataclass, field

from cocoon.gateway.keys.limits import NO_LIMITS, Limits

FLUSH_SECONDS = 0.1
"""Between two batches of usage: what an unclean death may lose of the ledger."""
POLL_SECONDS = 0.5
"""Between two looks whether a key has changed."""
HEARTBEAT_SECONDS = 2.0
ALIVE_SECONDS = 6.0
"""A process whose heartbeat is younger counts when rate limits are divided."""
PATIENCE_SECONDS = 10.0
"""Without the store for longer, every call that needs a key is refused with 503."""
DEAD_SECONDS = 60.0
"""A process silent for longer is dead: its leases may be reconciled. It stops to admit requests
long before, after ``PATIENCE_SECONDS``."""
MAX_PENDING = 100_000
"""Ledger rows that wait for the store; with more, requests are refused with 503."""
MAX_USERS = 100_000
"""End users in memory at a time."""
SPARE_SECONDS = 1.0
"""How long an unused lease is kept."""
CHUNK_PART = 32
"""A lease is at most this part of a cap beyond what requests need now, and an eighth of what is
free: what a crash makes unusable, and what other processes must wait for, stays small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysSettings:
    """Where keys are kept and what holds for all of them.

    Attributes:
        store: database URL, ``sqlite:///…`` or ``postgresql://…``; may hold a password.
        key_limits: of keys that have none of their own.
        user_limits: of end users whose key has none for them.
        retention_days: ledger rows older than this are deleted; 0 keeps them.
    """

    store: str = field(repr=False)
    key_limits: Limits = NO_LIMITS
    user_limits: Limits = NO_LIMITS
    retention_days: int = 0
