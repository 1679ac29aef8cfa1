"""What requests really cost, told also for those that were given up.

An answer carries its cost at its end. Who stops reading before never sees it, and yet pays for what
was computed until then. Inside :func:`watch_costs` every request of the task, and of tasks that it
starts, reports its cost once the network has told it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from cocoon.accounting import Nano
from cocoon.accounting.amount import NO_NANO
from cocoon.client.api import Outcome
from cocoon.gateway.gate import Caller, Demand, OpenGate, Permit

_watching: ContextVar["Costs | None"] = ContextVar("cocoon_costs", default=None)


class Costs:
    """The costs of the requests that began while it was watching.

    Attributes:
        begun: how many requests were sent, repetitions included.
    """

    def __init__(self) -> None:
        self.begun = 0
        self._open = 0
        self._outcomes: list[Outcome] = []
        self._settled = asyncio.Event()
        self._settled.set()

    async def total(self, timeout: float) -> Outcome | None:
        """The sum, once every request is settled; None where one was not in ``timeout`` seconds.

        ``told`` is False where a proxy never told, and the sum has the most that it may be.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._settled.wait()
        except TimeoutError:
            return None
        return Outcome(
            sum((item.cost for item in self._outcomes), NO_NANO),
            all(item.told for item in self._outcomes),
            sum(item.prompt_tokens for item in self._outcomes),
            sum(item.completion_tokens for item in self._outcomes),
        )

    def begin(self) -> None:
        """A request was let in."""
        self.begun += 1
        self._open += 1
        self._settled.clear()

    def end(self, outcome: Outcome) -> None:
        """A request's cost is known."""
        self._outcomes.append(outcome)
        self._open -= 1
        if self._open == 0:
            self._settled.set()


@contextmanager
def watch_costs() -> Iterator[Costs]:
    """Learn what the requests cost that begin inside; ask when they have ended.

    ::

        with watch_costs() as costs:
            stream = await ai.chat.completions.create(..., stream=True)
            await stream.close()  # the user has seen enough
        outcome = await costs.total(timeout=30)

    It sees requests of :class:`cocoon.AsyncClient` and :func:`cocoon.async_transport`, not those of
    a gateway elsewhere, and belongs to the running event loop.
    """
    costs = Costs()
    token = _watching.set(costs)
    try:
        yield costs
    finally:
        _watching.reset(token)


class ReportingGate(OpenGate):
    """Lets everybody in, and tells whoever watches what it cost."""

    async def admit(self, caller: Caller, demand: Demand) -> Permit:
        """See :class:`cocoon.gateway.gate.Gate`."""
        costs = _watching.get()
        return await super().admit(caller, demand) if costs is None else _Reporting(costs)


class _Reporting:
    """Reports once."""

    __slots__ = ("_costs",)
    headers = ()

    def __init__(self, costs: Costs) -> None:
        self._costs = costs
        costs.begin()

    def extend(self, most: Nano) -> bool:  # noqa: ARG002
        """There is no limit."""
        return True

    def settle(self, outcome: Outcome, status: int) -> None:  # noqa: ARG002
        """Tell the cost."""
        self._costs.end(outcome)
