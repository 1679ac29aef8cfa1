"""One answer while it is running: what came of it, and what it cost in the end."""

import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from cocoon.accounting import Nano
from cocoon.errors import UpstreamError
from cocoon.sdk.cost import Cost, Party, cost_of
from cocoon.sdk.settlement import Costs
from cocoon.telegram.assistant import told
from cocoon.telegram.assistant.catalog import Offer
from cocoon.telegram.assistant.pricing import estimate
from cocoon.telegram.assistant.told import understood
from cocoon.telegram.assistant.values import Facts, Question

BYTES_PER_TOKEN = 4
"""Of a prompt, where nobody counted its tokens; as quotes estimate."""


@dataclass(frozen=True, slots=True)
class Used:
    """What was used in the end.

    Attributes:
        cost: nanoTON that the network charged, or may have.
        is_estimate: whether that is our own count.
        prompt_tokens, completion_tokens: adjusted tokens.
    """

    cost: Nano
    is_estimate: bool
    prompt_tokens: int
    completion_tokens: int


class Running:
    """Collects what is known of one answer.

    Args:
        question: that is being answered.
        offer: the model.
        clock: Unix seconds.

    Attributes:
        costs: tells what requests of this process cost; None for a gateway elsewhere.
        has_begun: whether anything of the answer came.
    """

    def __init__(self, question: Question, offer: Offer, clock: Callable[[], float]) -> None:
        self.question = question
        self.offer = offer
        self.costs: Costs | None = None
        self.has_begun = False
        self._at = int(clock())
        self._start = time.monotonic()
        self._first: float | None = None
        self._pieces = 0
        self._was_sent = False
        self._finish = "stopped"
        self._reason = ""
        self._told: Cost | None = None

    async def pieces(self, stream: Any) -> AsyncGenerator[str, None]:
        """The text of an answer's stream; closes it at the end, which stops the worker.

        Args:
            stream: ``openai.AsyncStream`` of chat chunks.

        Raises:
            UpstreamError: what comes makes no sense.
        """
        self._was_sent = True
        chunks = aiter(stream)
        try:
            while True:
                with understood():  # not around the `yield`
                    try:
                        text = self._piece(await anext(chunks))
                    except StopAsyncIteration:
                        return
                if text:
                    self._count()
                    yield text
        finally:
            await stream.close()

    def take_whole(self, answer: object) -> None:
        """An answer that came at once."""
        self._was_sent = True
        self._count()
        self._take_cost(answer)

    def ended(self) -> None:
        """It came to its end."""
        self._finish = self._reason or "stop"

    def failed(self) -> None:
        """It broke off."""
        self._finish = "error"

    async def used(self, patience: float) -> Used:
        """What it cost, once that is known; our own count where it is not in ``patience`` seconds.

        A gateway elsewhere tells the cost at the end of an answer only.
        """
        if self.costs is not None:
            outcome = await self.costs.total(patience)
            if outcome is not None and outcome.told:
                return Used(outcome.cost, False, outcome.prompt_tokens, outcome.completion_tokens)
        if self._told is not None:
            tokens = self._told.tokens
            prompt, completion = tokens.prompt + tokens.cached, tokens.completion
            return Used(self._told.nano, False, prompt, completion + tokens.reasoning)
        if not self._was_sent:
            return Used(Nano(0), False, 0, 0)
        prompt = -(-self._prompt_bytes() // BYTES_PER_TOKEN)
        return Used(estimate(prompt, self._pieces, self.offer.prices), True, prompt, self._pieces)

    def facts(self, used: Used, charged: int) -> Facts:
        """What is told about it; ``charged`` is nanoTON."""
        who = self._told or Cost(0)
        return Facts(
            reference=self.question.reference,
            at=self._at,
            model=self.offer.model.name,
            finish=self._finish,
            cost=int(used.cost),
            charged=charged,
            is_estimate=used.is_estimate,
            prompt_tokens=used.prompt_tokens,
            completion_tokens=used.completion_tokens,
            seconds=round(time.monotonic() - self._start, 3),
            first=None if self._first is None else round(self._first, 3),
            proxy=_party(who.proxy, "address"),
            worker=None if who.worker is None else _party(who.worker, "owner"),
        )

    def _count(self) -> None:
        self.has_begun = True
        self._pieces += 1
        if self._first is None:
            self._first = time.monotonic() - self._start

    def _piece(self, chunk: Any) -> str:
        self._take_cost(chunk)
        text = ""
        for choice in chunk.choices[:1]:
            self._reason = told.name(choice.finish_reason) or self._reason
            if choice.delta is not None:
                text = told.text(choice.delta.content)
        return text

    def _take_cost(self, answer: object) -> None:
        try:
            found = cost_of(answer)
            self._told = self._told if found is None else told.cost(found)
        except UpstreamError:  # of a gateway elsewhere; the answer is none the worse
            return

    def _prompt_bytes(self) -> int:
        texts = [self.question.system, *(turn.text for turn in self.question.turns)]
        return sum(len(text.encode()) for text in texts)


def _party(party: Party, last: str) -> dict[str, str]:
    """Its known members."""
    names = ("image", "evidence", last)
    return {name: value for name in names if (value := getattr(party, name))}
