"""An inference client that answers from a script: for tests and benchmarks of what calls it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Self

from cocoon.accounting import Nano, PriceList
from cocoon.client.api import (
    ClientRequest,
    InferenceResponse,
    ModelInfo,
    OnSettled,
    Outcome,
    PeerSummary,
    RequestSummary,
    WorkerInfo,
)
from cocoon.errors import CocoonError

JSON_HEADERS = (("Content-Type", "application/json"),)
EVENT_HEADERS = (("Content-Type", "text/event-stream"),)

SUMMARY = RequestSummary(
    prompt=11,
    cached=2,
    completion=5,
    reasoning=1,
    total=19,
    cost=Nano(1900),
    proxy=PeerSummary(image_hash="ab" * 32, evidence="tdx-simulated"),
)
"""What every scripted answer says that it used."""

Step = bytes | float | BaseException
"""One step of a body: bytes to yield, seconds to wait, or an error to raise."""


class ScriptedResponse:
    """An answer whose body is a list of steps.

    Attributes:
        closed: set when the caller abandoned it before its end.
        ended: whether the whole body was taken.
        on_settled: told once what the answer cost, at its end or when it is abandoned.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        *,
        status: int = 200,
        headers: Sequence[tuple[str, str]] = JSON_HEADERS,
        summary: RequestSummary | None = SUMMARY,
    ) -> None:
        self.status = status
        self.reason = "OK" if status < 400 else "Error"
        self.headers = headers
        self.summary: RequestSummary | None = None
        self.closed = asyncio.Event()
        self.ended = False
        self.on_settled: OnSettled | None = None
        self._steps = steps
        self._final = summary

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for step in self._steps:
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                yield step
        self.summary = self._final
        self.ended = True
        self._settle()

    async def read(self) -> bytes:
        """All remaining body bytes."""
        return b"".join([part async for part in self])

    async def aclose(self) -> None:
        """Note that the answer was abandoned, unless it had ended."""
        if not self.ended:
            self.closed.set()
        self._settle()

    def _settle(self) -> None:
        callback, self.on_settled = self.on_settled, None
        if callback is not None:
            summary = self._final
            callback(
                Outcome(Nano(0), told=True)
                if summary is None
                else Outcome(
                    summary.cost,
                    told=True,
                    prompt_tokens=summary.prompt + summary.cached,
                    completion_tokens=summary.completion + summary.reasoning,
                )
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


Script = Callable[[ClientRequest], InferenceResponse | BaseException]


class ScriptedClient:
    """A fake client: there is no network behind it, and nothing that it says was attested.

    Args:
        script: makes the answer to a request, or the error to raise for it.
        delay: seconds before each answer.
        models: what :meth:`models` lists.

    Attributes:
        requests: every request so far.
        ready: as in the interface; set it as a test needs it.
    """

    def __init__(
        self,
        script: Script,
        *,
        delay: float = 0.0,
        models: Sequence[ModelInfo] = (ModelInfo("demo", (WorkerInfo(1000, 0, 8),)),),
    ) -> None:
        self.requests: list[ClientRequest] = []
        self.script = script
        self.ready = True
        self._delay = delay
        self._models = list(models)

    async def run(self, request: ClientRequest) -> InferenceResponse:
        """Answer as the script says."""
        self.requests.append(request)
        if self._delay:
            await asyncio.sleep(self._delay)
        answer = self.script(request)
        if isinstance(answer, BaseException):
            if request.on_settled is not None:
                request.on_settled(Outcome(Nano(0), told=True))
            raise answer
        if isinstance(answer, ScriptedResponse):
            answer.on_settled = request.on_settled
        return answer

    def bound(self, request: ClientRequest) -> Nano:
        """Ten nanoTON for each byte and each token at ×1.0."""
        tokens = len(request.body) + request.max_tokens
        return Nano(10 * tokens * request.max_coefficient // 1000)

    def prices(self) -> PriceList:
        """Ten nanoTON a token, all kinds alike."""
        return PriceList(Nano(10), Nano(9))

    async def models(self) -> list[ModelInfo]:
        """The models of the script."""
        return self._models


def failing(error: CocoonError) -> ScriptedClient:
    """A client on which every request fails with ``error``."""
    return ScriptedClient(lambda _: error)
