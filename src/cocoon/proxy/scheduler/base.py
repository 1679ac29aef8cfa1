"""The interface of a scheduling policy."""

from collections.abc import Sequence
from typing import Protocol


class Candidate(Protocol):
    """What a policy may know about a worker connection that can take the request."""

    @property
    def connection_id(self) -> int:
        """Grows with every new connection."""
        ...

    @property
    def coefficient(self) -> int:
        """Price multiplier × 1000."""
        ...

    @property
    def running(self) -> int:
        """Requests running there now."""
        ...

    @property
    def limit(self) -> int:
        """Requests it takes at a time; at least 1."""
        ...

    @property
    def seconds_per_request(self) -> float:
        """Decayed mean duration of its last requests, 0.0 while unknown."""
        ...


class Scheduler(Protocol):
    """Chooses among candidates that are ready, below their limit and cheap enough."""

    def __call__(self, candidates: Sequence[Candidate]) -> int:
        """Index of the chosen candidate; ``candidates`` is never empty."""
        ...
