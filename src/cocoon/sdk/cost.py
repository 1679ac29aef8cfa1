"""What an answer cost and who computed it: the ``cocoon`` block as typed values."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cocoon.accounting import Nano
from cocoon.errors import UpstreamError
from cocoon.sdk.options import show_ton

BLOCK = "cocoon"


class AdjustedTokens(msgspec.Struct, frozen=True):
    """Tokens as they are charged (``onchain.md`` §13)."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0
    total: int = 0


class Party(msgspec.Struct, frozen=True):
    """A proxy or worker.

    Attributes:
        image: its image hash in hex; empty when nothing is known.
        evidence: kind of its evidence, such as ``tdx``.
        address: of a proxy's contract, friendly form.
        owner: of a worker, friendly form.
    """

    image: str = ""
    evidence: str = ""
    address: str = ""
    owner: str = ""


class Timings(msgspec.Struct, frozen=True):
    """Seconds: until the first byte, if there was one, and in all."""

    first_byte: float | None = None
    total: float = 0.0


class Cost(msgspec.Struct, frozen=True):
    """What one answer cost.

    Attributes:
        cost_nanoton: nanoTON.
        tokens: what was charged for.
        proxy: as this process verified it.
        worker: as the proxy verified it; None where it did not tell.
        timings: how long it took.
    """

    cost_nanoton: int
    tokens: AdjustedTokens = AdjustedTokens()
    proxy: Party = Party()
    worker: Party | None = None
    timings: Timings = Timings()

    @property
    def nano(self) -> Nano:
        """The cost as an amount."""
        return Nano(self.cost_nanoton)

    def __str__(self) -> str:
        counted = self.tokens
        return (
            f"{show_ton(self.cost_nanoton)} for {counted.total} adjusted tokens "
            f"(prompt {counted.prompt}, cached {counted.cached}, completion {counted.completion}, "
            f"reasoning {counted.reasoning}) in {self.timings.total:.1f} s"
        )


def cost_of(answer: object) -> Cost | None:
    """The cost of an answer or of a stream's chunk; None where it carries none.

    A stream carries it in its last chunk, if it was asked for usage:
    ``stream_options={"include_usage": True}``.

    Args:
        answer: what the ``openai`` package returned, parsed.

    Raises:
        UpstreamError: the block makes no sense.
    """
    extra: Mapping[str, Any] | None = getattr(answer, "model_extra", None)
    block = None if not extra else extra.get(BLOCK)
    if block is None:
        # The Responses API's events carry a whole response inside.
        inner = getattr(answer, "response", None)
        return None if inner is None or inner is answer else cost_of(inner)
    try:
        return msgspec.convert(block, Cost)
    except msgspec.ValidationError as error:
        raise UpstreamError(f"the answer's `{BLOCK}` block makes no sense: {error}") from None
