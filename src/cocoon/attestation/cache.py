"""Bounded memory of evidence that verified, with expiry."""

from collections import OrderedDict
from typing import Protocol


class Expiring(Protocol):
    """What is kept: evidence of a CPU or of a GPU that verified."""

    @property
    def expires_at(self) -> int | None:
        """Unix seconds after which it must be verified again; None when nothing in it expires."""
        ...


DEFAULT_CAPACITY = 10_000
DEFAULT_TTL = 3600


class VerificationCache:
    """LRU of verified evidence; an entry lives for ``ttl`` and never past its own expiry.

    Only successes are kept, and a policy is applied again to every hit. Keys are hashes of the
    quote, the pinned root and the collateral in force, so newer collateral misses.

    Args:
        capacity: entries.
        ttl: seconds.
    """

    def __init__(self, *, capacity: int = DEFAULT_CAPACITY, ttl: int = DEFAULT_TTL) -> None:
        self.capacity = capacity
        self.ttl = ttl
        self._entries: OrderedDict[bytes, tuple[int, int, Expiring]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, now: int) -> Expiring | None:
        """The result stored under ``key``, unless it has expired at ``now`` (unix seconds).

        A clock that went back to before the entry was made also counts as expired.
        """
        entry = self._entries.get(key)
        if entry is None:
            return None
        stored_at, expires_at, evidence = entry
        if not stored_at <= now < expires_at:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return evidence

    def put(self, key: bytes, evidence: Expiring, now: int) -> None:
        """Keep a result; the least recently used one goes when there is no room."""
        expires_at = now + self.ttl
        if evidence.expires_at is not None:
            expires_at = min(expires_at, evidence.expires_at)
        self._entries[key] = (now, expires_at, evidence)
        self._entries.move_to_end(key)
        while len(self._entries) > self.capacity:
            self._entries.popitem(last=False)
