"""Count the tokens of an answer while it passes through (``wire-protocol.md`` §6.1).

Skeleton; see the class.
"""

from collections.abc import Callable

import msgspec


class MeteredUsage(msgspec.Struct, frozen=True):
    """Raw token counts of one answer, before any price.

    Attributes:
        prompt: tokens of the prompt, cached ones included.
        cached: those of them that the engine found in its cache.
        completion: generated tokens, reasoning included.
        reasoning: those of them that were reasoning.
        estimated: the engine did not report usage; the counts follow our written rule.
    """

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0
    estimated: bool = False


class UsageCost(msgspec.Struct, frozen=True):
    """What official workers add to ``usage``, in nanoTON (``wire-protocol.md`` §6.1)."""

    prompt_total_cost: int
    completion_total_cost: int
    total_cost: int


class Meter:
    """Pass an answer's bytes on and read its usage on the way."""

    def __init__(
        self,
        *,
        status: int,
        content_type: str,
        request_size: int,
        max_tokens: int | None = None,
        annotate: Callable[[MeteredUsage], UsageCost] | None = None,
    ) -> None: ...

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes of the answer; return what may be forwarded now."""
        raise NotImplementedError

    def end(self) -> bytes:
        """The answer is over; return bytes that were held back (none without `annotate`)."""
        raise NotImplementedError

    def finish(self) -> MeteredUsage:
        """Return the usage of what has been seen; also right after an answer that broke off."""
        raise NotImplementedError
