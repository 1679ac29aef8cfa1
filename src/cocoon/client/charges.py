"""What requests cost in the end: told once each, also to callers that have long gone.

A request that its caller abandons is still charged, and budgets need to know how much. One that was
sent to several proxies may be charged by more than one. :class:`Tally` adds up the attempts of one
request; :class:`Charges` belongs to a connection and knows which attempts wait for a proxy's word.
"""

import asyncio
from dataclasses import dataclass

from cocoon.accounting import Nano, PriceList, Tokens
from cocoon.client.api import OnSettled, Outcome
from cocoon.errors import PaymentError
from cocoon.tl.types import TokensUsed

PATIENCE = 60.0
"""Seconds after its deadline in which a proxy may still tell what an abandoned request cost."""


class Tally:
    """The attempts of one request.

    Args:
        on_settled: called once, when no attempt is open and no more will follow.

    Attributes:
        most: nanoTON that all attempts so far can cost together.
    """

    __slots__ = (
        "_completion",
        "_cost",
        "_done",
        "_on_settled",
        "_open",
        "_prompt",
        "_told",
        "most",
    )

    def __init__(self, on_settled: OnSettled) -> None:
        self.most = 0
        self._on_settled = on_settled
        self._open = 0
        self._done = False
        self._told = True
        self._cost = 0
        self._prompt = 0
        self._completion = 0

    def begin(self, bound: Nano) -> None:
        """An attempt was sent that can cost so much."""
        self._open += 1
        self.most += int(bound)

    def end(self, cost: Nano, bound: Nano, used: tuple[int, int] | None) -> None:
        """What an attempt cost is known.

        Args:
            cost: of it.
            bound: as at its beginning.
            used: tokens of prompt and answer; None when the proxy never told.
        """
        self._open -= 1
        self._cost += int(cost)
        self.most += int(cost) - int(bound)
        if used is None:
            self._told = False
        else:
            self._prompt += used[0]
            self._completion += used[1]
        self._settle()

    def done(self) -> None:
        """No attempt will follow."""
        self._done = True
        self._settle()

    def _settle(self) -> None:
        if self._done and not self._open:
            self._done = False  # never twice
            self._on_settled(Outcome(Nano(self._cost), self._told, self._prompt, self._completion))


@dataclass(slots=True)
class _Charge:
    tally: Tally
    tokens: int
    bound: Nano
    deadline: float
    timer: asyncio.TimerHandle | None = None


class Charges:
    """Attempts on one connection whose cost is not known yet.

    Args:
        prices: of the connection.
    """

    def __init__(self, prices: PriceList) -> None:
        self._prices = prices
        self._open: dict[bytes, _Charge] = {}

    def __len__(self) -> int:
        return len(self._open)

    def expect(self, request_id: bytes, tally: Tally, bound: Tokens, deadline: float) -> None:
        """An attempt was sent that can cost so many tokens; ``deadline`` in the loop's time."""
        cost = self._prices.cost(bound)
        self._open[request_id] = _Charge(tally, int(bound), cost, deadline)
        tally.begin(cost)

    def told(self, request_id: bytes, used: TokensUsed) -> None:
        """The proxy says what a request used; no more than agreed is believed."""
        charge = self._take(request_id)
        if charge is None:
            return
        try:
            cost = self._prices.cost(Tokens(used.total_tokens_used))
        except PaymentError:
            cost = charge.bound
        cost = min(cost, charge.bound)
        charge.tally.end(cost, charge.bound, _counts(used, charge.tokens))

    def abandoned(self, request_id: bytes) -> None:
        """The caller has gone: wait for the proxy's word, but not for ever."""
        charge = self._open.get(request_id)
        if charge is None or charge.timer is not None:
            return
        loop = asyncio.get_running_loop()
        when = max(loop.time(), charge.deadline) + PATIENCE
        charge.timer = loop.call_at(when, self._give_up, request_id)

    def lost(self) -> None:
        """The connection is gone: nobody will tell any more."""
        for request_id in list(self._open):
            self._give_up(request_id)

    def _give_up(self, request_id: bytes) -> None:
        charge = self._take(request_id)
        if charge is not None:
            charge.tally.end(charge.bound, charge.bound, None)

    def _take(self, request_id: bytes) -> _Charge | None:
        charge = self._open.pop(request_id, None)
        if charge is not None and charge.timer is not None:
            charge.timer.cancel()
        return charge


def _counts(used: TokensUsed, most: int) -> tuple[int, int]:
    """Tokens of prompt and answer, together no more than ``most``.

    A proxy can write any 64 bits into each, and they need not add up: they go into databases.
    """
    prompt = min(used.prompt_tokens_used + used.cached_tokens_used, most)
    answer = used.completion_tokens_used + used.reasoning_tokens_used
    return prompt, min(answer, most - prompt)
