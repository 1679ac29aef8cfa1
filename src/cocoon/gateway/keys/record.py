"""A key as the store keeps it."""

from dataclasses import dataclass, field

from cocoon.gateway.keys.limits import NO_LIMITS, Limits
from cocoon.gateway.keys.scopes import DEFAULT_SCOPES

MAX_NAME = 100
MAX_NOTES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One API key, without its secret. Times are Unix seconds.

    Attributes:
        key_id: public part of the key.
        name: what people call it.
        secret_hash: SHA-256 of the secret.
        old_hash: of the secret before the last rotation.
        old_until: when the old secret stops to work.
        scopes: words of :mod:`cocoon.gateway.keys.scopes`.
        models: globs; empty is every model.
        limits: of the key.
        user_limits: of each end user that calls with it.
        created_at, expires_at, revoked_at: None is never.
        disabled: refused until it is enabled again.
        last_used_at: to the minute.
        notes: for people.
        version: the store's version when this was last changed.
    """

    key_id: str
    name: str
    secret_hash: bytes = field(repr=False)
    created_at: int
    old_hash: bytes | None = field(default=None, repr=False)
    old_until: int | None = None
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    models: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS
    user_limits: Limits = NO_LIMITS
    expires_at: int | None = None
    revoked_at: int | None = None
    disabled: bool = False
    last_used_at: int | None = None
    notes: str = ""
    version: int = 0

    def state(self, now: float) -> str:
        """``active``, ``disabled``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        if self.disabled:
            return "disabled"
        if self.expires_at is not None and now >= self.expires_at:
            return "expired"
        return "active"
