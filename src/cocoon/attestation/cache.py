"""Bounded memory of evidence that verified, with expiry."""

from cocoon.attestation.evidence import VerifiedEvidence


class VerificationCache:
    """LRU of verified evidence; an entry lives for ``ttl`` and never past its own expiry.

    Only successes are kept, and policy checks are made again every time.
    """

    def __init__(self, *, capacity: int = 10_000, ttl: int = 3600) -> None:
        self.capacity = capacity
        self.ttl = ttl

    def get(self, key: bytes, now: int) -> VerifiedEvidence | None:
        """The result stored under ``key``, unless it has expired at ``now`` (unix seconds)."""
        raise NotImplementedError

    def put(self, key: bytes, evidence: VerifiedEvidence, now: int) -> None:
        """Keep a result."""
        raise NotImplementedError
