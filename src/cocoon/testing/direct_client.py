"""An inference client with no network behind it: the engine is asked directly.

For measuring a gateway alone. Nothing is attested, nothing is paid; it says so in its summaries.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self

from cocoon.accounting import Nano, PriceList
from cocoon.client.api import (
    ClientRequest,
    ModelInfo,
    Outcome,
    PeerSummary,
    RequestSummary,
    WorkerInfo,
)
from cocoon.engine.base import Engine, EngineRequest, EngineResponse

PRICES = PriceList(Nano(10), Nano(9))
COST = Nano(1000)
"""What every request costs, whatever it used: nobody counts here."""
SUMMARY = RequestSummary(0, 0, 0, 0, 0, COST, PeerSummary("", "none"))


class DirectResponse:
    """An engine's answer as a client's."""

    def __init__(self, answer: EngineResponse, request: ClientRequest) -> None:
        self.status = answer.status
        self.reason = answer.reason
        self.headers: Sequence[tuple[str, str]] = answer.headers
        self.summary: RequestSummary | None = None
        self._answer = answer
        self._on_settled = request.on_settled

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._answer.next_chunk()) is not None:
            yield piece
        self.summary = SUMMARY
        self._settle()

    async def read(self) -> bytes:
        """All remaining body bytes."""
        return b"".join([piece async for piece in self])

    async def aclose(self) -> None:
        """Stop the engine if it has not ended."""
        await self._answer.aclose()
        self._settle()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _settle(self) -> None:
        callback, self._on_settled = self._on_settled, None
        if callback is not None:
            callback(Outcome(COST, told=True))


class DirectClient:
    """Asks one engine.

    Args:
        engine: that answers.
        model: the only one listed.
    """

    ready = True

    def __init__(self, engine: Engine, model: str) -> None:
        self._engine = engine
        self._model = model

    async def run(self, request: ClientRequest) -> DirectResponse:
        """Send a request to the engine and wait for the head of its answer.

        Raises:
            EngineError: the engine cannot be reached.
        """
        deadline = asyncio.get_running_loop().time() + request.timeout
        engine_request = EngineRequest("POST", request.path, request.headers, request.body)
        return DirectResponse(await self._engine.send(engine_request, deadline), request)

    async def models(self) -> list[ModelInfo]:
        """The engine's model."""
        return [ModelInfo(self._model, (WorkerInfo(1000, 0, 1000),))]

    def bound(self, request: ClientRequest) -> Nano:
        """See :data:`COST`."""
        return COST

    def prices(self) -> PriceList:
        """Prices that nobody pays."""
        return PRICES
